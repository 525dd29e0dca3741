"""Sums by local day: of pages as of their lines one by one, and written once a transaction."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import sums as module
from ledger.calendars import day_of
from ledger.credits import Credits
from ledger.events import CreditsAdjusted, FromOperator, PageRecorded, Stamp
from ledger.pages import Line, page_costs, record_pages, unpack
from ledger.sums import Sum, by_day
from ledger.times import from_us, to_us

NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)
STAMP = Stamp(recorded_at=NOON, actor="tester", command_id="c-1", source=FromOperator())
ROME, AZORES = ZoneInfo("Europe/Rome"), ZoneInfo("Atlantic/Azores")
DAY = timedelta(days=1)


def page_at(*times: datetime, milli: int = 60) -> PageRecorded:
    lines = [Line(id=n, at_us=to_us(at), milli=milli) for n, at in enumerate(times)]
    (page,) = record_pages("consumption", lines, numbers="n", stamp=STAMP)
    return page


def found(
    event: Any, since: datetime | None = None, zone: ZoneInfo = ROME
) -> dict[str, tuple[int, int]]:
    since_us = None if since is None else to_us(since)
    return {day: (one.count, one.milli) for day, _, one in by_day(event, since_us, zone)}


def local(day: date, hour: int = 0, minute: int = 0, zone: ZoneInfo = ROME) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=zone).astimezone(UTC)


# --- a page is the sum of its lines ---------------------------------------------------------

# Around a change of the clocks, often within a minute of a midnight of Rome.
seconds = st.integers(-4 * 86_400, 4 * 86_400) | st.builds(
    lambda day, off: day * 86_400 + off, st.integers(-4, 4), st.integers(-60, 60)
)
CHANGE = to_us(datetime(2026, 10, 24, 22, tzinfo=UTC))
lines = st.lists(
    st.tuples(seconds.map(lambda s: CHANGE + s * 1_000_000), st.integers(0, 9000)),
    min_size=1,
    max_size=30,
)


def one_by_one(
    page: PageRecorded, since_us: int | None, zone: ZoneInfo
) -> dict[tuple[str, str], Sum]:
    days: dict[tuple[str, str], Sum] = {}
    recorded = to_us(page.recorded_at)
    for line in unpack(page):
        if since_us is None or line.at_us >= since_us:
            key = (from_us(line.at_us).astimezone(zone).date().isoformat(), page.kind)
            one = Sum(1, -line.milli, line.at_us, line.at_us, recorded)
            if key in days:
                days[key].add(one)
            else:
                days[key] = one
    return days


@settings(max_examples=300, deadline=None)
@given(lines, st.none() | seconds, st.sampled_from([ROME, AZORES]))
def test_a_page_by_day_is_its_lines_by_day(
    drawn: list[tuple[int, int]], since: int | None, zone: ZoneInfo
) -> None:
    (page,) = record_pages(
        "hlr",
        [Line(id=n, at_us=at, milli=milli) for n, (at, milli) in enumerate(drawn)],
        numbers="n",
        stamp=STAMP,
    )
    since_us = None if since is None else CHANGE + since * 1_000_000
    days = {(day, kind): one for day, kind, one in by_day(page, since_us, zone)}
    assert days == one_by_one(page, since_us, zone)


def test_the_last_microsecond_of_a_day_is_of_that_day() -> None:
    midnight = local(date(2026, 10, 2))
    page = page_at(midnight - timedelta(microseconds=1), midnight)
    assert found(page) == {"2026-10-01": (1, -60), "2026-10-02": (1, -60)}


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24)],
)
def test_a_day_of_23_or_25_hours_is_one_day(day: date, hours: int) -> None:
    start = local(day)
    assert found(page_at(*(start + timedelta(hours=n) for n in range(hours)))) == {
        day.isoformat(): (hours, -60 * hours)
    }
    assert len(found(page_at(*(start + timedelta(hours=n) for n in range(hours + 1))))) == 2


def test_a_clock_put_back_across_midnight_ends_no_count() -> None:
    """In Newfoundland, clocks went back at one past midnight: a minute of a day came early."""
    zone = ZoneInfo("America/St_Johns")
    first = datetime(2010, 11, 7, 2, 30, tzinfo=UTC)
    page = page_at(*(first + timedelta(minutes=n) for n in range(120)))
    assert found(page, zone=zone) == {"2010-11-07": (120, -7200)}
    earlier = page_at(*(first - timedelta(minutes=n) for n in range(1, 30)), first)
    assert sum(count for count, _ in found(earlier, zone=zone).values()) == 30


def test_days_without_lines_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lines as far apart as can be: the days between are not walked through."""
    asked: list[int] = []

    def ask(zone: ZoneInfo, at_us: int) -> Any:
        asked.append(at_us)
        return day_of(zone, at_us)

    monkeypatch.setattr(module, "day_of", ask)
    page = page_at(datetime(1, 12, 31, tzinfo=UTC) + DAY, datetime(9998, 12, 30, tzinfo=UTC))
    assert list(found(page).values()) == [(1, -60), (1, -60)]
    assert len(asked) <= 3


# --- when a body is opened ------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[PageRecorded]:
    """The pages whose body was looked into."""
    pages: list[PageRecorded] = []

    def look(page: PageRecorded) -> Any:
        pages.append(page)
        return page_costs(page)

    monkeypatch.setattr(module, "page_costs", look)
    return pages


def test_within_a_day_the_header_is_enough(opened: list[PageRecorded]) -> None:
    page = page_at(local(date(2026, 10, 2)), local(date(2026, 10, 2), 23, 59))
    assert found(page) == {"2026-10-02": (2, -120)}
    assert found(page, local(date(2026, 10, 2))) == {"2026-10-02": (2, -120)}
    assert found(page, local(date(2026, 10, 3))) == {}
    assert opened == []


def test_where_a_day_or_the_opening_cuts_a_page_its_lines_are_read(
    opened: list[PageRecorded],
) -> None:
    page = page_at(local(date(2026, 10, 2)), local(date(2026, 10, 2), 23, 59))
    assert found(page, local(date(2026, 10, 2), 0, 1)) == {"2026-10-02": (1, -60)}
    assert opened == [page]
    other = page_at(local(date(2026, 10, 2), 23, 59), local(date(2026, 10, 3)))
    assert len(found(other)) == 2
    assert opened == [page, other]


def test_a_movement_before_the_opening_is_left_out() -> None:
    event = CreditsAdjusted(
        **STAMP.at(NOON), adjustment_id="a", kind="gift", credits=Credits(5)
    )
    assert found(event) == found(event, NOON) == {"2026-10-02": (1, 5)}
    assert found(event, NOON + timedelta(microseconds=1)) == {}
