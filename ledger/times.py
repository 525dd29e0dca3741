"""Time: aware, in UTC inside events; days and months are a customer's local ones."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ledger.errors import IntegrityFailure, InvalidValue

# The countries where OVH sells SMS, and the zone in which their accountants count days.
_ZONE_OF_SUBSIDIARY: Final = {
    "ES": "Europe/Madrid",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "IE": "Europe/Dublin",
    "IT": "Europe/Rome",
    "PL": "Europe/Warsaw",
}

# Where the subsidiary is unknown: four of the six billing countries keep this time.
DEFAULT_ZONE: Final = "Europe/Paris"

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

# A year from either end of the calendar, so that no zone and no "day after" leaves it.
_FIRST_YEAR: Final = 2
_LAST_YEAR: Final = 9998

_BARE_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def zone_of_subsidiary(subsidiary: str | None) -> str:
    """Give the time zone of an `ovhSubsidiary` (IT → Europe/Rome)."""
    return _ZONE_OF_SUBSIDIARY.get(subsidiary or "", DEFAULT_ZONE)


def zone(name: str) -> ZoneInfo:
    """Find a time zone by its name. Raises InvalidValue."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = f"expected a time zone like Europe/Rome, found {name!r}"
        raise InvalidValue(msg) from error


def parse_instant(text: str) -> datetime:
    """Read ISO 8601 with an offset, to UTC. Raises InvalidValue."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"expected a time like 2026-10-31T18:00:00+01:00, found {text!r}"
        raise InvalidValue(msg) from error
    if read.tzinfo is None:
        msg = f"expected a time with its offset, like 2026-10-31T18:00:00+01:00, found {text!r}"
        raise InvalidValue(msg)
    _require_room(read, text)
    return read.astimezone(UTC)


def parse_date(text: str) -> date:
    """Read `2026-10-31`. Raises InvalidValue."""
    msg = f"expected a date like 2026-10-31, found {text!r}"
    if not is_bare_date(text):
        raise InvalidValue(msg)
    try:
        read = date.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue(msg) from error
    _require_room(read, text)
    return read


def _require_room(read: date, text: str) -> None:
    if not _FIRST_YEAR <= read.year <= _LAST_YEAR:
        msg = f"expected a time of the years {_FIRST_YEAR} to {_LAST_YEAR}, found {text!r}"
        raise InvalidValue(msg)


def months_before(day: date, months: int) -> date:
    """Go back whole months; the 31st becomes the last day of a shorter month."""
    month = day.year * 12 + day.month - 1 - months
    first = date(month // 12, month % 12 + 1, 1)
    after = (first + timedelta(days=31)).replace(day=1)
    return min(first.replace(day=1) + timedelta(days=day.day - 1), after - timedelta(days=1))


def is_bare_date(text: str) -> bool:
    return bool(_BARE_DATE.fullmatch(text))


def start_of_day(day: date, tz: ZoneInfo) -> datetime:
    """Give the first instant of a local day, in UTC."""
    return datetime.combine(day, time(), tzinfo=tz).astimezone(UTC)


def end_of_day(day: date, tz: ZoneInfo) -> datetime:
    """Give the last microsecond of a local day, in UTC."""
    return start_of_day(day + timedelta(days=1), tz) - _MICROSECOND


def local_day(instant: datetime, tz: ZoneInfo) -> date:
    return instant.astimezone(tz).date()


def to_us(instant: datetime) -> int:
    """Give whole microseconds since 1970, UTC: how the tables and pages keep time."""
    return (instant - EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """Give the instant of whole microseconds since 1970. Raises IntegrityFailure.

    They come from tables and pages, where nothing else should stand.
    """
    if not _FIRST_US <= us <= _LAST_US:
        msg = f"expected a stored time of the years {_FIRST_YEAR} to {_LAST_YEAR}, found {us}"
        raise IntegrityFailure(msg)
    return EPOCH + us * _MICROSECOND


_FIRST_US: Final = to_us(datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC))
_LAST_US: Final = to_us(datetime(_LAST_YEAR + 1, 1, 1, tzinfo=UTC)) - 1


def iso(instant: datetime, tz: ZoneInfo) -> str:
    """Write an instant as ISO 8601 with the offset of a zone."""
    return instant.astimezone(tz).isoformat()
