"""How long something has been open, in the buckets that accountants look at."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from ledger.times import to_us

Bucket = Literal["0-7 days", "8-30 days", "31-90 days", "over 90 days"]

_UNTIL: Final[tuple[tuple[int, Bucket], ...]] = (
    (7, "0-7 days"),
    (30, "8-30 days"),
    (90, "31-90 days"),
)
_DAY_US: Final = 86_400_000_000


def age_days(since_us: int, now: datetime) -> int:
    """Give the whole days since an instant; OVH's clock may be ahead of ours."""
    return max(0, (to_us(now) - since_us) // _DAY_US)


def bucket(days: int) -> Bucket:
    return next((name for last, name in _UNTIL if days <= last), "over 90 days")
