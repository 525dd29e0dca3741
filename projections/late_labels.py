"""What late messages used, label by label, in the months they left and came to.

Labels are read from the pages of late lines, which are few.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ledger.calendars import month_of
from ledger.database import Rows
from ledger.errors import IntegrityFailure
from ledger.events import LINE_KINDS, LineCorrected
from ledger.names import consumption_stream
from ledger.pages import Texts
from projections.late_facts import CORRECTION, LateFact, kept_late
from projections.log import line_event
from projections.month_sums import NONE, UNKNOWN_COUNTRY, Dimension
from projections.standing import WholePage, changes, whole_page

_MONTH = len("2026-10")


class LateUse(NamedTuple):
    """What late messages with one label used: when they happened, and where it stands."""

    happened: str
    posted: str
    value: str
    sms: int
    milli: int


class Months(NamedTuple):
    """Months from the first one up to, and without, the one at the end; where they are."""

    first: str
    end: str
    zone: ZoneInfo

    def name(self, at_us: int) -> str:
        return month_of(self.zone, at_us).name

    def have(self, late: LateFact) -> bool:
        months = (late.day[:_MONTH], self.name(late.posted_us))
        return any(self.first <= month < self.end for month in months)


def late_use(
    rows: Rows, account: str, dimension: Dimension, months: Months
) -> Iterator[LateUse]:
    """Give what left some months of an account, or came into them."""
    late = [
        one
        for one in kept_late(rows, account)
        if (one.kind in LINE_KINDS or one.kind == CORRECTION) and months.have(one)
    ]
    labels = _Labels(rows, account, dimension)
    for one in late:
        happened, posted = one.day[:_MONTH], months.name(one.posted_us)
        for value, sms, milli in labels.of(one):
            yield LateUse(happened, posted, value, sms, milli)


class _Labels:
    """Tells the labels of late lines; a page is read once."""

    def __init__(self, rows: Rows, account: str, dimension: Dimension) -> None:
        self._rows = rows
        self._account = account
        self._dimension = dimension
        self._pages: dict[int, tuple[WholePage, Texts | None]] = {}

    def of(self, late: LateFact) -> Iterator[tuple[str, int, int]]:
        """Give labels, how many lines have them, and what these used."""
        if self._dimension == "kind":
            yield late.kind, late.lines if late.version else 0, -late.milli
        elif late.version:
            yield from self._lines(late)
        else:
            yield self._corrected(late.position), 0, -late.milli

    def _page(self, version: int) -> tuple[WholePage, Texts | None]:
        known = self._pages.get(version)
        if known is None:
            page = whole_page(self._rows, self._account, version)
            told = self._rows.execute(
                "SELECT version FROM page_change WHERE account = :account AND page = :page",
                account=self._account,
                page=version,
            )
            said = changes(self._rows, self._account, (change for (change,) in told))
            known = self._pages[version] = page, page.users(said)
        return known

    def _lines(self, late: LateFact) -> Iterator[tuple[str, int, int]]:
        (_, shares), users = self._page(late.version)
        texts = {
            "tag": shares.tag,
            "country": shares.country,
            "batch": shares.batch,
            "user": shares.by_time(users),
        }[self._dimension]
        missing = UNKNOWN_COUNTRY if self._dimension == "country" else NONE
        at_us = [at * shares.unit_us for at in shares.at]
        found: dict[str, list[int]] = defaultdict(list)
        for line in range(bisect_left(at_us, late.first_us), bisect_right(at_us, late.last_us)):
            value = None if texts is None else texts.values[texts.index[line]]
            found[value or missing].append(shares.milli[line])
        for value, milli in found.items():
            yield value, len(milli), sum(milli)

    def _corrected(self, position: int) -> str:
        """Give the label of the line that a correction is about."""
        ((version,),) = self._rows.execute(
            "SELECT version FROM event_log WHERE position = :position AND stream = :stream",
            position=position,
            stream=consumption_stream(self._account),
        )
        event = line_event(self._rows, self._account, version)
        if not isinstance(event, LineCorrected):
            msg = f"expected a correction at log position {position}, found {event.TOPIC}"
            raise IntegrityFailure(msg)
        page, users = self._page(event.target_version)
        return page.labels(event.line_id, users)[self._dimension]
