"""The closed months of a customer, as its events tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.closed_months import standing
from ledger.database import Rows
from ledger.events import PeriodClosed, PeriodEvent, PeriodReopened
from ledger.names import periods_stream
from ledger.times import to_us
from projections.stream_events import stream_events


@dataclass(frozen=True, slots=True)
class Close:
    """A month that is closed, such as `2026-10`; `end_us` is the first instant after it.

    A fact of it that was recorded after `position` is late.
    """

    month: str
    end_us: int
    position: int
    event: PeriodClosed


def closes(rows: Rows, customer: str) -> tuple[Close, ...]:
    """Give the closes that stand, oldest month first; months that were reopened are open."""
    kinds: tuple[type[PeriodEvent], ...] = (PeriodClosed, PeriodReopened)
    events: Iterator[PeriodEvent] = stream_events(rows, periods_stream(customer), *kinds)
    return tuple(
        Close(event.month, to_us(event.ends_at), event.position, event)
        for event in standing(events)
    )
