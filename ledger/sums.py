"""Sums of movements by account, day and kind, gathered over a transaction and written once.

A transaction of many pages touches the same days again and again; what it holds the ledger's
lock for is a handful of statements.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ledger.calendars import day_of
from ledger.database import Rows
from ledger.day_blocks import Sum, add_days
from ledger.events import LedgerEvent, PageRecorded
from ledger.movements import MovementKind, movements
from ledger.pages import page_costs
from ledger.times import to_us

_MOVE: Final = "UPDATE account SET moved_milli = moved_milli + :milli WHERE account = :account"


class Known(NamedTuple):
    """What is known of an account; `opening_at_us` is where its counting begins."""

    customer: str | None
    opening_at_us: int | None
    zone: ZoneInfo | None


class Accounts:
    """Looks accounts up, each once until something about it changes."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._known: dict[str, Known] = {}

    def of(self, account: str) -> Known:
        known = self._known.get(account)
        if known is None:
            known = self._known[account] = self._look_up(account)
        return known

    def _look_up(self, account: str) -> Known:
        for owner, opening_at_us, zone in self._rows.execute(
            "SELECT account.customer, opening_at_us, time_zone FROM account"
            " LEFT JOIN customer ON customer.customer = account.customer"
            " WHERE account = :account",
            account=account,
        ):
            return Known(owner, opening_at_us, zone and ZoneInfo(zone))
        return Known(None, None, None)

    def counting(self, account: str) -> tuple[int | None, ZoneInfo]:
        """Give the opening, and the zone of the days. Raises ValueError for a stranger."""
        _, opening_at_us, zone = self.of(account)
        if zone is None:
            msg = f"expected the account {account} with its customer, found none"
            raise ValueError(msg)
        return opening_at_us, zone

    def forget(self) -> None:
        """Look accounts up again when they are asked for next."""
        self._known.clear()


DaySum = tuple[str, MovementKind, Sum]


class Sums:
    """Counts movements from an account's opening on, by its customer's local days."""

    def __init__(self, rows: Rows, accounts: Accounts) -> None:
        self._rows = rows
        self._accounts = accounts
        self._days: dict[tuple[str, str, str], Sum] = {}

    def count(self, account: str, event: LedgerEvent) -> None:
        """Add the movements of an event; nothing is written before `flush`."""
        opening_at_us, zone = self._accounts.counting(account)
        for day, kind, found in by_day(event, opening_at_us, zone):
            earlier = self._days.setdefault((account, day, kind), found)
            if earlier is not found:
                earlier.add(found)

    def flush(self) -> None:
        """Write what was gathered, in the order of the keys."""
        if not self._days:
            return
        days = sorted(self._days.items(), key=lambda one: one[0])
        moved: dict[str, int] = {}
        for (account, _, _), found in days:
            moved[account] = moved.get(account, 0) + found.milli
        add_days(self._rows, days)
        self._rows.execute_many(
            _MOVE, [{"account": account, "milli": milli} for account, milli in moved.items()]
        )
        self._days.clear()


def by_day(event: LedgerEvent, since_us: int | None, zone: ZoneInfo) -> Iterator[DaySum]:
    """Add up what an event moves from an instant on, by local day and kind."""
    recorded_at_us = to_us(event.recorded_at)
    if isinstance(event, PageRecorded):
        for day, found in _page_by_day(event, recorded_at_us, since_us, zone):
            yield day, event.kind, found
        return
    for one in movements(event):
        if since_us is None or one.at_us >= since_us:
            found = Sum(1, one.milli, one.at_us, one.at_us, recorded_at_us)
            yield day_of(zone, one.at_us).name, one.kind, found


def _page_by_day(
    page: PageRecorded, recorded_at_us: int, since_us: int | None, zone: ZoneInfo
) -> Iterator[tuple[str, Sum]]:
    """Add up a page; its header is enough where all of it lies in one day, and counts."""
    first_us, last_us = to_us(page.first_at), to_us(page.last_at)
    if since_us is not None and last_us < since_us:
        return
    counts = since_us is None or since_us <= first_us
    day = day_of(zone, first_us)
    if counts and last_us < day.end_us:
        yield day.name, Sum(page.count, -page.spent.milli, first_us, last_us, recorded_at_us)
        return
    at_us, milli = page_costs(page)
    spent = list(accumulate(milli, initial=0))
    begin = 0 if since_us is None else bisect_left(at_us, since_us)
    while begin < len(at_us):
        day = day_of(zone, at_us[begin])
        end = bisect_left(at_us, day.end_us, begin)
        moved = spent[begin] - spent[end]
        yield day.name, Sum(end - begin, moved, at_us[begin], at_us[end - 1], recorded_at_us)
        begin = end
