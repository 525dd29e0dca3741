"""Moments and periods as people type them.

A bare date is a day of each customer's own time zone; a time with an offset is one instant for
all. Inside, every stretch of time is half-open: from its first microsecond, up to and without
its end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ledger.errors import InvalidValue
from ledger.times import is_bare_date, parse_date, parse_instant, start_of_day, to_us

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9998

_PERIOD = re.compile(r"(?P<year>[0-9]{4})(?:-(?:[Qq](?P<quarter>[1-4])|(?P<month>[0-9]{2})))?")


@dataclass(frozen=True, slots=True)
class Moment:
    """A local day, or an instant (UTC)."""

    at: date | datetime

    @classmethod
    def parse(cls, text: str) -> Moment:
        """Read `2026-10-31` or `2026-10-31T18:00:00+01:00`. Raises InvalidValue."""
        at = parse_date(text) if is_bare_date(text) else parse_instant(text)
        if not _FIRST_YEAR < at.year <= _LAST_YEAR:
            msg = f"expected a time from {_FIRST_YEAR + 1} to {_LAST_YEAR}, found {text!r}"
            raise InvalidValue(msg)
        return cls(at)

    def start_us(self, zone: ZoneInfo) -> int:
        """Give its first microsecond."""
        if isinstance(self.at, datetime):
            return to_us(self.at)
        return to_us(start_of_day(self.at, zone))

    def end_us(self, zone: ZoneInfo) -> int:
        """Give the first microsecond after it."""
        if isinstance(self.at, datetime):
            return to_us(self.at) + 1
        return to_us(start_of_day(self.at + timedelta(days=1), zone))


@dataclass(frozen=True, slots=True)
class Period:
    """From the start of one moment up to and without the start of another; None: unbounded.

    `as_of` cuts what comes after it: the end of that day, or that instant, still counts.
    """

    begin: Moment | None = None
    end: Moment | None = None
    as_of: Moment | None = None

    @property
    def last_day(self) -> Moment | None:
        """The last of its whole days; None where it is not of such, or has no bounds."""
        if self.begin is None or self.end is None:
            return None
        if isinstance(self.begin.at, datetime) or isinstance(self.end.at, datetime):
            return None
        return Moment(self.end.at - timedelta(days=1))

    def bounds(self, zone: ZoneInfo) -> tuple[int | None, int | None]:
        """Give the first microsecond and the one after the last."""
        start = None if self.begin is None else self.begin.start_us(zone)
        ends = [
            *([] if self.end is None else [self.end.start_us(zone)]),
            *([] if self.as_of is None else [self.as_of.end_us(zone)]),
        ]
        return start, min(ends, default=None)


def parse_period(text: str) -> Period:
    """Read a year, quarter, month or day: `2026`, `2026-Q3`, `2026-10`, `2026-10-05`."""
    if is_bare_date(text):
        day = Moment.parse(text)
        return _days(day.at, day.at + timedelta(days=1))
    read = _PERIOD.fullmatch(text)
    if read is None:
        raise _no_period(text)
    year = int(read["year"])
    first, count = 1, 12
    if read["quarter"]:
        first, count = int(read["quarter"]) * 3 - 2, 3
    elif read["month"]:
        first, count = int(read["month"]), 1
    return _months(text, year, first, count)


def _months(text: str, year: int, first: int, count: int) -> Period:
    after = first - 1 + count
    try:
        begin = date(year, first, 1)
        end = date(year + after // 12, after % 12 + 1, 1)
    except ValueError:
        raise _no_period(text) from None
    return _days(begin, end)


def _days(begin: date, end: date) -> Period:
    return Period(Moment.parse(begin.isoformat()), Moment.parse(end.isoformat()))


def _no_period(text: str) -> InvalidValue:
    return InvalidValue(
        f"expected a period like 2026, 2026-Q3, 2026-10 or 2026-10-05, found {text!r}"
    )
