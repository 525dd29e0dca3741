"""The views that are written in the transaction of the events, so that they are never stale.

They are the log (position and digest of every event), customers, accounts with their balance,
signed daily totals, imports under way and open breaks. `write` is called by the recorder;
`refold` makes them again from the stored events, which is also how `check` proves them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, assert_never

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
from ledger.names import account_of, consumption_stream, customer_of
from ledger.sums import Sums
from ledger.times import to_us

VIEWS: Final = ("event_log", "file_import", "open_break", "daily_total", "account", "customer")


_REFOLDED_AT_ONCE: Final = 500


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
    sums = Sums(rows)
    positions = []
    for one in recorded:
        _view(rows, sums, one)
        positions.append(_log(rows, one))
    sums.flush()
    return positions


def refold(rows: Rows, stored: Iterable[tuple[str, int, str, bytes]]) -> None:
    """Make all views again from the stored events, given in the order of the log."""
    for view in VIEWS:
        rows.execute(f"DELETE FROM {view}")  # noqa: S608 (our own names)
    left = iter(stored)
    while chunk := list(islice(left, _REFOLDED_AT_ONCE)):
        write(rows, [Recorded(*one, decode(one[2], one[3])) for one in chunk])


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


def _view(rows: Rows, sums: Sums, one: Recorded) -> None:
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
            _open_balance(rows, sums, account, event)
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
            sums.count(account, event)
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


def _open_balance(
    rows: Rows, sums: Sums, account: str, event: BalanceOpened | OpeningRestated
) -> None:
    """Set T0 and count again what moved from it on.

    That is needed only where something was counted that lies before T0, or was left out and
    lies after it: at a first synchronisation T0 is the oldest row, and neither is the case.
    """
    sums.flush()
    sums.reopened(account)
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
        for logged in _logged_events(rows, account):
            sums.count(account, logged)


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
