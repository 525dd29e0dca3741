"""The transfers that were requested through the ledger, for every report that needs them."""

from __future__ import annotations

from typing import Final

from ledger.canonical import decode
from ledger.database import Rows
from ledger.events import TransferEvent
from ledger.names import transfers_stream
from ledger.transfer_states import Transfer, fold

_EVENTS: Final = """
    SELECT topic, state FROM stored_events WHERE originator_id = :stream
    ORDER BY originator_version
"""


def transfer_states(rows: Rows, customer: str) -> list[Transfer]:
    """Give a customer's transfers, oldest first."""
    found: dict[str, Transfer] = {}
    for topic, state in rows.execute(_EVENTS, stream=transfers_stream(customer)):
        event = decode(topic, state)
        if isinstance(event, TransferEvent):
            fold(found, customer, event)
    return list(found.values())


def all_transfer_states(rows: Rows) -> list[Transfer]:
    """Give the transfers of every customer."""
    customers = rows.execute("SELECT customer FROM customer ORDER BY customer")
    return [one for (customer,) in customers for one in transfer_states(rows, customer)]
