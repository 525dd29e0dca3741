"""What each event does to the views, and all of them made again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, assert_never

from ledger.canonical import decode
from ledger.database import Rows
from ledger.events import (
    AccountClosed,
    AccountOpened,
    ApiCallsSeen,
    BalanceObserved,
    BalanceOpened,
    BillLineSeen,
    BreakAccepted,
    BreakAdjusted,
    BreakNoted,
    BreakOpened,
    CreditsAdjusted,
    CreditsPurchased,
    CreditsRefunded,
    CustomerRegistered,
    EntryAccountsSet,
    ImportCompleted,
    ImportStarted,
    LedgerEvent,
    LineCorrected,
    LinesAttributed,
    LinesNotBilled,
    LinesVanished,
    OpeningCostStated,
    OpeningRestated,
    PacksSeen,
    PageRecorded,
    PaymentMethodsSeen,
    PeriodClosed,
    PeriodReopened,
    PurchaseAttributed,
    RatesSeen,
    RechargeChangeRequested,
    RechargeRulesStated,
    RechargeSettingsSeen,
    RefundSeen,
    TransferConfirmed,
    TransferReceived,
    TransferRequested,
    TransferSent,
    TransferSettledLate,
    TransferUnknown,
    TransferVoided,
    VatRecoverySet,
)
from ledger.names import account_of, consumption_stream
from ledger.sums import Accounts, Sums
from ledger.times import to_us
from ledger.totals.log import Log, Recorded

VIEWS: Final = (
    "event_log", "event_chain", "tree_head", "file_import", "open_break", "daily_block",
    "account", "customer",
)  # fmt: skip

_REFOLDED_AT_ONCE: Final = 500
_COUNTED_AT_ONCE: Final = 100


def write(rows: Rows, recorded: Iterable[Recorded]) -> list[int]:
    """Bring the views up to these events; gives their positions in the log."""
    return Writing(rows).write(recorded)


def refold(rows: Rows, stored: Iterable[tuple[str, int, str, bytes]]) -> None:
    """Make all views again from the stored events, given in the order of the log."""
    for view in VIEWS:
        rows.execute(f"DELETE FROM {view}")  # noqa: S608 (our own names)
    left = iter(stored)
    while chunk := list(islice(left, _REFOLDED_AT_ONCE)):
        write(rows, [Recorded(*one, decode(one[2], one[3])) for one in chunk])


class Writing:
    """One transaction's writing: what can wait is gathered, and written at its end."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._accounts = Accounts(rows)
        self._log = Log(rows, self._accounts)
        self._sums = Sums(rows, self._accounts)

    def look_ahead(self, streams: Iterable[str]) -> None:
        """Read what events of some streams will ask for. Raises IntegrityFailure."""
        self._log.look_ahead(streams)

    def write(self, recorded: Iterable[Recorded]) -> list[int]:
        """Bring the views up to these events; gives their positions in the log."""
        positions = []
        for one in recorded:
            self._view(one)
            positions.append(self._log.add(one))
        self._log.flush()
        self._sums.flush()
        return positions

    def _view(self, one: Recorded) -> None:
        event, account = one.event, account_of(one.stream) or ""
        match event:
            case CustomerRegistered():
                _register(self._rows, event)
                self._accounts.forget()
            case ImportStarted() | ImportCompleted():
                _import(self._rows, event)
            case AccountOpened():
                _open_account(self._rows, event)
                self._accounts.forget()
            case AccountClosed():
                self._rows.execute(
                    "UPDATE account SET closed_at_us = :at WHERE account = :account",
                    at=to_us(event.happened_at),
                    account=account,
                )
            case BalanceOpened() | OpeningRestated():
                self._open_balance(account, event)
            case BreakOpened():
                _open_break(self._rows, account, event)
            case BreakAccepted() | BreakAdjusted():
                _close_break(self._rows, account, event)
            case (
                PageRecorded()
                | LineCorrected()
                | CreditsPurchased()
                | CreditsRefunded()
                | CreditsAdjusted()
                | TransferSent()
                | TransferReceived()
            ):
                self._sums.count(account, event)
            case (
                PaymentMethodsSeen()
                | ApiCallsSeen()
                | BillLineSeen()
                | PurchaseAttributed()
                | RechargeSettingsSeen()
                | RefundSeen()
                | RechargeChangeRequested()
                | LinesAttributed()
                | LinesNotBilled()
                | LinesVanished()
                | BreakNoted()
                | TransferRequested()
                | TransferConfirmed()
                | TransferVoided()
                | TransferUnknown()
                | TransferSettledLate()
                | PeriodClosed()
                | PeriodReopened()
                | BalanceObserved()
                | RatesSeen()
                | PacksSeen()
                | RechargeRulesStated()
                | VatRecoverySet()
                | EntryAccountsSet()
                | OpeningCostStated()
            ):
                pass
            case _:
                assert_never(event)

    def _open_balance(self, account: str, event: BalanceOpened | OpeningRestated) -> None:
        """Set T0 and count again what moved from it on.

        That is needed only where something was counted that lies before T0, or was left out and
        lies after it: at a first synchronisation T0 is the oldest row, and neither is the case.
        """
        self._sums.flush()
        at = to_us(event.happened_at)
        previous_at, _ = self._accounts.counting(account)
        self._accounts.forget()
        ((earlier,),) = self._rows.execute(
            "SELECT COUNT(*) FROM daily_block WHERE account = :account AND first_at_us < :at",
            account=account,
            at=at,
        )
        self._rows.execute(
            "UPDATE account SET opening_at_us = :at, opening_milli = :milli"
            " WHERE account = :account",
            at=at,
            milli=event.credits.milli,
            account=account,
        )
        if earlier or previous_at not in {None, at}:
            self._count_again(account)

    def _count_again(self, account: str) -> None:
        """Count the account's events before the one at hand, which is not in the log yet.

        Others of the same transaction are stored already, and are counted when they come.
        """
        self._log.flush()
        self._rows.execute("DELETE FROM daily_block WHERE account = :a", a=account)
        self._rows.execute("UPDATE account SET moved_milli = 0 WHERE account = :a", a=account)
        for stream in (account, consumption_stream(account)):
            for logged in _logged_events(self._rows, stream):
                self._sums.count(account, logged)


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


def _close_break(rows: Rows, account: str, event: BreakAccepted | BreakAdjusted) -> None:
    """Take a break that was decided on from those that are open; a residual is not there."""
    rows.execute(
        "DELETE FROM open_break"
        " WHERE account = :account AND kind = :kind AND reference = :reference",
        account=account,
        kind=event.kind,
        reference=event.reference,
    )


def _logged_events(rows: Rows, stream: str) -> Iterator[LedgerEvent]:
    """Give the events of a stream that are in the log, a few at a time."""
    version = 0
    while found := rows.execute(
        "SELECT l.version, s.topic, s.state FROM event_log l JOIN stored_events s"
        " ON s.originator_id = l.stream AND s.originator_version = l.version"
        " WHERE l.stream = :stream AND l.version > :version"
        " ORDER BY l.version LIMIT :limit",
        stream=stream,
        version=version,
        limit=_COUNTED_AT_ONCE,
    ):
        for version, topic, state in found:  # noqa: B007 (the last one is where to go on)
            yield decode(topic, state)
