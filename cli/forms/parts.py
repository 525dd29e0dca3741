"""What is shown: parts of a report, their columns, and what a column holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, dataclass, field, fields
from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from cli.forms.writing import UNKNOWN
from ledger.errors import Misuse

if TYPE_CHECKING:
    from projections.report import Report


class Unwritable(Misuse):
    """The file of -o, or standard output, cannot be written."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one type, under a name.

    `totals` stand below them for people; `summed` names the columns that they add up, over the
    rows of the same customer and currency, and with the same `like`. `hide` names columns that
    tell a person nothing here; `chart` names a drawing for a page.
    """

    name: str
    report: Report[Any]
    totals: Sequence[Any] = ()
    summed: Sequence[str] = ()
    like: Sequence[str] = ()
    hide: frozenset[str] = field(default=frozenset())
    chart: str | None = None


class Kind(Enum):
    """What a column holds."""

    TEXT = auto()
    COUNT = auto()
    CREDITS = auto()
    MONEY = auto()
    TIME = auto()
    DAY = auto()

    @property
    def is_number(self) -> bool:
        return self in _NUMBERS


_NUMBERS: Final = frozenset((Kind.COUNT, Kind.CREDITS, Kind.MONEY))


@dataclass(frozen=True, slots=True)
class Column:
    """A field that fits into a cell; `missing` is what people see where there is none."""

    name: str
    kind: Kind
    missing: str


def columns(report: Report[Any], hide: frozenset[str] = frozenset()) -> list[Column]:
    """Give the columns of a report; nested fields are none."""
    return [
        _column(one)
        for one in fields(report.row)
        if not one.metadata.get("nested", False) and one.name not in hide
    ]


def _column(one: Field[Any]) -> Column:
    kind = _kind(str(one.type))
    may_be_unknown = kind.is_number and not one.metadata.get("optional", False)
    return Column(one.name, kind, UNKNOWN if may_be_unknown else "")


def _kind(annotation: str) -> Kind:
    """Tell what a field holds; a number that may be none of any kind is told cell by cell."""
    words = annotation.replace("|", " ").split()
    if "Credits" in words:
        return Kind.CREDITS
    if "Amount" in words:
        return Kind.MONEY
    if "datetime" in words:
        return Kind.TIME
    if "date" in words:
        return Kind.DAY
    return Kind.COUNT if words == ["int"] else Kind.TEXT


def zone_of(values: Sequence[datetime | None]) -> str | None:
    """Give the name of the zone that all times of a column are in; None: of several."""
    zones = {str(value.tzinfo) for value in values if value is not None}
    return zones.pop() if len(zones) == 1 else None


# A spreadsheet takes text that begins so for a formula.
_FORMULA_MARKS: Final = ("=", "+", "-", "@", "\t", "\r")


def begins_like_a_formula(text: str) -> bool:
    return text.startswith(_FORMULA_MARKS)
