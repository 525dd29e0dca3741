"""What the ledger knows of the lines in the spool, put beside them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from typing import Any, Final

from ledger.events import LedgerEvent, LineCorrected, LineKind, LinesAttributed, PageRecorded
from ledger.files.chunks import (
    CORRECTED,
    OWN_PAGE,
    PAGE,
    ROWS_PER_CHUNK,
    USER,
    Group,
    LineRow,
    Sorter,
)
from ledger.files.line_spool import LineSpool, Ranges
from ledger.pages import LineId, page_columns, user_columns

_NOTHING: Final = (None,) * (len(LineRow._fields) - LineRow._fields.index("country"))
_HELD: Final = 20 * ROWS_PER_CHUNK


class KnownLines:
    """Looks through the consumption of one account for the ids that a file has too."""

    def __init__(self, lines: LineSpool, account: int) -> None:
        self._lines = lines
        self._account = account
        self._ranges = {
            group: Ranges(found)
            for group, found in lines.groups.items()
            if group.account == account
        }
        self._sorter = Sorter()
        self._held = 0

    def look(self, version: int, event: LedgerEvent, *, own: bool) -> None:
        """Take in what the event at this version says of ids that the file may have."""
        match event:
            case PageRecorded():
                if self._touch(event.kind, event.first_id, event.last_id):
                    self._page(event, OWN_PAGE if own else PAGE)
            case LineCorrected():
                row = (event.line_id, CORRECTED, version, event.credits.milli, None, *_NOTHING)
                self._add(event.kind, [row])
            case LinesAttributed():
                ids, _ = user_columns(event)
                details = map(repeat, (USER, version, 0, None, *_NOTHING))
                self._add(event.kind, zip(ids, *details, strict=False))
            case _:
                pass

    def flush(self) -> None:
        """Hand over what was taken in."""
        for group, chunk in self._sorter.take():
            self._lines.add(group, [chunk])
        self._held = 0

    def _page(self, event: PageRecorded, known_by: int) -> None:
        columns = page_columns(event)
        self._add(
            event.kind,
            zip(
                columns.id,
                repeat(known_by),
                columns.at_us,
                columns.milli,
                columns.parts or repeat(None),
                *map(repeat, _NOTHING),
                strict=False,
            ),
        )

    def _add(self, kind: LineKind, rows: Iterable[tuple[Any, ...]]) -> None:
        for row in rows:
            group = Group(self._account, kind, isinstance(row[0], str))
            ranges = self._ranges.get(group)
            if ranges is not None and ranges.touch(row[0], row[0]):
                self._sorter.into(group).append(row)
                self._held += 1
        if self._held >= _HELD:
            self.flush()

    def _touch(self, kind: LineKind, first: LineId, last: LineId) -> bool:
        ranges = self._ranges.get(Group(self._account, kind, isinstance(first, str)))
        return ranges is not None and ranges.touch(first, last)
