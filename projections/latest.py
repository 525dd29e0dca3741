"""The last event of some kind in a stream, read by plain SQL."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from ledger.canonical import decode
from ledger.database import Rows
from ledger.events import Event

EventT = TypeVar("EventT", bound=Event)


def latest(
    rows: Rows, stream: str, kind: type[EventT], *, before_us: int | None = None
) -> EventT | None:
    """Give the newest event of a kind in a stream, or the newest that happened before."""
    sql, named = _LATEST, dict[str, Any](stream=stream, topic=kind.TOPIC)
    if before_us is not None:
        sql, named = _LATEST_BEFORE, {**named, "at": before_us}
    for topic, state in rows.execute(sql, **named):
        event = decode(topic, state)
        return event if isinstance(event, kind) else None
    return None


_LATEST: Final = """
    SELECT topic, state FROM stored_events WHERE originator_id = :stream AND topic = :topic
    ORDER BY originator_version DESC LIMIT 1
"""
_LATEST_BEFORE: Final = """
    SELECT s.topic, s.state FROM event_log l JOIN stored_events s
        ON s.originator_id = l.stream AND s.originator_version = l.version
    WHERE l.stream = :stream AND l.topic = :topic AND l.happened_at_us < :at
    ORDER BY l.version DESC LIMIT 1
"""
