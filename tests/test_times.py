"""Times: aware and in UTC inside, local days and months outside."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InvalidValue
from ledger.times import (
    DEFAULT_ZONE,
    EPOCH,
    end_of_day,
    from_us,
    is_bare_date,
    iso,
    local_day,
    parse_date,
    parse_instant,
    start_of_day,
    to_us,
    zone,
    zone_of_subsidiary,
)

ROME = ZoneInfo("Europe/Rome")
HOUR = timedelta(hours=1)

zones = st.sampled_from(
    ["Europe/Rome", "Europe/Paris", "Europe/London", "Europe/Warsaw", "Indian/Reunion", "UTC"]
).map(ZoneInfo)


# --- instants ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-10-31T18:00:00+01:00", datetime(2026, 10, 31, 17, tzinfo=UTC)),
        ("2026-10-31T18:00:00Z", datetime(2026, 10, 31, 18, tzinfo=UTC)),
        ("2026-10-31 18:00:00-05:30", datetime(2026, 10, 31, 23, 30, tzinfo=UTC)),
        ("2026-10-31T18:00+00:00", datetime(2026, 10, 31, 18, tzinfo=UTC)),
        ("2026-01-01T00:30:00+01:00", datetime(2025, 12, 31, 23, 30, tzinfo=UTC)),
        ("2026-10-31T18:00:00.123456Z", datetime(2026, 10, 31, 18, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_with_its_offset_into_utc(text: str, utc: datetime) -> None:
    read = parse_instant(text)
    assert read == utc
    assert read.utcoffset() == timedelta(0)


@pytest.mark.parametrize("text", ["2026-10-31T18:00:00", "2026-10-31 18:00", "2026-10-31"])
def test_a_time_without_an_offset_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="a time with its offset"):
        parse_instant(text)


@pytest.mark.parametrize(
    "text",
    ["", "now", "31/10/2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "1e9", "١"],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="expected a time like 2026-10-31T18"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_the_ends_of_the_calendar_are_refused_since_no_zone_has_room_there(text: str) -> None:
    with pytest.raises(InvalidValue, match="of the years 2 to 9998"):
        parse_instant(text)
    with pytest.raises(InvalidValue, match="of the years 2 to 9998"):
        parse_date(text[:10])


@settings(deadline=None)
@given(
    st.dates(date(2, 1, 1), date(9998, 12, 31)),
    st.sampled_from([-timedelta(hours=14), timedelta(0), timedelta(hours=14)]),
)
def test_every_date_that_is_read_has_its_local_day(day: date, offset: timedelta) -> None:
    read = parse_date(day.isoformat())
    there = ZoneInfo("Pacific/Kiritimati")
    assert local_day(end_of_day(read, there), there) == day
    midnight = datetime(day.year, day.month, day.day, tzinfo=timezone(offset))
    assert iso(parse_instant(midnight.isoformat()), there)


# --- dates ---------------------------------------------------------------------------------


def test_a_bare_date_is_read() -> None:
    assert parse_date("2026-10-31") == date(2026, 10, 31)
    assert is_bare_date("2026-10-31")


@pytest.mark.parametrize(
    "text", ["", "2026-10", "20261031", "2026-W44-6", "2026-10-31T00:00:00Z", "2026-10-31\n"]
)
def test_only_year_month_day_is_a_bare_date(text: str) -> None:
    assert not is_bare_date(text)
    with pytest.raises(InvalidValue, match="expected a date like 2026-10-31"):
        parse_date(text)


def test_a_day_that_the_calendar_lacks_is_refused() -> None:
    with pytest.raises(InvalidValue, match="2026-02-29"):
        parse_date("2026-02-29")


# --- days ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2026, 3, 29), 23),  # clocks go forward
        (date(2026, 10, 25), 25),  # clocks go back
        (date(2026, 10, 26), 24),
    ],
)
def test_a_local_day_has_the_hours_that_its_clocks_give_it(day: date, hours: int) -> None:
    first, last = start_of_day(day, ROME), end_of_day(day, ROME)
    assert last - first + timedelta(microseconds=1) == hours * HOUR
    assert local_day(first, ROME) == local_day(last, ROME) == day


def test_both_hours_that_bear_the_same_name_are_of_the_same_day() -> None:
    once = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    again = once + HOUR
    assert iso(once, ROME) == "2026-10-25T02:30:00+02:00"
    assert iso(again, ROME) == "2026-10-25T02:30:00+01:00"
    assert local_day(once, ROME) == local_day(again, ROME) == date(2026, 10, 25)


def test_the_end_of_a_day_is_its_last_microsecond() -> None:
    assert end_of_day(date(2026, 10, 31), ROME) == datetime(
        2026, 10, 31, 22, 59, 59, 999999, tzinfo=UTC
    )


@settings(deadline=None)
@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), zones)
def test_days_follow_each_other_without_a_gap(day: date, tz: ZoneInfo) -> None:
    microsecond = timedelta(microseconds=1)
    assert end_of_day(day, tz) + microsecond == start_of_day(day + timedelta(days=1), tz)


# --- zones ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subsidiary", "name"),
    [
        ("ES", "Europe/Madrid"),
        ("FR", "Europe/Paris"),
        ("GB", "Europe/London"),
        ("IE", "Europe/Dublin"),
        ("IT", "Europe/Rome"),
        ("PL", "Europe/Warsaw"),
    ],
)
def test_each_subsidiary_counts_in_its_own_zone(subsidiary: str, name: str) -> None:
    assert zone_of_subsidiary(subsidiary) == name
    assert zone(name).key == name


@pytest.mark.parametrize("subsidiary", [None, "", "CA", "it"])
def test_an_unknown_subsidiary_counts_in_the_usual_zone(subsidiary: str | None) -> None:
    assert zone_of_subsidiary(subsidiary) == DEFAULT_ZONE


@pytest.mark.parametrize(
    "name", ["", "Europe", "Mars/Base", "../etc/passwd", "/etc/localtime", "\x00"]
)
def test_a_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match="expected a time zone like Europe/Rome"):
        zone(name)


# --- microseconds --------------------------------------------------------------------------


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_survives_as_microseconds(instant: datetime) -> None:
    assert from_us(to_us(instant)) == instant


@settings(deadline=None)
@given(st.integers(-(10**16), 10**17))
def test_microseconds_survive_as_an_instant(us: int) -> None:
    assert to_us(from_us(us)) == us


def test_time_is_counted_from_1970() -> None:
    assert to_us(EPOCH) == 0
    assert to_us(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)) == -1
    assert to_us(datetime(2026, 1, 1, 1, tzinfo=ROME)) == 1_767_225_600_000_000
