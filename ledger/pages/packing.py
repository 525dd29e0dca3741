"""Making pages of lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter, lt, sub
from typing import Final

from msgspec import Struct

from ledger.credits import Credits
from ledger.events import LineKind, PageRecorded, Stamp
from ledger.pages.body import PageBody, digest, packed, require
from ledger.pages.columns import (
    NUMBERS,
    TEXTS,
    Columns,
    Line,
    LineId,
    Texts,
    columns_of,
    is_empty,
    settled,
)
from ledger.times import from_us

LINES_PER_PAGE: Final = 1000

_TIME_UNITS_US: Final = (1_000_000, 1_000, 1)


class Packed(Struct, frozen=True, gc=False):
    """A page without its envelope: what the header tells of the lines, and the body.

    Times are in microseconds since 1970, `milli` is what all lines cost.
    """

    count: int
    first_id: LineId
    last_id: LineId
    first_at_us: int
    last_at_us: int
    milli: int
    body: bytes


def pack(columns: Columns) -> Packed:
    """Pack lines as a page's body. The same lines give the same bytes.

    Raises ValueError where ids do not rise, or columns differ in length: a page can't be put
    right later.
    """
    count, times = len(columns.id), columns.at_us
    require(count > 0, "at least one line")
    unit, at = _in_units(times)
    body = PageBody(id=_rising(columns.id), unit_us=unit, at=at, milli=columns.milli)
    for name in NUMBERS:
        setattr(body, name, _told(getattr(columns, name)))
    for name in TEXTS:
        setattr(body, name, _said(getattr(columns, name)))
    _require_length(body, count)
    return Packed(
        count,
        columns.id[0],
        columns.id[-1],
        min(times),
        max(times),
        sum(columns.milli),
        packed(body),
    )


def _in_units(times: Sequence[int]) -> tuple[int, list[int]]:
    """Write times as differences, in the coarsest unit in which all of them are whole."""
    steps = list(map(sub, times[1:], times))
    for unit in _TIME_UNITS_US:
        first, beyond = divmod(times[0], unit)
        whole = [step // unit for step in steps]
        # What a step is beyond a whole unit is never negative: where the sum loses nothing,
        # no step does.
        if not beyond and sum(whole) * unit == times[-1] - times[0]:
            break
    return unit, [first, *whole]


def _rising(ids: list[LineId]) -> list[LineId]:
    """Write numbers as differences, texts as they are. Raises ValueError."""
    if isinstance(ids[0], str):
        require(all(map(lt, ids, ids[1:])), "ids that rise")
        return ids
    steps = list(map(sub, ids[1:], ids))
    require(min(steps, default=1) > 0, "ids that rise")
    return [ids[0], *steps]


def _told(column: list[int | None] | None) -> list[int | None] | None:
    """Leave out a column that is empty in every line."""
    return None if column is None or is_empty(column) else column


def _said(column: Texts | None) -> Texts | None:
    """Leave out a column that is empty in every line, and texts that no line has."""
    if column is None:
        return None
    texts = settled(column)
    return None if texts.values == [None] else texts


def _require_length(body: PageBody, count: int) -> None:
    numbers = [body.at, body.milli, *(getattr(body, name) for name in NUMBERS)]
    texts = (getattr(body, name) for name in TEXTS)
    columns = [*numbers, *(text.index for text in texts if text is not None)]
    require(
        all(len(column) == count for column in columns if column is not None),
        f"a value for each of {count} lines in every column",
    )


def recorded(kind: LineKind, page: Packed, *, numbers: str, stamp: Stamp) -> PageRecorded:
    """Make the event that records a page; it happened when its last line did.

    `numbers` is the number library, with its version, that told the countries.
    """
    last_at = from_us(page.last_at_us)
    return PageRecorded(
        **stamp.at(last_at),
        kind=kind,
        count=page.count,
        first_id=page.first_id,
        last_id=page.last_id,
        first_at=from_us(page.first_at_us),
        last_at=last_at,
        spent=Credits(page.milli),
        numbers=numbers,
        body_sha256=digest(page.body),
        body=page.body,
    )


def record_pages(
    kind: LineKind, lines: Iterable[Line], *, numbers: str, stamp: Stamp
) -> Iterator[PageRecorded]:
    """Make the pages that record lines of one kind, ordered by id."""
    for same_type in _ordered(lines):
        for start in range(0, len(same_type), LINES_PER_PAGE):
            page = pack(columns_of(same_type[start : start + LINES_PER_PAGE]))
            yield recorded(kind, page, numbers=numbers, stamp=stamp)


def _ordered(lines: Iterable[Line]) -> list[list[Line]]:
    """Order lines by id: those with numbers, and those with texts."""
    lines = list(lines)
    texts = [line for line in lines if isinstance(line.id, str)]
    numbers = [line for line in lines if not isinstance(line.id, str)] if texts else lines
    return [sorted(same_type, key=attrgetter("id")) for same_type in (numbers, texts)]
