"""Movements: what each event does to an account's credits. The one place that says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, assert_never

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
    LineKind,
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
from ledger.pages import unpack
from ledger.times import to_us

MovementKind = (
    LineKind
    | Literal[
        "purchase", "refund", "gift", "adjustment", "write-off",
        "transfer-out", "transfer-in", "correction",
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Movement:
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
            for line in unpack(event):
                yield Movement(line.at_us, event.kind, -line.milli, str(line.id))
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
            | ImportStarted()
            | ImportCompleted()
            | AccountOpened()
            | AccountClosed()
            | BalanceOpened()
            | OpeningRestated()
            | PurchaseAttributed()
            | RechargeSettingsSeen()
            | BreakOpened()
            | LinesAttributed()
            | LinesNotBilled()
            | BalanceObserved()
        ):
            return
        case _:
            assert_never(event)
