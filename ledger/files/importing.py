"""Importing one file: whole, or not at all, or not again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from ledger.database import Database
from ledger.errors import BadFile
from ledger.events import FromFile, Stamp
from ledger.files import reading
from ledger.files.crew import Crew, cores, no_collector
from ledger.files.line_spool import LineSpool
from ledger.files.origin import FileFormat, Origin, format_of
from ledger.files.parties import BadCell, Parties
from ledger.files.plan import CustomerPlan, Planner, Read, check_rows, settle_all
from ledger.files.reading import ToRead
from ledger.files.record import Recorder, Recording
from ledger.files.rows import Row
from ledger.files.segments import Segments
from ledger.files.spool import Spool
from ledger.service import Ledger
from ledger.times import zone

# Starting another process takes as long as reading so much.
_WORTH_A_HELPER_BYTES: Final = 8 << 20


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
    """One file and how it is to be read, by so many `processes` (None: as there are cores)."""

    origin: Origin
    format: FileFormat
    time_zone: str
    now: datetime
    watch: Watch
    processes: int | None = None

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
        processes: int | None = None,
    ) -> Import:
        """Find the format, check the time zone. Raises InvalidValue."""
        zone(time_zone)
        found = format or format_of(origin, path)
        return cls(origin, found, time_zone, now, watch, processes)

    def check(self, database: Database) -> Outcome:
        """Tell what would be recorded; writes nothing. Raises BadFile."""
        if is_complete(database, self.origin.sha256):
            return Outcome([], before=True)
        with self._crew() as crew, _spools() as (facts, lines):
            return Outcome(self._plan(database, self._read(crew, facts, lines)))

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
        with self._crew() as crew, _spools() as (facts, lines):
            read = self._read(crew, facts, lines)
            with database.lock("import", waits=waits):
                if is_complete(database, self.origin.sha256):
                    return Outcome([], before=True)
                plans = self._plan(database, read)
                if plans:
                    self._record(Recording(ledger, database, read, crew), plans, stamp)
                return Outcome(plans)

    def _crew(self) -> Crew:
        """Take a helper where there is a core for it, and enough to do."""
        processes = self.processes or cores()
        return Crew(helped=processes > 1 and self.origin.size >= _WORTH_A_HELPER_BYTES)

    def _read(self, crew: Crew, facts: Spool, lines: LineSpool) -> Read:
        """Read the whole file into the spools; the first bad row is told."""
        segments = Segments(self.origin, self.format)
        read = Read(self.origin.name, self.origin.sha256, facts, lines, Parties())
        try:
            tasks = (ToRead(segment, self.now) for segment in segments)
            with no_collector():
                for found in crew.run(reading.read, tasks):
                    self._take(read, found)
                    self.watch("reading", segments.read_bytes, self.origin.size)
        except BadFile:
            facts.seal()
            check_rows(read, settle_all(lines))  # a row before that may be bad too
            raise
        facts.seal()
        return read

    def _take(self, read: Read, found: reading.Found) -> None:
        """Take in what a segment says; the first of its bad rows is told."""
        bad = found.bad
        try:
            numbers = read.parties.take_over(found.parties)
        except BadCell as error:
            line = error.line or 1
            if bad is None or line < bad.line:
                bad = reading.Bad(line, error.column, error.expected, error.found)
            raise self._refusal(bad) from None
        read.facts.add(_renumbered(row, numbers) for row in found.facts)
        for group, chunk in found.lines:
            read.lines.add(group._replace(account=numbers[group.account]), [chunk])
        if bad is not None:
            raise self._refusal(bad)

    def _refusal(self, bad: reading.Bad) -> BadFile:
        return BadFile(
            self.origin.name,
            line=bad.line,
            column=bad.column,
            expected=bad.expected,
            found=bad.found,
        )

    def _plan(self, database: Database, read: Read) -> list[CustomerPlan]:
        self.watch("comparing", 0, 1)
        with database.snapshot():
            return Planner(read, database).plan()

    def _record(
        self,
        recording: Recording,
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
            recording,
            plans,
            stamp=stamp(whole),
            time_zone=self.time_zone,
            progress=progress,
        ).run()


@contextmanager
def _spools() -> Iterator[tuple[Spool, LineSpool]]:
    with closing(Spool()) as facts, closing(LineSpool()) as lines:
        yield facts, lines


def _renumbered(row: Row, numbers: dict[int, int]) -> Row:
    counter = None if row.counter is None else numbers[row.counter]
    return row._replace(account=numbers[row.account], counter=counter)


def is_complete(database: Database, sha256: str) -> bool:
    """Tell whether a file is recorded whole: all its customers are completed together."""
    rows = database.execute(
        "SELECT COUNT(*), COUNT(completed_at_us) FROM file_import WHERE sha256 = :sha256",
        sha256=sha256,
    )
    started, completed = rows[0]
    return bool(started) and started == completed
