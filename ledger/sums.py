"""Sums of movements by account, day and kind, gathered over a transaction and written once.

A transaction of many pages touches the same days again and again; what it holds the ledger's
lock for is a handful of statements.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from ledger.database import Rows
from ledger.events import LedgerEvent
from ledger.movements import Movement, movements
from ledger.times import from_us, local_day, start_of_day, to_us


@dataclass(slots=True)
class Sum:
    """What moved in one day, of one kind."""

    count: int
    milli: int
    first_at_us: int
    last_at_us: int
    recorded_at_us: int

    def add(self, other: Sum) -> None:
        self.count += other.count
        self.milli += other.milli
        self.first_at_us = min(self.first_at_us, other.first_at_us)
        self.last_at_us = max(self.last_at_us, other.last_at_us)
        self.recorded_at_us = max(self.recorded_at_us, other.recorded_at_us)


class Sums:
    """Counts movements from an account's opening on, by its customer's local days."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._days: dict[tuple[str, str, str], Sum] = {}
        self._openings: dict[str, tuple[int | None, ZoneInfo]] = {}

    def count(self, account: str, event: LedgerEvent) -> None:
        """Add the movements of an event; nothing is written before `flush`."""
        opening_at_us, zone = self._opening(account)
        counted = [
            movement
            for movement in movements(event)
            if opening_at_us is None or movement.at_us >= opening_at_us
        ]
        recorded_at_us = to_us(event.recorded_at)
        for day, group in _by_day(counted, zone):
            found = Sum(
                len(group),
                sum(movement.milli for movement in group),
                group[0].at_us,
                group[-1].at_us,
                recorded_at_us,
            )
            known = self._days.setdefault((account, day, group[0].kind), found)
            if known is not found:
                known.add(found)

    def _opening(self, account: str) -> tuple[int | None, ZoneInfo]:
        known = self._openings.get(account)
        if known is None:
            ((opening_at_us, zone_name),) = self._rows.execute(
                "SELECT opening_at_us, time_zone FROM account JOIN customer USING (customer)"
                " WHERE account = :account",
                account=account,
            )
            known = self._openings[account] = (opening_at_us, ZoneInfo(zone_name))
        return known

    def reopened(self, account: str) -> None:
        """Forget where an account is counted from."""
        self._openings.pop(account, None)

    def flush(self) -> None:
        """Write what was gathered, in the order of the keys."""
        moved: dict[str, int] = {}
        for (account, day, kind), found in sorted(self._days.items(), key=lambda one: one[0]):
            moved[account] = moved.get(account, 0) + found.milli
            self._write(account, day, kind, found)
        for account, milli in moved.items():
            self._rows.execute(
                "UPDATE account SET moved_milli = moved_milli + :milli"
                " WHERE account = :account",
                milli=milli,
                account=account,
            )
        self._days.clear()

    def _write(self, account: str, day: str, kind: str, found: Sum) -> None:
        self._rows.execute(
            "INSERT INTO daily_total (account, day, kind, count, milli, first_at_us,"
            " last_at_us, recorded_at_us)"
            " VALUES (:account, :day, :kind, :count, :milli, :first, :last, :recorded)"
            " ON CONFLICT (account, day, kind) DO UPDATE"
            " SET count = daily_total.count + excluded.count,"
            " milli = daily_total.milli + excluded.milli,"
            " first_at_us = CASE WHEN excluded.first_at_us < daily_total.first_at_us"
            " THEN excluded.first_at_us ELSE daily_total.first_at_us END,"
            " last_at_us = CASE WHEN excluded.last_at_us > daily_total.last_at_us"
            " THEN excluded.last_at_us ELSE daily_total.last_at_us END,"
            " recorded_at_us = CASE WHEN excluded.recorded_at_us > daily_total.recorded_at_us"
            " THEN excluded.recorded_at_us ELSE daily_total.recorded_at_us END",
            account=account,
            day=day,
            kind=kind,
            count=found.count,
            milli=found.milli,
            first=found.first_at_us,
            last=found.last_at_us,
            recorded=found.recorded_at_us,
        )


def _by_day(counted: list[Movement], zone: ZoneInfo) -> Iterator[tuple[str, list[Movement]]]:
    """Group movements, which are of one kind within an event, by local day."""
    ordered = sorted(counted, key=lambda movement: movement.at_us)
    if not ordered:
        return
    day = local_day(from_us(ordered[0].at_us), zone)
    last_day = local_day(from_us(ordered[-1].at_us), zone)
    days = [day + timedelta(days=n) for n in range((last_day - day).days + 1)]
    times = [movement.at_us for movement in ordered]
    cuts = [0, *(bisect_left(times, to_us(start_of_day(one, zone))) for one in days[1:])]
    for day, (first, end) in zip(days, pairwise([*cuts, len(ordered)]), strict=True):
        if first < end:
            yield day.isoformat(), ordered[first:end]
