"""Pages as they stand: their lines with what later events say of them.

A later event tells who sent lines (`LinesAttributed`), or what a line costs after all
(`LineCorrected`). Which pages an attribution is about is not said: they are found by the ids
that the headers of pages span.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ledger.database import Rows
from ledger.errors import IntegrityFailure
from ledger.events import LineCorrected, LinesAttributed, PageRecorded
from ledger.names import consumption_stream
from ledger.pages import Columns, LineId, Texts, order, page_columns, user_columns
from projections.headers import headers
from projections.log import line_event
from projections.month_sums import NONE, UNKNOWN_COUNTRY, Dimension
from projections.shares import Shares, shares_of, users_of

Change = LinesAttributed | LineCorrected


class WholePage(NamedTuple):
    """A page with all its columns, and their shares for sums."""

    columns: Columns
    shares: Shares

    def concerns(self, change: Change) -> bool:
        """Tell whether a change that may be about this page is."""
        if isinstance(change, LineCorrected):
            return True
        return not set(user_columns(change)[0]).isdisjoint(self.columns.id)

    def users(self, changes: Iterable[Change]) -> Texts | None:
        told = [user_columns(one) for one in changes if isinstance(one, LinesAttributed)]
        return users_of(self.columns.id, told)

    def labels(self, line_id: LineId, users: Texts | None) -> dict[Dimension, str]:
        """Give what a line is told apart by. Raises IntegrityFailure."""
        try:
            line = self.columns.id.index(line_id)
        except ValueError:
            msg = f"expected the corrected line {line_id} in its page, found others"
            raise IntegrityFailure(msg) from None
        return {
            "tag": _text(self.columns.tag, line) or NONE,
            "country": _text(self.columns.country, line) or UNKNOWN_COUNTRY,
            "batch": _text(self.columns.batch, line) or NONE,
            "user": _text(users, line) or NONE,
        }


def _text(texts: Texts | None, line: int) -> str | None:
    return None if texts is None else texts.values[texts.index[line]]


def whole_page(rows: Rows, account: str, version: int) -> WholePage:
    """Read a page. Raises IntegrityFailure."""
    event = line_event(rows, account, version)
    if not isinstance(event, PageRecorded):
        stream = consumption_stream(account)
        msg = f"expected a page at version {version} of {stream}, found {event.TOPIC}"
        raise IntegrityFailure(msg)
    columns = page_columns(event)
    return WholePage(columns, shares_of(columns))


def changes(rows: Rows, account: str, versions: Iterable[int]) -> list[Change]:
    """Read later events, in their order."""
    found = [line_event(rows, account, version) for version in sorted(versions)]
    return [event for event in found if isinstance(event, Change)]


class Ranges:
    """Which pages of an account may hold which lines, as their headers tell."""

    def __init__(self, rows: Rows, account: str, through: int) -> None:
        self._pages = list(headers(rows, account, through))

    def touched(self, version: int, told: LinesAttributed) -> Iterator[int]:
        """Give the pages before a version that may hold lines of an attribution."""
        wanted = [order(line_id) for line_id in user_columns(told)[0]]
        for page, header in self._pages:
            if page < version and header.kind == told.kind:
                place = bisect_left(wanted, order(header.first_id))
                if place < len(wanted) and wanted[place] <= order(header.last_id):
                    yield page
