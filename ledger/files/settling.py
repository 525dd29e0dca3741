"""Settling: which lines of a group are new, once each, in the order of their ids.

Chunks whose ids lie apart from all others, as they do when a file was written in the order of
time, are settled as they are. Those that overlap are read together: rows of one id are held
against each other, and against what the ledger knows of it. Where more overlap than may be in
memory at once, they are dealt out anew by ranges of ids first.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, Final

from ledger.files.chunks import (
    CORRECTED,
    OWN_PAGE,
    PAGE,
    USER,
    Group,
    LineRow,
    Rows,
    chunks,
    without_repeats,
)
from ledger.files.line_spool import Index, LineSpool, Stored, clusters
from ledger.pages import LineId

# How many lines are settled together, and how many wait to be dealt out.
AT_ONCE: Final = 60_000
_RANGE: Final = 20_000

_SAMPLED: Final = 100


@dataclass(slots=True)
class Settled:
    """What became of the lines of one group.

    `new` is to be recorded, by id; of `unattributed` only the file tells the user. `own` counts
    the lines that an earlier run of the file recorded. `contradiction` is the first line that
    says other than an earlier one of its id, `disagreement` other than the ledger: the line,
    and what it is held against.
    """

    group: Group
    new: Index = field(default_factory=Index)
    unattributed: Index = field(default_factory=Index)
    own: int = 0
    contradiction: tuple[LineRow, LineRow] | None = None
    disagreement: tuple[LineRow, LineRow] | None = None

    @property
    def count(self) -> int:
        return sum(stored.rows for stored in self.new)


def settle(spool: LineSpool, group: Group) -> Settled:
    """Settle the lines of a group, which the spool forgets."""
    settled = Settled(group)
    for cluster in clusters(spool.groups.pop(group)):
        if len(cluster) == 1 and cluster[0].distinct and cluster[0].line > 0:
            settled.new.extend(cluster)
        else:
            for part in _parts(spool, cluster):
                _settle_rows(spool, settled, part)
    return settled


# --- rows of the same id -------------------------------------------------------------------


def _settle_rows(spool: LineSpool, settled: Settled, rows: Rows) -> None:
    """Settle rows that are all there are between two ids."""
    rows.sort()
    if len({row[0] for row in rows}) < len(rows) or min(row[1] for row in rows) < 0:
        rows = [row for _, same in groupby(rows, itemgetter(0)) for row in _one(settled, same)]
    new = [row for row in rows if row[1] > 0]
    users = [_turned(row) for row in rows if row[1] < 0]
    settled.new.extend(map(spool.store, chunks(new)))
    settled.unattributed.extend(map(spool.store, chunks(users)))


def _turned(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Turn the sign of a line's number: marks a known line whose user only the file tells."""
    return (row[0], -row[1], *row[2:])


def _one(settled: Settled, same: Iterable[tuple[Any, ...]]) -> Rows:
    """Tell what the rows of one id leave to be done."""
    known: dict[int, tuple[Any, ...]] = {}
    rows: Rows = []
    for row in same:
        if row[1] > 0:
            rows.append(row)
        else:
            known[row[1]] = row  # of several corrections, the last
    if not rows:
        return []
    for again in rows[1:]:
        if _differ(rows[0], again):
            settled.contradiction = _earlier(settled.contradiction, again, rows[0])
    page = known.get(OWN_PAGE) or known.get(PAGE)
    if page is None:
        return rows[:1]
    return _of_known(settled, known, page, rows[0])


def _of_known(
    settled: Settled,
    known: dict[int, tuple[Any, ...]],
    page: tuple[Any, ...],
    row: tuple[Any, ...],
) -> Rows:
    said = {page[3], known.get(CORRECTED, page)[3]}
    if row[2] != page[2] or row[3] not in said or _parts_differ(row, page):
        settled.disagreement = _earlier(settled.disagreement, row, page)
    settled.own += OWN_PAGE in known
    return [] if USER in known or row[7] is None else [_turned(row)]


def _differ(one: tuple[Any, ...], again: tuple[Any, ...]) -> bool:
    return one[2:4] != again[2:4] or _parts_differ(one, again)


def _parts_differ(one: tuple[Any, ...], again: tuple[Any, ...]) -> bool:
    """Compare numbers of parts; what a file does not say contradicts nothing."""
    return None not in {one[4], again[4]} and one[4] != again[4]


def _earlier(
    found: tuple[LineRow, LineRow] | None, row: tuple[Any, ...], against: tuple[Any, ...]
) -> tuple[LineRow, LineRow]:
    if found is not None and found[0].line < row[1]:
        return found
    return LineRow._make(row), LineRow._make(against)


# --- more than may be in memory ------------------------------------------------------------


def _parts(spool: LineSpool, cluster: list[Stored]) -> Iterator[Rows]:
    """Give all rows of a cluster, range by range where they are too many."""
    if sum(stored.rows for stored in cluster) <= AT_ONCE:
        yield _together(spool, cluster)
        return
    for dealt in _deal(spool, cluster, _cuts(spool, cluster)):
        yield _together(spool, dealt)


def _together(spool: LineSpool, cluster: Iterable[Stored]) -> Rows:
    return [row for stored in cluster for row in spool.rows(stored)]


def _cuts(spool: LineSpool, cluster: Iterable[Stored]) -> list[LineId]:
    """Choose ids that part the rows into ranges of about the same size."""
    sample: list[Any] = []
    for stored in cluster:
        sample += [row[0] for row in spool.rows(stored)[::_SAMPLED]]
    sample.sort()
    return sorted(set(sample[_RANGE // _SAMPLED :: _RANGE // _SAMPLED]))


def _deal(
    spool: LineSpool, cluster: Iterable[Stored], cuts: list[LineId]
) -> Iterator[list[Stored]]:
    """Deal rows out to the ranges between the cuts."""
    hands: list[Rows] = [[] for _ in range(len(cuts) + 1)]
    dealt: list[list[Stored]] = [[] for _ in hands]
    held = 0
    for stored in cluster:
        rows = spool.rows(stored)
        ids = [row[0] for row in rows]
        places = [0, *(bisect_left(ids, cut) for cut in cuts), len(rows)]
        for hand, (first, end) in zip(hands, pairwise(places), strict=True):
            hand.extend(rows[first:end])
        held += len(rows)
        if held >= AT_ONCE:
            _lay_down(spool, hands, dealt)
            held = 0
    _lay_down(spool, hands, dealt)
    return (one for one in dealt if one)


def _lay_down(spool: LineSpool, hands: list[Rows], dealt: list[list[Stored]]) -> None:
    for hand, stored in zip(hands, dealt, strict=True):
        hand.sort()
        stored.extend(map(spool.store, chunks(without_repeats(hand))))
        hand.clear()
