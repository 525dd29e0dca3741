"""The transfers that were requested through the ledger, for every report that needs them."""

from __future__ import annotations

from typing import Final

from ledger.canonical import decode
from ledger.database import Rows
from ledger.events import TransferEvent, TransferRequested
from ledger.names import transfers_stream
from ledger.times import to_us
from ledger.transfer_states import Transfer, fold

_EVENTS: Final = """
    SELECT topic, state FROM stored_events WHERE originator_id = :stream
    ORDER BY originator_version
"""


def transfer_states(rows: Rows, customer: str, before_us: int | None = None) -> list[Transfer]:
    """Give a customer's transfers, oldest first; those requested before an instant, as then."""
    found: dict[str, Transfer] = {}
    for topic, state in rows.execute(_EVENTS, stream=transfers_stream(customer)):
        event = decode(topic, state)
        if not isinstance(event, TransferEvent) or not _is_before(event, before_us):
            continue
        if isinstance(event, TransferRequested) or event.transfer in found:
            fold(found, customer, event)
    return list(found.values())


def all_transfer_states(rows: Rows) -> list[Transfer]:
    """Give the transfers of every customer."""
    customers = rows.execute("SELECT customer FROM customer ORDER BY customer")
    return [one for (customer,) in customers for one in transfer_states(rows, customer)]


def _is_before(event: TransferEvent, before_us: int | None) -> bool:
    return before_us is None or to_us(event.happened_at) < before_us
