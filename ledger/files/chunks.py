"""Chunks: up to a thousand lines of one account and kind, ordered by id, as bytes.

What leaves the memory of the process that read it, for the spool or for another process,
leaves as chunks. Beside the file's lines they hold what the ledger knows of the same ids: a
`line` below zero says what it is, so that it stands before the file's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import itemgetter, sub
from typing import Any, Final, NamedTuple

import msgspec

from ledger.events import LineKind
from ledger.pages import LineId, Texts, indexed

ROWS_PER_CHUNK: Final = 1000

# What the ledger knows of an id, in the place of a line's number.
OWN_PAGE: Final = -4  # recorded by this very file, in a run that was cut off
PAGE: Final = -3
CORRECTED: Final = -2
USER: Final = -1


class LineRow(NamedTuple):
    """One line of the file; `milli` is what it cost. Rows sort by id, then by line.

    Rows are made as plain tuples, which is faster; `LineRow._make` gives them their names. For
    what the ledger knows, `at_us` may be the version of the event that tells it.
    """

    id: LineId
    line: int
    at_us: int
    milli: int
    parts: int | None = None
    country: str | None = None
    tag: str | None = None
    user: str | None = None
    batch: str | None = None


Rows = list[tuple[Any, ...]]

LABELS: Final = ("tag", "user", "batch")


class Group(NamedTuple):
    """Lines that are ordered together: ids are all numbers, or all texts."""

    account: int
    kind: LineKind
    texts: bool


class Chunk(NamedTuple):
    """The bytes of some rows, with what is asked of them most.

    `distinct`: no id comes twice. `first_at_us` is the earliest time, `first_at_line` the
    first line of that time; `line` and `last_line` are the first and last of all.
    """

    first_id: LineId
    last_id: LineId
    rows: int
    distinct: bool
    first_at_us: int
    first_at_line: int
    last_at_us: int
    line: int
    last_line: int
    milli: int
    labels_size: int
    data: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def chunks(rows: Rows) -> Iterator[Chunk]:
    """Cut sorted rows into chunks."""
    for start in range(0, len(rows), ROWS_PER_CHUNK):
        yield _chunk(rows[start : start + ROWS_PER_CHUNK])


def _chunk(rows: Rows) -> Chunk:
    ids, lines, at_us, milli, parts, *texts = zip(*rows, strict=True)
    country, tag, user, batch = map(indexed, texts)
    labels = _encode([tag.values, user.values, batch.values])
    body = _encode(
        [
            ids if isinstance(ids[0], str) else differences(ids),
            *(differences(lines), differences(at_us), milli, parts),
            *(country.values, country.index, tag.index, user.index, batch.index),
        ]
    )
    first_at_us = min(at_us)
    return Chunk(
        first_id=ids[0],
        last_id=ids[-1],
        rows=len(ids),
        distinct=len(set(ids)) == len(ids),
        first_at_us=first_at_us,
        first_at_line=_first_line(first_at_us, at_us, lines),
        last_at_us=max(at_us),
        line=min(lines),
        last_line=max(lines),
        milli=sum(milli),
        labels_size=len(labels),
        data=labels + body,
    )


def _first_line(first: int, at_us: Sequence[int], lines: Sequence[int]) -> int:
    if at_us.count(first) == 1:
        return lines[at_us.index(first)]
    return min(line for at, line in zip(at_us, lines, strict=True) if at == first)


def differences(values: Sequence[int]) -> list[int]:
    """Give the first value, and how much each differs from the one before."""
    return [values[0], *map(sub, values[1:], values)]


def labels_of(data: bytes, labels_size: int) -> dict[str, list[str | None]]:
    """Give the distinct tags, users and batches of a chunk, without reading its rows."""
    values: list[list[str | None]] = _decode(memoryview(data)[:labels_size])
    return dict(zip(LABELS, values, strict=True))


class LineColumns(NamedTuple):
    """The columns of some rows."""

    ids: list[LineId]
    lines: list[int]
    at_us: list[int]
    milli: list[int]
    parts: list[int | None]
    country: Texts
    tag: Texts
    user: Texts
    batch: Texts


def columns_of(data: bytes, labels_size: int) -> LineColumns:
    """Read the columns of a chunk."""
    view = memoryview(data)
    tag, user, batch = _decode(view[:labels_size])
    ids, lines, at_us, milli, parts, countries, country, *index = _decode(view[labels_size:])
    return LineColumns(
        ids if isinstance(ids[0], str) else list(accumulate(ids)),
        list(accumulate(lines)),
        list(accumulate(at_us)),
        milli,
        parts,
        Texts(countries, country),
        *(Texts(values, of) for values, of in zip((tag, user, batch), index, strict=True)),
    )


def rows_of(data: bytes, labels_size: int) -> Rows:
    """Read the rows of a chunk."""
    columns = columns_of(data, labels_size)
    texts = (columns.country, columns.tag, columns.user, columns.batch)
    named = (map(text.values.__getitem__, text.index) for text in texts)
    ids, lines, at_us, milli, parts, *_ = columns
    return list(zip(ids, lines, at_us, milli, parts, *named, strict=True))


class Sorter:
    """Gathers rows by group, and gives them ordered, as chunks."""

    def __init__(self) -> None:
        self._groups: dict[Group, Rows] = {}

    def into(self, group: Group) -> Rows:
        """Give the list to which a group's rows are appended."""
        return self._groups.setdefault(group, [])

    def take(self) -> Iterator[tuple[Group, Chunk]]:
        """Give everything that was gathered, and begin anew."""
        groups, self._groups = self._groups, {}
        for group, rows in groups.items():
            rows.sort()
            for chunk in chunks(without_repeats(rows)):
                yield group, chunk


_payload = itemgetter(0, 2, 3, 4)


def without_repeats(rows: Rows) -> Rows:
    """Leave out rows that say what the row before them says: a file may be full of them."""
    if len({row[0] for row in rows}) == len(rows):
        return rows
    kept = rows[:1]
    for row in rows[1:]:
        if row[1] < 0 or kept[-1][1] < 0 or _payload(row) != _payload(kept[-1]):
            kept.append(row)
    return kept
