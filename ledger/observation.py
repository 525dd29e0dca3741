"""Observations: what OVH said of an account, kept when it changed and once each local day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from ledger.events import BalanceObserved, Coverage, Reading
from ledger.times import local_day


@dataclass(slots=True)
class Observations:
    """The last observation is all that the next one is decided by."""

    account: str
    version: int = 0
    last: BalanceObserved | None = None


def evolve(state: Observations, event: BalanceObserved) -> None:
    """Apply the next event of the stream."""
    state.version += 1
    state.last = event


def observe(
    state: Observations, seen: BalanceObserved, *, zone: ZoneInfo, moved: bool = False
) -> tuple[BalanceObserved, ...]:
    """Record an observation unless only its times differ from one of the same local day.

    Where the ledger moved since the last one, equal numbers are news too.
    """
    last = state.last
    if last is None or moved or not _same_day(last.happened_at, seen.happened_at, zone):
        return (seen,)
    return () if _without_times(last) == _without_times(seen) else (seen,)


def _same_day(one: datetime, other: datetime, zone: ZoneInfo) -> bool:
    return local_day(one, zone) == local_day(other, zone)


def _without_times(seen: BalanceObserved) -> tuple[object, ...]:
    return (
        _numbers(seen.before),
        _numbers(seen.after),
        seen.quiet,
        seen.users_with_quota,
        seen.quota_left,
        None if seen.pending is None else (seen.pending.count, seen.pending.credits),
        (seen.status, seen.channel, seen.smpp),
        _readable(seen.coverage),
    )


def _numbers(reading: Reading) -> tuple[str, str]:
    return reading.credits_left, reading.credits_hold_by_quota


def _readable(coverage: Coverage) -> tuple[bool, ...]:
    """Tell which lists may be read: a right gained or lost is a change."""
    return tuple(through is None for through in msgspec.structs.astuple(coverage))
