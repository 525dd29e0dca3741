"""`rebuild`: the tables made again from the events alone, while others read the old ones.

What needs the lines is folded beside the tables, without a lock; what does not fit into memory
goes into scratch tables of this connection. Then, in one transaction that holds off writers,
what was recorded meanwhile is added, and the new rows take the place of the old: a run that is
killed leaves everything as it was. The log itself is never touched: its order is a fact.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, get_args

from ledger.credits import Credits
from ledger.database import Database, Table
from ledger.day_blocks import DAILY_BLOCK
from ledger.errors import IntegrityFailure
from ledger.events import PageRecorded
from ledger.totals import refold_balances
from projections.agreement import unequal_balances
from projections.batch import move
from projections.books import log_position
from projections.log import Logged, entries
from projections.lot_books import Made, make, write
from projections.lots_anew import make_anew
from projections.monthly import MONTHLY_TOTALS
from projections.movement_index import MOVEMENT_INDEX
from projections.page_sums import Run, alone
from projections.refolding import Refold
from projections.registry import registry
from projections.shadow import beside
from projections.tables import BOOKS, LOTS, MONTHLY, REGISTER

Part = Literal["balances", "daily-totals", "register", "monthly-totals", "lots"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)

_TABLES: Final[dict[Part, tuple[Table, ...]]] = {
    "balances": BOOKS,
    "daily-totals": (DAILY_BLOCK,),
    "register": REGISTER,
    "monthly-totals": MONTHLY,
    "lots": LOTS,
}

# What lots are made from.
_UNDER_LOTS: Final[frozenset[Part]] = frozenset(("balances", "daily-totals", "register"))

# So often openings may be restated meanwhile, before those who restate them are held off.
_ATTEMPTS: Final = 2


# Gives a transaction that holds off those who record.
Writing = Callable[[Database], AbstractContextManager[Any]]


class Watch(Protocol):
    """Somebody who is told how far it is."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


def nobody(what: str, done: int, total: int) -> None:
    """Be told, and do nothing."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was made again, and from how much."""

    parts: list[Part]
    events: int
    lines: int


def rebuild(
    database: Database,
    parts: Collection[Part] = PARTS,
    *,
    writing: Writing,
    run: Run = alone,
    watch: Watch = nobody,
) -> Rebuilt:
    """Make tables again. Raises IntegrityFailure, and then leaves them as they were."""
    ordered = [part for part in PARTS if part in parts]
    with beside(database, _folded(ordered)) as scratch:
        with writing(scratch):
            _require_rights(scratch, ordered)
        try:
            rebuilt = _Making(scratch, ordered, writing, run, watch).make()
            if "lots" in ordered:
                _make_lots(database, ordered, run)
            return rebuilt
        except IntegrityFailure as error:
            msg = (
                f"{error}: no table was changed; `sms-ledger check --full` tells all that is"
                " wrong"
            )
            raise IntegrityFailure(msg) from error


def _folded(parts: Sequence[Part]) -> list[Table]:
    """Give the tables that are folded beside; balances are made in one go, lots at the end."""
    return [table for part in parts if part not in _AT_ONCE for table in _TABLES[part]]


_AT_ONCE: Final = ("balances", "lots")


def _make_lots(database: Database, parts: Sequence[Part], run: Run) -> None:
    """Make lots again from tables that are right: those made just now, or scratch ones."""
    if _UNDER_LOTS.issubset(parts):
        made = make_anew(database, run)
    else:
        made = _lots_beside(database, run)
    with database.transaction():
        write(database, made, anew=True)


def _lots_beside(database: Database, run: Run) -> Made:
    """Make lots from scratch tables, where those of the ledger may be wrong."""
    tables = [*BOOKS, *REGISTER, DAILY_BLOCK, *LOTS]
    with beside(database, tables) as scratch, scratch.snapshot():
        end = log_position(scratch)
        found = registry(scratch, end)
        refold = Refold(scratch, found.settled(), ("daily-totals", "register"), run=run)
        refold.take(entries(scratch, 0, end))
        refold.finish()
        found.write(scratch, refold_balances(scratch))
        return make(scratch, 0)


def _require_rights(scratch: Database, parts: Sequence[Part]) -> None:
    """Fail before the work rather than after it, where tables may not be written."""
    for part in parts:
        for table in _TABLES[part]:
            scratch.execute(f"DELETE FROM main.{table.name} WHERE 1 = 0")  # noqa: S608


@dataclass(slots=True)
class _Making:
    """One rebuild under way."""

    scratch: Database
    parts: list[Part]
    writing: Writing
    run: Run
    watch: Watch
    lines: int = 0

    def make(self) -> Rebuilt:
        for _ in range(_ATTEMPTS):
            done = self.attempt()
            if done is not None:
                return done
        return self.hold_off()

    def attempt(self) -> Rebuilt | None:
        """Fold what is there, then hold off writers; None where openings changed meanwhile."""
        position = log_position(self.scratch)
        openings = registry(self.scratch, position).settled()
        refold = Refold(self.scratch, openings, self.parts, run=self.run)
        refold.take(self._watched(0, position))
        with self.writing(self.scratch):
            end = log_position(self.scratch)
            if openings.extend(registry(self.scratch, end).settled()):
                refold.take(self._watched(position, end))
                return self._exchange(refold, end)
        for table in _folded(self.parts):
            self.scratch.execute(f"DELETE FROM temp.{table.name}")  # noqa: S608
        self.lines = 0
        return None

    def hold_off(self) -> Rebuilt:
        """Hold off writers from the beginning."""
        with self.writing(self.scratch):
            end = log_position(self.scratch)
            openings = registry(self.scratch, end).settled()
            refold = Refold(self.scratch, openings, self.parts, run=self.run)
            refold.take(self._watched(0, end))
            return self._exchange(refold, end)

    def _watched(self, after: int, through: int) -> Iterator[Logged]:
        for logged in entries(self.scratch, after, through):
            if isinstance(logged.event, PageRecorded):
                self.lines += logged.event.count
            self.watch("reading events", logged.position, through)
            yield logged

    def _exchange(self, refold: Refold, end: int) -> Rebuilt:
        """Put the new rows in the place of the old, in the caller's transaction."""
        scratch = self.scratch
        for table in (t for part in self.parts if part != "lots" for t in _TABLES[part]):
            scratch.execute(f"DELETE FROM main.{table.name}")  # noqa: S608
        if "balances" in self.parts:
            registry(scratch, end).write(scratch, refold_balances(scratch))
        for table in _folded(self.parts):
            _take_over(scratch, table)
        refold.finish()  # nothing is in the way any more: into the ledger's own tables
        for projection in (MOVEMENT_INDEX, MONTHLY_TOTALS):
            if projection.name in self.parts:
                move(projection, scratch, end)
        if "balances" in self.parts and "daily-totals" in self.parts:
            _require_agreement(scratch)
        return Rebuilt(self.parts, end, self.lines)


def _take_over(scratch: Database, table: Table) -> None:
    columns = ", ".join(table.columns)
    scratch.execute(
        f"INSERT INTO main.{table.name} ({columns}) SELECT {columns} FROM temp.{table.name}"  # noqa: S608
    )
    if table.view:
        scratch.execute(f"DROP VIEW temp.{table.view}")
    scratch.execute(f"DROP TABLE temp.{table.name}")


def _require_agreement(scratch: Database) -> None:
    """Hold two ways to a balance against each other: headers, and lines. Raises."""
    for account, moved, summed in unequal_balances(scratch):
        msg = (
            f"expected the days of {account} to come to {Credits(moved)} credits, as the"
            f" headers of its pages do, found {Credits(summed)}"
        )
        raise IntegrityFailure(msg)
