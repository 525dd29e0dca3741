"""`close`: which months of a customer are closed, and what the next one waits for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from ledger.calendars import Span, month_named, month_of
from ledger.credits import Credits
from ledger.database import Database, Rows
from ledger.errors import InvalidValue, Misuse
from ledger.events import AccountAtClose, PeriodClosed, PeriodReopened
from ledger.money import Money
from ledger.names import periods_stream
from ledger.times import to_us, zone
from projections.books import Book, books, log_position, natural, notes
from projections.checklist import Checklist, begin_us, checklist, concerned
from projections.checkpoints import Checkpoint, checkpoints
from projections.close_items import Item
from projections.frozen import figures
from projections.lot_books import lots_caught_up
from projections.periods import Close, closes
from projections.report import NESTED, Amount, Report
from projections.stream_events import stream_events

Status = Literal["closed", "reopened", "open"]


@dataclass(frozen=True, slots=True)
class Closing:
    """A month that may be closed: its list, and its figures as of a log position.

    `now` is the latest time that is known: OVH's clock may be ahead of ours. `closed` are the
    months that are closed, `accepted` the breaks that were accepted before and still stand in
    this one; `seals` the checkpoints of the ledger and of the customer at the position.
    """

    customer: str
    month: Span
    now: datetime
    closed: tuple[Close, ...]
    position: int
    items: list[Item]
    accounts: tuple[AccountAtClose, ...]
    accepted: tuple[str, ...]
    seals: list[Checkpoint]
    notes: list[str]

    def report(self, items: list[Item]) -> Report[Item]:
        return Report(Item, self.position, items, self.notes)


def closing(database: Database, customer: str | None, month: str, *, now: datetime) -> Closing:
    """Look at a month of a customer, all in one state of the ledger.

    Without a name, the ledger's only customer is meant. Raises InvalidValue, Misuse.
    """
    with lots_caught_up(database):
        name, local = named(database, customer)
        return _closing(database, name, month_named(local, month), now=now)


def _closing(database: Database, customer: str, month: Span, *, now: datetime) -> Closing:
    position, of = log_position(database), _books_in(database, customer, month)
    closed = closes(database, customer)
    found = checklist(database, customer, of, month, closed, now=now)
    return Closing(
        customer=customer,
        month=month,
        now=found.now,
        closed=closed,
        position=position,
        items=found.items,
        accounts=tuple(_accounts(database, of, month, found)),
        accepted=tuple(name for one in found.covered.values() for name in one.accepted),
        seals=checkpoints(database, position, account=of[0].account),
        notes=notes(database, of),
    )


def _books_in(rows: Rows, customer: str, month: Span) -> list[Book]:
    """Give the accounts that a month concerns. Raises InvalidValue where there is none."""
    known = [book for book in books(rows) if book.customer == customer]
    of = concerned(rows, known, month)
    if not of:
        begun = begin_us(rows, known)
        found = "none" if begun is None else f"books from {known[0].local(begun):%Y-%m} on"
        msg = f"expected a month of which {customer} has books, found {month.name}, and {found}"
        raise InvalidValue(msg)
    return of


def _accounts(
    database: Database, of: Sequence[Book], month: Span, found: Checklist
) -> Iterator[AccountAtClose]:
    for one in figures(database, of, month):
        covered = found.covered[one.account]
        yield AccountAtClose(
            account=one.account,
            covered_at=covered.at,
            balance=one.balance,
            unexplained=covered.unexplained,
            drawn=one.drawn,
            left=one.left,
        )


def named(rows: Rows, customer: str | None) -> tuple[str, ZoneInfo]:
    """Find a customer and its time zone, or the only one. Raises InvalidValue, Misuse."""
    known = _customers(rows)
    if customer is None and len(known) > 1:
        some = ", ".join(list(known)[:3])
        msg = f"expected --customer, found {len(known)} in the ledger: name one of {some}"
        raise Misuse(msg)
    name = next(iter(known), None) if customer is None else customer
    if name is None or name not in known:
        some = ", ".join(list(known)[:3]) or "none: run `sms-ledger sync` first"
        msg = f"expected a customer of this ledger, found {name!r}; there is {some}"
        raise InvalidValue(msg)
    return name, known[name]


def _customers(rows: Rows) -> dict[str, ZoneInfo]:
    found = rows.execute("SELECT customer, time_zone FROM customer")
    return {name: zone(local) for name, local in sorted(found, key=lambda row: natural(row[0]))}


# --- the state of things ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cost:
    amount: Amount
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


@dataclass(frozen=True, slots=True)
class ClosedAccount:
    """What a close holds of an account: its balance, what messages used, what is left.

    The cost of `unvalued` credits is not known: `used_cost` and `left_cost`, by currency, are
    those of the others.
    """

    account: str
    balance: Credits | None
    used: Credits
    used_cost: tuple[Cost, ...]
    unvalued: Credits
    left: Credits
    left_cost: tuple[Cost, ...]


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """A month: `closed` at a log `position`, `reopened` since, or `open`: the next to close.

    `event` is the position of the close itself, for `audit show`; `open_items` counts what the
    next month waits for, which `items` list.
    """

    customer: str
    month: str
    status: Status
    closed_at: datetime | None = None
    closed_by: str | None = None
    position: int | None = None
    event: int | None = None
    reason: str | None = None
    reopened_at: datetime | None = None
    reopened_by: str | None = None
    reopened_because: str | None = None
    open_items: int | None = None
    checkpoint: str | None = None
    customer_checkpoint: str | None = None
    accepted: tuple[str, ...] = field(default=(), metadata=NESTED)
    accounts: tuple[ClosedAccount, ...] = field(default=(), metadata=NESTED)
    items: tuple[Item, ...] = field(default=(), metadata=NESTED)


def periods(
    database: Database, customer: str | None, *, now: datetime, superseded: bool = False
) -> Report[PeriodRow]:
    """Give the closed months of a customer, or of all, and what the next one waits for.

    With `superseded`, also the closes that were reopened. Raises InvalidValue.
    """
    with lots_caught_up(database):
        known = _customers(database)
        if customer is not None:
            known = dict([named(database, customer)])
        rows = [
            row
            for name, local in known.items()
            for row in _of_customer(database, name, local, now)
            if superseded or row.status != "reopened"
        ]
        return Report(PeriodRow, log_position(database), rows, notes(database, ()))


def _of_customer(
    database: Database, customer: str, local: ZoneInfo, now: datetime
) -> Iterator[PeriodRow]:
    logged = _logged(database, customer)
    for one in logged:
        yield _row(one, local)
    of = [book for book in books(database) if book.customer == customer]
    begun_us = begin_us(database, of)
    if begun_us is not None:
        month = _next(logged, local) or _first(local, begun_us, to_us(now))
        found = _closing(database, customer, month, now=now)
        open = sum(item.status == "open" for item in found.items)
        yield PeriodRow(customer, month.name, "open", open_items=open, items=tuple(found.items))


def _next(logged: Sequence[_Logged], local: ZoneInfo) -> Span | None:
    """Give the month after those that are closed, or the first that was reopened."""
    closed = [one.event for one in logged if one.reopened is None]
    if closed:
        return month_of(local, to_us(closed[-1].ends_at))
    return month_named(local, min(one.event.month for one in logged)) if logged else None


def _first(local: ZoneInfo, begun_us: int, now_us: int) -> Span:
    """Give the last month that is over, where none was ever closed."""
    last = month_of(local, month_of(local, now_us).start_us - 1)
    return max(last, month_of(local, begun_us), key=lambda month: month.start_us)


class _Logged(NamedTuple):
    """A close with its place in the log, and what reopened it."""

    event: PeriodClosed
    position: int
    reopened: PeriodReopened | None


def _logged(rows: Rows, customer: str) -> list[_Logged]:
    """Give every close of a customer, in their order."""
    stream = periods_stream(customer)
    places: dict[int, int] = dict(
        rows.execute("SELECT version, position FROM event_log WHERE stream = :s", s=stream)
    )
    found: list[_Logged] = []
    events = stream_events(rows, stream, PeriodClosed, PeriodReopened)
    for version, event in enumerate(events, start=1):
        if isinstance(event, PeriodClosed):
            found.append(_Logged(event, places[version], None))
        elif isinstance(event, PeriodReopened):
            found = [
                one._replace(reopened=event)
                if one.reopened is None and one.event.month >= event.month
                else one
                for one in found
            ]
    return found


def _row(logged: _Logged, local: ZoneInfo) -> PeriodRow:
    event, again = logged.event, logged.reopened
    return PeriodRow(
        customer=event.customer,
        month=event.month,
        status="reopened" if again else "closed",
        closed_at=event.recorded_at.astimezone(local),
        closed_by=event.actor,
        position=event.position,
        event=logged.position,
        reason=event.reason,
        reopened_at=again.recorded_at.astimezone(local) if again else None,
        reopened_by=again.actor if again else None,
        reopened_because=again.reason if again else None,
        checkpoint=f"{event.position}:{event.root}",
        customer_checkpoint=f"{event.customer_size}:{event.customer_root}",
        accepted=event.accepted,
        accounts=tuple(map(summed, event.accounts)),
    )


def summed(one: AccountAtClose) -> ClosedAccount:
    """Sum up what a close holds of an account."""
    used = [drawn for drawn in one.drawn if drawn.kind == "used"]
    return ClosedAccount(
        account=one.account,
        balance=one.balance,
        used=Credits(sum(drawn.credits.milli for drawn in used)),
        used_cost=_costs(drawn.cost for drawn in used),
        unvalued=Credits(sum(drawn.unvalued.milli for drawn in used)),
        left=Credits(sum(part.credits.milli for lot in one.left for part in lot.stretches)),
        left_cost=_costs(lot.cost for lot in one.left),
    )


def _costs(costs: Iterable[Money | None]) -> tuple[Cost, ...]:
    """Add up money by currency."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for cost in costs:
        if cost is not None:
            sums[cost.currency] += cost.amount
    return tuple(Cost(f"{amount:f}", currency) for currency, amount in sorted(sums.items()))
