"""Plain tables: words to the left, numbers to the right, colour only on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import click

from cli.forms.writing import PLAIN, UNKNOWN, Writing
from ledger.credits import ZERO, Credits

_GAP: Final = "  "


def draw(
    header: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    numbers: Sequence[bool] | None = None,
    missing: Sequence[str] | None = None,
    color: bool = False,
    writing: Writing = PLAIN,
) -> str:
    """Give a header and aligned rows; `numbers` tells which columns stand to the right.

    A missing number is unknown, a missing word is nothing, unless `missing` says otherwise.
    """
    given = list(zip(*rows, strict=True))
    right = numbers or [any(_is_number(value) for value in values) for values in given]
    none = missing or [UNKNOWN if number else "" for number in right]
    columns = [
        written(values, writing, number=number, missing=said)
        for values, number, said in zip(given, right, none, strict=True)
    ]
    widths = [
        max(map(len, (name, *cells))) for name, cells in zip(header, columns, strict=True)
    ]
    lines = [_line(header, widths, right)] if any(header) else []
    for values, cells in zip(rows, zip(*columns, strict=True), strict=True):
        styles = [_is_negative(value) and color for value in values]
        lines.append(_line(cells, widths, right, styles))
    if color:
        lines[0] = click.style(lines[0], bold=True)
    return "\n".join(lines)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Credits)


def _line(
    cells: Sequence[str], widths: Sequence[int], right: Sequence[bool],
    red: Sequence[bool] | None = None,
) -> str:  # fmt: skip
    padded = [
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    ]
    marks = red or [False] * len(padded)
    styled = [
        click.style(cell, fg="red") if mark else cell
        for cell, mark in zip(padded, marks, strict=True)
    ]
    return _GAP.join(styled).rstrip()


def written(
    values: Sequence[Any], writing: Writing, *, number: bool, missing: str
) -> list[str]:
    """Write the cells of a column; one decimal in it gives every number a decimal place."""
    texts = [str(value) for value in values if isinstance(value, Credits)]
    decimals = max((len(text.partition(".")[2]) for text in texts), default=0)
    return [
        missing if value is None else _written(value, decimals, writing, number=number)
        for value in values
    ]


def _written(value: Any, decimals: int, writing: Writing, *, number: bool) -> str:
    if isinstance(value, date):
        return writing.moment(value)
    text = cell(value, decimals)
    return writing.number(text) if number else text


def cell(value: Any, decimals: int = 0) -> str:
    """Write one value for people; credits with at least so many decimals, none cut off."""
    match value:
        case Credits():
            whole, _, rest = str(value).partition(".")
            return f"{whole}.{rest.ljust(decimals, '0')}" if rest or decimals else whole
        case date():
            return PLAIN.moment(value)
        case None:
            return UNKNOWN
        case _:
            return printable(str(value))


def printable(text: str) -> str:
    """Leave out what could steer a terminal: labels come from outside."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _is_negative(value: Any) -> bool:
    return isinstance(value, Credits) and value < ZERO
