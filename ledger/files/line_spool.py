"""The spool of lines: chunks in a temporary file, ordered group by group before use.

The file has no name, so it cannot outlive the program and nobody else can read it. What is in
memory of a line are a few bytes: the bounds of its chunk.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from ledger.files.chunks import Chunk, Group, Rows, rows_of
from ledger.files.room import no_room
from ledger.pages import LineId


class Stored(NamedTuple):
    """A chunk in the spool; its data is at `offset`."""

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
    offset: int
    size: int


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Stored)


class Index:
    """Stored chunks in their order, in a fifth of the memory that a list of them takes.

    A file of ten million lines has some forty thousand.
    """

    def __init__(self) -> None:
        self._packed: list[bytes] = []

    def extend(self, found: Iterable[Stored]) -> None:
        self._packed.extend(map(_ENCODER.encode, found))

    def __iter__(self) -> Iterator[Stored]:
        return map(_DECODER.decode, self._packed)


class LineSpool:
    """The chunks of all groups. Raises DatabaseUnusable where there is no room for them."""

    def __init__(self) -> None:
        # Without a buffer, whose last bytes a full disk would refuse only when it is closed.
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (see `close`)
        self._end = 0
        self.groups: dict[Group, Index] = {}

    def close(self) -> None:
        self._file.close()

    def add(self, group: Group, made: Iterable[Chunk]) -> None:
        """Take in chunks of a group, in any order."""
        self.groups.setdefault(group, Index()).extend(map(self.store, made))

    def store(self, chunk: Chunk) -> Stored:
        """Write a chunk, which is not added to any group."""
        try:
            self._write(chunk.data)
        except OSError as error:
            raise no_room(error) from error
        stored = Stored(*chunk[:-1], self._end, len(chunk.data))
        self._end += stored.size
        return stored

    def _write(self, data: bytes) -> None:
        self._file.seek(self._end)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def data(self, stored: Stored) -> bytes:
        try:
            self._file.seek(stored.offset)
            return self._file.read(stored.size)
        except OSError as error:
            raise no_room(error) from error

    def rows(self, stored: Stored) -> Rows:
        return rows_of(self.data(stored), stored.labels_size)

    def spent(self, stored: Stored, from_us: int, until_us: int) -> int:
        """Sum what lines cost from one instant until before another."""
        if from_us <= stored.first_at_us and stored.last_at_us < until_us:
            return stored.milli
        if stored.last_at_us < from_us or stored.first_at_us >= until_us:
            return 0
        return sum(row[3] for row in self.rows(stored) if from_us <= row[2] < until_us)


def clusters(found: Iterable[Stored]) -> Iterator[list[Stored]]:
    """Part chunks where no id can be on both sides, in the order of the ids."""
    cluster: list[Stored] = []
    last: Any = None
    for stored in sorted(found, key=lambda one: (one.first_id, one.line)):
        if cluster and stored.first_id > last:
            yield cluster
            cluster = []
        last = max(last, stored.last_id) if cluster else stored.last_id
        cluster.append(stored)
    if cluster:
        yield cluster


class Ranges:
    """Between which ids there are lines."""

    def __init__(self, found: Iterable[Stored]) -> None:
        parts = list(clusters(found))
        self._first: list[Any] = [part[0].first_id for part in parts]
        self._last: list[Any] = [max(one.last_id for one in part) for part in parts]

    def touch(self, first: LineId, last: LineId) -> bool:
        """Tell whether a line's id may be one of these."""
        place = bisect_left(self._last, first)
        return place < len(self._first) and self._first[place] <= last
