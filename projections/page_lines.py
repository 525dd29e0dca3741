"""The lines of pages, in order of time, for the stretches of time that a report looks at."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Final, NamedTuple

from ledger.canonical import decode
from ledger.database import Rows
from ledger.errors import IntegrityFailure
from ledger.events import PageRecorded
from ledger.names import consumption_stream
from ledger.pages import LineId, order, page_columns, page_costs

# From its first microsecond, up to and without its end.
Stretch = tuple[int, int]

_NOTHING: Final[Mapping[int, Sequence[Stretch]]] = {}

# Pages that are fetched together; each is some 7 kB.
_AT_ONCE: Final = 16


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


class _Span(NamedTuple):
    """A page that may hold lines of a stretch."""

    version: int
    first_at_us: int
    last_at_us: int
    recorded_at_us: int


def lines_during(
    rows: Rows,
    account: str,
    stretches: Sequence[Stretch],
    *,
    kind: str | None = None,
    page: int | None = None,
    without: Mapping[int, Sequence[Stretch]] = _NOTHING,
) -> Iterator[Spent]:
    """Give the lines in ordered, disjoint stretches, oldest first; each page is read once.

    Those of one `page` alone, by version, where it is named; `without` leaves out stretches of
    pages.

    Memory holds the lines of pages that overlap in time, which are few when ids follow time.
    """
    waiting: list[Spent] = []
    spans = [
        span
        for span in _spans(rows, account, stretches, kind)
        if page is None or span.version == page
    ]
    for span, event in _read(rows, account, spans):
        # No line of this page or of a later one is older than its first.
        if any(line.at_us < span.first_at_us for line in waiting):
            waiting.sort()
            ready = bisect_left(waiting, (span.first_at_us,))
            yield from waiting[:ready]
            del waiting[:ready]
        waiting += _lines(event, span, stretches, without.get(span.version, ()))
    yield from sorted(waiting)


def moved_during(rows: Rows, account: str, stretch: Stretch, *, kind: str) -> int:
    """Sum what the lines of a kind in a stretch moved; no more of their pages is read."""
    start, end = stretch
    moved = 0
    for _, page in _read(rows, account, _spans(rows, account, [stretch], kind)):
        at_us, milli = page_costs(page)
        moved -= sum(milli[bisect_left(at_us, start) : bisect_left(at_us, end)])
    return moved


def _spans(
    rows: Rows, account: str, stretches: Sequence[Stretch], kind: str | None
) -> list[_Span]:
    if not stretches:
        return []
    found = rows.execute(
        "SELECT version, first_at_us, last_at_us, recorded_at_us FROM page_span"
        " WHERE account = :account AND first_at_us < :end AND last_at_us >= :start"
        " AND kind = COALESCE(:kind, kind)"
        " ORDER BY first_at_us, version",
        account=account,
        start=stretches[0][0],
        end=stretches[-1][1],
        kind=kind,
    )
    ends = [end for _, end in stretches]
    return [span for span in map(_Span._make, found) if _touches(span, stretches, ends)]


def _touches(span: _Span, stretches: Sequence[Stretch], ends: Sequence[int]) -> bool:
    following = bisect_right(ends, span.first_at_us)
    return following < len(stretches) and stretches[following][0] <= span.last_at_us


def _read(
    rows: Rows, account: str, spans: Sequence[_Span]
) -> Iterator[tuple[_Span, PageRecorded]]:
    """Give pages in the order of their spans, some fetched together."""
    for begin in range(0, len(spans), _AT_ONCE):
        some = spans[begin : begin + _AT_ONCE]
        pages = _pages(rows, account, [span.version for span in some])
        for span in some:
            yield span, pages[span.version]


def _pages(rows: Rows, account: str, versions: Sequence[int]) -> dict[int, PageRecorded]:
    """Read some pages of an account. Raises IntegrityFailure."""
    stream = consumption_stream(account)
    named = {f"v{number}": version for number, version in enumerate(versions)}
    found = rows.execute(f"{_PAGES} (:{', :'.join(named)})", stream=stream, **named)
    events = {version: decode(topic, state) for version, topic, state in found}
    pages = {
        version: event for version, event in events.items() if isinstance(event, PageRecorded)
    }
    for version in versions:
        if version not in pages:
            msg = f"expected a page at version {version} of {stream}, found none"
            raise IntegrityFailure(msg)
    return pages


_PAGES: Final = """
    SELECT originator_version, topic, state FROM stored_events
    WHERE originator_id = :stream AND originator_version IN
"""


def _lines(
    page: PageRecorded, span: _Span, stretches: Sequence[Stretch], without: Sequence[Stretch]
) -> Iterator[Spent]:
    """Give the lines of a page that lie in a stretch, and in none that is left out."""
    columns = page_columns(page)
    chosen = _chosen(columns.at_us, stretches)
    if without:
        at_us = columns.at_us
        chosen = [
            line
            for line in chosen
            if not any(start <= at_us[line] < end for start, end in without)
        ]
    return map(
        Spent,
        [columns.at_us[line] for line in chosen],
        repeat(page.kind),
        [order(columns.id[line]) for line in chosen],
        [-columns.milli[line] for line in chosen],
        repeat(span.recorded_at_us),
    )


def _chosen(at_us: Sequence[int], stretches: Sequence[Stretch]) -> Sequence[int]:
    """Give the places of times that lie in a stretch."""
    if len(stretches) == 1:
        start, end = stretches[0]
        return [line for line, at in enumerate(at_us) if start <= at < end]
    starts = [start for start, _ in stretches]
    places = (bisect_right(starts, at) - 1 for at in at_us)
    return [
        line
        for line, (at, place) in enumerate(zip(at_us, places, strict=True))
        if place >= 0 and at < stretches[place][1]
    ]
