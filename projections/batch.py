"""Batch projections: tables made from the log, each with its own position in it.

A thousand log entries are applied and the position moves in one transaction, so that a killed
run leaves nothing half-applied. A rebuild is: empty the tables, position 0, catch up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from ledger.canonical import decode
from ledger.database import Database, Rows
from ledger.errors import DatabaseBusy, DatabaseUnusable
from ledger.events import LedgerEvent
from projections.books import log_position

ENTRIES_PER_STEP: Final = 1000

_QUIET_READS: Final = 3


@dataclass(frozen=True, slots=True)
class Logged:
    """An event with its place in the log; `account` is empty for a customer's own events."""

    position: int
    account: str
    version: int
    event: LedgerEvent


@dataclass(frozen=True, slots=True)
class Projection:
    """A name, the tables that belong to it, and what an event does to them."""

    name: str
    tables: tuple[str, ...]
    apply: Callable[[Rows, Logged], None]


def position_of(projection: Projection, rows: Rows) -> int:
    """Give the last position that a projection has applied."""
    found = rows.execute(
        "SELECT position FROM projection_position WHERE projection = :name",
        name=projection.name,
    )
    return int(found[0][0]) if found else 0


def step(projection: Projection, rows: Rows, *, through: int | None = None) -> bool:
    """Apply the next entries, at most up to a position; tells whether there were any.

    The caller's transaction holds it together.
    """
    position = _held_position(projection, rows)
    end = position + ENTRIES_PER_STEP
    entries = rows.execute(
        "SELECT l.position, COALESCE(l.account, ''), l.version, s.topic, s.state"
        " FROM event_log l JOIN stored_events s"
        " ON s.originator_id = l.stream AND s.originator_version = l.version"
        " WHERE l.position > :position AND l.position <= :end ORDER BY l.position",
        position=position,
        end=end if through is None else min(end, through),
    )
    for place, account, version, topic, state in entries:
        projection.apply(rows, Logged(place, account, version, decode(topic, state)))
    if entries:
        _move(projection, rows, entries[-1][0])
    return bool(entries)


def _held_position(projection: Projection, rows: Rows) -> int:
    """Give the position, and keep others from moving it until the transaction ends."""
    rows.execute(
        "INSERT INTO projection_position (projection, position) VALUES (:name, 0)"
        " ON CONFLICT (projection) DO NOTHING",
        name=projection.name,
    )
    ((position,),) = rows.execute(
        "UPDATE projection_position SET position = position WHERE projection = :name"
        " RETURNING position",
        name=projection.name,
    )
    return int(position)


def _move(projection: Projection, rows: Rows, position: int) -> None:
    rows.execute(
        "UPDATE projection_position SET position = :position WHERE projection = :name",
        name=projection.name,
        position=position,
    )


def is_behind(projection: Projection, rows: Rows) -> bool:
    return position_of(projection, rows) < log_position(rows)


def catch_up(projection: Projection, database: Database) -> None:
    """Apply what the log has beyond the projection. Raises DatabaseUnusable."""
    while is_behind(projection, database):
        try:
            with database.transaction():
                step(projection, database)
        except DatabaseBusy:
            raise
        except DatabaseUnusable as error:
            msg = (
                f"expected to bring the {projection.name} up to log position"
                f" {log_position(database)}, found {database.address} not writable: run the"
                " command once where it may be written, or copy the file"
            )
            raise DatabaseUnusable(msg) from error


def rebuild(projection: Projection, database: Database) -> None:
    """Make a projection again from the first event."""
    with database.transaction():
        empty(projection, database)
    catch_up(projection, database)


def empty(projection: Projection, rows: Rows) -> None:
    for table in projection.tables:
        rows.execute(f"DELETE FROM {table}")  # noqa: S608 (our own names)
    rows.execute(
        "DELETE FROM projection_position WHERE projection = :name", name=projection.name
    )


@contextmanager
def caught_up(projection: Projection, database: Database) -> Iterator[Database]:
    """Read one state of the ledger in which the projection has applied the whole log.

    Where others keep writing, the last attempt holds them off while it reads.
    """
    for _ in range(_QUIET_READS):
        catch_up(projection, database)
        with database.snapshot():
            if not is_behind(projection, database):
                yield database
                return
    with database.transaction():
        while step(projection, database):
            pass
        yield database
