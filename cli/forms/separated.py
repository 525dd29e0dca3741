"""CSV and TSV: what scripts read, or what a spreadsheet opens where commas are decimal.

Without a language every field stands under its name, as digits and ISO 8601: a contract.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cli.forms.objects import plain
from cli.forms.parts import Column, Kind, Part, begins_like_a_formula, columns, zone_of

if TYPE_CHECKING:
    from cli.forms.labels import Labels

_BOM: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Separation:
    """How fields and decimals are written; `bom` marks the file as UTF-8 for a spreadsheet."""

    separator: str = ","
    decimal_mark: str = "."
    bom: bool = False
    labels: Labels | None = None


class _Field(NamedTuple):
    """A column: its field, its header, and what writes a cell of it."""

    name: str
    header: str
    write: Callable[[Any], Any]


def as_separated(part: Part, how: Separation) -> str:
    """Give a header and one line for each row; nested fields are left out."""
    import csv
    import io

    text = io.StringIO()
    text.write(_BOM if how.bom else "")
    writer = csv.writer(text, delimiter=how.separator, lineterminator="\n")
    rows = part.report.rows
    found = [_field(column, rows, how) for column in columns(part.report)]
    writer.writerow([one.header for one in found])
    for row in rows:
        writer.writerow([one.write(getattr(row, one.name)) for one in found])
    return text.getvalue()


def _field(column: Column, rows: list[Any], how: Separation) -> _Field:
    name, labels = column.name, how.labels
    header = labels.column(name) if labels else name
    if column.kind.is_number:
        return _Field(name, header, _number if how.decimal_mark == "." else _with_comma)
    if labels is None:
        return _Field(name, header, cell)
    if column.kind is Kind.TIME:
        zone = zone_of([getattr(row, name) for row in rows])
        return _Field(name, f"{header} ({zone or 'UTC'})", _in_zone if zone else _in_utc)
    return _Field(name, header, lambda value: cell(labels.value(name, value)))


def _in_zone(value: datetime | None) -> str:
    """Write a time as a spreadsheet reads it."""
    return "" if value is None else value.strftime("%Y-%m-%d %H:%M:%S")


def _in_utc(value: datetime | None) -> str:
    return _in_zone(value and value.astimezone(UTC))


def _number(value: Any) -> Any:
    """Give the digits of money as they are: a minus sign begins no formula."""
    return value if isinstance(value, str) else cell(value)


def _with_comma(value: Any) -> str:
    return str(_number(value)).replace(".", ",")


def cell(value: Any) -> Any:
    """Make a text that a spreadsheet would compute harmless; numbers stay numbers."""
    match value:
        case None:
            return ""
        case int():
            return value
        case str():
            text = f"'{value}" if begins_like_a_formula(value) else value
            return text.replace("\r", " ")  # csv quotes line feeds only
        case _:
            return plain(value)
