"""Blocks: some hundred rows of a CSV segment, as columns of texts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar

from ledger.files.segments import Segment

Value = TypeVar("Value")

# So few characters that what is made of them stays in the processor's cache.
_BLOCK_CHARACTERS: Final = 32_000
_BLOCK_ROWS: Final = 300


class Odd(Exception):
    """Rows that must be read one by one."""


class Block(NamedTuple):
    """The cells of some rows, a list for each column of the header; where each row begins."""

    columns: Sequence[Sequence[str]]
    lines: Sequence[int]

    def rows(self) -> Iterator[Sequence[str]]:
        return zip(*self.columns, strict=True)

    def part(self, begin: int, end: int) -> Block:
        """Give rows that follow each other."""
        return Block([column[begin:end] for column in self.columns], self.lines[begin:end])

    def at(self, places: Sequence[int]) -> Block:
        """Give some of the rows, by their places in order."""
        columns = [[column[place] for place in places] for column in self.columns]
        return Block(columns, [self.lines[place] for place in places])

    def without(self, places: Sequence[int]) -> Block:
        """Give the other rows; for a few places, nothing is looked at row by row."""
        if not places:
            return self
        return Block(
            [_without(column, places) for column in self.columns], _without(self.lines, places)
        )


def _without(values: Sequence[Value], places: Sequence[int]) -> list[Value]:
    left = list(values)
    for place in reversed(places):
        del left[place]
    return left


def blocks(segment: Segment) -> Iterator[Block]:
    """Give the rows of a segment. Raises Odd, UnicodeDecodeError, csv.Error."""
    text = segment.raw.decode()
    if "\0" in text:
        raise Odd  # which some versions of Python take for a character of a cell
    columns = len(segment.header)
    if '"' in text:
        yield from _parsed(text, segment.first_line, columns)
        return
    line, start = segment.first_line, 0
    while start < len(text):
        end = text.find("\n", start + _BLOCK_CHARACTERS) + 1 or len(text)
        split = _split(text[start:end], line, columns)
        yield from [split] if split else _parsed(text[start:end], line, columns)
        line, start = line + text.count("\n", start, end), end


def _split(text: str, line: int, columns: int) -> Block | None:
    """Split rows of which no cell is quoted: half the work of a parser.

    None where not each row has a cell for each column: then it takes a parser to tell.
    """
    text = text.replace("\r\n", "\n")
    if "\r" in text:
        return None
    ends = text.count("\n")
    # With a mark where each row ends, cells that are out of step are seen.
    cells = text.replace("\n", ",\n,").split(",")
    every = columns + 1
    if len(cells) != ends * every + 1 or cells[columns::every] != ["\n"] * ends or cells[-1]:
        return None
    return Block([cells[n:-1:every] for n in range(columns)], range(line, line + ends))


def _parsed(text: str, first_line: int, columns: int) -> Iterator[Block]:
    """Parse rows, of which one may be of several lines."""
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)
    rows: list[list[str]] = []
    ends = [0]
    for row in reader:
        rows.append(row)
        ends.append(reader.line_num)
    lines = [first_line + before for before, _ in pairwise(ends)]
    found = [(row, line) for row, line in zip(rows, lines, strict=True) if row]
    if any(len(row) != columns for row, _ in found):
        raise Odd  # whose line is told by who reads them one by one
    for start in range(0, len(found), _BLOCK_ROWS):
        part = found[start : start + _BLOCK_ROWS]
        yield Block(
            list(zip(*(row for row, _ in part), strict=True)), [line for _, line in part]
        )
