"""What messages used by segment: a local day, cut where lots come in or credits leave.

A day that nothing cuts between its messages is told by its totals. Of the others the pages are
read once; what they come to is kept, until something else is recorded of that day.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, NamedTuple

from ledger.calendars import day_of
from ledger.canonical import decode
from ledger.database import Row, Rows, Table
from ledger.day_blocks import Sum, blocks_of
from ledger.errors import IntegrityFailure
from ledger.events import LINE_KINDS, PageRecorded
from ledger.names import consumption_stream
from ledger.pages import Costs, page_costs
from projections.late_facts import ON_TIME, LateLines
from projections.lot_facts import AccountFacts

_CORRECTION: Final = "correction"
_KINDS: Final = frozenset((*LINE_KINDS, _CORRECTION))

# Pages that are fetched together; each is some 7 kB.
_AT_ONCE: Final = 100


class Segment(NamedTuple):
    """What messages of an account used from the first to the last of a segment, corrected."""

    day: str
    last_us: int
    first_us: int
    milli: int


@dataclass(frozen=True, slots=True)
class Segments:
    """All segments of an account in their order; `read` are those whose pages were read now."""

    all: list[Segment]
    read: list[Segment]


@dataclass(frozen=True, slots=True)
class Kept:
    """Where segments are kept, and of which days nothing that is there holds.

    `gone` are the first and the last of such days, in order and apart.
    """

    table: Table
    gone: Sequence[tuple[str, str]]

    def is_gone(self, day: str) -> bool:
        place = bisect_right(self.gone, (day, "~")) - 1
        return place >= 0 and self.gone[place][0] <= day <= self.gone[place][1]


def segments(
    rows: Rows,
    account: AccountFacts,
    cuts: Sequence[int],
    kept_in: Kept,
    late: LateLines = ON_TIME,
) -> Segments:
    """Give what the messages of an account used, from its opening on, without late ones."""
    whole: list[Segment] = []
    cut: list[Segment] = []
    for day, count in _days(rows, account.name):
        uncut = bisect_right(cuts, day.first_us) == bisect_right(cuts, day.last_us)
        if uncut and day.day not in late.days:
            whole.append(day)
        elif count > late.days.get(day.day, 0):
            cut.append(day)
    known = _known(rows, account.name, kept_in.table)
    wanted = {day.day for day in cut}
    kept = [one for one in known if one.day in wanted and not kept_in.is_gone(one.day)]
    missing = wanted.difference(one.day for one in kept)
    read = _read(rows, account, cuts, [day for day in cut if day.day in missing], late)
    found = (one for one in (*whole, *kept, *read) if one.milli)
    return Segments(sorted(found, key=lambda one: one.last_us), read)


def _days(rows: Rows, account: str) -> Iterator[tuple[Segment, int]]:
    """Give the days with messages, and how many movements those are."""
    days: dict[str, Sum] = {}
    for month, kind, block in blocks_of(rows, account):
        if kind in _KINDS:
            for number, of_kind in block.items():
                known = days.setdefault(f"{month}-{number:02}", of_kind)
                if known is not of_kind:
                    known.add(of_kind)
    for day, one in sorted(days.items()):
        yield Segment(day, one.last_at_us, one.first_at_us, -one.milli), one.count


def _known(rows: Rows, account: str, table: Table) -> list[Segment]:
    return [Segment(*row) for row in rows.execute(_KEPT.format(table.name), account=account)]


_KEPT: Final = """
    SELECT day, last_at_us, first_at_us, milli FROM {} WHERE account = :account
"""


# --- reading pages --------------------------------------------------------------------------


class _Sums:
    """What lines between two boundaries come to, by the place of the boundary before them."""

    def __init__(self, boundaries: Sequence[int]) -> None:
        self.boundaries = boundaries
        self.found: dict[int, list[int]] = {}

    def add(self, place: int, milli: int, first_us: int, last_us: int) -> None:
        known = self.found.setdefault(place, [0, first_us, last_us])
        known[0] += milli
        known[1] = min(known[1], first_us)
        known[2] = max(known[2], last_us)

    def add_page(self, at_us: Sequence[int], milli: Sequence[int]) -> None:
        spent = list(accumulate(milli, initial=0))
        place = bisect_right(self.boundaries, at_us[0]) - 1 if at_us else 0
        begin = 0
        while begin < len(at_us):
            following = place + 1
            if following < len(self.boundaries):
                end = bisect_left(at_us, self.boundaries[following], begin)
            else:
                end = len(at_us)
            if begin < end and place >= 0:
                self.add(place, spent[end] - spent[begin], at_us[begin], at_us[end - 1])
            begin, place = end, following


def _read(
    rows: Rows,
    account: AccountFacts,
    cuts: Sequence[int],
    days: Sequence[Segment],
    late: LateLines,
) -> list[Segment]:
    """Read the pages of some days, and divide their lines at the cuts."""
    if not days:
        return []
    stretches = [(day.first_us, day.last_us + 1) for day in days]
    edges = {edge for stretch in stretches for edge in stretch}
    sums = _Sums(sorted(edges.union(_inside(cuts, stretches))))
    for version, page in _pages(rows, account.name, stretches):
        costs = page_costs(page)
        if version in late.stretches:
            costs = _on_time(costs, late, version)
        sums.add_page(costs.at_us, costs.milli)
    for position, at_us, milli in _corrections(rows, account.name, stretches):
        if position not in late.corrections:
            sums.add(bisect_right(sums.boundaries, at_us) - 1, -milli, at_us, at_us)
    wanted = {day.day for day in days}
    found = (
        Segment(day_of(account.zone, last).name, last, first, milli)
        for milli, first, last in sums.found.values()
    )
    return [one for one in found if one.day in wanted and account.counts(one.first_us)]


def _on_time(costs: Costs, late: LateLines, version: int) -> Costs:
    places = [place for place, at_us in enumerate(costs.at_us) if not late.are(version, at_us)]
    return Costs(
        [costs.at_us[place] for place in places], [costs.milli[place] for place in places]
    )


def _inside(cuts: Sequence[int], stretches: Sequence[tuple[int, int]]) -> Iterator[int]:
    for start, end in stretches:
        yield from cuts[bisect_left(cuts, start) : bisect_left(cuts, end)]


def _pages(
    rows: Rows, account: str, stretches: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, PageRecorded]]:
    """Give the pages that overlap with a stretch, by version."""
    starts, ends = [start for start, _ in stretches], [end for _, end in stretches]
    versions = [
        version
        for version, first_us, last_us in rows.execute(
            "SELECT version, first_at_us, last_at_us FROM page_span WHERE account = :account"
            " AND first_at_us < :end AND last_at_us >= :start ORDER BY version",
            account=account,
            start=starts[0],
            end=ends[-1],
        )
        if bisect_right(ends, first_us) < bisect_right(starts, last_us)
    ]
    for begin in range(0, len(versions), _AT_ONCE):
        yield from _fetched(rows, account, versions[begin : begin + _AT_ONCE])


def _fetched(
    rows: Rows, account: str, versions: Sequence[int]
) -> Iterator[tuple[int, PageRecorded]]:
    stream = consumption_stream(account)
    named = {f"v{number}": version for number, version in enumerate(versions)}
    found = rows.execute(_PAGES.format(", :".join(named)), stream=stream, **named)
    if len(found) < len(versions):
        msg = f"expected {len(versions)} pages of {stream}, found {len(found)}"
        raise IntegrityFailure(msg)
    for version, topic, state in found:
        page = decode(topic, state)
        if isinstance(page, PageRecorded):
            yield version, page


_PAGES: Final = """
    SELECT originator_version, topic, state FROM stored_events
    WHERE originator_id = :stream AND originator_version IN (:{})
"""


def _corrections(
    rows: Rows, account: str, stretches: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, int]]:
    """Give corrections in a stretch, by position; they stand at the time of their line."""
    starts, ends = [start for start, _ in stretches], [end for _, end in stretches]
    for position, at_us, milli in rows.execute(
        "SELECT position, at_us, milli FROM movement WHERE account = :account AND kind = :kind"
        " AND at_us >= :start AND at_us < :end",
        account=account,
        kind=_CORRECTION,
        start=starts[0],
        end=ends[-1],
    ):
        if bisect_right(ends, at_us) < bisect_right(starts, at_us):
            yield position, at_us, milli


def row_of(account: str, segment: Segment) -> Row:
    """Give the row that keeps a segment."""
    return (account, *segment)


# --- what was recorded of a day -------------------------------------------------------------


def touched_days(
    rows: Rows, accounts: dict[str, AccountFacts], after: int, through: int
) -> dict[str, list[tuple[str, str]]]:
    """Give the first and the last day of what was recorded after a position, by account."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for account, first_us, last_us in rows.execute(_RECORDED, after=after, through=through):
        known = accounts.get(account)
        if known is not None:
            first, last = day_of(known.zone, first_us), day_of(known.zone, last_us)
            found[account].append((first.name, last.name))
    return found


_RECORDED: Final = """
    SELECT p.account, p.first_at_us, p.last_at_us FROM event_log l JOIN page_span p
        ON p.account = l.account AND p.version = l.version
    WHERE l.position > :after AND l.position <= :through AND l.topic = 'sms.page-recorded.1'
    UNION ALL SELECT account, at_us, at_us FROM movement
    WHERE position > :after AND position <= :through
"""
