"""Records: the cells of each row by their column, with the line at which the row begins."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any, Final

from ledger.errors import BadFile
from ledger.files.columns import COLUMNS, NUMERIC, check_header, nearest, shown
from ledger.files.origin import FileFormat, Lines

Cells = dict[str, str]

_EMPTY: Final[Cells] = dict.fromkeys(COLUMNS, "")


def records(file: str, lines: Lines, format: FileFormat) -> Iterator[tuple[int, Cells]]:
    """Give every row; a column that it does not have is empty. Raises BadFile."""
    return _csv(file, lines) if format == "csv" else _jsonl(file, lines)


# --- CSV -----------------------------------------------------------------------------------


def _csv(file: str, lines: Lines) -> Iterator[tuple[int, Cells]]:
    rows = _csv_rows(file, lines)
    line, header = next(rows, (1, []))
    if not header:
        expected = f"a header row {','.join(COLUMNS)}"
        raise BadFile(file, line=1, expected=expected, found="an empty file")
    check_header(file, line, header)
    missing = {name: "" for name in COLUMNS if name not in header}
    for line, row in rows:
        if len(row) != len(header):
            expected = f"{len(header)} cells, as the header has"
            raise BadFile(file, line=line, expected=expected, found=str(len(row)))
        cells = dict(zip(header, row, strict=True))
        cells.update(missing)
        yield line, cells


def _csv_rows(file: str, lines: Lines) -> Iterator[tuple[int, list[str]]]:
    """Give the rows that are not wholly empty; a quoted line end makes a row longer."""
    reader = csv.reader(iter(lines), strict=True)
    while True:
        first_line = lines.number + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            expected = "cells separated by commas, quoted where needed"
            raise BadFile(
                file, line=first_line, expected=expected, found=f"none ({error})"
            ) from None
        if row:
            yield first_line, row


# --- JSONL ---------------------------------------------------------------------------------


class _Digits(str):
    """A JSON number, as its text."""

    __slots__ = ()


def _jsonl(file: str, lines: Lines) -> Iterator[tuple[int, Cells]]:
    decoder = json.JSONDecoder(
        object_pairs_hook=_Object,
        parse_float=_Digits,
        parse_int=_Digits,
        parse_constant=_Digits,
    )
    for text in lines:
        if text.strip():
            try:
                value = decoder.decode(text)
            except json.JSONDecodeError as error:
                found = f"none ({error.msg} at character {error.pos + 1})"
                raise lines.bad("one JSON object", found) from None
            except RecursionError:
                raise lines.bad("one JSON object", "one nested too deeply") from None
            if not isinstance(value, _Object):
                raise lines.bad("one JSON object", shown(text.strip()))
            yield lines.number, _cells(file, lines.number, value)


class _Object(list[tuple[str, Any]]):
    """The keys of a JSON object with their values, repeated keys included."""


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
