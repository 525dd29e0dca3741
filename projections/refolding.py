"""Many tables made again in one reading of the log, each page read once for all of them.

Pages are summed in tasks, which another process may help with (`Run`). Where sums do not fit
into memory they go into the tables as they come; the rest at the end, by `finish`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from ledger.database import Database
from ledger.events import PageRecorded
from ledger.names import consumption_stream
from projections.counted import Openings
from projections.daily import DailyTotals
from projections.log import Logged
from projections.monthly import MonthlyTotals, item
from projections.movement_index import MovementFold
from projections.page_sums import Run, Summed, Task, sum_pages
from projections.pairing import Paged, Pairing

_PAGES_PER_TASK: Final = 32

# Entries: after so many, what later events say of earlier pages is put in its place.
_SECTION: Final = 5000


@dataclass(frozen=True, slots=True)
class Fault:
    """A page that cannot be counted, and why."""

    position: int
    text: str


class Refold:
    """Folds entries of the log into empty tables; openings are settled."""

    def __init__(
        self,
        database: Database,
        openings: Openings,
        wanted: Collection[str],
        *,
        run: Run,
        proved: bool = False,
    ) -> None:
        self._openings = openings
        self._run = run
        self._proved = proved
        self._daily = DailyTotals(database, openings) if "daily-totals" in wanted else None
        self._monthly = (
            MonthlyTotals(database, openings, empty=True)
            if "monthly-totals" in wanted
            else None
        )
        self._register = MovementFold(database, openings) if "register" in wanted else None
        self._sums_pages = bool({"daily-totals", "monthly-totals"}.intersection(wanted))

    def take(self, entries: Iterable[Logged]) -> list[Fault]:
        """Take entries; gives the faults of pages, if they are to be `proved`."""
        faults: list[Fault] = []
        left = iter(entries)
        for first in left:
            faults += self._take_section(chain([first], islice(left, _SECTION - 1)))
        return faults

    def finish(self) -> None:
        """Write what was gathered."""
        for part in (self._daily, self._monthly):
            if part is not None:
                part.flush()
        if self._register is not None:
            self._register.finish()

    def _take_section(self, entries: Iterable[Logged]) -> Iterator[Fault]:
        under_way: deque[list[Paged]] = deque()
        for summed in self._run(sum_pages, self._tasks(entries, under_way)):
            yield from self._summed(under_way.popleft(), summed)
        if self._monthly is not None:
            self._monthly.settle()

    def _tasks(
        self, entries: Iterable[Logged], under_way: deque[list[Paged]]
    ) -> Iterator[Task]:
        pages = self._pages(entries)
        while some := list(islice(pages, _PAGES_PER_TASK)):
            under_way.append(some)
            yield Task([item(one, self._openings) for one in some], proved=self._proved)

    def _pages(self, entries: Iterable[Logged]) -> Iterator[Paged]:
        """Give the pages, and count what is none."""
        pairing = Pairing()
        for logged in entries:
            if self._register is not None:
                self._register.add(logged)
            if self._sums_pages or not isinstance(logged.event, PageRecorded):
                for one in pairing.take(logged):
                    if isinstance(one, Paged):
                        yield one
                    else:
                        self._count(one)
        yield from pairing.rest()

    def _count(self, logged: Logged) -> None:
        for part in (self._daily, self._monthly):
            if part is not None:
                part.add(logged)

    def _summed(self, pages: list[Paged], summed: Summed) -> Iterator[Fault]:
        if self._daily is not None:
            self._daily.add_pages(summed)
        if self._monthly is not None:
            self._monthly.add_pages(pages, summed)
        for (page, _), fault in zip(pages, summed.faults, strict=True):
            if fault is not None:
                yield Fault(page.position, f"{consumption_stream(page.account)}: {fault}")
