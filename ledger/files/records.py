"""Records: the cells of each row by their column, with the line at which the row begins."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from ledger.errors import BadFile
from ledger.files.columns import COLUMNS, NUMERIC, nearest, shown
from ledger.files.segments import Segment, not_csv
from ledger.files.texts import texts

Cells = dict[str, str]

_EMPTY: Final[Cells] = dict.fromkeys(COLUMNS, "")


def records(segment: Segment) -> Iterator[tuple[int, Cells]]:
    """Give every row; a column that it does not have is empty. Raises BadFile."""
    return _csv(segment) if segment.header else _jsonl(segment)


def cells_of(header: Sequence[str], row: Sequence[str]) -> Cells:
    """Name the cells of a row."""
    return {**_EMPTY, **dict(zip(header, row, strict=True))}


# --- CSV -----------------------------------------------------------------------------------


def _csv(segment: Segment) -> Iterator[tuple[int, Cells]]:
    header = segment.header
    for line, row in _csv_rows(segment):
        if len(row) != len(header):
            expected = f"{len(header)} cells, as the header has"
            raise BadFile(segment.file, line=line, expected=expected, found=str(len(row)))
        yield line, cells_of(header, row)


def _csv_rows(segment: Segment) -> Iterator[tuple[int, list[str]]]:
    """Give the rows that are not wholly empty; a quoted line end makes a row longer."""
    lines = texts(segment.file, segment.raw, segment.first_line)
    reader = csv.reader((text for _, text in lines), strict=True)
    while True:
        line = segment.first_line + reader.line_num
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise not_csv(segment.file, line, error) from None
        if row:
            yield line, row


# --- JSONL ---------------------------------------------------------------------------------


class _Digits(str):
    """A JSON number, as its text."""

    __slots__ = ()


def _jsonl(segment: Segment) -> Iterator[tuple[int, Cells]]:
    for line, text in texts(segment.file, segment.raw, segment.first_line):
        if text.strip():
            yield line, _cells(segment.file, line, _object(segment.file, line, text))


class _Object(list[tuple[str, Any]]):
    """The keys of a JSON object with their values, repeated keys included."""


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_Object,
    parse_float=_Digits,
    parse_int=_Digits,
    parse_constant=_Digits,
)


def _object(file: str, line: int, text: str) -> _Object:
    expected = "one JSON object"
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        found = f"none ({error.msg} at character {error.pos + 1})"
        raise BadFile(file, line=line, expected=expected, found=found) from None
    except RecursionError:
        found = "one nested too deeply"
        raise BadFile(file, line=line, expected=expected, found=found) from None
    if not isinstance(value, _Object):
        raise BadFile(file, line=line, expected=expected, found=shown(text.strip()))
    return value


def _cells(file: str, line: int, found: _Object) -> Cells:
    cells = dict(_EMPTY)
    seen: set[str] = set()
    for key, value in found:
        if key not in cells:
            expected = f"a known key, {nearest(key)}"
            raise BadFile(file, line=line, column=shown(key), expected=expected, found="that")
        if key in seen:
            raise BadFile(
                file, line=line, column=key, expected="each key once", found="it twice"
            )
        seen.add(key)
        cells[key] = _cell(file, line, key, value)
    return cells


def _cell(file: str, line: int, key: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, _Digits) and key not in NUMERIC:
        raise BadFile(
            file, line=line, column=key, expected="a string", found=f"the number {value}"
        )
    if not isinstance(value, str):
        expected = "a string or a number" if key in NUMERIC else "a string"
        found = json.dumps(value) if isinstance(value, bool) else "an object or a list"
        raise BadFile(file, line=line, column=key, expected=expected, found=found)
    return value
