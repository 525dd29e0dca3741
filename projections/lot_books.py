"""The projection behind `lots`, `value` and `cost`: lots, where they came to, who drew them.

It goes customer by customer, since nothing crosses customers: what was recorded since tells
which of them are drawn again, from their totals and from segments of which nothing new is
known. All of it is found in one state of the ledger, and written afterwards in one transaction,
so that nobody who records waits for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from ledger.database import Database, Row, Rows
from ledger.errors import DatabaseBusy, DatabaseUnusable
from ledger.events import (
    ApiCallsSeen,
    BalanceObserved,
    BalanceOpened,
    BreakAccepted,
    BreakNoted,
    BreakOpened,
    EntryAccountsSet,
    LinesAttributed,
    LinesNotBilled,
    LinesVanished,
    OpeningRestated,
    RechargeSettingsSeen,
    RefundSeen,
)
from ledger.lots import Arrival, Draw, Fifo, Item, LotId, Used, cost_of
from projections.batch import NotWritable, caught_up, step
from projections.books import log_position
from projections.lot_facts import Facts, LotRow, facts
from projections.lot_months import month_rows
from projections.lot_segments import Segment, row_of, segments, touched_days
from projections.movement_index import MOVEMENT_INDEX
from projections.tables import LOT, LOT_ARRIVAL, LOT_DRAW, LOT_MONTH, LOT_SEGMENT, LOTS

NAME: Final = "lots"

_QUIET_READS: Final = 3

# What says nothing of credits and their cost.
_ELSEWHERE: Final = tuple(
    kind.TOPIC
    for kind in (
        ApiCallsSeen, BalanceObserved, BreakAccepted, BreakNoted, BreakOpened, LinesAttributed,
        EntryAccountsSet, LinesNotBilled, LinesVanished, RechargeSettingsSeen, RefundSeen,
    )
)  # fmt: skip


@dataclass(slots=True)
class Drawn:
    """What the lots of a customer come to, as rows."""

    customer: str
    accounts: Sequence[str]
    lots: list[LotRow]
    arrivals: list[Row]
    draws: list[Row]
    months: list[Row]
    read: list[Row]
    forgotten: list[tuple[str, str, str]]


@dataclass(slots=True)
class Made:
    """What the projection becomes, from one position of the log to another."""

    after: int
    through: int
    customers: list[Drawn] = field(default_factory=list)


def position_of_lots(rows: Rows) -> int:
    found = rows.execute(
        "SELECT position FROM projection_position WHERE projection = :name", name=NAME
    )
    return int(found[0][0]) if found else 0


@contextmanager
def lots_caught_up(database: Database) -> Iterator[Database]:
    """Read one state of the ledger in which lots know the whole log. Raises NotWritable.

    Where others keep writing, the last attempt holds them off while it reads.
    """
    for _ in range(_QUIET_READS):
        with caught_up(MOVEMENT_INDEX, database):
            after = position_of_lots(database)
            if after == log_position(database):
                yield database
                return
            made = make(database, after)
        try:
            with database.transaction():
                write(database, made)
        except DatabaseBusy:
            raise
        except DatabaseUnusable as error:
            msg = (
                f"expected to bring the lots up to log position {made.through}, found"
                f" {database.address} not writable: run the command once where it may be"
                " written, or copy the file"
            )
            raise NotWritable(msg) from error
    with database.transaction():
        while step(MOVEMENT_INDEX, database):
            pass
        write(database, make(database, position_of_lots(database)))
        yield database


def make(rows: Rows, after: int) -> Made:
    """Find what lots come to after a position of the log; 0 makes all of them again."""
    made = Made(after, log_position(rows))
    for customer in _concerned(rows, after):
        made.customers.append(_drawn(rows, customer, made))
    return made


def _concerned(rows: Rows, after: int) -> list[str]:
    """Give the customers of whose credits or costs something was recorded."""
    unheard = {f"t{number}": topic for number, topic in enumerate(_ELSEWHERE)}
    found = rows.execute(_CONCERNED.format(", :".join(unheard)), after=after, **unheard)
    return [customer for (customer,) in found]


_CONCERNED: Final = """
    SELECT DISTINCT customer FROM event_log WHERE position > :after
        AND topic NOT IN (:{}) AND customer IS NOT NULL ORDER BY customer
"""


def _drawn(rows: Rows, customer: str, made: Made) -> Drawn:
    known = facts(rows, customer)
    drawn = Drawn(customer, list(known.accounts), [], [], [], [], [], [])
    _forget(rows, known, drawn, made)
    items: list[Item] = list(known.items)
    cuts = known.cuts()
    gone = _gone(drawn.forgotten)
    for name, account in known.accounts.items():
        found = segments(rows, account, cuts[name], gone[name])
        items += (_used(name, segment) for segment in found.all)
        drawn.read += (row_of(name, segment) for segment in found.read)
    fifo = Fifo({lot.id: lot.bill for lot in known.lots.values() if lot.bill is not None})
    fifo.run(items)
    drawn.lots = _with_sent(known.lots, fifo)
    drawn.arrivals = [_arrival_row(arrival) for arrival in fifo.arrivals]
    drawn.draws = [row for draw in fifo.draws for row in _draw_rows(draw)]
    drawn.months = month_rows({lot.id: lot for lot in drawn.lots}, fifo.draws)
    return drawn


def _used(account: str, segment: Segment) -> Used:
    return Used(at_us=segment.last_us, account=account, milli=segment.milli, day=segment.day)


# --- what is not known any more -------------------------------------------------------------


_ALL_DAYS: Final = ("", "~")


def _forget(rows: Rows, known: Facts, drawn: Drawn, made: Made) -> None:
    """Say of which days the segments that are kept do not hold any more."""
    reopened = {
        account
        for (account,) in rows.execute(
            "SELECT DISTINCT account FROM event_log WHERE position > :after"
            " AND topic IN (:opened, :restated)",
            after=made.after,
            opened=BalanceOpened.TOPIC,
            restated=OpeningRestated.TOPIC,
        )
    }
    touched = touched_days(rows, known.accounts, made.after, made.through if made.after else 0)
    for account in known.accounts:
        if account in reopened or not made.after:
            drawn.forgotten.append((account, *_ALL_DAYS))
        else:
            drawn.forgotten += ((account, *days) for days in _joined(touched[account]))


def _joined(days: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Join stretches of days that overlap."""
    joined: list[tuple[str, str]] = []
    for first, last in sorted(set(days)):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _gone(forgotten: Iterable[tuple[str, str, str]]) -> Mapping[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for account, first, last in forgotten:
        found[account].append((first, last))
    return found


# --- rows -----------------------------------------------------------------------------------


def _with_sent(lots: Mapping[LotId, LotRow], fifo: Fifo) -> list[LotRow]:
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
    return list(known.values())


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
    account, at_us, reference, piece = arrival
    return (account, at_us, reference, *piece.lot, piece.first, piece.milli)


def _draw_rows(draw: Draw) -> Iterator[Row]:
    key = (draw.account, draw.at_us, draw.kind, draw.reference)
    number = 0
    for number, (piece, covered_us) in enumerate(draw.parts, start=1):
        yield (*key, number, draw.day, *piece.lot, piece.first, piece.milli, covered_us)
    if draw.uncovered:
        yield (*key, number + 1, draw.day, None, None, 0, draw.uncovered, None)


# --- writing --------------------------------------------------------------------------------


def write(database: Database, made: Made, *, anew: bool = False) -> bool:
    """Write what was found, unless another program was first; `anew` replaces what is there."""
    database.execute(
        "INSERT INTO projection_position (projection, position) VALUES (:name, 0)"
        " ON CONFLICT (projection) DO NOTHING",
        name=NAME,
    )
    ((held,),) = database.execute(
        "UPDATE projection_position SET position = position WHERE projection = :name"
        " RETURNING position",
        name=NAME,
    )
    if held != made.after and not anew:
        return False
    if made.after == 0:
        for table in LOTS:
            database.execute(f"DELETE FROM {table.name}")  # noqa: S608 (our own names)
    write_tables(database, made)
    move_to(database, made.through)
    return True


def write_tables(database: Database, made: Made) -> None:
    """Put what was found in the place of what there was of these customers."""
    for drawn in made.customers:
        _write(database, drawn)


def move_to(rows: Rows, position: int) -> None:
    """Say how far the lots are."""
    rows.execute(
        "INSERT INTO projection_position (projection, position) VALUES (:name, :position)"
        " ON CONFLICT (projection) DO UPDATE SET position = excluded.position",
        name=NAME,
        position=position,
    )


def _write(database: Database, drawn: Drawn) -> None:
    for account in drawn.accounts:
        for table in (LOT, LOT_ARRIVAL, LOT_DRAW, LOT_MONTH):
            database.execute(
                f"DELETE FROM {table.name} WHERE account = :account",  # noqa: S608
                account=account,
            )
    for account, first, last in drawn.forgotten:
        database.execute(
            "DELETE FROM lot_segment WHERE account = :account AND day BETWEEN :first AND :last",
            account=account,
            first=first,
            last=last,
        )
    database.insert(LOT, drawn.lots)
    database.insert(LOT_ARRIVAL, drawn.arrivals)
    database.insert(LOT_DRAW, drawn.draws)
    database.insert(LOT_MONTH, drawn.months)
    database.insert(LOT_SEGMENT, drawn.read)
