"""Observations that contradict themselves: from such numbers nothing can be concluded."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ledger.credits import ZERO, Credits
from ledger.errors import InvalidValue
from ledger.events import BalanceObserved, Reading


def contradictions(seen: BalanceObserved) -> Iterator[str]:
    """Say in which ways an observation does not agree with itself."""
    try:
        left, held = _numbers(seen.after)
    except (InvalidValue, ArithmeticError):
        yield (
            f"expected numbers of credits, found {seen.after.credits_left!r} and"
            f" {seen.after.credits_hold_by_quota!r}"
        )
        return
    if (left + held, held) != (seen.owned, seen.held):
        yield (
            f"creditsLeft {left} and creditsHoldByQuota {held} make {left + held} credits,"
            f" where {seen.owned} are stated as owned and {seen.held} as held"
        )
    if seen.held < ZERO:
        yield f"quotas hold {seen.held} credits, which is less than none"
    if seen.held and not seen.users_with_quota:
        yield f"quotas hold {seen.held} credits, while no user has a quota"
    if seen.quiet and _numbers(seen.before) != (left, held):
        yield "the balances before and after its lists are stated to be equal, and are not"
    if seen.pending is not None and not seen.pending.count and seen.pending.credits:
        yield f"{seen.pending.credits} credits are in flight, while no job is"


def _numbers(reading: Reading) -> tuple[Credits, Credits]:
    return (
        Credits.from_ovh(Decimal(reading.credits_left)),
        Credits.from_ovh(Decimal(reading.credits_hold_by_quota)),
    )
