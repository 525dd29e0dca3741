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
    WHERE originator_id = :stream AND topic IN (:{}) ORDER BY originator_version
"""


def stream_events(rows: Rows, stream: str, *kinds: type[EventT]) -> Iterator[EventT]:
    """Give the events of these kinds in a stream, oldest first."""
    topics = {f"t{number}": kind.TOPIC for number, kind in enumerate(kinds)}
    for topic, state in rows.execute(
        _EVENTS.format(", :".join(topics)), stream=stream, **topics
    ):
        event = decode(topic, state)
        if isinstance(event, kinds):
            yield event
