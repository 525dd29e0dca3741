"""Entries of a register, and how lines are grouped into them.

Lines are grouped by kind and segment, a segment being a local day cut at each single movement
of the account. A day that no movement cuts needs its totals only; of others the pages are read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from msgspec import Struct, structs

from ledger.database import Rows
from ledger.events import LINE_KINDS
from ledger.times import from_us, local_day
from projections.books import Book
from projections.late_facts import ON_TIME, LateFact, LateLines
from projections.page_lines import Spent, Stretch, lines_during

# At one instant, credits come in, are spent, and go out.
IN: Final = 0
SPENT: Final = 1
OUT: Final = 2


class Entry(Struct, frozen=True, gc=False):
    """A row to be: `at_us` and `rank` are its place.

    `late_us` is when it happened, where it was recorded late and stands at `at_us` therefore.
    """

    at_us: int
    rank: int
    kind: str
    milli: int
    recorded_at_us: int | None
    reference: str = ""
    count: int = 1
    late_us: int | None = None


def place(entry: Entry) -> tuple[int, int, str]:
    """Give the order of rows; single movements of one instant stay as they were recorded."""
    return entry.at_us, entry.rank, entry.kind if entry.rank == SPENT else ""


def line_entry(line: Spent) -> Entry:
    return Entry(line.at_us, SPENT, line.kind, line.milli, line.recorded_at_us, line.reference)


@dataclass(frozen=True, slots=True)
class _Total:
    """A day's lines of one kind."""

    kind: str
    count: int
    milli: int
    first_us: int
    last_us: int
    recorded_us: int


def grouped(
    rows: Rows,
    book: Book,
    stretch: Stretch,
    singles: Sequence[Entry],
    late: LateLines = ON_TIME,
) -> list[Entry]:
    """Group lines by kind and segment, from the totals of the day wherever they do.

    Those that are late are left out.
    """
    cuts = [(single.at_us, single.rank) for single in singles]
    entries: list[Entry] = []
    looked_at: list[Stretch] = []
    for day, totals in _days(rows, book, stretch):
        first, last = min(t.first_us for t in totals), max(t.last_us for t in totals)
        whole = stretch[0] <= first and last < stretch[1]
        if whole and day not in late.days and _segment(cuts, first) == _segment(cuts, last):
            entries += [Entry(t.last_us, SPENT, t.kind, t.milli, t.recorded_us, count=t.count)
                        for t in totals]  # fmt: skip
        else:
            looked_at.append((max(first, stretch[0]), min(last + 1, stretch[1])))
    inside = [part for part in looked_at if part[0] < part[1]]
    lines = lines_during(rows, book.account, inside, without=late.stretches)
    return entries + _segments(book, lines, cuts)


def _segment(cuts: Sequence[tuple[int, int]], at_us: int) -> int:
    return bisect_left(cuts, (at_us, SPENT))


def _days(rows: Rows, book: Book, stretch: Stretch) -> Iterator[tuple[str, list[_Total]]]:
    """Give the totals of each day that a stretch touches, oldest first."""
    totals = rows.execute(
        "SELECT day, kind, count, milli, first_at_us, last_at_us, recorded_at_us"
        " FROM daily_total WHERE account = :account"
        " AND month >= SUBSTR(:first, 1, 7) AND day >= :first"
        " AND last_at_us >= :start AND first_at_us < :end ORDER BY day, kind",
        account=book.account,
        first=local_day(from_us(stretch[0]), book.zone).isoformat(),
        start=stretch[0],
        end=stretch[1],
    )
    for day, same in groupby(totals, key=lambda row: row[0]):
        lines = [_Total(*row[1:]) for row in same if row[1] in LINE_KINDS]
        if lines:
            yield day, lines


def _segments(
    book: Book, lines: Iterable[Spent], cuts: Sequence[tuple[int, int]]
) -> list[Entry]:
    groups: dict[tuple[int, str, str], Entry] = {}
    for line in lines:
        day = local_day(from_us(line.at_us), book.zone).isoformat()
        key = (_segment(cuts, line.at_us), day, line.kind)
        groups[key] = _joined(groups.get(key), line)
    return list(groups.values())


def _joined(group: Entry | None, line: Spent) -> Entry:
    return Entry(
        at_us=line.at_us,
        rank=SPENT,
        kind=line.kind,
        milli=line.milli + (group.milli if group else 0),
        recorded_at_us=max(line.recorded_at_us, (group and group.recorded_at_us) or 0),
        count=1 + (group.count if group else 0),
    )


# --- what is late ---------------------------------------------------------------------------


def late_entries(
    rows: Rows, account: str, late: Sequence[LateFact], *, each_line: bool
) -> list[Entry]:
    """Give what is late where it stands; lines of a day and kind together, or each of them."""
    entries = [_late_single(one) for one in late if not one.version]
    lines = [one for one in late if one.version]
    if each_line:
        return entries + list(_late_lines(rows, account, lines))
    groups: dict[tuple[int, str, str], list[LateFact]] = defaultdict(list)
    for one in lines:
        groups[one.posted_us, one.day, one.kind].append(one)
    return entries + [_late_group(of) for of in groups.values()]


def with_late(entries: Sequence[Entry], late: Iterable[Entry]) -> list[Entry]:
    """Put late entries, which are before all else of their instant, between ordered ones."""
    among = sorted(late, key=lambda one: (one.rank, one.late_us or 0, one.kind))
    return sorted([*among, *entries], key=lambda one: (one.at_us, one.late_us is None))


def _late_single(late: LateFact) -> Entry:
    comes = late.milli > 0 and late.kind != "correction"
    return Entry(
        late.posted_us, IN if comes else OUT, late.kind, late.milli, late.recorded_us,
        late.reference, late.lines, late.last_us,
    )  # fmt: skip


def _late_group(late: Sequence[LateFact]) -> Entry:
    return Entry(
        at_us=late[0].posted_us,
        rank=SPENT,
        kind=late[0].kind,
        milli=sum(one.milli for one in late),
        recorded_at_us=max(one.recorded_us for one in late),
        count=sum(one.lines for one in late),
        late_us=max(one.last_us for one in late),
    )


def _late_lines(rows: Rows, account: str, late: Sequence[LateFact]) -> Iterator[Entry]:
    for one in late:
        stretch = (one.first_us, one.last_us + 1)
        for line in lines_during(rows, account, [stretch], page=one.version):
            entry = line_entry(line)
            yield structs.replace(entry, at_us=one.posted_us, late_us=line.at_us)
