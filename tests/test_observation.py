"""Observations: kept when anything but their times changed, and once each local day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ledger.credits import Credits
from ledger.events import BalanceObserved, Coverage, FromOperator, Pending, Reading, Stamp
from ledger.observation import Observations, evolve, observe

ROME, REUNION, UTC_ZONE = ZoneInfo("Europe/Rome"), ZoneInfo("Indian/Reunion"), ZoneInfo("UTC")
NOON = datetime(2026, 10, 31, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
STAMP = Stamp(recorded_at=NOON, actor="sync", command_id="c0ffee", source=FromOperator())


def looked(at: datetime, **others: Any) -> BalanceObserved:
    """One look at an account where nothing happens: only its times are those of `at`."""
    plain = BalanceObserved(
        **STAMP.at(at),
        before=Reading(at - MINUTE, "987.2", "10"),
        after=Reading(at, "987.2", "10"),
        quiet=True,
        owned=Credits(997_200),
        held=Credits(10_000),
        users_with_quota=1,
        quota_left=Credits(10_000),
        pending=Pending(2, Credits(120), at - HOUR),
        status="enable",
        channel="http",
        smpp=False,
        coverage=Coverage(outgoing=at, incoming=at, hlr=None, jobs=at, bills=at),
    )
    return msgspec.structs.replace(plain, **others)


def after(at: datetime, **others: Any) -> Observations:
    state = Observations("sms-ab12345-1")
    evolve(state, looked(at, **others))
    return state


def test_the_first_look_is_recorded() -> None:
    first = looked(NOON)
    assert observe(Observations("sms-ab12345-1"), first, zone=ROME) == (first,)


def test_a_look_that_differs_in_its_times_only_is_not_recorded() -> None:
    assert observe(after(NOON), looked(NOON + HOUR), zone=ROME) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"before": Reading(NOON, "987.3", "10")},
        {"after": Reading(NOON, "987.2", "11")},
        {"after": Reading(NOON, "987.1999999999999", "10")},
        {"quiet": False},
        {"users_with_quota": 2},
        {"quota_left": None},
        {"pending": None},
        {"pending": Pending(3, Credits(120), NOON)},
        {"pending": Pending(2, Credits(180), NOON)},
        {"status": "disable"},
        {"channel": "smpp"},
        {"smpp": True},
        {"coverage": Coverage(outgoing=NOON, incoming=None, hlr=None, jobs=None, bills=NOON)},
        {"coverage": Coverage(outgoing=NOON, incoming=NOON, hlr=NOON, jobs=NOON, bills=NOON)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_anything_else_that_changed_is_recorded(change: dict[str, Any]) -> None:
    changed = looked(NOON + MINUTE, **change)
    assert observe(after(NOON), changed, zone=ROME) == (changed,)


def test_every_field_is_thought_about() -> None:
    """A field that is added must be placed: in a change above, or among the times below."""
    decisive = {
        "before", "after", "quiet", "users_with_quota", "quota_left", "pending", "status",
        "channel", "smpp", "coverage",
    }  # fmt: skip
    follows_from_the_readings = {"owned", "held"}
    envelope = set(STAMP.at(NOON))
    fields = {field.name for field in msgspec.structs.fields(BalanceObserved)}
    assert fields == decisive | follows_from_the_readings | envelope


# --- once each local day -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "zone"),
    [
        # Midnight in Rome is an hour before that of UTC, in winter.
        ("2026-10-31T22:59Z", "2026-10-31T23:00Z", ROME),
        # Réunion is four hours ahead, all the year.
        ("2026-10-31T19:59Z", "2026-10-31T20:00Z", REUNION),
        # The day on which clocks go back ends 25 hours after it began.
        ("2026-10-25T22:59Z", "2026-10-25T23:00Z", ROME),
        # The day on which clocks go forward ends after 23.
        ("2026-03-29T21:59Z", "2026-03-29T22:00Z", ROME),
        # The same day of the month, a year later.
        ("2026-10-31T12:00Z", "2027-10-31T12:00Z", ROME),
    ],
)
def test_a_new_local_day_is_recorded_though_nothing_changed(
    before: str, now: str, zone: ZoneInfo
) -> None:
    again = looked(datetime.fromisoformat(now))
    assert observe(after(datetime.fromisoformat(before)), again, zone=zone) == (again,)


@pytest.mark.parametrize(
    ("before", "now", "zone"),
    [
        # Midnight of UTC is no midnight in Rome.
        ("2026-10-31T23:00Z", "2026-11-01T00:30Z", ROME),
        # 25 hours of one day.
        ("2026-10-24T22:00Z", "2026-10-25T22:59Z", ROME),
        ("2026-10-31T00:00Z", "2026-10-31T23:59Z", UTC_ZONE),
    ],
)
def test_the_same_local_day_is_not_recorded_again(
    before: str, now: str, zone: ZoneInfo
) -> None:
    again = looked(datetime.fromisoformat(now))
    assert observe(after(datetime.fromisoformat(before)), again, zone=zone) == ()


def test_the_state_is_the_last_observation() -> None:
    state = after(NOON)
    evolve(state, looked(NOON + HOUR))
    assert (state.version, state.last) == (2, looked(NOON + HOUR))
