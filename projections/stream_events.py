"""The events of some kinds in a stream, read by plain SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeVar

from ledger.canonical import decode
from ledger.database import Rows
from ledger.events import Event

EventT = TypeVar("EventT", bound=Event)

_EVENTS: Final = """
    SELECT topic, state FROM stored_events
    WHERE originator_id = :stream AND topic IN (:{}) {} ORDER BY originator_version
"""
_THROUGH: Final = """
    AND originator_version <= (SELECT COALESCE(MAX(version), 0) FROM event_log
        WHERE stream = :stream AND position <= :through)
"""


def stream_events(
    rows: Rows, stream: str, *kinds: type[EventT], through: int | None = None
) -> Iterator[EventT]:
    """Give the events of these kinds in a stream, oldest first, up to a log position or all."""
    topics: dict[str, str | int] = {
        f"t{number}": kind.TOPIC for number, kind in enumerate(kinds)
    }
    sql = _EVENTS.format(", :".join(topics), "" if through is None else _THROUGH)
    if through is not None:
        topics["through"] = through
    for topic, state in rows.execute(sql, stream=stream, **topics):
        event = decode(topic, state)
        if isinstance(event, kinds):
            yield event
