"""The months of a customer: which of them are closed, in their order."""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger.closed_months import take
from ledger.events import PeriodClosed, PeriodEvent


@dataclass(slots=True)
class Periods:
    """The state of one customer's months; `closed` are the closes that stand, oldest first."""

    customer: str
    version: int = 0
    closed: list[PeriodClosed] = field(default_factory=list)


def evolve(periods: Periods, event: PeriodEvent) -> None:
    """Apply the next event of the stream."""
    periods.version += 1
    take(periods.closed, event)
