"""Transfers between accounts as their events tell them, for every report that needs them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, assert_never

from ledger.canonical import decode
from ledger.credits import Credits
from ledger.database import Rows
from ledger.events import (
    SettledBy,
    TransferConfirmed,
    TransferEvent,
    TransferEvidence,
    TransferRequested,
    TransferSettledLate,
    TransferUnknown,
    TransferVoided,
)
from ledger.names import transfers_stream

Status = Literal["requested", "sent", "voided", "unknown"]

IN_DOUBT: Final = frozenset[Status](("requested", "unknown"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferState:
    """One transfer: when it was called, what became of it, when, how that is known."""

    customer: str
    id: str
    source: str
    target: str
    credits: Credits
    requested_at: datetime
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


_EVENTS: Final = """
    SELECT topic, state FROM stored_events WHERE originator_id = :stream
    ORDER BY originator_version
"""


def transfer_states(rows: Rows, customer: str) -> list[TransferState]:
    """Give a customer's transfers that were requested through the ledger, oldest first."""
    found: dict[str, TransferState] = {}
    for topic, state in rows.execute(_EVENTS, stream=transfers_stream(customer)):
        event = decode(topic, state)
        if isinstance(event, TransferRequested):
            found[event.transfer] = _requested(customer, event)
        elif isinstance(event, TransferEvent):
            found[event.transfer] = _moved_on(found[event.transfer], event)
    return list(found.values())


def all_transfer_states(rows: Rows) -> list[TransferState]:
    """Give the transfers of every customer."""
    customers = rows.execute("SELECT customer FROM customer ORDER BY customer")
    return [one for (customer,) in customers for one in transfer_states(rows, customer)]


def _requested(customer: str, event: TransferRequested) -> TransferState:
    return TransferState(
        customer=customer,
        id=event.transfer,
        source=event.source_account,
        target=event.target_account,
        credits=event.credits,
        requested_at=event.happened_at,
        stated=event.reason,
    )


def _moved_on(
    before: TransferState,
    event: TransferConfirmed | TransferVoided | TransferUnknown | TransferSettledLate,
) -> TransferState:
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
