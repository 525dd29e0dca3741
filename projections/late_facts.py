"""What of an account was recorded late, and stands in a later month than it happened in.

Lines of a page are told by local day. Their pages are read once; what they come to is kept as
long as they stand where they do.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, NamedTuple

from ledger.calendars import days
from ledger.database import Rows
from ledger.events import PageRecorded
from ledger.lots import Used
from ledger.names import consumption_stream
from ledger.pages import page_costs
from projections.log import line_event
from projections.lot_facts import AccountFacts
from projections.posting import AccountPosting, LateStretch

CORRECTION: Final = "correction"


class LateFact(NamedTuple):
    """A movement, the change of an opening, or some `lines` of a day of the page `version`.

    `milli` is signed: thousandths that came. It happened at `last_us`, and stands at
    `posted_us`, the first instant of a month.
    """

    account: str
    posted_us: int
    position: int
    day: str
    kind: str
    reference: str
    version: int
    lines: int
    milli: int
    first_us: int
    last_us: int
    recorded_us: int


@dataclass(frozen=True, slots=True)
class LateLines:
    """Which lines of pages, and which corrections, are not where they happened.

    `days` tells how many of them each day has.
    """

    stretches: Mapping[int, Sequence[tuple[int, int]]]
    days: Mapping[str, int]
    corrections: Collection[int]

    @classmethod
    def of(cls, late: Iterable[LateFact]) -> LateLines:
        stretches: dict[int, list[tuple[int, int]]] = defaultdict(list)
        found_days: dict[str, int] = defaultdict(int)
        corrections: set[int] = set()
        for one in late:
            if one.version:
                stretches[one.version].append((one.first_us, one.last_us + 1))
                found_days[one.day] += one.lines
            elif one.kind == CORRECTION:
                corrections.add(one.position)
                found_days[one.day] += one.lines
        return cls(stretches, found_days, corrections)

    def are(self, version: int, at_us: int) -> bool:
        """Tell whether the lines of a page of an instant are late."""
        return any(start <= at_us < end for start, end in self.stretches.get(version, ()))


ON_TIME: Final = LateLines({}, {}, ())


def late_facts(
    rows: Rows, account: AccountFacts, posting: AccountPosting, *, anew: bool
) -> list[LateFact]:
    """Find what is late, but for changes of the opening; `anew` reads every page again."""
    known = {} if anew else _known(rows, account.name)
    return [*_singles(rows, account, posting), *_lines(rows, account, posting, known)]


def _singles(rows: Rows, account: AccountFacts, posting: AccountPosting) -> Iterator[LateFact]:
    after = 0 if len(posting.openings) > 1 else posting.posting.positions[0]
    for position, at_us, kind, milli, recorded_us, reference in rows.execute(
        "SELECT position, at_us, kind, milli, recorded_at_us, reference FROM movement"
        " WHERE account = :account AND at_us < :end AND position > :after ORDER BY position",
        account=account.name,
        end=posting.posting.ends[-1],
        after=after,
    ):
        posted_us = posting.posted_us(at_us, position)
        if posted_us > at_us and account.counts(at_us):
            yield LateFact(
                account.name, posted_us, position, account.day(at_us), kind, reference, 0, 1,
                milli, at_us, at_us, recorded_us,
            )  # fmt: skip


class _Page(NamedTuple):
    version: int
    position: int
    kind: str
    first_us: int
    last_us: int
    recorded_us: int

    def late(self, posting: AccountPosting) -> list[LateStretch]:
        return [
            one
            for one in posting.late(self.position)
            if self.first_us < one.end_us and one.start_us <= self.last_us
        ]


def _lines(
    rows: Rows,
    account: AccountFacts,
    posting: AccountPosting,
    known: Mapping[int, Sequence[LateFact]],
) -> Iterator[LateFact]:
    for page in _pages(rows, account.name, posting):
        late = page.late(posting)
        kept = known.get(page.version, [])
        if kept and {one.posted_us for one in kept} == {one.posted_us for one in late}:
            yield from kept
        elif late:
            yield from _read(rows, account, page, late)


def _known(rows: Rows, account: str) -> Mapping[int, Sequence[LateFact]]:
    found: dict[int, list[LateFact]] = defaultdict(list)
    for row in rows.execute(f"{_LATE} AND version > 0", account=account):
        late = LateFact(*row)
        found[late.version].append(late)
    return found


def _pages(rows: Rows, account: str, posting: AccountPosting) -> list[_Page]:
    """Give the pages that may hold late lines: few, where nothing old came late."""
    stream = consumption_stream(account)
    ((after,),) = rows.execute(
        "SELECT COALESCE(MAX(version), 0) FROM event_log WHERE stream = :stream"
        " AND position <= :position",
        stream=stream,
        position=0 if len(posting.openings) > 1 else posting.posting.positions[0],
    )
    found = rows.execute(
        "SELECT p.version, l.position, p.kind, p.first_at_us, p.last_at_us, p.recorded_at_us"
        " FROM page_span p JOIN event_log l ON l.stream = :stream AND l.version = p.version"
        " WHERE p.account = :account AND p.version > :after AND p.first_at_us < :end"
        " ORDER BY p.version",
        stream=stream,
        account=account,
        after=after,
        end=posting.posting.ends[-1],
    )
    return list(map(_Page._make, found))


def _read(
    rows: Rows, account: AccountFacts, page: _Page, late: Sequence[LateStretch]
) -> Iterator[LateFact]:
    event = line_event(rows, account.name, page.version)
    assert isinstance(event, PageRecorded)  # noqa: S101 (for the type checker)
    costs = page_costs(event)
    spent = list(accumulate(costs.milli, initial=0))
    for start_us, end_us, posted_us in late:
        begin = bisect_left(costs.at_us, start_us)
        after = bisect_left(costs.at_us, end_us)
        if begin == after:
            continue
        for day in days(account.zone, costs.at_us[begin], costs.at_us[after - 1]):
            end = bisect_left(costs.at_us, day.end_us, begin, after)
            if begin < end:
                yield LateFact(
                    account.name, posted_us, page.position, day.name, page.kind, "",
                    page.version, end - begin, spent[begin] - spent[end],
                    costs.at_us[begin], costs.at_us[end - 1], page.recorded_us,
                )  # fmt: skip
            begin = end


def used_late(late: Iterable[LateFact]) -> list[Used]:
    """Give what late messages of a day used, then what late corrections gave back of it."""
    together: dict[tuple[str, int, str], list[LateFact]] = defaultdict(list)
    for one in late:
        if one.version or one.kind == CORRECTION:
            together[one.account, one.posted_us, one.day].append(one)
    return [
        Used(
            at_us=posted_us,
            account=account,
            milli=milli,
            day=day,
            late_us=max(one.last_us for one in of),
        )
        for (account, posted_us, day), of in sorted(together.items())
        for milli in (_spent(of), -_back(of))
        if milli
    ]


def _spent(late: Iterable[LateFact]) -> int:
    return sum(-one.milli for one in late if one.milli < 0)


def _back(late: Iterable[LateFact]) -> int:
    """Sum what corrections gave back."""
    return sum(one.milli for one in late if one.milli > 0)


# --- as they are kept -----------------------------------------------------------------------


_LATE: Final = """
    SELECT account, posted_at_us, position, day, kind, reference, version, count, milli,
        first_at_us, last_at_us, recorded_at_us FROM late_fact WHERE account = :account
"""


def kept_late(rows: Rows, account: str) -> list[LateFact]:
    """Give what is late of an account, in the order in which it happened."""
    found = [LateFact(*row) for row in rows.execute(_LATE, account=account)]
    return sorted(found, key=lambda one: (one.posted_us, one.last_us, one.position))
