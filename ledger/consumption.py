"""The consumption of an account: pages of lines, each line recorded once.

The state knows the range of ids of every page, not the ids: a decision about lines is given the
`known` lines of the pages whose ranges they touch (`touched`). The stream's version makes two
importers of one account conflict rather than count twice.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, assert_never

from msgspec import Struct

from ledger.credits import ZERO, Credits
from ledger.events import (
    ConsumptionEvent,
    LineCorrected,
    LineKind,
    LinesAttributed,
    LinesNotBilled,
    LinesVanished,
    PageRecorded,
    Stamp,
)
from ledger.pages import Line, LineId, order, record_pages
from ledger.times import from_us, to_us

# OVH's delivery receipt for "error / not billed".
NOT_BILLED: Final = 16


class Range(Struct, frozen=True, array_like=True, gc=False):
    """Where a page stands, which ids it may hold, and the time of its last line."""

    version: int
    kind: LineKind
    first_id: LineId
    last_id: LineId
    last_at_us: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """A line that came again with another time or number of parts."""

    known: Line
    found: Line


@dataclass(slots=True)
class Consumption:
    """The state of one consumption stream.

    `corrected` holds the credits that OVH changed afterwards, `not_billed` the lines that it
    marked afterwards as not billed, `vanished` those that it does not list any more.
    """

    account: str
    version: int = 0
    lines: int = 0
    ranges: list[Range] = field(default_factory=list)
    corrected: dict[tuple[LineKind, LineId], Credits] = field(default_factory=dict)
    not_billed: set[tuple[LineKind, LineId]] = field(default_factory=set)
    vanished: set[tuple[LineKind, LineId]] = field(default_factory=set)


def evolve(state: Consumption, event: ConsumptionEvent) -> None:
    """Apply the next event of the stream."""
    state.version += 1
    match event:
        case PageRecorded():
            state.lines += event.count
            state.ranges.append(
                Range(
                    state.version,
                    event.kind,
                    event.first_id,
                    event.last_id,
                    to_us(event.last_at),
                )
            )
        case LineCorrected():
            state.corrected[event.kind, event.line_id] = event.credits
        case LinesNotBilled():
            state.not_billed.update((event.kind, line_id) for line_id in event.line_ids)
        case LinesVanished():
            state.vanished.update((event.kind, line_id) for line_id in event.line_ids)
        case LinesAttributed():
            pass
        case _:
            assert_never(event)


def touched(state: Consumption, kind: LineKind, ids: Iterable[LineId]) -> list[int]:
    """Give the versions of the pages that may hold some of these ids."""
    # Of one type each, as the ids of a page are.
    wanted: dict[type, list[Any]] = {int: [], str: []}
    for line_id in ids:
        wanted[type(line_id)].append(line_id)
    for same_type in wanted.values():
        same_type.sort()
    return [
        page.version
        for page in state.ranges
        if page.kind == kind and _any_between(wanted[type(page.first_id)], page)
    ]


def _any_between(wanted: list[Any], page: Range) -> bool:
    place = bisect_left(wanted, page.first_id)
    return place < len(wanted) and wanted[place] <= page.last_id


@dataclass(frozen=True, slots=True)
class Recording:
    """What a batch of lines comes to: pages of new lines, corrections, conflicts."""

    pages: list[PageRecorded]
    corrections: list[LineCorrected]
    conflicts: list[Conflict]


def record_lines(
    state: Consumption,
    kind: LineKind,
    lines: Iterable[Line],
    known: Mapping[LineId, tuple[int, Line]],
    *,
    numbers: str,
    stamp: Stamp,
) -> Recording:
    """Record the lines that are not known; changed credits append a correction.

    `known` maps an id to the version of its page and its line. A known line with another time
    or number of parts is a Conflict: the caller refuses the file, or opens a break.
    """
    lines = list(lines)
    if not known and len({line.id for line in lines}) == len(lines):
        return Recording(list(record_pages(kind, lines, numbers=numbers, stamp=stamp)), [], [])
    batch: dict[LineId, Line] = {}
    corrections: list[LineCorrected] = []
    conflicts: list[Conflict] = []
    for line in lines:
        earlier = batch.setdefault(line.id, line)
        place = known.get(line.id)
        if earlier is not line:
            if _differ(earlier, line) or earlier.milli != line.milli:
                conflicts.append(Conflict(earlier, line))
        elif place is not None and _differ(place[1], line):
            conflicts.append(Conflict(place[1], line))
        elif place is not None:
            corrections.extend(_correction(state, kind, place, line, stamp=stamp))
    new = [line for line in batch.values() if line.id not in known]
    pages = list(record_pages(kind, new, numbers=numbers, stamp=stamp))
    return Recording(pages, corrections, conflicts)


def _differ(one: Line, other: Line) -> bool:
    """Tell whether two lines of one id are two messages; parts may be left unsaid by a file."""
    said = None not in {one.parts, other.parts}
    return one.at_us != other.at_us or (said and one.parts != other.parts)


def _correction(
    state: Consumption, kind: LineKind, place: tuple[int, Line], line: Line, *, stamp: Stamp
) -> list[LineCorrected]:
    version, known = place
    previous = state.corrected.get((kind, line.id), Credits(known.milli))
    if previous.milli == line.milli:
        return []
    return [
        LineCorrected(
            **stamp.at(from_us(known.at_us)),
            target_version=version,
            kind=kind,
            line_id=line.id,
            previous=previous,
            credits=Credits(line.milli),
        )
    ]


def note_not_billed(
    state: Consumption,
    kind: LineKind,
    lines: Iterable[Line],
    *,
    stamp: Stamp,
    at: datetime,
) -> tuple[LinesNotBilled, ...]:
    """Record which known lines OVH marks as not billed now, each once.

    A line whose receipt said so when it was first read says it itself.
    """
    new = [
        line
        for line in lines
        if line.receipt != NOT_BILLED and (kind, line.id) not in state.not_billed
    ]
    if not new:
        return ()
    return (
        LinesNotBilled(
            **stamp.at(at),
            kind=kind,
            line_ids=tuple(line.id for line in sorted(new, key=lambda line: order(line.id))),
            spent=Credits(sum(line.milli for line in new)),
        ),
    )


def note_vanished(
    state: Consumption,
    kind: LineKind,
    lines: Iterable[Line],
    *,
    stamp: Stamp,
    at: datetime,
) -> tuple[LinesVanished, ...]:
    """Record which known lines OVH does not list any more, each once. They stand."""
    new = [line for line in lines if (kind, line.id) not in state.vanished]
    if not new:
        return ()
    return (
        LinesVanished(
            **stamp.at(at),
            kind=kind,
            line_ids=tuple(line.id for line in sorted(new, key=lambda line: order(line.id))),
            spent=_spent(state, kind, new),
        ),
    )


def _spent(state: Consumption, kind: LineKind, lines: Iterable[Line]) -> Credits:
    """Sum what lines cost as corrected."""
    costs = (state.corrected.get((kind, line.id), Credits(line.milli)) for line in lines)
    return sum(costs, ZERO)
