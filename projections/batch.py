"""Batch projections: tables made from the log, each with its own position in it.

A thousand log entries are applied and the position moves in one transaction, so that a killed
run leaves nothing half-applied. `rebuilding` makes them again from the first event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from ledger.database import Database, Rows, Table
from ledger.errors import DatabaseBusy, DatabaseUnusable, IntegrityFailure
from projections.books import log_position
from projections.counted import GoingAlong, Openings
from projections.log import Logged, entries

ENTRIES_PER_STEP: Final = 1000

_QUIET_READS: Final = 3


class Fold(Protocol):
    """Takes entries of the log one by one, in their order, and writes what they come to."""

    def add(self, logged: Logged) -> None: ...

    def finish(self) -> None:
        """Write what is left."""
        ...


@dataclass(frozen=True, slots=True)
class Projection:
    """A name, the tables that belong to it, and what folds entries into them."""

    name: str
    tables: tuple[Table, ...]
    fold: Callable[[Database, Openings], Fold]


def position_of(projection: Projection, rows: Rows) -> int:
    """Give the last position that a projection has applied."""
    found = rows.execute(
        "SELECT position FROM projection_position WHERE projection = :name",
        name=projection.name,
    )
    return int(found[0][0]) if found else 0


def step(projection: Projection, database: Database) -> bool:
    """Apply the next entries; tells whether there were any. Raises IntegrityFailure.

    The caller's transaction holds it together.
    """
    position = _held_position(projection, database)
    fold = projection.fold(database, GoingAlong(database, position))
    last = position
    for logged in entries(database, position, position + ENTRIES_PER_STEP):
        fold.add(logged)
        last = logged.position
    if last == position:
        _require_end(projection, database, position)
        return False
    fold.finish()
    move(projection, database, last)
    return True


def _require_end(projection: Projection, rows: Rows, position: int) -> None:
    """Raise IntegrityFailure where the log goes on beyond a hole, which nothing passes."""
    if is_behind(projection, rows):
        msg = (
            f"expected the event after position {position} in the log, found that it goes on"
            " without it; type `sms-ledger check`"
        )
        raise IntegrityFailure(msg)


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


def move(projection: Projection, rows: Rows, position: int) -> None:
    """Say how far a projection is."""
    rows.execute(
        "INSERT INTO projection_position (projection, position) VALUES (:name, :position)"
        " ON CONFLICT (projection) DO UPDATE SET position = excluded.position",
        name=projection.name,
        position=position,
    )


def is_behind(projection: Projection, rows: Rows) -> bool:
    ((position, end),) = rows.execute(
        "SELECT (SELECT position FROM projection_position WHERE projection = :name),"
        " (SELECT MAX(position) FROM event_log)",
        name=projection.name,
    )
    return (position or 0) < (end or 0)


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
            raise NotWritable(msg) from error


class NotWritable(DatabaseUnusable):
    """A projection is behind, and cannot be brought up where it may not be written."""


@contextmanager
def caught_up(projection: Projection, database: Database) -> Iterator[Database]:
    """Read one state of the ledger in which the projection has applied the whole log.

    Where others keep writing, the last attempt holds them off while it reads.
    """
    for _ in range(_QUIET_READS):
        with database.snapshot():
            if not is_behind(projection, database):
                yield database
                return
        catch_up(projection, database)
    with database.transaction():
        while step(projection, database):
            pass
        yield database
