"""Which closes stand: a month is closed until it, or an earlier one, is reopened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from ledger.events import PeriodClosed, PeriodEvent, PeriodReopened


def standing(events: Iterable[PeriodEvent]) -> list[PeriodClosed]:
    """Give the closes that stand after these events of a customer, oldest month first."""
    closed: list[PeriodClosed] = []
    for event in events:
        take(closed, event)
    return closed


def take(closed: list[PeriodClosed], event: PeriodEvent) -> None:
    """Bring the closes that stand, oldest month first, up to the next event."""
    match event:
        case PeriodClosed():
            closed.append(event)
        case PeriodReopened():
            closed[:] = [one for one in closed if one.month < event.month]
        case _:
            assert_never(event)
