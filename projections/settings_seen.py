"""The settings of automatic recharge, as OVH showed them over time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from ledger.canonical import decode
from ledger.database import Rows
from ledger.events import RechargeSettingsSeen
from ledger.times import to_us


def settings_seen(rows: Rows, account: str) -> list[tuple[int, RechargeSettingsSeen]]:
    """Give all that were seen, each with its instant in microseconds, oldest first."""
    found = rows.execute(
        "SELECT topic, state FROM stored_events WHERE originator_id = :account"
        " AND topic = :topic ORDER BY originator_version",
        account=account,
        topic=RechargeSettingsSeen.TOPIC,
    )
    events = [decode(topic, state) for topic, state in found]
    seen = [one for one in events if isinstance(one, RechargeSettingsSeen)]
    return sorted(((to_us(one.happened_at), one) for one in seen), key=_at)


def in_force(
    seen: Sequence[tuple[int, RechargeSettingsSeen]], at_us: int
) -> RechargeSettingsSeen | None:
    """Give the settings that were seen last before an instant; None before the first."""
    place = bisect_right(seen, at_us, key=_at)
    return seen[place - 1][1] if place else None


def _at(seen: tuple[int, RechargeSettingsSeen]) -> int:
    return seen[0]
