"""What accounts hold of each lot at a moment: what came to them, less what they drew."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from ledger.database import Database, Rows
from ledger.draw_blocks import LotDraw
from ledger.errors import IntegrityFailure
from ledger.events import LotAtClose
from ledger.lots import LotId, cost_of
from ledger.money import Money
from projections.basis import Basis, closed_customers, posted_apart
from projections.books import Book
from projections.lot_draws import FOREVER_US, covered_between, draws_between, next_used
from projections.lot_facts import LotRow
from projections.lot_vat import cents_of
from projections.past import balance_before, posted_before
from projections.periods import closes


class Stretch(NamedTuple):
    """So many credits of a lot, in thousandths, from one of them on."""

    first: int
    milli: int


class Drawn(NamedTuple):
    """Credits that left an account: when, as what, of which lot (None: of none, yet).

    It happened at `happened_us`, before `at_us` where it stands later. What was given back is
    negative: its stretch ends where it begins.
    """

    account: str
    at_us: int
    happened_us: int
    kind: str
    reference: str
    day: str
    lot: LotId | None
    stretch: Stretch

    @property
    def milli(self) -> int:
        return self.stretch.milli

    @property
    def is_late(self) -> bool:
        return self.happened_us < self.at_us


@dataclass(slots=True)
class Held:
    """A lot as one account holds it: the stretches that came to it, and those that left.

    `frozen` is what a close says of what is left, where that is asked for.
    """

    account: str
    lot: LotRow
    came: list[Stretch] = field(default_factory=list)
    drawn: list[Drawn] = field(default_factory=list)
    frozen: LotAtClose | None = None

    @property
    def milli(self) -> int:
        return sum(stretch.milli for stretch in self.came)

    @property
    def left(self) -> int:
        return self.milli - sum(drawn.milli for drawn in self.drawn)

    def worth(self, cents: int | None) -> int | None:
        """Give what came to the account of an amount of the whole lot."""
        return self._sum(cents, self.came)

    @property
    def left_net(self) -> int | None:
        """Give what is left of its net, in cents."""
        if self.frozen is not None and not self._is_free:
            return _cents(self.frozen.net)
        return self._left_worth(self.lot.net_cents)

    @property
    def left_cost(self) -> int | None:
        """Give what is left of its cost, in cents."""
        if self.frozen is not None and not self._is_free:
            return _cents(self.frozen.cost)
        return self._left_worth(self.lot.cost_cents)

    @property
    def _is_free(self) -> bool:
        """Tell whether it never cost anything: a close tells no amount without a currency."""
        return self.lot.currency is None and self.lot.kind not in ("opening", "transfer")

    def _left_worth(self, cents: int | None) -> int | None:
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


def holdings(
    database: Database,
    of: Sequence[Book],
    ends: Sequence[int | None],
    basis: Basis = "happened",
) -> Holdings:
    """Give what accounts hold just before an instant each, or now (None).

    On the posted basis the end of a closed month is as its close says.
    """
    found = Holdings([], [])
    own = posted_apart(database, basis)
    lots = lots_of(database, {book.customer for book in of}, own)
    closed = _Closed(database, basis)
    for book, end_us in zip(of, ends, strict=True):
        held = _account(database, book, end_us, lots, found, posted=book.customer in own)
        for one in held:
            one.frozen = closed.left(book, end_us, one.lot.id)
        found.held += held
    return found


class _Closed:
    """What closes say of lots that were left."""

    def __init__(self, rows: Rows, basis: Basis) -> None:
        self._rows = rows
        self._customers = closed_customers(rows) if basis == "posted" else {}
        self._left: dict[tuple[str, int], dict[tuple[str, LotId], LotAtClose]] = {}

    def left(self, book: Book, end_us: int | None, lot: LotId) -> LotAtClose | None:
        if end_us is None or end_us > self._customers.get(book.customer, 0):
            return None
        key = (book.customer, end_us)
        if key not in self._left:
            self._left[key] = {
                (account.account, LotId(one.account, one.lot)): one
                for close in closes(self._rows, book.customer)
                if close.end_us == end_us
                for account in close.event.accounts
                for one in account.left
            }
        return self._left[key].get((book.account, lot))


def _account(
    database: Database,
    book: Book,
    end_us: int | None,
    lots: dict[LotId, LotRow],
    found: Holdings,
    *,
    posted: bool,
) -> list[Held]:
    until_us = FOREVER_US if end_us is None else end_us
    held: dict[LotId, Held] = {}
    for *_, lot, stretch in arrivals_of(database, book.account, until_us, posted=posted):
        known = held.setdefault(lot, Held(book.account, lots[lot]))
        known.came.append(stretch)
    draws = list(draws_of(database, book.account, until_us, posted=posted))
    if end_us is not None:
        draws += _of_cut_segment(database, book, end_us, held, draws, posted=posted)
    for drawn in draws:
        if drawn.lot is None:
            found.uncovered.append(drawn)
        else:
            _held(held, book, drawn.lot).drawn.append(drawn)
    return sorted(held.values(), key=lambda one: one.lot.piece)


def _held(held: Mapping[LotId, Held], book: Book, lot: LotId) -> Held:
    if lot not in held:
        msg = (
            f"expected that credits of the lot {lot.name} came to {book.account}, which drew"
            f" some, found none: {_MEND}"
        )
        raise IntegrityFailure(msg)
    return held[lot]


class _Lots(dict[LotId, LotRow]):
    """Lots; of those that there are not, nothing can have come or gone."""

    def __missing__(self, lot: LotId) -> LotRow:
        msg = (
            f"expected a lot {lot.name} of {lot.account}, of which credits came or left, found"
            f" none: {_MEND}"
        )
        raise IntegrityFailure(msg)


_MEND: Final = "type `sms-ledger rebuild --only lots`"


def lots_of(
    rows: Rows, customers: Collection[str], posted: Collection[str] = ()
) -> dict[LotId, LotRow]:
    """Give all lots of some customers; of those that are `posted`, on that basis.

    To ask for another one raises IntegrityFailure.
    """
    found = _Lots()
    own = sorted(customer for customer in customers if customer in posted)
    others = sorted(customer for customer in customers if customer not in posted)
    for table, of in (("lot", others), ("posted_lot", own)):
        named = {f"c{number}": customer for number, customer in enumerate(of)}
        if named:
            sql = _LOTS.format(", :".join(named), table=table)
            lots = (LotRow(*row) for row in rows.execute(sql, **named))
            found.update((lot.id, lot) for lot in lots)
    return found


# CROSS: account by account, each found by its key.
_LOTS: Final = """
    SELECT l.account, lot, kind, bought_at_us, position, milli, net_cents, vat_cents,
        cost_cents, currency, bill, order_id
    FROM account a CROSS JOIN {table} l WHERE l.account = a.account AND a.customer IN (:{})
"""


def arrivals_of(
    rows: Rows, account: str, until_us: int, since_us: int = 0, *, posted: bool = False
) -> Iterator[tuple[int, int, str, LotId, Stretch]]:
    """Give what came to an account, by which transfer (empty: bought there), of what.

    First is where it stands, then when it happened.
    """
    of = ("happened_at_us", "posted_arrival") if posted else ("at_us", "lot_arrival")
    for at_us, happened_us, reference, lot_account, lot, first, milli in rows.execute(
        _ARRIVALS.format(*of),
        account=account,
        since=since_us,
        until=until_us,
    ):
        yield at_us, happened_us, reference, LotId(lot_account, lot), Stretch(first, milli)


_ARRIVALS: Final = """
    SELECT at_us, {}, reference, lot_account, lot, first_milli, milli FROM {}
    WHERE account = :account AND at_us >= :since AND at_us < :until
    ORDER BY at_us, lot_account COLLATE BINARY, lot COLLATE BINARY, first_milli
"""


def draws_of(
    rows: Rows, account: str, until_us: int, since_us: int = 0, *, posted: bool = False
) -> Iterator[Drawn]:
    """Give what left an account before an instant; what was covered later, was not yet."""
    for draw in draws_between(rows, account, since_us, until_us, posted=posted):
        yield _drawn(account, draw, until_us)


def covered_of(
    rows: Rows, account: str, until_us: int, since_us: int, *, posted: bool = False
) -> Iterator[Drawn]:
    """Give what had left an account before `since`, and was covered from then on."""
    for draw in covered_between(rows, account, since_us, until_us, posted=posted):
        drawn = _drawn(account, draw, until_us)
        covered_us = draw.covered_us or 0
        yield drawn._replace(at_us=covered_us, happened_us=covered_us)


def _drawn(account: str, draw: LotDraw, until_us: int) -> Drawn:
    at_us, happened_us, kind, reference, _, day, lot, first, milli, covered_us = draw
    paid = lot if covered_us is None or covered_us < until_us else None
    stretch = Stretch(first, milli)
    return Drawn(account, at_us, happened_us, kind, reference, day, paid, stretch)


def _of_cut_segment(
    database: Database,
    book: Book,
    end_us: int,
    held: dict[LotId, Held],
    before: Sequence[Drawn],
    *,
    posted: bool,
) -> list[Drawn]:
    """Give what of the segment that an instant cuts was drawn before it.

    It is what the balance there tells beyond the draws of whole segments: the segment's first.
    """
    if book.opening_milli is None:  # all that is known of it counts
        book = replace(book, opening_at_us=0, opening_milli=0)
    known = posted_before if posted else balance_before
    owned = known(database, book, end_us)
    if owned is None:
        return []
    came = sum(one.milli for one in held.values())
    missing = came - sum(drawn.milli for drawn in before) - owned.milli
    found: list[Drawn] = []
    if missing > 0:
        for draw in next_used(database, book.account, end_us, posted=posted):
            drawn = _drawn(book.account, draw, end_us)
            taken = min(missing, drawn.milli)
            found.append(drawn._replace(stretch=Stretch(drawn.stretch.first, taken)))
            missing -= taken
            if not missing:
                break
    return found


def _cents(money: Money | None) -> int | None:
    return None if money is None else cents_of(money)
