"""What every report is: rows, the log position they were read at, and what to know of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

RowT = TypeVar("RowT")

# Money as digits, `12.40`: a number among words.
Amount = str

# The mark of a field that holds more than a cell can: JSON shows it, tables do not.
NESTED: Final[Mapping[str, bool]] = {"nested": True}

# The mark of a number that not every row has: None is nothing there, and not unknown.
OPTIONAL: Final[Mapping[str, bool]] = {"optional": True}


@dataclass(frozen=True, slots=True)
class Report(Generic[RowT]):
    """Rows of one type as of a log position; None where no ledger was read.

    A note is a line about what makes them less than whole.
    """

    row: type[RowT]
    position: int | None
    rows: list[RowT]
    notes: list[str] = field(default_factory=list)
