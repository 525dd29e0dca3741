"""What the lots of a customer come to, as rows: on the happened basis, and on the posted one.

On the posted basis a set of rows of its own is kept of those customers alone for whom it
differs: who have closed months, and something late for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from ledger.database import Row, Rows, Table
from ledger.draw_blocks import LOT_DRAW_BLOCK, POSTED_DRAW_BLOCK, LotDraw, blocks
from ledger.lots import Arrival, Draw, Fifo, Item, LotId, Used, cost_of
from ledger.times import to_us
from projections.late_facts import ON_TIME, LateFact, LateLines, late_facts, used_late
from projections.lot_facts import Facts, LotRow, cuts
from projections.lot_months import (
    MonthCosts,
    is_as_closed,
    month_costs,
    month_rows,
    posted_month_rows,
    posted_months,
)
from projections.lot_posting import OpeningChange, posted
from projections.lot_segments import Kept, Segment, row_of, segments
from projections.periods import Close, closes
from projections.posting import Posting
from projections.tables import (
    LATE_FACT,
    LOT,
    LOT_ARRIVAL,
    LOT_MONTH,
    LOT_SEGMENT,
    POSTED_ARRIVAL,
    POSTED_CUSTOMER,
    POSTED_LOT,
    POSTED_MONTH,
    POSTED_SEGMENT,
)

# From the first to the last of some days of an account.
Days = tuple[str, str, str]


@dataclass(slots=True)
class Forgotten:
    """Of which days kept segments do not hold any more; `anew`: whose late lines do not."""

    days: list[Days] = field(default_factory=list)
    posted_days: list[Days] = field(default_factory=list)
    anew: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Drawn:
    """What the lots of a customer come to, as rows by table."""

    customer: str
    accounts: Sequence[str]
    forgotten: Forgotten
    rows: dict[Table, list[Row]]


def draw(rows: Rows, known: Facts, customer: str, forgotten: Forgotten) -> Drawn:
    """Draw the lots of a customer."""
    run = _Run(rows, known, LOT_SEGMENT, forgotten.days)
    fifo = run.draw(known.items)
    lots = _with_sent(known.lots, fifo)
    drawn = Drawn(customer, list(known.accounts), forgotten, {})
    drawn.rows = {
        LOT: list(lots.values()),
        LOT_ARRIVAL: [_arrival_row(arrival) for arrival in fifo.arrivals],
        LOT_DRAW_BLOCK: _blocks(fifo),
        LOT_SEGMENT: run.read,
    }
    zone = next((account.zone for account in known.accounts.values()), None)
    if zone is not None:
        months = month_costs(lots, fifo.draws, zone)
        drawn.rows[LOT_MONTH] = month_rows(months)
        closed = closes(rows, customer)
        if closed:
            _Posting(rows, known, drawn, closed, zone).post(fifo, lots, months)
    return drawn


class _Run:
    """Draws lots by items, and by what messages used between them."""

    def __init__(self, rows: Rows, known: Facts, table: Table, gone: Iterable[Days]) -> None:
        self._rows = rows
        self._known = known
        self._table = table
        self._gone: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for account, first, last in gone:
            self._gone[account].append((first, last))
        self.read: list[Row] = []

    def draw(
        self, items: Sequence[Item], late: Mapping[str, Sequence[LateFact]] | None = None
    ) -> Fifo:
        every, cut = list(items), cuts(items)
        for name, account in self._known.accounts.items():
            of = (late or {}).get(name, ())
            found = segments(
                self._rows,
                account,
                cut.get(name, ()),
                Kept(self._table, self._gone[name]),
                LateLines.of(of) if of else ON_TIME,
            )
            every += (_used(name, segment) for segment in found.all)
            every += used_late(of)
            self.read += (row_of(name, segment) for segment in found.read)
        bills = {lot.id: lot.bill for lot in self._known.lots.values() if lot.bill is not None}
        fifo = Fifo(bills)
        fifo.run(every)
        return fifo


def _used(account: str, segment: Segment) -> Used:
    return Used(at_us=segment.last_us, account=account, milli=segment.milli, day=segment.day)


@dataclass(frozen=True, slots=True)
class _Posting:
    """Adds the rows of the posted basis to those of a customer."""

    rows: Rows
    known: Facts
    drawn: Drawn
    closed: Sequence[Close]
    zone: ZoneInfo

    def post(self, fifo: Fifo, lots: Mapping[LotId, LotRow], months: MonthCosts) -> None:
        """Add them where anything is late, or costs what its close did not know."""
        found = posted(self.known, Posting.of(self.closed))
        late = {
            name: late_facts(
                self.rows,
                account,
                found.accounts[name],
                anew=name in self.drawn.forgotten.anew,
            )
            for name, account in self.known.accounts.items()
        }
        is_late = found.is_late or any(late.values())
        read: list[Row] = []
        if is_late:
            gone = self.drawn.forgotten.posted_days
            run = _Run(self.rows, self.known, POSTED_SEGMENT, gone)
            fifo = run.draw(found.items, late)
            lots, read = _with_sent(found.lots, fifo), run.read
            months = month_costs(lots, fifo.draws, self.zone)
        differs = is_late or not is_as_closed(months, self.closed)
        ends_us = self.closed[-1].end_us
        self.drawn.rows[POSTED_CUSTOMER] = [(self.drawn.customer, ends_us, int(differs))]
        if differs:
            months = posted_months(months, self.closed, self.zone)
            changes = map(self._change, found.changes)
            self.drawn.rows |= {
                POSTED_LOT: list(lots.values()),
                POSTED_ARRIVAL: [
                    (*_arrival_row(one), one.happened_us) for one in fifo.arrivals
                ],
                POSTED_DRAW_BLOCK: _blocks(fifo),
                POSTED_SEGMENT: read,
                POSTED_MONTH: posted_month_rows(months),
                LATE_FACT: [*changes, *(one for of in late.values() for one in of)],
            }

    def _change(self, change: OpeningChange) -> LateFact:
        account, opening = self.known.accounts[change.account], change.opening
        recorded_us = next(
            to_us(event.recorded_at)
            for position, event in account.events
            if position == opening.position
        )
        return LateFact(
            change.account, change.posted_us, opening.position, account.day(opening.at_us),
            "opening", "", 0, 0, change.milli, opening.at_us, opening.at_us, recorded_us,
        )  # fmt: skip


# --- rows -----------------------------------------------------------------------------------


def _with_sent(lots: Mapping[LotId, LotRow], fifo: Fifo) -> dict[LotId, LotRow]:
    """Add the lots of credits that were sent before they were there, at what covers them."""
    known = dict(lots)
    waiting = dict(fifo.sent_open)
    for lot, (piece, _) in waiting.items():
        known[lot] = LotRow(
            lot.account, lot.name, "transfer", piece.bought_us, piece.position, piece.milli
        )
    settled = True
    while waiting and settled:
        settled = False
        for lot, (_, draw) in list(waiting.items()):
            valued = _covered(known, draw)
            if valued is not None:
                cents, currency = valued
                known[lot] = known[lot]._replace(
                    net_cents=cents, cost_cents=cents, currency=currency
                )
                del waiting[lot]
                settled = True
    return known


def _covered(lots: Mapping[LotId, LotRow], draw: Draw) -> tuple[int, str | None] | None:
    """Give what the credits cost that covered a draw later; None while that is not known."""
    if draw.uncovered:
        return None
    cents = 0
    currencies: set[str] = set()
    for piece, covered_us in draw.parts:
        if covered_us is not None:
            lot = lots[piece.lot]
            if lot.cost_cents is None:
                return None
            cents += cost_of(lot.cost_cents, lot.milli, piece.first, piece.milli)
            currencies.update([lot.currency] if lot.currency else [])
    if len(currencies) > 1:
        return None
    return cents, next(iter(currencies), None)


def _arrival_row(arrival: Arrival) -> Row:
    piece = arrival.piece
    place = (arrival.account, arrival.at_us, arrival.reference)
    return (*place, *piece.lot, piece.first, piece.milli)


def _blocks(fifo: Fifo) -> list[Row]:
    of_account: dict[str, list[LotDraw]] = defaultdict(list)
    for draw in fifo.draws:
        of_account[draw.account] += _pieces(draw)
    return [row for account, draws in of_account.items() for row in blocks(account, draws)]


def _pieces(draw: Draw) -> Iterator[LotDraw]:
    key = (draw.at_us, draw.happened_us, draw.kind, draw.reference)
    number = 0
    for number, (piece, covered_us) in enumerate(draw.parts, start=1):
        yield LotDraw(*key, number, draw.day, piece.lot, piece.first, piece.milli, covered_us)
    uncovered = draw.uncovered + draw.forgiven
    if uncovered:
        yield LotDraw(*key, number + 1, draw.day, None, 0, uncovered, None)
