"""The columns of an import file, and what a header may be."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from ledger.errors import BadFile

COLUMNS: Final = (
    "customer", "account", "kind", "id", "happened_at", "credits", "country", "parts", "tag",
    "user", "batch", "counter_account", "net", "vat", "currency", "bill",
)  # fmt: skip

# The other columns may be left out of the header where no row needs them.
REQUIRED: Final = ("customer", "account", "kind", "happened_at", "credits")

# Where JSON may write a number: its digits are taken as they stand, never through a double.
NUMERIC: Final = frozenset({"id", "credits", "parts", "net", "vat"})

_LONGEST_SHOWN: Final = 60


def shown(text: str) -> str:
    """Quote what was found, short enough for one line."""
    cut = text[:_LONGEST_SHOWN] + ("…" if len(text) > _LONGEST_SHOWN else "")
    return repr(cut) if text else "nothing"


def nearest(name: str, names: Sequence[str] = COLUMNS) -> str:
    """Say which of the known names was perhaps meant."""
    close = get_close_matches(name.strip().lower(), names, n=1)
    return f"{close[0]!r}" if close else "one of " + ", ".join(names)


def check_header(file: str, line: int, header: Sequence[str]) -> None:
    """Refuse a header with unknown, repeated or missing columns. Raises BadFile."""
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        raise BadFile(
            file,
            line=line,
            expected="columns separated by commas",
            found="semicolons or tabs: save the file as CSV with commas",
        )
    for place, name in enumerate(header):
        if name not in COLUMNS:
            expected = f"a known column, {nearest(name)}"
            raise BadFile(file, line=line, column=shown(name), expected=expected, found="that")
        if name in header[:place]:
            raise BadFile(
                file, line=line, column=name, expected="each column once", found="it twice"
            )
    for name in REQUIRED:
        if name not in header:
            raise BadFile(
                file, line=line, expected=f"a column {name!r}", found="a header without it"
            )
