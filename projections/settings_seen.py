"""The settings of automatic recharge, as OVH showed them over time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from ledger.database import Rows
from ledger.events import RechargeSettingsSeen
from ledger.times import to_us
from projections.stream_events import stream_events


def settings_seen(rows: Rows, account: str) -> list[tuple[int, RechargeSettingsSeen]]:
    """Give all that were seen, each with its instant in microseconds, oldest first."""
    seen = stream_events(rows, account, RechargeSettingsSeen)
    return sorted(((to_us(one.happened_at), one) for one in seen), key=_at)


def in_force(
    seen: Sequence[tuple[int, RechargeSettingsSeen]], at_us: int
) -> RechargeSettingsSeen | None:
    """Give the settings that were seen last before an instant; None before the first."""
    place = bisect_right(seen, at_us, key=_at)
    return seen[place - 1][1] if place else None


def _at(seen: tuple[int, RechargeSettingsSeen]) -> int:
    return seen[0]
