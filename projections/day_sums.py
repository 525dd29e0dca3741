"""Sums by account, day and kind, gathered in memory and added to the table now and then."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from ledger.calendars import day_of, days
from ledger.database import Database
from ledger.day_blocks import DayKey, Sum, add_days
from ledger.movements import Movement
from projections.counted import Counted
from projections.shares import Shares

# In memory; what goes beyond is added to the table.
_AT_MOST: Final = 50_000

# By account and kind, then by day: how many, thousandths, first, last, recorded last.
DayTotals = dict[tuple[str, str], dict[str, list[int]]]


class DaySums:
    """Sums in memory: `found`, of so many days and kinds (`size`); the table begins empty."""

    def __init__(self) -> None:
        self.found: DayTotals = {}
        self.size = 0
        self._is_empty = True

    def add_movement(self, counted: Counted, movement: Movement, recorded_us: int) -> None:
        at_us = movement.at_us
        if counted.counts(at_us):
            day = day_of(counted.zone, at_us).name
            found = [1, movement.milli, at_us, at_us, recorded_us]
            self._add((counted.account, movement.kind), {day: found})

    def add_page(self, counted: Counted, kind: str, shares: Shares, recorded_us: int) -> None:
        """Cut a page at the local midnights between its lines."""
        begin = 0 if counted.since_us is None else shares.first_from(counted.since_us)
        if begin == len(shares.at):
            return
        at, unit_us = shares.at, shares.unit_us
        spent = list(accumulate(shares.milli, initial=0))
        found: dict[str, list[int]] = {}
        for day, _, end_us, _ in days(counted.zone, at[begin] * unit_us, at[-1] * unit_us):
            end = bisect_left(at, end_us // unit_us, begin)  # midnights are whole in any unit
            if begin < end:
                found[day] = [
                    end - begin, spent[begin] - spent[end],
                    at[begin] * unit_us, at[end - 1] * unit_us, recorded_us,
                ]  # fmt: skip
            begin = end
        self._add((counted.account, kind), found)

    def merge(self, totals: DayTotals) -> None:
        for key, found in totals.items():
            self._add(key, found)

    def _add(self, key: tuple[str, str], found: dict[str, list[int]]) -> None:
        known = self.found.setdefault(key, {})
        before = len(known)
        for day, sums in found.items():
            earlier = known.setdefault(day, sums)
            if earlier is not sums:
                count, milli, first, last, recorded = sums
                earlier[0] += count
                earlier[1] += milli
                earlier[2] = min(earlier[2], first)
                earlier[3] = max(earlier[3], last)
                earlier[4] = max(earlier[4], recorded)
        self.size += len(known) - before

    def flush(self, database: Database, *, everything: bool = True) -> None:
        """Add to the table what was gathered, or only where that is much."""
        if everything or self.size > _AT_MOST:
            add_days(database, self._sums(), empty=self._is_empty)
            self._is_empty = False
            self.found.clear()
            self.size = 0

    def _sums(self) -> Iterator[tuple[DayKey, Sum]]:
        for (account, kind), days_of_kind in self.found.items():
            for day, sums in days_of_kind.items():
                yield (account, day, kind), Sum(*sums)
