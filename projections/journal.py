"""The books as plain text accounting has them: what was bought, drawn, sent, lot by lot.

Credits and money stand side by side: each lot's credits in an account of its holder, their cost
in another one, in whole cents as the ledger tells them. What credits are worth is therefore no
price times a quantity, which would round otherwise. Closed months keep their amounts; what they
should have been, as is known since, is set right at the beginning of the next month.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from ledger.calendars import day_of
from ledger.database import Database, Row, Rows
from ledger.draw_blocks import LotDraw
from ledger.lots import BEFORE_THE_BOOKS, LotId, cost_of
from projections.basis import Basis, basis_notes, posted_apart
from projections.books import Book, books, log_position, notes, of_customers
from projections.holdings import Stretch, lots_of
from projections.lot_books import lots_caught_up
from projections.lot_draws import FOREVER_US, draws_between
from projections.lot_facts import LotRow
from projections.past import opened_at
from projections.stock_order import in_stock
from projections.valuations import Span, Valuation

PRIOR_PERIOD: Final = "prior-period"

# Where money comes from and goes to: the supplier, what was spent, what only the books explain.
Side = Literal["supplier", "used", "adjusted", "opening", "unvalued"]

_SIDES: Final[Mapping[str, Side]] = {
    "used": "used", "refund": "supplier", "refund-beyond": "supplier",
    "adjustment": "adjusted", "write-off": "adjusted", "opening": "opening",
}  # fmt: skip

_BOUGHT: Final[Mapping[str, Side]] = {"opening": "opening", "transfer": "unvalued"}


class Credit(NamedTuple):
    """Thousandths of a lot that come to an account, or leave it; without a lot: uncovered."""

    account: str
    lot: LotRow | None
    milli: int


class Amount(NamedTuple):
    """Cents that an account's credits cost more, or less; and what stands against them."""

    account: str
    cents: int
    currency: str
    side: Side


@dataclass(slots=True)
class Transaction:
    """What happened at one moment; the money of all sides adds up to nothing.

    `late_day` is when it happened, where it stands in a later month.
    """

    day: str
    at_us: int
    happened_us: int
    rank: int
    kind: str
    reference: str
    late_day: str | None
    credits: list[Credit] = field(default_factory=list)
    money: list[Amount] = field(default_factory=list)

    def owe(self, account: str, milli: int) -> None:
        """Add credits of no lot in one sum: lots that cover them later divide them."""
        owed = sum(one.milli for one in self.credits if one[:2] == (account, None))
        self.credits = [one for one in self.credits if one[:2] != (account, None)]
        self.credits.append(Credit(account, None, owed + milli))


@dataclass(frozen=True, slots=True)
class Journal:
    """Transactions day by day, of these accounts by customer; as of a log position.

    A day is its customer's own; within it they are in order of time.
    """

    books: Sequence[Book]
    transactions: list[Transaction]
    position: int
    notes: list[str]


def journal(
    database: Database, customers: Sequence[str] = (), basis: Basis = "posted"
) -> Journal:
    """Give all that moved lots, of some customers or all. Raises InvalidValue."""
    with lots_caught_up(database):
        of = of_customers(books(database), customers)
        own, names = posted_apart(database, basis), {book.customer for book in of}
        lots = lots_of(database, names, own)
        spans = {
            name: list(Valuation(database, name, lots, basis).spans()) for name in sorted(names)
        }
        writing = _Writing(lots, spans)
        for book in of:
            writing.take(database, book, posted=book.customer in own)
        ordered = sorted(writing.transactions(), key=_place)
        found = list(in_stock(ordered, _moment, _moves))
        said = [*notes(database, of), *basis_notes(database, names, basis)]
        return Journal(of, found, log_position(database), said)


def _place(one: Transaction) -> tuple[str, int, bool, int, int]:
    """Order by day first: customers of other time zones are in other days at one moment."""
    return one.day, one.at_us, one.late_day is None, one.rank, one.happened_us


def _moment(one: Transaction) -> tuple[str, int]:
    return one.day, one.at_us


def _moves(one: Transaction) -> Mapping[Hashable, int]:
    """Tell what an account gains or loses of each lot: at one moment many facts may stand."""
    moves: Counter[Hashable] = Counter()
    for credit in one.credits:
        if credit.lot is not None:
            moves[credit.account, credit.lot.id] += credit.milli
    return moves


class _Writing:
    """Gathers transactions by what they are of."""

    def __init__(
        self, lots: Mapping[LotId, LotRow], spans: Mapping[str, Sequence[Span]]
    ) -> None:
        self._lots = lots
        self._spans = spans
        self._found: dict[tuple[object, ...], Transaction] = {}

    def transactions(self) -> Iterator[Transaction]:
        for one in self._found.values():
            if one.kind != PRIOR_PERIOD or netted(one.money):
                yield one

    def take(self, rows: Rows, book: Book, *, posted: bool) -> None:
        openings = opened_at(rows, book, posted=posted)
        happened, of = ("happened_at_us", "posted") if posted else ("at_us", "lot")
        for row in rows.execute(_ARRIVALS.format(happened, of), account=book.account):
            self._arrive(book, row, openings)
        for draw in draws_between(rows, book.account, 0, FOREVER_US, posted=posted):
            self._leave(book, draw)

    def _transaction(
        self, book: Book, when: tuple[int, int], rank: int, kind: str, reference: str
    ) -> Transaction:
        """Give the transaction of a movement; both legs of a transfer are one.

        `when` is where it stands, and when it happened.
        """
        whose = reference if kind == "transfer" else book.account
        at_us, happened_us = when
        day, of = (day_of(book.zone, one).name for one in when)
        late_day = of if happened_us < at_us else None
        return self._found.setdefault(
            (*when, rank, kind, reference, whose),
            Transaction(day, *when, rank, kind, reference, late_day),
        )

    def _arrive(self, book: Book, row: Row, openings: Collection[int]) -> None:
        at_us, happened_us, reference, lot_account, name, first, milli = row
        when = (at_us, happened_us)
        lot = self._lots[LotId(lot_account, name)]
        if reference:
            # the sender's leg says so already, but for what was sent before it was there
            made = self._transaction(book, when, _OUT, "transfer", reference)
            side: Side = "unvalued"
        else:
            opened = happened_us in openings and happened_us != lot.bought_at_us
            kind = "opening" if opened else lot.kind
            made = self._transaction(book, when, _IN, kind, "" if opened else lot.lot)
            side = "opening" if opened else _BOUGHT.get(lot.kind, "supplier")
        made.credits.append(Credit(book.account, lot, milli))
        self._pay(book, made, side, lot.id, (Stretch(first, milli), 1))

    def _leave(self, book: Book, draw: LotDraw) -> None:
        at_us, happened_us, kind, reference, _, _, paid, first, milli, covered_us = draw
        when = (at_us, happened_us)
        lot = None if paid is None else self._lots[paid]
        if lot is None or covered_us is not None:
            made = self._transaction(book, when, _OUT, kind, reference)
            made.owe(book.account, -milli)
        if lot is None:
            return
        if covered_us is not None:
            covered = (covered_us, covered_us)
            made = self._transaction(book, covered, _COVERED, f"{kind} covered", reference)
            made.owe(book.account, milli)
        else:
            made = self._transaction(book, when, _OUT, kind, reference)
        made.credits.append(Credit(book.account, lot, -milli))
        side = _SIDES.get(kind, "unvalued")
        self._pay(book, made, side, lot.id, (Stretch(first, milli), -1))

    def _pay(
        self, book: Book, made: Transaction, side: Side, lot: LotId, part: tuple[Stretch, int]
    ) -> None:
        """Book what credits cost as was known then; then, whatever that turned out to be."""
        booked: Amount | None = None
        for span in self._spans[book.customer]:
            if made.at_us < span.end_us:
                amount = _amount(book.account, side, span.known.lots[lot], *part)
                if booked is None:
                    made.money.append(amount)
                elif booked != amount:
                    when = (span.start_us, span.start_us)
                    prior = self._transaction(book, when, _PRIOR, PRIOR_PERIOD, "")
                    prior.money += [booked._replace(cents=-booked.cents), amount]
                booked = amount


def _amount(account: str, side: Side, lot: LotRow, stretch: Stretch, sign: int) -> Amount:
    """Give what an account gains or loses with credits of a lot; nothing if not known."""
    whole = lot.cost_cents
    cents = 0 if whole is None else cost_of(whole, lot.milli, *stretch)
    return Amount(account, sign * cents, lot.currency or "", side)


# In one instant: what was booked is set right, lots come in, leave, and cover what was owed.
_PRIOR: Final = -1
_IN: Final = 0
_OUT: Final = 1
_COVERED: Final = 2

_ARRIVALS: Final = """
    SELECT at_us, {}, reference, lot_account, lot, first_milli, milli FROM {}_arrival
    WHERE account = :account ORDER BY at_us, reference COLLATE BINARY,
        lot_account COLLATE BINARY, lot COLLATE BINARY, first_milli
"""


# --- what plain text accounting writes ------------------------------------------------------


def bought_on(lot: LotRow, of: Mapping[str, Book]) -> str:
    """Give the day on which a lot was bought; the epoch for what is older than the books."""
    if lot.bought_at_us == BEFORE_THE_BOOKS:
        return "1970-01-01"
    return day_of(of[lot.account].zone, lot.bought_at_us).name


class Leg(NamedTuple):
    """What an account (no side), or a side of it, gains in a transaction, in cents."""

    side: Side | None
    account: str
    currency: str
    cents: int


def netted(money: Iterable[Amount]) -> list[Leg]:
    """Add up the money of a transaction; what is unvalued belongs to no account."""
    sums: dict[tuple[Side | None, str, str], int] = defaultdict(int)
    for one in money:
        sums[None, one.account, one.currency] += one.cents
        sums[one.side, "" if one.side == "unvalued" else one.account, one.currency] -= one.cents
    ordered = sorted(sums.items(), key=lambda item: (item[0][0] or "", *item[0][1:]))
    return [Leg(*key, cents) for key, cents in ordered if cents]
