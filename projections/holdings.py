"""What accounts hold of each lot at a moment: what came to them, less what they drew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from ledger.database import Database, Row, Rows
from ledger.lots import LotId, cost_of
from projections.books import Book
from projections.lot_facts import LotRow
from projections.past import balance_before

_FOREVER_US: Final = 2**62

USED: Final = "used"


class Stretch(NamedTuple):
    """So many credits of a lot, in thousandths, from one of them on."""

    first: int
    milli: int


class Drawn(NamedTuple):
    """Credits that left an account: when, as what, of which lot (None: of none, yet)."""

    account: str
    at_us: int
    kind: str
    reference: str
    day: str
    lot: LotId | None
    stretch: Stretch

    @property
    def milli(self) -> int:
        return self.stretch.milli


@dataclass(slots=True)
class Held:
    """A lot as one account holds it: the stretches that came to it, and those that left."""

    account: str
    lot: LotRow
    came: list[Stretch] = field(default_factory=list)
    drawn: list[Drawn] = field(default_factory=list)

    @property
    def milli(self) -> int:
        return sum(stretch.milli for stretch in self.came)

    @property
    def left(self) -> int:
        return self.milli - sum(drawn.milli for drawn in self.drawn)

    def worth(self, cents: int | None) -> int | None:
        """Give what came to the account of an amount of the whole lot."""
        return self._sum(cents, self.came)

    def left_worth(self, cents: int | None) -> int | None:
        """Give what is left of an amount of the whole lot."""
        came, gone = self.worth(cents), self._sum(cents, [one.stretch for one in self.drawn])
        return None if came is None or gone is None else came - gone

    def _sum(self, cents: int | None, stretches: Sequence[Stretch]) -> int | None:
        if cents is None:
            return None
        return sum(cost_of(cents, self.lot.milli, *stretch) for stretch in stretches)


@dataclass(slots=True)
class Holdings:
    """What the accounts hold: of lots, in their order, and draws that no lot covers (yet)."""

    held: list[Held]
    uncovered: list[Drawn]


def holdings(database: Database, of: Sequence[Book], ends: Sequence[int | None]) -> Holdings:
    """Give what accounts hold just before an instant each, or now (None)."""
    found = Holdings([], [])
    lots = lots_of(database, {book.customer for book in of})
    for book, end_us in zip(of, ends, strict=True):
        _account(database, book, end_us, lots, found)
    return found


def _account(
    database: Database,
    book: Book,
    end_us: int | None,
    lots: dict[LotId, LotRow],
    found: Holdings,
) -> None:
    until_us = _FOREVER_US if end_us is None else end_us
    held: dict[LotId, Held] = {}
    for _, _, lot, stretch in arrivals_of(database, book.account, until_us):
        known = held.setdefault(lot, Held(book.account, lots[lot]))
        known.came.append(stretch)
    draws = list(draws_of(database, book.account, until_us))
    if end_us is not None:
        draws += _of_cut_segment(database, book, end_us, held, draws)
    for drawn in draws:
        if drawn.lot is None:
            found.uncovered.append(drawn)
        else:
            held[drawn.lot].drawn.append(drawn)
    found.held += sorted(held.values(), key=lambda one: one.lot.piece)


def lots_of(rows: Rows, customers: set[str]) -> dict[LotId, LotRow]:
    """Give all lots of some customers."""
    named = {f"c{number}": customer for number, customer in enumerate(sorted(customers))}
    if not named:
        return {}
    found = (LotRow(*row) for row in rows.execute(_LOTS.format(", :".join(named)), **named))
    return {lot.id: lot for lot in found}


# CROSS: account by account, each found by its key.
_LOTS: Final = """
    SELECT l.account, lot, kind, bought_at_us, position, milli, net_cents, vat_cents,
        cost_cents, currency, bill, order_id
    FROM account a CROSS JOIN lot l WHERE l.account = a.account AND a.customer IN (:{})
"""


def arrivals_of(
    rows: Rows, account: str, until_us: int, since_us: int = 0
) -> Iterator[tuple[int, str, LotId, Stretch]]:
    """Give what came to an account: when, by which transfer (empty: bought there), of what."""
    for at_us, reference, lot_account, lot, first, milli in rows.execute(
        "SELECT at_us, reference, lot_account, lot, first_milli, milli FROM lot_arrival"
        " WHERE account = :account AND at_us >= :since AND at_us < :until"
        " ORDER BY at_us, lot_account COLLATE BINARY, lot COLLATE BINARY, first_milli",
        account=account,
        since=since_us,
        until=until_us,
    ):
        yield at_us, reference, LotId(lot_account, lot), Stretch(first, milli)


def draws_of(rows: Rows, account: str, until_us: int, since_us: int = 0) -> Iterator[Drawn]:
    """Give what left an account before an instant; what was covered later, was not yet."""
    for row in rows.execute(
        "SELECT at_us, kind, reference, day, lot_account, lot, first_milli, milli,"
        " covered_at_us FROM lot_draw WHERE account = :account AND at_us >= :since"
        " AND at_us < :until"
        " ORDER BY at_us, kind COLLATE BINARY, reference COLLATE BINARY, number",
        account=account,
        since=since_us,
        until=until_us,
    ):
        yield _drawn(account, row, until_us)


def covered_of(rows: Rows, account: str, until_us: int, since_us: int) -> Iterator[Drawn]:
    """Give what had left an account before `since`, and was covered from then on."""
    for row in rows.execute(
        "SELECT covered_at_us, kind, reference, day, lot_account, lot, first_milli, milli, NULL"
        " FROM lot_draw WHERE account = :account AND at_us < :since"
        " AND covered_at_us >= :since AND covered_at_us < :until"
        " ORDER BY covered_at_us, kind, reference, number",
        account=account,
        since=since_us,
        until=until_us,
    ):
        yield _drawn(account, row, until_us)


def _drawn(account: str, row: Row, until_us: int) -> Drawn:
    at_us, kind, reference, day, lot_account, lot, first, milli, covered_us = row
    paid = lot is not None and (covered_us is None or covered_us < until_us)
    named = LotId(lot_account, lot) if paid else None
    return Drawn(account, at_us, kind, reference, day, named, Stretch(first, milli))


def _of_cut_segment(
    database: Database,
    book: Book,
    end_us: int,
    held: dict[LotId, Held],
    before: Sequence[Drawn],
) -> list[Drawn]:
    """Give what of the segment that an instant cuts was drawn before it.

    It is what the balance there tells beyond the draws of whole segments: the segment's first.
    """
    if book.opening_milli is None:  # all that is known of it counts
        book = replace(book, opening_at_us=0, opening_milli=0)
    owned = balance_before(database, book, end_us)
    if owned is None:
        return []
    came = sum(one.milli for one in held.values())
    missing = came - sum(drawn.milli for drawn in before) - owned.milli
    found: list[Drawn] = []
    if missing > 0:
        for drawn in _next_used(database, book.account, end_us):
            taken = min(missing, drawn.milli)
            found.append(drawn._replace(stretch=Stretch(drawn.stretch.first, taken)))
            missing -= taken
            if not missing:
                break
    return found


def _next_used(rows: Rows, account: str, end_us: int) -> list[Drawn]:
    """Give the draws of the first segment that ends at an instant or later."""
    return [
        _drawn(account, row, end_us)
        for row in rows.execute(
            "SELECT at_us, kind, reference, day, lot_account, lot, first_milli, milli,"
            " covered_at_us FROM lot_draw WHERE account = :account AND kind = :used"
            " AND at_us = (SELECT MIN(at_us) FROM lot_draw WHERE account = :account"
            " AND kind = :used AND at_us >= :end) ORDER BY number",
            account=account,
            used=USED,
            end=end_us,
        )
    ]
