"""The last event of some kind in a stream, read by plain SQL."""

from __future__ import annotations

from typing import TypeVar

from ledger.canonical import decode
from ledger.database import Rows
from ledger.events import Event

EventT = TypeVar("EventT", bound=Event)


def latest(rows: Rows, stream: str, kind: type[EventT]) -> EventT | None:
    """Give the newest event of a kind in a stream."""
    for topic, state in rows.execute(
        "SELECT topic, state FROM stored_events WHERE originator_id = :stream"
        " AND topic = :topic ORDER BY originator_version DESC LIMIT 1",
        stream=stream,
        topic=kind.TOPIC,
    ):
        event = decode(topic, state)
        return event if isinstance(event, kind) else None
    return None
