"""The months of a customer: closed one after the other, reopened with all later ones.

What OVH did is recorded whenever it becomes known, also for a closed month; what a person dates
there is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from ledger.calendars import Span
from ledger.closed_months import take
from ledger.errors import Refused
from ledger.events import (
    AccountAtClose,
    PeriodClosed,
    PeriodEvent,
    PeriodReopened,
    Stamp,
)


class NotToBeClosed(Refused):
    """A month that is not over, is closed, or does not follow the last one that is."""


class NotClosed(Refused):
    """A month that is open cannot be reopened."""


class MonthClosed(Refused):
    """Nothing is dated in a closed month by a person."""


@dataclass(slots=True)
class Periods:
    """The state of one customer's months; `closed` are the closes that stand, oldest first."""

    customer: str
    version: int = 0
    closed: list[PeriodClosed] = field(default_factory=list)


class Known(NamedTuple):
    """What the figures of a close knew: the log up to a position, with what proves it."""

    position: int
    root: str
    customer_size: int
    customer_root: str


def evolve(periods: Periods, event: PeriodEvent) -> None:
    """Apply the next event of the stream."""
    periods.version += 1
    take(periods.closed, event)


def require_next(periods: Periods, month: Span, *, at: datetime) -> None:
    """Raise NotToBeClosed where a month is not over, or is not the next one to be closed."""
    if at < month.end:
        msg = (
            f"expected a month that is over, found {month.name}, which ends when {month.after}"
            " begins where the customer is: close it then; see"
            f" `sms-ledger close status --customer {periods.customer}`"
        )
        raise NotToBeClosed(msg)
    same = next((one for one in periods.closed if one.month == month.name), None)
    if same is not None:
        msg = (
            f"expected a month that is open, found {month.name}, which was closed by"
            f" {same.actor} on {same.recorded_at:%Y-%m-%d}: to change it, type"
            f" {_reopen(periods, month.name)}"
        )
        raise NotToBeClosed(msg)
    if periods.closed and not _follows(periods.closed[-1], month):
        raise _out_of_order(periods, month)


def _follows(last: PeriodClosed, month: Span) -> bool:
    return last.ends_at == month.start


def _out_of_order(periods: Periods, month: Span) -> NotToBeClosed:
    last = periods.closed[-1]
    if month.end <= last.ends_at:
        first = periods.closed[0].month
        msg = (
            f"expected a month after {last.month}, found {month.name}: with {first}, all before"
            f" it was closed; see `sms-ledger close status --customer {periods.customer}`"
        )
    else:
        msg = (
            f"expected the month after {last.month}, the last one that is closed, found"
            f" {month.name}: close the months between them first, see"
            f" `sms-ledger close status --customer {periods.customer}`"
        )
    return NotToBeClosed(msg)


def close(
    periods: Periods,
    month: Span,
    known: Known,
    accounts: tuple[AccountAtClose, ...],
    *,
    accepted: tuple[str, ...],
    stamp: Stamp,
    at: datetime,
) -> tuple[PeriodClosed, ...]:
    """Close a month with its figures. Raises NotToBeClosed."""
    require_next(periods, month, at=at)
    return (
        PeriodClosed(
            **stamp.at(at),
            customer=periods.customer,
            month=month.name,
            ends_at=month.end,
            **known._asdict(),
            accepted=accepted,
            accounts=accounts,
        ),
    )


def reopen(
    periods: Periods, month: str, *, stamp: Stamp, at: datetime
) -> tuple[PeriodReopened, ...]:
    """Open a month again, and all later ones. Raises NotClosed."""
    if month not in {one.month for one in periods.closed}:
        closed = [one.month for one in periods.closed]
        found = f"{closed[0]} to {closed[-1]} are closed" if closed else "none is closed"
        msg = (
            f"expected a closed month, found {month}, which is open: {found}; see"
            f" `sms-ledger close status --customer {periods.customer}`"
        )
        raise NotClosed(msg)
    return (PeriodReopened(**stamp.at(at), customer=periods.customer, month=month),)


def require_open(periods: Periods, at: datetime, what: str) -> None:
    """Refuse what a person dates in a closed month, or before the first. Raises MonthClosed."""
    closed = next((one for one in periods.closed if at < one.ends_at), None)
    if closed is None:
        return
    msg = (
        f"expected {what} after the months that are closed, found it dated"
        f" {at:%Y-%m-%d %H:%M:%S} UTC, while {closed.month} was closed by {closed.actor} on"
        f" {closed.recorded_at:%Y-%m-%d}: type {_reopen(periods, closed.month)} first"
    )
    raise MonthClosed(msg)


def _reopen(periods: Periods, month: str) -> str:
    return f'`sms-ledger close reopen {month} --customer {periods.customer} --reason "…"`'
