"""A transfer as its events tell it: the one fold that decisions and reports share."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, assert_never

from ledger.credits import Credits
from ledger.events import (
    BalanceBefore,
    SettledBy,
    TransferConfirmed,
    TransferEvent,
    TransferEvidence,
    TransferRequested,
    TransferSettledLate,
    TransferUnknown,
    TransferVoided,
)

Status = Literal["requested", "sent", "voided", "unknown"]

IN_DOUBT: Final = frozenset[Status](("requested", "unknown"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One transfer: when it was called, what became of it, when, how that is known.

    `requested_at` is the time of its call, by OVH's clock; `stated` the reason that a person
    gave last; `late` tells that it had been taken for void.
    """

    customer: str
    id: str
    source: str
    target: str
    credits: Credits
    requested_at: datetime
    source_before: BalanceBefore
    target_before: BalanceBefore
    status: Status = "requested"
    resolved_at: datetime | None = None
    late: bool = False
    by: SettledBy | None = None
    answer: str | None = None
    stated: str | None = None
    evidence: TransferEvidence | None = None

    @property
    def is_in_doubt(self) -> bool:
        return self.status in IN_DOUBT

    def moves(self, account: str) -> bool:
        return account in {self.source, self.target}


def fold(known: MutableMapping[str, Transfer], customer: str, event: TransferEvent) -> None:
    """Apply the next event of a customer's transfers to those that are known, by id."""
    if isinstance(event, TransferRequested):
        known[event.transfer] = _requested(customer, event)
    else:
        known[event.transfer] = _moved_on(known[event.transfer], event)


def _requested(customer: str, event: TransferRequested) -> Transfer:
    return Transfer(
        customer=customer,
        id=event.transfer,
        source=event.source_account,
        target=event.target_account,
        credits=event.credits,
        requested_at=event.happened_at,
        source_before=event.source_before,
        target_before=event.target_before,
        stated=event.reason,
    )


def _moved_on(
    before: Transfer,
    event: TransferConfirmed | TransferVoided | TransferUnknown | TransferSettledLate,
) -> Transfer:
    after = replace(before, evidence=event.evidence)
    match event:
        case TransferConfirmed() | TransferSettledLate():
            return replace(
                after,
                status="sent",
                by=event.by,
                answer=None,
                resolved_at=event.happened_at,
                late=isinstance(event, TransferSettledLate),
                stated=event.reason or before.stated,
            )
        case TransferVoided():
            return replace(
                after,
                status="voided",
                by=event.by,
                answer=event.answer,
                resolved_at=event.happened_at,
                stated=event.reason or before.stated,
            )
        case TransferUnknown():
            return replace(
                after, status="unknown", by=None, answer=event.answer, resolved_at=None
            )
        case _:
            assert_never(event)
