"""Time as the sandbox keeps it: whole seconds since 1970, shown with an offset."""

import calendar
import re
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE, HOUR, DAY = 60, 3_600, 86_400
MONTHS_IN_YEAR = 12
UNITS = {"": 1, "s": 1, "m": MINUTE, "h": HOUR, "d": DAY}


def seconds(text: str) -> int:
    """Read ISO 8601; a time without an offset is taken as UTC."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp())


def local(at: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at, ZoneInfo(zone))


def iso(at: int, zone: str) -> str:
    return local(at, zone).isoformat()


def day(at: int, zone: str) -> str:
    return local(at, zone).date().isoformat()


def midnight(day: date, zone: str) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp())


@lru_cache(maxsize=64)
def months_before(at: int, months: int) -> int:
    """Step back by calendar months: 31 August less six months is the end of February."""
    moment = datetime.fromtimestamp(at, UTC)
    index = moment.year * MONTHS_IN_YEAR + moment.month - 1 - months
    year, month = divmod(index, MONTHS_IN_YEAR)
    last = calendar.monthrange(year, month + 1)[1]
    earlier = moment.replace(year=year, month=month + 1, day=min(moment.day, last))
    return int(earlier.timestamp())


def duration(text: str) -> int:
    """Read `90`, `90s`, `15m`, `2h` or `1d` as seconds."""
    found = re.fullmatch(r"(\d+)([smhd]?)", text.strip())
    if found is None:
        raise ValueError(f"a duration is like 90, 15m, 2h or 1d, not {text!r}")
    return int(found[1]) * UNITS[found[2]]
