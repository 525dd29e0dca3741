"""Importing one file: whole, or not at all, or not again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from ledger.database import Database
from ledger.errors import BadFile
from ledger.events import FromFile, Stamp
from ledger.files.origin import FileFormat, Lines, Origin, format_of
from ledger.files.parties import Parties
from ledger.files.plan import CustomerPlan, Planner, check_rows
from ledger.files.record import Recorder
from ledger.files.records import records
from ledger.files.rows import Row, RowReader
from ledger.files.spool import Spool
from ledger.service import Ledger
from ledger.times import zone

_ROWS_AT_ONCE: Final = 1000


class Watch(Protocol):
    """Somebody who is told how far it is."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import came to. `before`: the same file was imported before, whole."""

    customers: list[CustomerPlan]
    before: bool = False


@dataclass(frozen=True, slots=True)
class Import:
    """One file and how it is to be read. `stamp` is asked for once recording begins."""

    origin: Origin
    format: FileFormat
    time_zone: str
    now: datetime
    watch: Watch

    @classmethod
    def of(
        cls,
        origin: Origin,
        path: str,
        *,
        format: FileFormat | None,
        time_zone: str,
        now: datetime,
        watch: Watch,
    ) -> Import:
        """Find the format, check the time zone. Raises InvalidValue."""
        zone(time_zone)
        return cls(origin, format or format_of(origin, path), time_zone, now, watch)

    def check(self, database: Database) -> Outcome:
        """Tell what would be recorded; writes nothing. Raises BadFile."""
        if is_complete(database, self.origin.sha256):
            return Outcome([], before=True)
        with closing(Spool()) as spool:
            parties = self._read(spool)
            return Outcome(self._plan(database, spool, parties))

    def record(
        self,
        ledger: Ledger,
        database: Database,
        stamp: Callable[[FromFile], Stamp],
        *,
        waits: Callable[[], None],
    ) -> Outcome:
        """Record the file. Raises BadFile before anything is recorded."""
        if is_complete(database, self.origin.sha256):
            return Outcome([], before=True)
        with closing(Spool()) as spool:
            parties = self._read(spool)
            with database.lock("import", waits=waits):
                if is_complete(database, self.origin.sha256):
                    return Outcome([], before=True)
                plans = self._plan(database, spool, parties)
                if plans:
                    self._record(ledger, database, spool, plans, stamp)
                return Outcome(plans)

    def _read(self, spool: Spool) -> Parties:
        """Read the whole file into the spool; the first bad row is told."""
        parties = Parties()
        try:
            self._fill(spool, parties)
        except BadFile:
            spool.seal()
            check_rows(self.origin.name, spool, parties)  # a row before that may be bad too
            raise
        spool.seal()
        check_rows(self.origin.name, spool, parties)
        return parties

    def _fill(self, spool: Spool, parties: Parties) -> None:
        lines = Lines(self.origin)
        reader = RowReader(self.origin.name, parties, now=self.now)
        waiting: list[Row] = []
        try:
            for line, cells in records(self.origin.name, lines, self.format):
                waiting.extend(reader.read(line, cells))
                if len(waiting) >= _ROWS_AT_ONCE:
                    spool.add(waiting)
                    waiting.clear()
                    self.watch("reading", lines.read_bytes, self.origin.size)
        except BadFile:
            spool.add(waiting)
            raise
        spool.add(waiting)

    def _plan(self, database: Database, spool: Spool, parties: Parties) -> list[CustomerPlan]:
        self.watch("comparing", 0, 1)
        with database.snapshot():
            return Planner(
                self.origin.name, self.origin.sha256, database, spool, parties
            ).plan()

    def _record(
        self,
        ledger: Ledger,
        database: Database,
        spool: Spool,
        plans: list[CustomerPlan],
        stamp: Callable[[FromFile], Stamp],
    ) -> None:
        total = sum(plan.new for plan in plans)
        done = 0

        def progress(rows: int) -> None:
            nonlocal done
            done += rows
            self.watch("recording", done, total)

        whole = FromFile(
            self.origin.sha256,
            min(plan.totals.first_line for plan in plans),
            max(plan.totals.last_line for plan in plans),
        )
        Recorder(
            ledger,
            database,
            spool,
            plans,
            sha256=self.origin.sha256,
            stamp=stamp(whole),
            time_zone=self.time_zone,
            progress=progress,
        ).run()


def is_complete(database: Database, sha256: str) -> bool:
    """Tell whether a file is recorded whole: all its customers are completed together."""
    rows = database.execute(
        "SELECT COUNT(*), COUNT(completed_at_us) FROM file_import WHERE sha256 = :sha256",
        sha256=sha256,
    )
    started, completed = rows[0]
    return bool(started) and started == completed
