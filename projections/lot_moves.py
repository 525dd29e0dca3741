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
from projections.past import opened_at
from projections.valuations import Span

MoveKind = Literal[
    "prior-period", "opening", "purchase", "recharge", "gift", "transfer-in", "transfer-out",
    "consumption", "refund", "adjustment", "write-off", "covered",
]  # fmt: skip
PRIOR_PERIOD: Final = "prior-period"
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
    are paid by a lot only now: they move money and no credits. What stands in a later month
    than it happened in, at `happened_us`, is late. Of a `prior-period` there are two for each
    move of a closed month: one takes it back as it was booked, one books it as it is known.
    """

    account: str
    at_us: int
    happened_us: int
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
    def is_late(self) -> bool:
        return self.happened_us < self.at_us

    @property
    def currency(self) -> str | None:
        return self.lot.currency if self.lot else None

    def part(self, whole_cents: int | None) -> int | None:
        """Give the share of an amount of the whole lot."""
        if whole_cents is None or self.lot is None:
            return None
        return self.sign * cost_of(whole_cents, self.lot.milli, *self.stretch)


def moves(rows: Rows, book: Book, span: Span, *, posted: bool = False) -> Iterator[Move]:
    """Give what moved in a stretch of time; where that begins, what had to be set right first.

    On the `posted` basis, what is late is where it stands.
    """
    yield from prior_moves(rows, book, span, posted=posted)
    lots = span.known.lots
    yield from _moves(rows, book, lots, (span.start_us, span.end_us), posted=posted)


def prior_moves(rows: Rows, book: Book, span: Span, *, posted: bool) -> Iterator[Move]:
    """Give what moved before a stretch of time, as it was booked (back) and as it is known."""
    changed = {} if span.before is None else span.known.since(span.before)
    if not changed:
        return
    day = day_of(book.zone, span.start_us).name
    stretch = (0, span.start_us)
    for move in _moves(rows, book, span.known.lots, stretch, posted=posted):
        if move.lot is not None and move.lot.id in changed:
            before, now = changed[move.lot.id]
            again = move._replace(
                at_us=span.start_us, happened_us=span.start_us, day=day, kind=PRIOR_PERIOD,
                reference=now.bill or now.lot,
            )  # fmt: skip
            yield again._replace(lot=before, sign=-move.sign)
            yield again


def _moves(
    rows: Rows,
    book: Book,
    lots: Mapping[LotId, LotRow],
    stretch: tuple[int, int],
    *,
    posted: bool,
) -> Iterator[Move]:
    start_us, end_us = stretch
    openings = opened_at(rows, book, posted=posted)
    for at_us, happened_us, reference, lot_id, piece in arrivals_of(
        rows, book.account, end_us, start_us, posted=posted
    ):
        lot = lots[lot_id]
        opens = happened_us in openings and happened_us != lot.bought_at_us
        kind = "transfer-in" if reference else "opening" if opens else _OF_LOT[lot.kind]
        name = reference or lot.lot
        day = day_of(book.zone, at_us).name
        yield Move(book.account, at_us, happened_us, day, kind, kind, name, lot, piece, 1)
    for drawn in draws_of(rows, book.account, end_us, start_us, posted=posted):
        kind = _OF_DRAW[drawn.kind]
        paid = None if drawn.lot is None else lots[drawn.lot]
        day = day_of(book.zone, drawn.at_us).name if drawn.is_late else drawn.day
        yield Move(
            book.account, drawn.at_us, drawn.happened_us, day, kind, kind, drawn.reference,
            paid, drawn.stretch, -1,
        )  # fmt: skip
    for drawn in covered_of(rows, book.account, end_us, start_us, posted=posted):
        paid = None if drawn.lot is None else lots[drawn.lot]
        day = day_of(book.zone, drawn.at_us).name
        yield Move(
            book.account, drawn.at_us, drawn.at_us, day, "covered", _OF_DRAW[drawn.kind],
            drawn.reference, paid, drawn.stretch, -1,
        )  # fmt: skip
