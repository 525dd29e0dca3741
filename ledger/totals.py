"""The views that are written in the transaction of the events, so that they are never stale.

They are the log (position and digest of every event), customers, accounts with their balance,
signed daily totals, imports under way and open breaks. `write` is called by the recorder;
`refold` makes them again from the stored events, which is also how `check` proves them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from ledger.canonical import decode, leaf
from ledger.database import Rows
from ledger.events import (
    AccountClosed,
    AccountOpened,
    BalanceObserved,
    BalanceOpened,
    BreakOpened,
    CreditsAdjusted,
    CreditsPurchased,
    CreditsRefunded,
    CustomerRegistered,
    ImportCompleted,
    ImportStarted,
    LedgerEvent,
    LineCorrected,
    LinesAttributed,
    LinesNotBilled,
    OpeningRestated,
    PageRecorded,
    PaymentMethodsSeen,
    PurchaseAttributed,
    RechargeSettingsSeen,
    TransferReceived,
    TransferSent,
)
from ledger.movements import Movement, movements
from ledger.names import account_of, consumption_stream, customer_of
from ledger.times import from_us, local_day, start_of_day, to_us

VIEWS: Final = ("event_log", "file_import", "open_break", "daily_total", "account", "customer")


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place and the bytes that are stored of it."""

    stream: str
    version: int
    topic: str
    state: bytes
    event: LedgerEvent


def write(rows: Rows, recorded: Iterable[Recorded]) -> list[int]:
    """Bring the views up to these events; gives their positions in the log."""
    positions = []
    for one in recorded:
        _view(rows, one)
        positions.append(_log(rows, one))
    return positions


def refold(rows: Rows, stored: Iterable[tuple[str, int, str, bytes]]) -> None:
    """Make all views again from the stored events, given in the order of the log."""
    for view in VIEWS:
        rows.execute(f"DELETE FROM {view}")  # noqa: S608 (our own names)
    for stream, version, topic, state in stored:
        write(rows, [Recorded(stream, version, topic, state, decode(topic, state))])


def _log(rows: Rows, one: Recorded) -> int:
    account = account_of(one.stream)
    ((position,),) = rows.execute(
        "INSERT INTO event_log (position, stream, version, topic, customer, account,"
        " happened_at_us, recorded_at_us, leaf)"
        " VALUES ((SELECT COALESCE(MAX(position), 0) + 1 FROM event_log), :stream, :version,"
        " :topic, COALESCE(:customer, (SELECT customer FROM account WHERE account = :account)),"
        " :account, :happened_at_us, :recorded_at_us, :leaf)"
        " RETURNING position",
        stream=one.stream,
        version=one.version,
        topic=one.topic,
        customer=customer_of(one.stream),
        account=account,
        happened_at_us=to_us(one.event.happened_at),
        recorded_at_us=to_us(one.event.recorded_at),
        leaf=leaf(one.stream, one.version, one.topic, one.state),
    )
    return int(position)


def _view(rows: Rows, one: Recorded) -> None:
    event, account = one.event, account_of(one.stream) or ""
    match event:
        case CustomerRegistered():
            _register(rows, event)
        case ImportStarted() | ImportCompleted():
            _import(rows, event)
        case AccountOpened():
            _open_account(rows, event)
        case AccountClosed():
            rows.execute(
                "UPDATE account SET closed_at_us = :at WHERE account = :account",
                at=to_us(event.happened_at),
                account=account,
            )
        case BalanceOpened() | OpeningRestated():
            _open_balance(rows, account, event)
        case BreakOpened():
            _open_break(rows, account, event)
        case (
            PageRecorded()
            | LineCorrected()
            | CreditsPurchased()
            | CreditsRefunded()
            | CreditsAdjusted()
            | TransferSent()
            | TransferReceived()
        ):
            _count(rows, account, [event])
        case (
            PaymentMethodsSeen()
            | PurchaseAttributed()
            | RechargeSettingsSeen()
            | LinesAttributed()
            | LinesNotBilled()
            | BalanceObserved()
        ):
            pass
        case _:
            assert_never(event)


def _register(rows: Rows, event: CustomerRegistered) -> None:
    rows.execute(
        "INSERT INTO customer (customer, subsidiary, time_zone, registered_at_us)"
        " VALUES (:customer, :subsidiary, :time_zone, :at)",
        customer=event.customer,
        subsidiary=event.subsidiary,
        time_zone=event.time_zone,
        at=to_us(event.happened_at),
    )


def _import(rows: Rows, event: ImportStarted | ImportCompleted) -> None:
    at = to_us(event.recorded_at)
    completed = isinstance(event, ImportCompleted)
    rows.execute(
        "INSERT INTO file_import (customer, sha256, rows, started_at_us, completed_at_us)"
        " VALUES (:customer, :sha256, :rows, :at, :completed)"
        " ON CONFLICT (customer, sha256) DO UPDATE SET completed_at_us = :completed",
        customer=event.customer,
        sha256=event.sha256,
        rows=event.rows,
        at=at,
        completed=at if completed else None,
    )


def _open_account(rows: Rows, event: AccountOpened) -> None:
    rows.execute(
        "INSERT INTO account (account, customer, created_on, opened_at_us)"
        " VALUES (:account, :customer, :created_on, :at)",
        account=event.account,
        customer=event.customer,
        created_on=event.created_on,
        at=to_us(event.happened_at),
    )


def _open_break(rows: Rows, account: str, event: BreakOpened) -> None:
    rows.execute(
        "INSERT INTO open_break (account, kind, reference, opened_at_us, credits_milli, text)"
        " VALUES (:account, :kind, :reference, :at, :milli, :text)",
        account=account,
        kind=event.kind,
        reference=event.reference,
        at=to_us(event.happened_at),
        milli=None if event.credits is None else event.credits.milli,
        text=event.text,
    )


def _open_balance(rows: Rows, account: str, event: BalanceOpened | OpeningRestated) -> None:
    """Set T0 and count again what moved from it on.

    That is needed only where something was counted that lies before T0, or was left out and
    lies after it: at a first synchronisation T0 is the oldest row, and neither is the case.
    """
    at = to_us(event.happened_at)
    ((previous_at,),) = rows.execute(
        "SELECT opening_at_us FROM account WHERE account = :account", account=account
    )
    ((earlier,),) = rows.execute(
        "SELECT COUNT(*) FROM daily_total WHERE account = :account AND first_at_us < :at",
        account=account,
        at=at,
    )
    rows.execute(
        "UPDATE account SET opening_at_us = :at, opening_milli = :milli"
        " WHERE account = :account",
        at=at,
        milli=event.credits.milli,
        account=account,
    )
    if earlier or previous_at not in {None, at}:
        rows.execute("DELETE FROM daily_total WHERE account = :account", account=account)
        rows.execute("UPDATE account SET moved_milli = 0 WHERE account = :a", a=account)
        _count(rows, account, _logged_events(rows, account))


def _logged_events(rows: Rows, account: str) -> Iterator[LedgerEvent]:
    """Give the account's events before the one at hand, which is not in the log yet.

    Others of the same transaction are stored already, and are counted when they come.
    """
    for stream in (account, consumption_stream(account)):
        for topic, state in rows.execute(
            "SELECT s.topic, s.state FROM event_log l JOIN stored_events s"
            " ON s.originator_id = l.stream AND s.originator_version = l.version"
            " WHERE l.stream = :stream ORDER BY l.version",
            stream=stream,
        ):
            yield decode(topic, state)


def _count(rows: Rows, account: str, events: Iterable[LedgerEvent]) -> None:
    """Add the movements of events to the balance and the days, from the opening on."""
    ((opening_at_us, zone_name),) = rows.execute(
        "SELECT opening_at_us, time_zone FROM account JOIN customer USING (customer)"
        " WHERE account = :account",
        account=account,
    )
    zone = ZoneInfo(zone_name)
    for event in events:
        counted = [
            movement
            for movement in movements(event)
            if opening_at_us is None or movement.at_us >= opening_at_us
        ]
        for day, kind, group in _by_day_and_kind(counted, zone):
            _add(rows, account, day, kind, group, recorded_at_us=to_us(event.recorded_at))


def _by_day_and_kind(
    counted: list[Movement], zone: ZoneInfo
) -> Iterator[tuple[str, str, list[Movement]]]:
    """Group movements of one kind (an event has no other) by local day."""
    ordered = sorted(counted, key=lambda movement: movement.at_us)
    if not ordered:
        return
    day = local_day(from_us(ordered[0].at_us), zone)
    last_day = local_day(from_us(ordered[-1].at_us), zone)
    days = [day + timedelta(days=n) for n in range((last_day - day).days + 1)]
    times = [movement.at_us for movement in ordered]
    cuts = [0, *(bisect_left(times, to_us(start_of_day(d, zone))) for d in days[1:])]
    for day, (first, end) in zip(days, pairwise([*cuts, len(ordered)]), strict=True):
        if first < end:
            yield day.isoformat(), ordered[0].kind, ordered[first:end]


def _add(
    rows: Rows, account: str, day: str, kind: str, group: list[Movement], *, recorded_at_us: int
) -> None:
    milli = sum(movement.milli for movement in group)
    rows.execute(
        "UPDATE account SET moved_milli = moved_milli + :milli WHERE account = :account",
        milli=milli,
        account=account,
    )
    rows.execute(
        "INSERT INTO daily_total (account, day, kind, count, milli, first_at_us, last_at_us,"
        " recorded_at_us)"
        " VALUES (:account, :day, :kind, :count, :milli, :first, :last, :recorded)"
        " ON CONFLICT (account, day, kind) DO UPDATE"
        " SET count = daily_total.count + excluded.count,"
        " milli = daily_total.milli + excluded.milli,"
        " first_at_us = CASE WHEN excluded.first_at_us < daily_total.first_at_us"
        " THEN excluded.first_at_us ELSE daily_total.first_at_us END,"
        " last_at_us = CASE WHEN excluded.last_at_us > daily_total.last_at_us"
        " THEN excluded.last_at_us ELSE daily_total.last_at_us END,"
        " recorded_at_us = CASE WHEN excluded.recorded_at_us > daily_total.recorded_at_us"
        " THEN excluded.recorded_at_us ELSE daily_total.recorded_at_us END",
        account=account,
        day=day,
        kind=kind,
        count=len(group),
        milli=milli,
        first=group[0].at_us,
        last=group[-1].at_us,
        recorded=recorded_at_us,
    )
