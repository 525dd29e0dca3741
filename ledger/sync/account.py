"""The rows of one SMS account: list what may be new, read it, record it page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain, islice
from typing import Final, Protocol, TypeVar
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from ledger.account import open_break
from ledger.consumption import (
    NOT_BILLED,
    Conflict,
    note_not_billed,
    note_vanished,
    record_lines,
)
from ledger.countries import numbers_library
from ledger.credits import ZERO, Credits
from ledger.database import Database
from ledger.errors import OvhRightMissing, TooFine
from ledger.events import (
    NOT_READ,
    BreakKind,
    Coverage,
    FromOvh,
    LineKind,
    Pending,
    Source,
    Stamp,
)
from ledger.ovh.gateway import Gateway, Job
from ledger.pages import LINES_PER_PAGE, Line, LineId
from ledger.service import Ledger, Work
from ledger.settlement import InFlight
from ledger.sync.memory import SyncRun, last_run
from ledger.sync.rows import KeepLabel, hlr_line, incoming_line, outgoing_line
from ledger.times import from_us, local_day, to_us

# Rows appear late: OVH retries for seven days, and a deferred message keeps its old time.
_LATE: Final = timedelta(days=8)

T = TypeVar("T")


class Progress(Protocol):
    """Someone who watches: how many rows are to be read, how many were."""

    def expect(self, account: str, rows: int) -> None: ...

    def advance(self, rows: int) -> None: ...


@dataclass(slots=True)
class Notes:
    """What a person should know that is no error: once each, in the order of appearance."""

    texts: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        if text not in self.texts:
            self.texts.append(text)

    def optional(self, call: Callable[[], T], default: T, *, what: str) -> T:
        """Make a call that the key need not be allowed; without the right, note it once."""
        try:
            return call()
        except OvhRightMissing as missing:
            self.add(
                f"{what} not read: the key lacks the rule `{missing.method} {missing.path}`"
            )
            return default


@dataclass(frozen=True, slots=True)
class Context:
    """What one synchronisation shares among its parts."""

    gateway: Gateway
    ledger: Ledger
    database: Database
    customer: str
    zone: ZoneInfo
    stamp: Callable[[Source], Stamp]
    now: Callable[[], datetime]
    keep_label: KeepLabel
    notes: Notes
    progress: Progress
    dry_run: bool

    def source(self) -> FromOvh:
        """Give the evidence of the last answer."""
        last = self.gateway.last
        return FromOvh(last.route, last.read_at, last.query_id)


@dataclass(slots=True)
class Rows:
    """What reading an account's lists came to.

    `unread` tells that something stands in a list that could not be taken into account.
    """

    new: int = 0
    corrected: int = 0
    coverage: Coverage = NOT_READ
    pending: Pending | None = None
    pending_jobs: tuple[InFlight, ...] | None = None
    vanished: int = 0
    unread: bool = False

    @property
    def pending_ids(self) -> tuple[int, ...]:
        return tuple(job.id for job in self.pending_jobs or ())


class AccountRows:
    """Reads the rows of one account; may be asked again while the account is moving."""

    def __init__(self, context: Context, service: str) -> None:
        self._context = context
        self._service = service
        self._run = last_run(context.database, service)
        self.rows = Rows()

    def read(self) -> Rows:
        """List, read and record.

        Jobs come first: one that becomes a row meanwhile is seen as both, and counted once,
        by its id.
        """
        context, service, gateway = self._context, self._service, self._context.gateway
        since = self._since()
        jobs_at = context.now()
        jobs = self._jobs()
        outgoing_at = context.now()
        ids = gateway.outgoing_ids(service, since=since)
        receipts = gateway.outgoing_ids(service, delivery_receipt=NOT_BILLED)
        self._record_kind(
            "consumption",
            ids,
            lambda chunk: gateway.outgoing(service, chunk),
            lambda row: outgoing_line(row, keep=context.keep_label),
            again=self._not_billed(receipts),
        )
        self._count_vanished(ids, since)
        incoming_at = context.now()
        self._record_kind(
            "reply",
            gateway.incoming_ids(service, since=since),
            lambda chunk: gateway.incoming(service, chunk),
            lambda row: incoming_line(row, keep=context.keep_label),
        )
        hlr_at = self._record_hlr()
        self.rows.pending = self._pending(jobs)
        self.rows.coverage = replace(
            NOT_READ,
            outgoing=outgoing_at,
            incoming=incoming_at,
            hlr=hlr_at,
            jobs=None if jobs is None else jobs_at,
        )
        self._run = SyncRun(
            read_at=outgoing_at,
            coverage=self.rows.coverage,
            oldest_pending=self.rows.pending.oldest_at if self.rows.pending else None,
            listed_whole_on=(
                self.listed_whole_on if since else local_day(outgoing_at, context.zone)
            ),
        )
        return self.rows

    @property
    def listed_whole_on(self) -> date | None:
        return self._run.listed_whole_on if self._run else None

    def _since(self) -> datetime | None:
        """Give where to list from; None once a day, for all that OVH retains."""
        run = self._run
        if run is None or run.coverage.outgoing is None or run.coverage.incoming is None:
            return None
        if run.listed_whole_on != local_day(self._context.now(), self._context.zone):
            return None
        through = min(run.coverage.outgoing, run.coverage.incoming) - _LATE
        return min(through, run.oldest_pending) if run.oldest_pending else through

    # --- the lists -----------------------------------------------------------------------

    def _not_billed(self, receipts: Sequence[int]) -> list[int]:
        """Note what OVH marks as not billed now; give the rows whose credits may change yet.

        Those are the ones marked since they were read, and all of the last days.
        """
        context, service = self._context, self._service
        since_us = to_us(context.now() - _LATE)

        def decide(work: Work) -> list[int]:
            consumption = work.consumption(service)
            known = work.known_lines(service, "consumption", receipts)
            lines = [line for _, line in known.values()]
            noted = note_not_billed(
                consumption,
                "consumption",
                lines,
                stamp=context.stamp(context.source()),
                at=context.now(),
            )
            if not context.dry_run:
                work.record(consumption, noted)
            marked = {line_id for event in noted for line_id in event.line_ids}
            return [
                line.id
                for line in lines
                if isinstance(line.id, int) and (line.id in marked or line.at_us >= since_us)
            ]

        return context.ledger.work(decide)

    def _record_hlr(self) -> datetime | None:
        context, service = self._context, self._service
        at = context.now()
        ids = context.notes.optional(
            lambda: context.gateway.hlr_ids(service), None, what="HLR lookups"
        )
        if ids is None:
            return None
        self._record_kind(
            "hlr", ids, lambda chunk: context.gateway.hlr(service, chunk), hlr_line
        )
        return at

    def _jobs(self) -> Mapping[int, Job] | None:
        context, service = self._context, self._service

        def read() -> Mapping[int, Job]:
            return context.gateway.jobs(service, context.gateway.job_ids(service))

        return context.notes.optional(read, None, what="pending jobs")

    def _pending(self, jobs: Mapping[int, Job] | None) -> Pending | None:
        """Sum the jobs that are not rows yet."""
        if jobs is None:
            return None
        rows = self._known("consumption", jobs)
        waiting = [job for job in jobs.values() if job.id not in rows]
        in_flight = [
            InFlight(job.id, job.creationDatetime, self._credits_of(job)) for job in waiting
        ]
        self.rows.pending_jobs = tuple(sorted(in_flight))
        credits = sum((job.credits for job in in_flight), ZERO)
        return Pending(len(waiting), credits, min((job.at for job in in_flight), default=None))

    def _credits_of(self, job: Job) -> Credits:
        try:
            return Credits.from_ovh(job.credits)
        except TooFine as error:
            self._context.notes.add(f"{self._service}: pending job {job.id} left out: {error}")
            self.rows.unread = True
            return ZERO

    def _known(self, kind: LineKind, ids: Iterable[LineId]) -> Mapping[LineId, object]:
        return self._context.ledger.work(
            lambda work: work.known_lines(self._service, kind, ids)
        )

    def _count_vanished(self, ids: Sequence[int], since: datetime | None) -> None:
        """Count recorded rows of the listed window that OVH does not list any more.

        Each is noted once: what OVH said of it can no longer be read again.
        """
        context, service, listed = self._context, self._service, set(ids)
        if self._run is None:
            return
        begin = context.now() - _LATE if since is None else since
        gone = [
            line
            for line in context.ledger.lines_since(service, "consumption", begin)
            if line.id not in listed
        ]
        self.rows.vanished = len(gone)
        if not gone or context.dry_run:
            return
        stamp, at = context.stamp(context.source()), context.now()

        def decide(work: Work) -> None:
            state = work.consumption(service)
            work.record(state, note_vanished(state, "consumption", gone, stamp=stamp, at=at))

        context.ledger.work(decide)

    # --- recording -----------------------------------------------------------------------

    def _record_kind(
        self,
        kind: LineKind,
        ids: Sequence[int],
        fetch: Callable[[Sequence[int]], Mapping[int, T]],
        line_of: Callable[[T], Line],
        *,
        again: Sequence[int] = (),
    ) -> None:
        """Read the ids that are not recorded, and those to be read `again`; record them."""
        known = self._known(kind, ids)
        # No set: of a million ids it would take more than all the rest.
        wanted = sorted(chain((i for i in ids if i not in known), again))
        self._context.progress.expect(self._service, len(wanted))
        if self._context.dry_run:
            self.rows.new += len(wanted)
            return
        for chunk in _chunks(wanted, LINES_PER_PAGE):
            rows = fetch(chunk)
            self._record(kind, list(rows.items()), line_of)
            self._context.progress.advance(len(chunk))

    def _record(
        self, kind: LineKind, rows: list[tuple[int, T]], line_of: Callable[[T], Line]
    ) -> None:
        lines: list[Line] = []
        too_fine: list[tuple[int, TooFine]] = []
        for row_id, row in rows:
            try:
                lines.append(line_of(row))
            except TooFine as error:
                too_fine.append((row_id, error))
                self.rows.unread = True
        stamp = self._context.stamp(self._context.source())
        new, corrected = self._context.ledger.work(
            lambda work: self._decide(work, kind, lines, too_fine, stamp)
        )
        self.rows.new += new
        self.rows.corrected += corrected

    def _decide(
        self,
        work: Work,
        kind: LineKind,
        lines: list[Line],
        too_fine: list[tuple[int, TooFine]],
        stamp: Stamp,
    ) -> tuple[int, int]:
        service = self._service
        consumption = work.consumption(service)
        known = work.known_lines(service, kind, [line.id for line in lines])
        recording = record_lines(
            consumption, kind, lines, known, numbers=numbers_library(), stamp=stamp
        )
        work.record(consumption, [*recording.pages, *recording.corrections])
        for conflict in recording.conflicts:
            self._break_on(work, kind, conflict, stamp)
        for row_id, error in too_fine:
            reference = f"{kind} {row_id}"
            self._open_break(work, "too-fine", reference, None, text=str(error), stamp=stamp)
        return sum(page.count for page in recording.pages), len(recording.corrections)

    def _break_on(self, work: Work, kind: LineKind, conflict: Conflict, stamp: Stamp) -> None:
        known, found = conflict.known, conflict.found
        text = (
            f"{kind} {known.id} is recorded with {known.parts} parts of"
            f" {from_us(known.at_us).isoformat()}, OVH now shows {found.parts} parts of"
            f" {from_us(found.at_us).isoformat()}; the recorded line stands"
        )
        change = Credits(known.milli - found.milli)
        reference = f"{kind} {known.id}"
        self._open_break(work, "line-conflict", reference, change, text=text, stamp=stamp)

    def _open_break(
        self,
        work: Work,
        kind: BreakKind,
        reference: str,
        credits: Credits | None,
        *,
        text: str,
        stamp: Stamp,
    ) -> None:
        account = work.account(self._service)
        work.record(
            account,
            open_break(
                account,
                kind,
                reference,
                credits=credits,
                text=text,
                stamp=stamp,
                at=self._context.now(),
            ),
        )


def _chunks(ids: Sequence[int], size: int) -> Iterator[list[int]]:
    left = iter(ids)
    while chunk := list(islice(left, size)):
        yield chunk
