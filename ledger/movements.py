"""Movements: what each event does to an account's credits. The one place that says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, assert_never

from msgspec import Struct

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
    LineKind,
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
from ledger.pages import page_columns
from ledger.times import to_us

MovementKind = (
    LineKind
    | Literal[
        "purchase", "refund", "gift", "adjustment", "write-off",
        "transfer-out", "transfer-in", "correction",
    ]
)  # fmt: skip


class Movement(Struct, frozen=True, gc=False):
    """One change of an account's credits: `milli` is signed, in thousandths of a credit."""

    at_us: int
    kind: MovementKind
    milli: int
    reference: str


def movements(event: LedgerEvent) -> Iterator[Movement]:
    """Give the movements that an event records; most events record none."""
    at_us = to_us(event.happened_at)
    match event:
        case PageRecorded():
            lines = page_columns(event)
            for at, milli, line_id in zip(lines.at_us, lines.milli, lines.id, strict=True):
                yield Movement(at, event.kind, -milli, str(line_id))
        case LineCorrected():
            change = event.previous - event.credits
            yield Movement(at_us, "correction", change.milli, f"{event.kind} {event.line_id}")
        case CreditsPurchased():
            bought = event.credits + event.gift_credits
            yield Movement(at_us, "purchase", bought.milli, event.bill_detail_id)
        case CreditsRefunded():
            yield Movement(at_us, "refund", -event.credits.milli, event.refund_id)
        case CreditsAdjusted():
            yield Movement(at_us, event.kind, event.credits.milli, event.adjustment_id)
        case TransferSent():
            yield Movement(at_us, "transfer-out", -event.credits.milli, event.transfer)
        case TransferReceived():
            yield Movement(at_us, "transfer-in", event.credits.milli, event.transfer)
        case (
            CustomerRegistered()
            | PaymentMethodsSeen()
            | ApiCallsSeen()
            | ImportStarted()
            | ImportCompleted()
            | AccountOpened()
            | AccountClosed()
            | BalanceOpened()
            | OpeningRestated()
            | BillLineSeen()
            | PurchaseAttributed()
            | RechargeSettingsSeen()
            | RefundSeen()
            | RechargeChangeRequested()
            | BreakOpened()
            | BreakAccepted()
            | BreakAdjusted()
            | BreakNoted()
            | LinesAttributed()
            | LinesNotBilled()
            | LinesVanished()
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
            return
        case _:
            assert_never(event)
