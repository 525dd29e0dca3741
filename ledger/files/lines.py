"""Recording lines as pages, and who sent them, while those that come next are packed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, islice
from typing import Final, NamedTuple, TypeVar

from ledger.aliases import Aliases
from ledger.errors import Refused
from ledger.events import LedgerEvent, Stamp
from ledger.files.chunks import LABELS, Rows, labels_of, rows_of
from ledger.files.crew import Crew
from ledger.files.facts import NUMBERS_BY_FILE
from ledger.files.line_spool import LineSpool, Stored
from ledger.files.packing import Kept, PackedPage, ToPack, pack_chunks, pack_rows
from ledger.files.plan import AccountPlan
from ledger.files.settling import Settled
from ledger.pages import LINES_PER_PAGE, Line, attributed_page, recorded
from ledger.service import Ledger, Work

# So few that an operator's change to the same account hardly waits for them.
_PAGES_AT_ONCE: Final = 20

T = TypeVar("T")


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut into lists of a size."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def changed_meanwhile(account: str) -> Refused:
    """Another program recorded something that the plan did not know of."""
    msg = (
        f"expected {account} as it was when the file was checked, found that another program"
        " changed it meanwhile: import the same file again to go on"
    )
    return Refused(msg)


@dataclass(frozen=True, slots=True)
class LineRecording:
    """What recording lines needs besides the plan.

    `stamped` gives the envelope of what stood between two lines of the file.
    """

    ledger: Ledger
    aliases: Aliases
    spool: LineSpool
    crew: Crew
    stamped: Callable[[int, int], Stamp]
    progress: Callable[[int], None]


class _Step(NamedTuple):
    """Some lines of a group: `unknown` to the ledger, else known but for who sent them."""

    plan: AccountPlan
    settled: Settled
    task: ToPack
    unknown: bool


_Packed = tuple[_Step, list[PackedPage]]


class LineRecorder:
    """Records the lines of all accounts; what comes next is packed meanwhile."""

    def __init__(self, recording: LineRecording, plans: Sequence[AccountPlan]) -> None:
        self._recording = recording
        self._plans = plans
        self._versions = {plan.named.name: plan.consumption_version for plan in plans}

    def run(self) -> None:
        for together in _together(self._packed()):
            self._versions = self._recording.ledger.work(
                partial(self._record, together=together)
            )
            for step, pages in together:
                if step.unknown:
                    self._recording.progress(sum(page.packed.count for page in pages))

    def _packed(self) -> Iterator[_Packed]:
        waiting: deque[_Step] = deque()

        def tasks() -> Iterator[ToPack]:
            for step in self._steps():
                waiting.append(step)
                yield step.task

        for pages in self._recording.crew.run(pack_chunks, tasks()):
            yield waiting.popleft(), pages

    def _steps(self) -> Iterator[_Step]:
        for plan in self._plans:
            for settled in plan.lines:
                for stretch in _stretches(list(settled.new), _PAGES_AT_ONCE * LINES_PER_PAGE):
                    yield _Step(plan, settled, self._to_pack(plan, *stretch), unknown=True)
                for stored in settled.unattributed:
                    task = self._to_pack(plan, [stored], 0, stored.rows)
                    yield _Step(plan, settled, task, unknown=False)

    def _to_pack(self, plan: AccountPlan, found: list[Stored], skip: int, lines: int) -> ToPack:
        spool = self._recording.spool
        chunks = [(spool.data(stored), stored.labels_size) for stored in found]
        return ToPack(chunks, skip, lines, self._kept(plan.named.customer, chunks))

    def _kept(self, customer: str, chunks: list[tuple[bytes, int]]) -> Kept:
        found = [labels_of(*chunk) for chunk in chunks]
        return {
            label: self._recording.aliases.keep_all(
                customer,
                label,
                (value for labels in found for value in labels[label]),
            )
            for label in LABELS
        }

    # --- in one transaction ------------------------------------------------------------

    def _record(self, work: Work, together: list[_Packed]) -> dict[str, int]:
        """Place the events of some steps; gives the versions that the streams have then."""
        versions = dict(self._versions)
        for step, pages in together:
            state = work.consumption(step.plan.named.name)
            if step.unknown and state.version != versions[state.account]:
                pages = self._left(work, step)  # noqa: PLW2901 (what is left of them)
            for page in pages:
                work.record(state, self._events(step, page))
            versions[state.account] = state.version
        return versions

    def _events(self, step: _Step, page: PackedPage) -> Iterator[LedgerEvent]:
        kind = step.settled.group.kind
        stamp = self._recording.stamped(page.first_line, page.last_line)
        if step.unknown:
            yield recorded(kind, page.packed, numbers=NUMBERS_BY_FILE, stamp=stamp)
        if page.users is not None:
            at_us = page.packed.last_at_us
            yield attributed_page(kind, page.users, stamp=stamp, at_us=at_us)

    def _left(self, work: Work, step: _Step) -> list[PackedPage]:
        """Leave out what another program, or this one before a cut, recorded meanwhile."""
        account, task = step.plan.named.name, step.task
        rows: Rows = [row for chunk in task.chunks for row in rows_of(*chunk)]
        rows = rows[task.skip : task.skip + task.lines]
        known = work.known_lines(account, step.settled.group.kind, (row[0] for row in rows))
        for row in rows:
            place = known.get(row[0])
            if place is not None and not _same(place[1], row):
                raise changed_meanwhile(account)
        left = [row for row in rows if row[0] not in known]
        return pack_rows(left, task.kept) if left else []


def _together(packed: Iterable[_Packed]) -> Iterator[list[_Packed]]:
    """Join what one transaction records; of a group once, for it is held against the ledger."""
    together: list[_Packed] = []
    for step, pages in packed:
        count = sum(len(found) for _, found in together) + len(pages)
        if together and (count > _PAGES_AT_ONCE or _has_group(together, step)):
            yield together
            together = []
        together.append((step, pages))
    if together:
        yield together


def _has_group(together: list[_Packed], step: _Step) -> bool:
    return any(one.settled is step.settled for one, _ in together)


def _stretches(found: Sequence[Stored], size: int) -> Iterator[tuple[list[Stored], int, int]]:
    """Cut lines into stretches of a size: their chunks, what to skip of the first, how many."""
    places = list(accumulate((stored.rows for stored in found), initial=0))
    for start in range(0, places[-1], size):
        end = min(start + size, places[-1])
        first = bisect_right(places, start) - 1
        yield list(found[first : bisect_left(places, end)]), start - places[first], end - start


def _same(known: Line, row: tuple[object, ...]) -> bool:
    """Compare payloads; what a file does not say contradicts nothing."""
    _, _, at_us, milli, parts, *_ = row
    if None not in {known.parts, parts} and known.parts != parts:
        return False
    return (known.at_us, known.milli) == (at_us, milli)
