"""What moved the lots of an account in a stretch of time, with what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple, get_args

from ledger.calendars import day_of
from ledger.database import Rows
from ledger.lots import LotId, cost_of
from projections.books import Book
from projections.holdings import Stretch, arrivals_of, covered_of, draws_of
from projections.lot_facts import LotRow

MoveKind = Literal[
    "opening", "purchase", "recharge", "gift", "transfer-in", "transfer-out", "consumption",
    "refund", "adjustment", "write-off", "covered",
]  # fmt: skip
MOVE_KINDS: Final[tuple[MoveKind, ...]] = get_args(MoveKind)

_OF_LOT: Final[Mapping[str, MoveKind]] = {
    "purchase": "purchase", "recharge": "recharge", "gift": "gift", "opening": "opening",
    "adjustment": "adjustment", "write-off": "write-off", "transfer": "transfer-in",
}  # fmt: skip
_OF_DRAW: Final[Mapping[str, MoveKind]] = {
    "used": "consumption", "transfer": "transfer-out", "refund": "refund",
    "refund-beyond": "refund", "adjustment": "adjustment", "write-off": "write-off",
    "opening": "opening",
}  # fmt: skip


class Move(NamedTuple):
    """Credits of a lot that came to an account (`sign` 1) or left it (-1); None: of no lot yet.

    `covered` credits left the account before the time that is looked at, as `drawn_as`, and
    are paid by a lot only now: they move money and no credits.
    """

    account: str
    at_us: int
    day: str
    kind: MoveKind
    drawn_as: MoveKind
    reference: str
    lot: LotRow | None
    stretch: Stretch
    sign: int

    @property
    def milli(self) -> int:
        """The thousandths that the balance gains."""
        return 0 if self.kind == "covered" else self.sign * self.stretch.milli

    @property
    def cents(self) -> int | None:
        """The cost that the account gains; None: not known."""
        return self.part(self.lot.cost_cents if self.lot else None)

    @property
    def unvalued_milli(self) -> int:
        """The thousandths of unknown cost that the account gains."""
        if self.kind == "covered":
            return 0 if self.cents is None else self.stretch.milli
        return self.milli if self.cents is None else 0

    @property
    def currency(self) -> str | None:
        return self.lot.currency if self.lot else None

    def part(self, whole_cents: int | None) -> int | None:
        """Give the share of an amount of the whole lot."""
        if whole_cents is None or self.lot is None:
            return None
        return self.sign * cost_of(whole_cents, self.lot.milli, *self.stretch)


def moves(
    rows: Rows, book: Book, lots: Mapping[LotId, LotRow], start_us: int, end_us: int
) -> Iterator[Move]:
    """Give what moved from one instant up to, and without, another."""
    for at_us, _, reference, lot_id, stretch in arrivals_of(
        rows, book.account, end_us, start_us
    ):
        lot = lots[lot_id]
        kind = _arrived_as(book, at_us, reference, lot)
        name = reference or lot.lot
        day = day_of(book.zone, at_us).name
        yield Move(book.account, at_us, day, kind, kind, name, lot, stretch, 1)
    for drawn in draws_of(rows, book.account, end_us, start_us):
        kind = _OF_DRAW[drawn.kind]
        paid = None if drawn.lot is None else lots[drawn.lot]
        yield Move(
            book.account, drawn.at_us, drawn.day, kind, kind, drawn.reference, paid,
            drawn.stretch, -1,
        )  # fmt: skip
    for drawn in covered_of(rows, book.account, end_us, start_us):
        paid = None if drawn.lot is None else lots[drawn.lot]
        day = day_of(book.zone, drawn.at_us).name
        yield Move(
            book.account, drawn.at_us, day, "covered", _OF_DRAW[drawn.kind], drawn.reference,
            paid, drawn.stretch, -1,
        )  # fmt: skip


def _arrived_as(book: Book, at_us: int, reference: str, lot: LotRow) -> MoveKind:
    if reference:
        return "transfer-in"
    if at_us == book.opening_at_us and at_us != lot.bought_at_us:
        return "opening"
    return _OF_LOT[lot.kind]
