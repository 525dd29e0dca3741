"""Which look at OVH covers a month: one that read every list through its end."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ledger.calendars import Span
from ledger.canonical import decode
from ledger.database import Rows
from ledger.events import BalanceObserved, Coverage
from ledger.names import observations_stream
from projections.books import Book
from projections.words import many

_AT_ONCE: Final = 50

_OBSERVATIONS: Final = """
    SELECT l.version, s.topic, s.state FROM event_log l JOIN stored_events s
        ON s.originator_id = l.stream AND s.originator_version = l.version
    WHERE l.stream = :stream AND l.version > :after AND l.happened_at_us >= :end
    ORDER BY l.version LIMIT :at_once
"""


def covering(rows: Rows, book: Book, month: Span) -> BalanceObserved | None:
    """Find the first look at OVH that read every list through the end of a month."""
    stream, version = observations_stream(book.account), 0
    while found := rows.execute(
        _OBSERVATIONS, stream=stream, after=version, end=month.end_us, at_once=_AT_ONCE
    ):
        for version, topic, state in found:  # noqa: B007 (the last one is where to go on)
            event = decode(topic, bytes(state))
            if isinstance(event, BalanceObserved) and _covers(event.coverage, month.end):
                return event
    return None


def in_flight(seen: BalanceObserved, month: Span) -> str:
    """Tell of messages whose rows were not there yet: they will come late."""
    jobs = seen.pending
    if jobs is None or not jobs.count or (jobs.oldest_at and jobs.oldest_at >= month.end):
        return ""
    return f"; rows of {many(jobs.count, 'job')} were still to come, of {jobs.credits} credits"


def _covers(read: Coverage, end: datetime) -> bool:
    """Tell whether lists were read through an instant; those that may not be read are None."""
    optional = (read.incoming, read.hlr, read.jobs, read.bills)
    return (
        read.outgoing is not None
        and read.outgoing >= end
        and all(one is None or one >= end for one in optional)
    )
