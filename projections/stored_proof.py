"""Proof of what is stored: every event in its place, with its digest, and its lines.

A fault is told as its subject and a text: what was expected, and what was found.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ledger.canonical import decode, leaf
from ledger.database import Database, Rows
from ledger.events import LinesAttributed, PageRecorded
from ledger.pages import attributed, order, unpack
from ledger.times import to_us

Fault = tuple[str, str]

# The stored events in the order of the log, with the digest that the log has of each.
STORED: Final = """
    SELECT position, stream, version, leaf, s.topic, state FROM main.event_log
    JOIN stored_events s ON originator_id = stream AND originator_version = version
    ORDER BY position
"""


def misplaced(rows: Rows) -> Iterator[Fault]:
    """Find holes in positions and versions, and events that only one side has."""
    for previous, position in rows.execute(_HOLES_IN_LOG):
        text = f"expected the position {previous + 1} after {previous}, found {position}"
        yield "log", text
    for stream, count, first, last in rows.execute(_HOLES_IN_STREAMS):
        text = f"expected the versions 1 to {count}, found {count} from {first} to {last}"
        yield stream, text
    for position, stream, version in rows.execute(_NOT_STORED):
        text = f"version {version} of {stream} is in the log, but not in the store"
        yield f"position {position}", text
    for stream, version in rows.execute(_NOT_LOGGED):
        yield stream, f"version {version} is stored, but not in the log"


_HOLES_IN_LOG: Final = """
    SELECT previous, position FROM (
        SELECT position, LAG(position, 1, 0) OVER (ORDER BY position) AS previous
        FROM main.event_log) AS steps
    WHERE position <> previous + 1 ORDER BY position
"""
_HOLES_IN_STREAMS: Final = """
    SELECT originator_id, COUNT(*), MIN(originator_version), MAX(originator_version)
    FROM stored_events GROUP BY originator_id
    HAVING MIN(originator_version) <> 1 OR MAX(originator_version) <> COUNT(*)
    ORDER BY originator_id
"""
_NOT_STORED: Final = """
    SELECT position, stream, version FROM main.event_log
    LEFT JOIN stored_events ON originator_id = stream AND originator_version = version
    WHERE originator_id IS NULL ORDER BY position
"""
_NOT_LOGGED: Final = """
    SELECT originator_id, originator_version FROM stored_events
    LEFT JOIN main.event_log ON originator_id = stream AND originator_version = version
    WHERE stream IS NULL ORDER BY originator_id, originator_version
"""


def damaged(database: Database) -> Iterator[Fault]:
    """Find events whose bytes have another digest than the log, or contradict themselves."""
    for position, stream, version, digest, topic, state in database.each(STORED):
        try:
            fault = _fault(stream, version, digest, topic, state)
        except Exception as error:  # whatever damage does is a finding
            fault = f"cannot be read: {str(error) or type(error).__name__}"
        if fault is not None:
            yield f"position {position}", f"{stream}: {fault}"


def _fault(stream: str, version: int, digest: bytes, topic: str, state: bytes) -> str | None:
    found = leaf(stream, version, topic, state)
    if found != digest:
        return f"expected the digest {bytes(digest).hex()}, found {found.hex()}"
    event = decode(topic, state)
    if isinstance(event, PageRecorded):
        return _page_fault(event)
    if isinstance(event, LinesAttributed) and len(attributed(event)) != event.count:
        return f"expected {event.count} attributed lines, found {len(attributed(event))}"
    return None


def _page_fault(page: PageRecorded) -> str | None:
    """Compare a page's header with its lines; count, credits and digest are `unpack`'s."""
    lines = unpack(page)
    times = [line.at_us for line in lines]
    ids = [order(line.id) for line in lines]
    if (ids[0], ids[-1]) != (order(page.first_id), order(page.last_id)):
        return f"expected lines {page.first_id} to {page.last_id}, found others"
    if sorted(set(ids)) != ids:
        return "expected lines ordered by id, each once, found otherwise"
    if (min(times), max(times)) != (to_us(page.first_at), to_us(page.last_at)):
        return f"expected lines from {page.first_at} to {page.last_at}, found other times"
    return None
