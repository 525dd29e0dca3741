"""Totals by tag, country, batch, user and kind: what every account used in each local month.

Movements count from the account's opening on, as in the daily totals, whose sums those of each
dimension are: of the kind those of all movements, of the others those of lines with their
corrections, which have the labels of their line. Marks of lines as not billed move nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from ledger.database import Database
from ledger.events import BalanceOpened, LineCorrected, LinesAttributed, OpeningRestated
from ledger.movements import movements
from ledger.times import to_us
from projections.batch import ENTRIES_PER_STEP, Projection
from projections.counted import Counted, Openings, Settled
from projections.log import Logged, entries_of
from projections.month_sums import MonthSums
from projections.page_sums import Item, Summed, Task, sum_pages
from projections.pairing import Paged, Pairing
from projections.standing import Change, Ranges, WholePage, changes, whole_page
from projections.tables import MONTHLY, PAGE_CHANGE


class MonthlyTotals:
    """The tables: movements and pages that were summed go in, later events put them right."""

    def __init__(self, database: Database, openings: Openings, *, empty: bool = False) -> None:
        self._database = database
        self._openings = openings
        self._sums = MonthSums(empty=empty)
        # Later events that are not counted yet, by account; and those of a page that are.
        self._late: dict[str, dict[int, Change]] = defaultdict(dict)
        self._noted: dict[tuple[str, int], set[int]] = defaultdict(set)
        # What is to be counted again from the first event on.
        self._anew: dict[str, Counted] = {}
        self._last = 0

    def add(self, logged: Logged) -> None:
        """Take an event that is no page."""
        self._last = max(self._last, logged.position)
        event = logged.event
        if isinstance(event, BalanceOpened | OpeningRestated):
            self._open(logged.account, to_us(event.happened_at))
        elif logged.account not in self._anew:
            if isinstance(event, Change):
                self._late[logged.account][logged.version] = event
            self._count(logged)

    def _count(self, logged: Logged) -> None:
        for movement in movements(logged.event):
            counted = self._openings.of(logged.account)
            self._sums.add_kind(counted, movement.at_us, movement.kind, movement.milli)

    def add_pages(self, pages: Sequence[Paged], summed: Summed) -> None:
        """Take pages, and what they come to."""
        for (page, told), own in zip(pages, summed.own, strict=True):
            self._last = max(self._last, page.position, told.position if told else 0)
            if told is None or page.account in self._anew:
                continue
            if own:
                self._noted[page.account, page.version].add(told.version)
            elif isinstance(told.event, LinesAttributed):
                self._late[page.account][told.version] = told.event
        months = summed.months
        if self._anew:
            months = {key: one for key, one in months.items() if key[0] not in self._anew}
        self._sums.merge(months)
        self._sums.flush(self._database, everything=False)

    def settle(self) -> None:
        """Put pages right that later events are about, and write what was gathered."""
        for account, late in self._late.items():
            self._put_right(account, late)
        self._late.clear()
        self._note()
        for counted in self._anew.values():
            self._count_anew(counted)
        self._anew.clear()

    def flush(self) -> None:
        self._sums.flush(self._database)

    # --- what later events say of earlier pages -------------------------------------------

    def _put_right(self, account: str, late: dict[int, Change]) -> None:
        """Take away what the pages concerned were counted as, and add what they are now."""
        counted = self._openings.of(account)
        for version, maybe in sorted(self._concerned(account, late).items()):
            page = whole_page(self._database, account, version)
            new = {at: change for at, change in maybe.items() if page.concerns(change)}
            if new:
                known = changes(self._database, account, self._known(account, version))
                self._add(counted, page, known, sign=-1)
                self._add(counted, page, [*known, *new.values()], sign=1)
                self._noted[account, version].update(new)
                self._sums.flush(self._database, everything=False)

    def _concerned(self, account: str, late: dict[int, Change]) -> dict[int, dict[int, Change]]:
        """Give the pages that changes may be about, with their changes in order."""
        found: dict[int, dict[int, Change]] = defaultdict(dict)
        ranges = None
        # An attribution behind a page that it is not about came here late, with that page.
        for version, change in sorted(late.items()):
            if isinstance(change, LineCorrected):
                found[change.target_version][version] = change
                continue
            ranges = ranges or Ranges(self._database, account, max(late))
            for page in ranges.touched(version, change):
                found[page][version] = change
        return found

    def _known(self, account: str, page: int) -> set[int]:
        stored = self._database.execute(
            "SELECT version FROM page_change WHERE account = :account AND page = :page",
            account=account,
            page=page,
        )
        return {version for (version,) in stored} | self._noted.get((account, page), set())

    def _add(self, counted: Counted, page: WholePage, said: list[Change], *, sign: int) -> None:
        users = page.users(said)
        self._sums.add_lines(counted, page.shares, users, sign=sign)
        for change in said:
            if isinstance(change, LineCorrected):
                labels = page.labels(change.line_id, users)
                moved = change.previous.milli - change.credits.milli
                at_us = to_us(change.happened_at)
                self._sums.add_change(counted, at_us, labels, moved, sign=sign)

    def _note(self) -> None:
        noted = sorted(self._noted.items())
        values = ((*page, version) for page, versions in noted for version in sorted(versions))
        self._database.insert(PAGE_CHANGE, values)
        self._noted.clear()

    # --- openings --------------------------------------------------------------------------

    def _open(self, account: str, at_us: int) -> None:
        """Count an account anew where another opening held, or what lies before was counted."""
        before = self._openings.move(account, at_us)
        moved = before is not None and (before.since_us is not None or self._counts(account))
        if moved or account in self._anew:
            self._anew[account] = self._openings.of(account)
            self._forget(account)

    def _counts(self, account: str) -> bool:
        stored = self._database.execute(
            "SELECT 1 FROM month_block WHERE account = :account LIMIT 1", account=account
        )
        return bool(stored) or self._sums.has(account)

    def _forget(self, account: str) -> None:
        self._late.pop(account, None)
        self._sums.forget(account)
        for page in [page for page in self._noted if page[0] == account]:
            del self._noted[page]

    def _count_anew(self, counted: Counted) -> None:
        account = counted.account
        for table in MONTHLY:
            sql = f"DELETE FROM {table.name} WHERE account = :account"  # noqa: S608 (our own names)
            self._database.execute(sql, account=account)
        fold = MonthlyFold(self._database, Settled({account: counted}))
        for number, logged in enumerate(
            entries_of(self._database, account, self._last), start=1
        ):
            fold.add(logged)
            if number % ENTRIES_PER_STEP == 0:
                fold.finish()
        fold.finish()


class MonthlyFold:
    """Takes entries of the log, and sums pages itself, one by one."""

    def __init__(self, database: Database, openings: Openings) -> None:
        self._openings = openings
        self._pairing = Pairing()
        self._totals = MonthlyTotals(database, openings)

    def add(self, logged: Logged) -> None:
        for one in self._pairing.take(logged):
            self._take(one)

    def finish(self) -> None:
        for one in self._pairing.rest():
            self._take(one)
        self._totals.settle()
        self._totals.flush()

    def _take(self, one: Paged | Logged) -> None:
        if isinstance(one, Logged):
            self._totals.add(one)
        else:
            self._totals.add_pages([one], sum_pages(Task([item(one, self._openings)])))


def item(paged: Paged, openings: Openings) -> Item:
    page, told = paged
    return Item(openings.of(page.account), page.state, told.state if told else None)


MONTHLY_TOTALS: Final = Projection("monthly-totals", MONTHLY, MonthlyFold)
