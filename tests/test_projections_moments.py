"""Moments and periods as people type them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from ledger.errors import InvalidValue
from ledger.times import from_us
from projections.moments import Moment, Period, parse_period

ROME = ZoneInfo("Europe/Rome")


def bounds(period):
    return tuple(
        None if us is None else from_us(us).astimezone(ROME).isoformat()
        for us in period.bounds(ROME)
    )


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2026", "2026-01-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"),
        ("2026-Q3", "2026-07-01T00:00:00+02:00", "2026-10-01T00:00:00+02:00"),
        ("2026-q4", "2026-10-01T00:00:00+02:00", "2027-01-01T00:00:00+01:00"),
        ("2026-12", "2026-12-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"),
        ("2026-10-25", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
    ],
)
def test_a_period_is_a_year_a_quarter_a_month_or_a_day(text, begin, end):
    assert bounds(parse_period(text)) == (begin, end)


@pytest.mark.parametrize(
    "text",
    ["", "26", "2026-13", "2026-00", "2026-Q5", "2026-Q0", "2026-1", "2026-02-30", "0000"],
)
def test_a_malformed_period_is_refused(text):
    with pytest.raises(InvalidValue, match="expected"):
        parse_period(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "2026-02-30",
        "2026-10-31T18:00:00",
        "1969-12-31",
        "9999-12-31",
        "٢٠٢٦-10-31",
    ],
)
def test_a_malformed_moment_is_refused(text):
    with pytest.raises(InvalidValue, match="expected"):
        Moment.parse(text)


def test_a_date_ends_when_its_day_does():
    day = Moment.parse("2026-10-25")
    assert (
        from_us(day.end_us(ROME)) - from_us(day.start_us(ROME))
        == Moment.parse("2026-10-26T01:00:00+00:00").at
        - Moment.parse("2026-10-25T00:00:00+00:00").at
    )


def test_an_instant_ends_one_microsecond_after_it_began():
    instant = Moment.parse("2026-10-31T18:00:00+01:00")
    assert instant.end_us(ROME) - instant.start_us(ROME) == 1


def test_an_as_of_cuts_a_period():
    period = Period(as_of=Moment.parse("2026-10-05"), end=Moment.parse("2026-11-01"))
    assert bounds(period) == (None, "2026-10-06T00:00:00+02:00")
