"""The projection behind `lots`, `value` and `cost`: lots, where they came to, who drew them.

It goes customer by customer, since nothing crosses customers: what was recorded since tells
which of them are drawn again, from their totals and from segments of which nothing new is
known. All of it is found in one state of the ledger, and written afterwards in one transaction,
so that nobody who records waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from ledger.database import Database, Rows, Table
from ledger.draw_blocks import LOT_DRAW_BLOCK
from ledger.errors import DatabaseBusy, DatabaseUnusable
from ledger.events import (
    ApiCallsSeen,
    BalanceObserved,
    BalanceOpened,
    BreakAccepted,
    BreakNoted,
    BreakOpened,
    EntryAccountsSet,
    Event,
    LinesAttributed,
    LinesNotBilled,
    LinesVanished,
    OpeningRestated,
    PeriodClosed,
    PeriodReopened,
    RechargeSettingsSeen,
    RefundSeen,
)
from ledger.names import periods_stream
from projections.batch import NotWritable, caught_up, step
from projections.books import log_position
from projections.lot_drawing import Days, Drawn, Forgotten, draw
from projections.lot_facts import Facts, facts
from projections.lot_segments import touched_days
from projections.movement_index import MOVEMENT_INDEX
from projections.tables import (
    LOT,
    LOT_ARRIVAL,
    LOT_MONTH,
    LOT_SEGMENT,
    LOTS,
    POSTED,
    POSTED_SEGMENT,
)

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
    made.customers = draw_all(rows, concerned(rows, after), made)
    return made


def draw_all(rows: Rows, customers: Iterable[str], made: Made) -> list[Drawn]:
    """Draw the lots of some customers."""
    known = ((customer, facts(rows, customer)) for customer in customers)
    return [
        draw(rows, of, customer, _forgotten(rows, customer, of, made)) for customer, of in known
    ]


def concerned(rows: Rows, after: int) -> list[str]:
    """Give the customers of whose credits or costs something was recorded."""
    unheard = {f"t{number}": topic for number, topic in enumerate(_ELSEWHERE)}
    found = rows.execute(_CONCERNED.format(", :".join(unheard)), after=after, **unheard)
    return [customer for (customer,) in found]


_CONCERNED: Final = """
    SELECT DISTINCT customer FROM event_log WHERE position > :after
        AND topic NOT IN (:{}) AND customer IS NOT NULL ORDER BY customer
"""


# --- what is not known any more -------------------------------------------------------------


_ALL_DAYS: Final = ("", "~")


def _forgotten(rows: Rows, customer: str, known: Facts, made: Made) -> Forgotten:
    """Say of which days the segments that are kept do not hold any more."""
    forgotten = Forgotten()
    whole = _streams_with(rows, made, BalanceOpened, OpeningRestated)
    periods = _streams_with(rows, made, PeriodClosed, PeriodReopened)
    touched = touched_days(rows, known.accounts, made.after, made.through if made.after else 0)
    for account in known.accounts:
        if account in whole or not made.after:
            forgotten.days.append((account, *_ALL_DAYS))
            forgotten.anew.add(account)
        else:
            forgotten.days += ((account, *days) for days in _joined(touched[account]))
    forgotten.posted_days = (
        [(account, *_ALL_DAYS) for account in known.accounts]
        if periods_stream(customer) in periods
        else forgotten.days
    )
    return forgotten


def _streams_with(rows: Rows, made: Made, *kinds: type[Event]) -> set[str]:
    """Give the streams in which events of some kinds were recorded since."""
    topics = {f"t{number}": kind.TOPIC for number, kind in enumerate(kinds)}
    return {
        stream
        for (stream,) in rows.execute(
            f"SELECT DISTINCT stream FROM event_log WHERE position > :after"  # noqa: S608
            f" AND topic IN (:{', :'.join(topics)})",
            after=made.after,
            **topics,
        )
    }


def _joined(days: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Join stretches of days that overlap."""
    joined: list[tuple[str, str]] = []
    for first, last in sorted(set(days)):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


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
        for table in (LOT, LOT_ARRIVAL, LOT_DRAW_BLOCK, LOT_MONTH):
            _delete(database, table, account)
    _delete_days(database, LOT_SEGMENT, drawn.forgotten.days)
    _unpost(database, drawn)
    for table, rows in drawn.rows.items():
        database.insert(table, rows)


def _unpost(database: Database, drawn: Drawn) -> None:
    """Delete what was there on the posted basis, but for segments that still hold."""
    was_closed = database.execute(
        "DELETE FROM posted_customer WHERE customer = :customer RETURNING customer",
        customer=drawn.customer,
    )
    if was_closed:
        for account in drawn.accounts:
            for table in POSTED:
                if table is not POSTED_SEGMENT or POSTED_SEGMENT not in drawn.rows:
                    _delete(database, table, account)
        _delete_days(database, POSTED_SEGMENT, drawn.forgotten.posted_days)


def _delete(database: Database, table: Table, account: str) -> None:
    database.execute(
        f"DELETE FROM {table.name} WHERE account = :account",  # noqa: S608 (our own names)
        account=account,
    )


def _delete_days(database: Database, table: Table, days: Iterable[Days]) -> None:
    for account, first, last in days:
        database.execute(
            f"DELETE FROM {table.name} WHERE account = :account"  # noqa: S608 (our own names)
            " AND day BETWEEN :first AND :last",
            account=account,
            first=first,
            last=last,
        )
