"""XLSX: numbers as numbers, dates as dates, text never a formula.

Equal reports make equal files: what the file says of its making is what the report knew.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

from cli.forms.labels import Labels
from cli.forms.objects import plain
from cli.forms.parts import (
    Column,
    Kind,
    Part,
    Unwritable,
    begins_like_a_formula,
    columns,
    zone_of,
)
from cli.forms.subjects import subject
from cli.forms.text import position

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

    from projections.checkpoints import Checkpoint

MOST_ROWS: Final = 1_048_576
_MOST_CHARACTERS: Final = 32_767
_MOST_IN_A_NAME: Final = 31

# A spreadsheet computes with doubles, which hold so many digits; what has more is text.
_EXACT_DIGITS: Final = 15

_DAY: Final = "yyyy-mm-dd"
_TIME: Final = f"{_DAY} hh:mm:ss"
_WIDEST: Final = 60
_NOTHING: Final = (None, "")
_ROOM: Final = 2

# Where nothing tells when: the day from which spreadsheets can be zipped at all.
_LONG_AGO: Final = datetime(1980, 1, 1)  # noqa: DTZ001 (a cell has no zone)


def write_workbook(
    file: BinaryIO,
    parts: Sequence[Part],
    command: str,
    seals: Sequence[Checkpoint],
    labels: Labels,
) -> None:
    """Write a sheet for each part, and one about them. Raises Unwritable, OSError."""
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileCreateError

    for part in parts:
        _require_room(part)
    title, report = labels.title(command), parts[0].report
    book = Workbook(file, {"constant_memory": True})
    made = seals[0].recorded_at.replace(tzinfo=None) if seals else _LONG_AGO
    book.set_properties({"title": title, "created": made})
    formats = _Formats(book)
    for part in parts:
        sheet = book.add_worksheet(labels.title(part.name)[:_MOST_IN_A_NAME])
        _Sheet(sheet, part, labels, formats).write()
    told = [title, *subject(parts[0], labels), *position(report, seals, labels)]
    notes = [f"{labels.phrase('note')}: {note}" for note in report.notes]
    _write_lines(book.add_worksheet(labels.title("about")), [*told, *notes])
    try:
        book.close()
    except FileCreateError as error:
        raise error.args[0] from error  # what the system said


def _write_lines(sheet: Worksheet, lines: Sequence[str]) -> None:
    for number, line in enumerate(lines):
        sheet.write_string(number, 0, line)
    sheet.set_column(0, 0, _WIDEST * 2)


def _require_room(part: Part) -> None:
    found, most = len(part.report.rows), MOST_ROWS - 1 - len(part.totals)
    if found > most:
        msg = (
            f"expected at most {most} rows for a sheet, found {found}:"
            " type -O csv, or name a shorter period"
        )
        raise Unwritable(msg)


class _Formats:
    """The formats of a book, each made once."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._made: dict[tuple[str, bool], Format] = {}
        self.heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        self.harmless = book.add_format({"quote_prefix": True})

    def of(self, number_format: str, *, bold: bool = False) -> Format:
        key = (number_format, bold)
        if key not in self._made:
            said = {"num_format": number_format, **({"bold": True, "top": 1} if bold else {})}
            self._made[key] = self._book.add_format(said)
        return self._made[key]


class _Field(NamedTuple):
    """A column of a sheet: its field, header, format of its numbers or times, and zone."""

    column: Column
    header: str
    format: str
    zone: str | None


class _Sheet:
    """Writes one part, row after row: what is written is not kept in memory."""

    def __init__(self, sheet: Worksheet, part: Part, labels: Labels, formats: _Formats) -> None:
        self._sheet = sheet
        self._part = part
        self._labels = labels
        self._formats = formats
        self._fields = [self._field(column) for column in columns(part.report)]
        self._widths = [len(field.header) for field in self._fields]

    def write(self) -> None:
        sheet, rows = self._sheet, self._part.report.rows
        sheet.freeze_panes(1, 0)
        for place, field in enumerate(self._fields):
            sheet.write_string(0, place, field.header, self._formats.heading)
        for number, row in enumerate(rows, start=1):
            self._row(number, row)
        for number, row in enumerate(self._part.totals if rows else (), start=len(rows) + 1):
            self._total(number, row)
        last = max(len(self._fields) - 1, 0)
        sheet.autofilter(0, 0, len(rows), last)
        sheet.ignore_errors({"number_stored_as_text": f"A1:{_name(len(rows) + 1, last)}"})
        for place, width in enumerate(self._widths):
            sheet.set_column(place, place, min(width, _WIDEST) + _ROOM)

    def _field(self, column: Column) -> _Field:
        values = [getattr(row, column.name) for row in self._part.report.rows]
        header = self._labels.column(column.name)
        if column.kind is Kind.TIME:
            zone = zone_of(values)
            return _Field(column, f"{header} ({zone or 'UTC'})", _TIME, zone)
        return _Field(column, header, _number_format(column.kind, values), None)

    def _row(self, number: int, row: Any, *, bold: bool = False) -> None:
        for place, field in enumerate(self._fields):
            value = self._labels.value(field.column.name, getattr(row, field.column.name))
            if value not in _NOTHING:
                width = self._cell(number, place, field, value, bold=bold)
                self._widths[place] = max(self._widths[place], width)

    def _cell(self, row: int, place: int, field: _Field, value: Any, *, bold: bool) -> int:
        """Write a cell; gives how wide it is."""
        if isinstance(value, date):
            return self._date(row, place, field, value, bold=bold)
        text = str(plain(value))
        if not _is_number(field.column, value) or not _is_exact(text):
            return self._text(row, place, text, bold=bold)
        shown = self._formats.of(field.format, bold=bold)
        self._sheet.write_number(row, place, Decimal(text), shown)
        return len(text) + len(text) // 3

    def _date(self, row: int, place: int, field: _Field, value: date, *, bold: bool) -> int:
        if isinstance(value, datetime):
            local = value if field.zone else value.astimezone(UTC)
            shown, value = _TIME, local.replace(tzinfo=None)
        else:
            shown = _DAY
        self._sheet.write_datetime(row, place, value, self._formats.of(shown, bold=bold))
        return len(shown)

    def _text(self, row: int, place: int, text: str, *, bold: bool) -> int:
        """Write text as text, also where it looks like a formula."""
        if len(text) > _MOST_CHARACTERS:
            text = f"{text[: _MOST_CHARACTERS - 1]}…"
        harmless = self._formats.harmless if begins_like_a_formula(text) else None
        shown = harmless or self._formats.of("@", bold=bold)
        self._sheet.write_string(row, place, text, shown)
        return len(text)

    def _total(self, number: int, row: Any) -> None:
        """Write a total that adds up the cells above it, of its customer and currency."""
        self._row(number, row, bold=True)
        for place, field in enumerate(self._fields):
            value = getattr(row, field.column.name)
            if field.column.name in self._part.summed and value is not None:
                shown = self._formats.of(field.format, bold=True)
                formula = self._sum(number, place, row)
                self._sheet.write_formula(number, place, formula, shown, Decimal(str(value)))

    def _sum(self, number: int, place: int, row: Any) -> str:
        like = [one for one in self._part.totals if one.customer == row.customer]
        told = [
            *self._part.like,
            *(["customer"] if len(like) < len(self._part.totals) else []),
            *(["currency"] if len(like) > 1 else []),
        ]
        if not told:
            return f"=SUM({self._above(place)})"
        places = {field.column.name: place for place, field in enumerate(self._fields)}
        criteria = (
            f"{self._above(places[one])},{_like(number, places[one], getattr(row, one))}"
            for one in told
        )
        return f"=SUMIFS({self._above(place)},{','.join(criteria)})"

    def _above(self, place: int) -> str:
        return f"{_name(1, place)}:{_name(len(self._part.report.rows), place)}"


def _like(number: int, place: int, value: Any) -> str:
    return '"="' if value is None else _name(number, place)


def _is_number(column: Column, value: Any) -> bool:
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return column.kind.is_number or is_count


def _name(row: int, place: int) -> str:
    from xlsxwriter.utility import xl_rowcol_to_cell

    return str(xl_rowcol_to_cell(row, place))


def _number_format(kind: Kind, values: Sequence[Any]) -> str:
    """Show every digit of a column, and as many in each of its cells."""
    texts = (str(value) for value in values if value is not None)
    decimals = max((len(text.partition(".")[2]) for text in texts), default=0)
    if not kind.is_number or not decimals:
        return "#,##0"
    return f"#,##0.{'0' * decimals}"


def _is_exact(text: str) -> bool:
    """Tell whether a spreadsheet computes with all digits of a number."""
    return len(text.replace("-", "").replace(".", "").strip("0")) <= _EXACT_DIGITS
