"""The daily totals once more, from the events alone: what the kept ones must be."""

from __future__ import annotations

from ledger.database import Database
from ledger.movements import movements
from ledger.times import to_us
from projections.counted import Openings
from projections.day_sums import DaySums
from projections.log import Logged
from projections.page_sums import Summed


class DailyTotals:
    """The table: movements and pages that were summed go in."""

    def __init__(self, database: Database, openings: Openings) -> None:
        self._database = database
        self._openings = openings
        self._sums = DaySums()

    def add(self, logged: Logged) -> None:
        """Take an event that is no page."""
        recorded_us = to_us(logged.event.recorded_at)
        for movement in movements(logged.event):
            counted = self._openings.of(logged.account)
            self._sums.add_movement(counted, movement, recorded_us)

    def add_pages(self, summed: Summed) -> None:
        self._sums.merge(summed.days)
        self._sums.flush(self._database, everything=False)

    def flush(self) -> None:
        self._sums.flush(self._database)
