"""How people of a language write numbers and times; every digit stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cli.forms.labels import Language

# A number that is not known.
UNKNOWN: Final = "?"

_NARROW: Final = "\N{NARROW NO-BREAK SPACE}"
_GROUP: Final = 3


@dataclass(frozen=True, slots=True)
class Writing:
    """Marks of decimals and of thousands, and the form of a day."""

    decimal_mark: str
    thousands_mark: str
    day: str = "%Y-%m-%d"

    def number(self, digits: str) -> str:
        """Write digits such as `-1234.5`: `-1.234,5`."""
        whole, point, decimals = digits.partition(".")
        sign = "-" if whole.startswith("-") else ""
        groups = [whole.removeprefix("-")]
        while self.thousands_mark and len(groups[0]) > _GROUP:
            groups[:1] = [groups[0][:-_GROUP], groups[0][-_GROUP:]]
        mark = self.decimal_mark if point else ""
        return f"{sign}{self.thousands_mark.join(groups)}{mark}{decimals}"

    def moment(self, at: date) -> str:
        """Write a time, or a day."""
        return at.strftime(f"{self.day} %H:%M:%S" if isinstance(at, datetime) else self.day)


PLAIN: Final = Writing(".", "")


def writing_of(language: Language | None) -> Writing:
    """Give how a language writes; None: as the command line always did."""
    match language:
        case None:
            return PLAIN
        case "it":
            return Writing(",", ".", "%d/%m/%Y")
        case "fr":
            return Writing(",", _NARROW, "%d/%m/%Y")
        case "en":
            return Writing(".", ",")
