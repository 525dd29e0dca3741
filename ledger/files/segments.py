"""Segments: a file's bytes in stretches of whole records, each read by itself.

Whoever reads a segment needs nothing of the others but the header of a CSV file.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from ledger.errors import BadFile, Refused
from ledger.files.columns import COLUMNS, check_header
from ledger.files.origin import BOM, LONGEST_LINE, FileFormat, Origin
from ledger.files.texts import texts

# So many bytes that few lines of an account stand alone, so few that two of them are small.
_SEGMENT_BYTES: Final = 2 << 20
_PIECE_BYTES: Final = 1 << 20
_LONGEST_RECORD: Final = 16 << 20


class Segment(NamedTuple):
    """Whole records; `header` is empty for JSONL. `first_line` counts from 1."""

    file: str
    header: tuple[str, ...]
    first_line: int
    raw: bytes


class Segments:
    """The segments of an origin; `read_bytes` tells how far they have come."""

    def __init__(self, origin: Origin, format: FileFormat) -> None:
        self.read_bytes = 0
        self._origin = origin
        self._format = format
        self._digest = hashlib.sha256()
        self._line = 1
        self._header: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Segment]:
        """Give the segments. Raises BadFile for the header, Refused for a changed file."""
        raw = self._read(_SEGMENT_BYTES).removeprefix(BOM)
        if self._format == "csv":
            raw = self._after_header(raw)
        while True:
            if end := self._end(raw):
                yield self._cut(raw[:end])
            raw = raw[end:]
            more = self._read(max(_SEGMENT_BYTES - len(raw), _PIECE_BYTES))
            if not more:
                break
            raw += more
        if raw:
            yield self._cut(raw)
        self._hold_against_digest()

    def _read(self, size: int) -> bytes:
        read = self._origin.handle.read(size)
        self._digest.update(read)
        self.read_bytes += len(read)
        return read

    def _hold_against_digest(self) -> None:
        if self._digest.hexdigest() != self._origin.sha256:
            msg = (
                f"expected {self._origin.name} to stay as it is while it is read, found that it"
                " changed: nothing was recorded, import it again when it is written whole"
            )
            raise Refused(msg)

    def _cut(self, raw: bytes) -> Segment:
        first_line = self._line
        self._line += raw.count(b"\n")
        return Segment(self._origin.name, self._header, first_line, raw)

    # --- where records end -------------------------------------------------------------

    def _end(self, raw: bytes) -> int:
        """Find the end of the last whole record; 0 where more must be read to find one."""
        end = raw.rfind(b"\n") + 1
        if (not end and len(raw) >= LONGEST_LINE) or len(raw) > _LONGEST_RECORD:
            return len(raw)  # no file of rows is like this: whoever reads it says so
        if self._format == "csv" and b'"' in raw:
            return _end_of_quoted(raw[:end])
        return end

    # --- the header of a CSV file ------------------------------------------------------

    def _after_header(self, raw: bytes) -> bytes:
        """Read the header; give what follows it."""
        lines = texts(self._origin.name, raw, 1)
        line, header = 1, list[str]()
        reader = csv.reader((text for _, text in lines), strict=True)
        try:
            while not header:
                line = reader.line_num + 1
                header = next(reader)
        except StopIteration:
            expected = f"a header row {','.join(COLUMNS)}"
            raise BadFile(
                self._origin.name, line=1, expected=expected, found="an empty file"
            ) from None
        except csv.Error as error:
            raise not_csv(self._origin.name, line, error) from None
        check_header(self._origin.name, line, header)
        self._header = tuple(header)
        self._line = reader.line_num + 1
        return raw[_offset(raw, reader.line_num) :]


def _end_of_quoted(raw: bytes) -> int:
    """Find where the last whole record ends: a quoted cell may hold line ends."""
    rows = csv.reader(io.StringIO(raw.decode("latin-1"), newline="\n"), strict=True)
    whole = 0
    try:
        for _ in rows:
            whole = rows.line_num
    except csv.Error as error:
        if "unexpected end of data" not in str(error):
            return len(raw)  # whoever reads it says so
    return _offset(raw, whole)


def _offset(raw: bytes, lines: int) -> int:
    """Give the place where so many lines end."""
    return sum(map(len, islice(io.BytesIO(raw), lines)))


def not_csv(file: str, line: int, error: csv.Error) -> BadFile:
    """Make the refusal of a row that is none."""
    expected = "cells separated by commas, quoted where needed"
    return BadFile(file, line=line, expected=expected, found=f"none ({error})")
