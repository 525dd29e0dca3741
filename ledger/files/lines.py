"""Recording the lines of one group as pages, and who sent them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, islice
from typing import Final, TypeVar

from ledger.aliases import Aliases
from ledger.consumption import Consumption
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


class LineRecorder:
    """Records the lines of one account."""

    def __init__(self, recording: LineRecording, plan: AccountPlan) -> None:
        self._recording = recording
        self._plan = plan
        self._name = plan.named.name
        self._expected_version = plan.consumption_version

    def run(self) -> None:
        for settled in self._plan.lines:
            self._record(settled)
            self._attribute(settled)

    # --- new lines ---------------------------------------------------------------------

    def _record(self, settled: Settled) -> None:
        tasks: list[ToPack] = []

        def packing() -> Iterator[ToPack]:
            for stretch in _stretches(list(settled.new), _PAGES_AT_ONCE * LINES_PER_PAGE):
                tasks.append(self._to_pack(*stretch))
                yield tasks[-1]

        for pages in self._recording.crew.run(pack_chunks, packing()):
            self._expected_version = self._recording.ledger.work(
                partial(self._pages, settled=settled, task=tasks.pop(0), pages=pages)
            )
            self._recording.progress(sum(page.packed.count for page in pages))

    def _to_pack(self, found: list[Stored], skip: int, lines: int) -> ToPack:
        spool = self._recording.spool
        chunks = [(spool.data(stored), stored.labels_size) for stored in found]
        return ToPack(chunks, skip, lines, self._kept(chunks))

    def _kept(self, chunks: list[tuple[bytes, int]]) -> Kept:
        found = [labels_of(*chunk) for chunk in chunks]
        return {
            label: self._recording.aliases.keep_all(
                self._plan.named.customer,
                label,
                (value for labels in found for value in labels[label]),
            )
            for label in LABELS
        }

    def _pages(
        self, work: Work, settled: Settled, task: ToPack, pages: list[PackedPage]
    ) -> int:
        state = work.consumption(self._name)
        if state.version != self._expected_version:
            pages = self._unknown(work, settled, task)
        for page in pages:
            work.record(state, self._events(settled, page))
        return state.version

    def _events(self, settled: Settled, page: PackedPage) -> Iterator[LedgerEvent]:
        kind = settled.group.kind
        stamp = self._recording.stamped(page.first_line, page.last_line)
        yield recorded(kind, page.packed, numbers=NUMBERS_BY_FILE, stamp=stamp)
        if page.users is not None:
            at_us = page.packed.last_at_us
            yield attributed_page(kind, page.users, stamp=stamp, at_us=at_us)

    def _unknown(self, work: Work, settled: Settled, task: ToPack) -> list[PackedPage]:
        """Leave out what another program, or this one before a cut, recorded meanwhile."""
        rows: Rows = [row for chunk in task.chunks for row in rows_of(*chunk)]
        rows = rows[task.skip : task.skip + task.lines]
        known = work.known_lines(self._name, settled.group.kind, (row[0] for row in rows))
        for row in rows:
            place = known.get(row[0])
            if place is not None and not _same(place[1], row):
                raise changed_meanwhile(self._name)
        left = [row for row in rows if row[0] not in known]
        return pack_rows(left, task.kept) if left else []

    # --- who sent known lines ----------------------------------------------------------

    def _attribute(self, settled: Settled) -> None:
        """Record who sent the known lines of which only the file tells it."""
        for stored in settled.unattributed:
            task = self._to_pack([stored], 0, stored.rows)
            self._expected_version = self._recording.ledger.work(
                partial(self._users, settled=settled, pages=pack_chunks(task))
            )

    def _users(self, work: Work, settled: Settled, pages: list[PackedPage]) -> int:
        state: Consumption = work.consumption(self._name)
        for page in pages:
            work.record(state, list(self._events(settled, page))[1:])
        return state.version


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
