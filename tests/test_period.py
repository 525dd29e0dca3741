"""Months: closed in order, reopened with all later ones; nothing is dated in a closed one."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ledger.calendars import month_named
from ledger.errors import InvalidValue
from ledger.events import FromOperator, PeriodClosed, Stamp
from ledger.period import (
    Known,
    MonthClosed,
    NotClosed,
    NotToBeClosed,
    Periods,
    close,
    evolve,
    reopen,
    require_open,
)

ROME = ZoneInfo("Europe/Rome")
NOW = datetime(2025, 12, 3, 9, tzinfo=UTC)
STAMP = Stamp(recorded_at=NOW, actor="anna", command_id="c0ffee", source=FromOperator())
KNOWN = Known(position=7, root="aa" * 32, customer_size=5, customer_root="bb" * 32)


def closed(*months: str) -> Periods:
    """Give a customer whose months were closed, in this order."""
    periods = Periods("ab12345-ovh")
    for month in months:
        closing(periods, month)
    return periods


def closing(periods: Periods, month: str, at: datetime = NOW) -> PeriodClosed:
    (event,) = close(
        periods, month_named(ROME, month), KNOWN, (), accepted=(), stamp=STAMP, at=at
    )
    evolve(periods, event)
    return event


def months(periods: Periods) -> list[str]:
    return [one.month for one in periods.closed]


def test_a_close_holds_what_it_knew_and_when_the_month_ended_where_the_customer_is():
    event = closing(Periods("ab12345-ovh"), "2025-10")
    assert event.ends_at == datetime(2025, 10, 31, 23, tzinfo=UTC)
    assert (event.position, event.customer_size) == (7, 5)


def test_months_are_closed_one_after_the_other_from_any_first_one_on():
    assert months(closed("2025-09", "2025-10", "2025-11")) == ["2025-09", "2025-10", "2025-11"]


def test_a_month_is_over_at_the_very_instant_at_which_the_next_one_begins():
    end = datetime(2025, 10, 31, 23, tzinfo=UTC)
    with pytest.raises(
        NotToBeClosed, match=r"found 2025-10, which ends when 2025-11-01 begins"
    ):
        closing(Periods("ab12345-ovh"), "2025-10", end.replace(hour=22, minute=59))
    assert closing(Periods("ab12345-ovh"), "2025-10", end).month == "2025-10"


def test_a_month_is_not_closed_twice():
    with pytest.raises(
        NotToBeClosed,
        match=r"found 2025-10, which was closed by anna on 2025-12-03.*close reopen 2025-10",
    ):
        closing(closed("2025-10"), "2025-10")


def test_no_month_is_left_out():
    with pytest.raises(NotToBeClosed, match=r"expected the month after 2025-09.*found 2025-11"):
        closing(closed("2025-09"), "2025-11")


def test_with_the_first_month_all_before_it_are_closed():
    with pytest.raises(NotToBeClosed, match=r"expected a month after 2025-10, found 2025-07"):
        closing(closed("2025-09", "2025-10"), "2025-07")


def test_a_month_is_reopened_with_all_later_ones():
    periods = closed("2025-09", "2025-10", "2025-11")
    for event in reopen(periods, "2025-10", stamp=STAMP, at=NOW):
        evolve(periods, event)
    assert months(periods) == ["2025-09"]
    assert periods.version == 4
    closing(periods, "2025-10")
    assert months(periods) == ["2025-09", "2025-10"]


@pytest.mark.parametrize(
    ("of", "found"),
    [((), "none is closed"), (("2025-09", "2025-10"), "2025-09 to 2025-10 are closed")],
)
def test_an_open_month_cannot_be_reopened(of, found):
    with pytest.raises(NotClosed, match=rf"found 2025-11, which is open: {found}"):
        reopen(closed(*of), "2025-11", stamp=STAMP, at=NOW)


def test_nothing_is_dated_by_a_person_in_a_closed_month_or_before_it():
    periods = closed("2025-09", "2025-10")
    for at, month in ((datetime(2025, 10, 31, 22, tzinfo=UTC), "2025-10"),
                      (datetime(2025, 3, 1, tzinfo=UTC), "2025-09")):  # fmt: skip
        with pytest.raises(
            MonthClosed, match=rf"found it dated {at:%Y-%m-%d}.*{month} was closed"
        ):
            require_open(periods, at, "a gift")
    require_open(periods, datetime(2025, 10, 31, 23, tzinfo=UTC), "a gift")
    require_open(Periods("ab12345-ovh"), datetime(2025, 3, 1, tzinfo=UTC), "a gift")


@pytest.mark.parametrize("name", ["2025", "2025-13", "2025-1", "2025-10-01", "october", ""])
def test_a_month_is_typed_as_year_and_month(name):
    with pytest.raises(InvalidValue, match="expected a month like 2026-10, found"):
        month_named(ROME, name)
