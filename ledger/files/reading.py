"""Reading one segment: what its rows say, ordered, as values that any process can hand on."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import datetime
from itertools import starmap
from typing import Any, Final, NamedTuple

from ledger.errors import BadFile
from ledger.events import LINE_KINDS
from ledger.files.blocks import Block, Odd, blocks
from ledger.files.chunks import Chunk, Group, Sorter
from ledger.files.parties import Parties
from ledger.files.plain import PlainReader
from ledger.files.records import cells_of, records
from ledger.files.rows import Row, RowReader
from ledger.files.segments import Segment


class ToRead(NamedTuple):
    """A segment, and the time of its import."""

    segment: Segment
    now: datetime


class Bad(NamedTuple):
    """The first row that cannot be: what `BadFile` is made of."""

    line: int
    column: str | None
    expected: str
    found: str


class Found(NamedTuple):
    """What a segment says, up to its first bad row if it has one.

    The accounts of `facts` and `lines` have the numbers of `parties`.
    """

    parties: Parties
    facts: list[Row]
    lines: list[tuple[Group, Chunk]]
    bad: Bad | None


def read(task: ToRead) -> Found:
    """Read a segment: plainly where it is plain, else carefully from its start."""
    try:
        return _Reading(task).plainly()
    except (Odd, UnicodeDecodeError, csv.Error):
        return _Reading(task).carefully()


_NAMES: Final = ("customer", "account", "counter_account")


class _Reading:
    """One attempt at one segment."""

    def __init__(self, task: ToRead) -> None:
        self._segment = task.segment
        self._header = task.segment.header
        self._kind = self._header.index("kind") if self._header else 0
        self._parties = Parties()
        self._sorter = Sorter()
        self._facts: list[Row] = []
        self._reader = RowReader(task.segment.file, self._parties, now=task.now)
        self._plain = PlainReader(
            task.segment.header,
            self._parties,
            self._sorter,
            instant=self._reader.instant,
            first_us=self._reader.first_us,
            last_us=self._reader.last_us,
        )

    def plainly(self) -> Found:
        """Read CSV by blocks. Raises Odd, UnicodeDecodeError, csv.Error."""
        if not self._header:
            raise Odd
        bad = None
        try:
            for block in blocks(self._segment):
                self._block(block)
        except BadFile as error:
            bad = Bad(error.line, error.column, error.expected, error.found)
        return self._found(bad)

    def _block(self, block: Block) -> None:
        """Read lines by columns, and all else row by row."""
        kinds = block.columns[self._kind]
        others = [place for place, kind in enumerate(kinds) if kind not in LINE_KINDS]
        if others and not self._knows_all(block):
            self._in_order(block, others)
            return
        try:
            self._plain.read(block.without(others))
        except Odd:
            self._one_by_one(block)
        else:
            self._one_by_one(block.at(others))

    def _in_order(self, block: Block, others: Sequence[int]) -> None:
        """Read lines between others: who is named first, and where, is told by the order."""
        begin = 0
        for end in (*others, len(block.lines)):
            lines = block.part(begin, end)
            try:
                self._plain.read(lines)
            except Odd:
                self._one_by_one(lines)
            self._one_by_one(block.part(end, end + 1))
            begin = end + 1

    def _knows_all(self, block: Block) -> bool:
        """Tell whether all that the rows name was named before, asking once for each pair."""
        customer, account, counter = (self._column(block, name) for name in _NAMES)
        named = set(zip(customer, account, strict=True))
        named |= {pair for pair in zip(customer, counter, strict=True) if pair[1]}
        return all(starmap(self._parties.knows, named))

    def _column(self, block: Block, name: str) -> Sequence[str]:
        if name in self._header:
            return block.columns[self._header.index(name)]
        return [""] * len(block.lines)

    def _one_by_one(self, block: Block) -> None:
        for line, row in zip(block.lines, block.rows(), strict=True):
            self._take(self._reader.read(line, cells_of(self._header, row)))

    def carefully(self) -> Found:
        """Read row by row."""
        bad = None
        try:
            for line, cells in records(self._segment):
                self._take(self._reader.read(line, cells))
        except BadFile as error:
            bad = Bad(error.line, error.column, error.expected, error.found)
        return self._found(bad)

    def _take(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if row.kind in LINE_KINDS:
                group = Group(row.account, row.kind, isinstance(row.id, str))
                self._sorter.into(group).append(_line_row(row))
            else:
                self._facts.append(row)

    def _found(self, bad: Bad | None) -> Found:
        return Found(self._parties, self._facts, list(self._sorter.take()), bad)


def _line_row(row: Row) -> tuple[Any, ...]:
    details = (row.parts, row.country, row.tag, row.user, row.batch)
    return (row.id, row.line, row.at_us, -row.milli, *details)
