"""A customer's local days and months as stretches of microseconds since 1970, UTC."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ledger.errors import InvalidValue
from ledger.times import from_us, local_day, parse_date, start_of_day, to_us

_MONTH_NAME = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_DAY: Final = timedelta(days=1)


class Span(NamedTuple):
    """A day (`2026-10-31`) or month (`2026-10`): its first microsecond, the one after it.

    `after` is the first day behind it.
    """

    name: str
    start_us: int
    end_us: int
    after: date

    @property
    def start(self) -> datetime:
        return from_us(self.start_us)

    @property
    def end(self) -> datetime:
        return from_us(self.end_us)


def days(zone: ZoneInfo, first_us: int, last_us: int) -> Iterator[Span]:
    """Give the local days from that of one instant to that of another."""
    return _spans(_day, zone, day_of(zone, first_us), last_us)


def months(zone: ZoneInfo, first_us: int, last_us: int) -> Iterator[Span]:
    """Give the local months from that of one instant to that of another."""
    return _spans(_month, zone, month_of(zone, first_us), last_us)


def _spans(
    of: Callable[[ZoneInfo, date], Span], zone: ZoneInfo, first: Span, last_us: int
) -> Iterator[Span]:
    span = first
    yield span
    while span.end_us <= last_us:
        span = of(zone, span.after)
        yield span


def day_of(zone: ZoneInfo, at_us: int) -> Span:
    span = _day(zone, local_day(from_us(at_us), zone))
    # Where a clock was put back across midnight, the new day had begun.
    return span if at_us < span.end_us else _day(zone, span.after)


def month_named(zone: ZoneInfo, name: str) -> Span:
    """Give the month of a name such as `2026-10`. Raises InvalidValue."""
    if not _MONTH_NAME.fullmatch(name):
        msg = f"expected a month like 2026-10, found {name!r}"
        raise InvalidValue(msg)
    return _month(zone, parse_date(f"{name}-01"))


def month_of(zone: ZoneInfo, at_us: int) -> Span:
    return _month(zone, (day_of(zone, at_us).after - _DAY).replace(day=1))


@lru_cache(maxsize=8192)
def _day(zone: ZoneInfo, day: date) -> Span:
    after = day + _DAY
    return Span(day.isoformat(), _start_us(day, zone), _start_us(after, zone), after)


@lru_cache(maxsize=1024)
def _month(zone: ZoneInfo, first: date) -> Span:
    after = (first + 31 * _DAY).replace(day=1)
    return Span(first.isoformat()[:7], _start_us(first, zone), _start_us(after, zone), after)


def _start_us(day: date, zone: ZoneInfo) -> int:
    return to_us(start_of_day(day, zone))
