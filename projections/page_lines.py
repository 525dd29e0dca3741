"""The lines of pages, in order of time, for the stretches of time that a report looks at."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from ledger.canonical import decode
from ledger.database import Rows
from ledger.errors import IntegrityFailure
from ledger.events import PageRecorded
from ledger.names import consumption_stream
from ledger.pages import LineId, order, unpack

# From its first microsecond, up to and without its end.
Stretch = tuple[int, int]


class Spent(NamedTuple):
    """One line: what it took from the account, as a negative number of thousandths."""

    at_us: int
    kind: str
    place: tuple[bool, LineId]
    milli: int
    recorded_at_us: int

    @property
    def reference(self) -> str:
        return str(self.place[1])


def lines_during(
    rows: Rows, account: str, stretches: Sequence[Stretch], *, kind: str | None = None
) -> Iterator[Spent]:
    """Give the lines in ordered, disjoint stretches, oldest first; each page is read once.

    Memory holds the lines of pages that overlap in time, which are few when ids follow time.
    """
    waiting: list[Spent] = []
    starts = [start for start, _ in stretches]
    for version, first_at_us, recorded_at_us in _pages(rows, account, stretches, kind):
        while waiting and waiting[0].at_us < first_at_us:
            yield heappop(waiting)
        for line in _lines(rows, account, version, recorded_at_us):
            stretch = bisect_right(starts, line.at_us) - 1
            if stretch >= 0 and line.at_us < stretches[stretch][1]:
                heappush(waiting, line)
    while waiting:
        yield heappop(waiting)


def _pages(
    rows: Rows, account: str, stretches: Sequence[Stretch], kind: str | None
) -> Iterable[tuple[int, int, int]]:
    if not stretches:
        return
    spans = rows.execute(
        "SELECT version, first_at_us, recorded_at_us, last_at_us FROM page_span"
        " WHERE account = :account AND first_at_us < :end AND last_at_us >= :start"
        " AND kind = COALESCE(:kind, kind)"
        " ORDER BY first_at_us, version",
        account=account,
        start=stretches[0][0],
        end=stretches[-1][1],
        kind=kind,
    )
    ends = [end for _, end in stretches]
    for version, first_at_us, recorded_at_us, last_at_us in spans:
        following = bisect_right(ends, first_at_us)
        if following < len(stretches) and stretches[following][0] <= last_at_us:
            yield version, first_at_us, recorded_at_us


def _lines(rows: Rows, account: str, version: int, recorded_at_us: int) -> Iterator[Spent]:
    stream = consumption_stream(account)
    for topic, state in rows.execute(
        "SELECT topic, state FROM stored_events"
        " WHERE originator_id = :stream AND originator_version = :version",
        stream=stream,
        version=version,
    ):
        page = decode(topic, state)
        if isinstance(page, PageRecorded):
            for line in unpack(page):
                yield Spent(line.at_us, page.kind, order(line.id), -line.milli, recorded_at_us)
            return
    msg = f"expected a page at version {version} of {stream}, found none"
    raise IntegrityFailure(msg)
