"""Recording the lines of one account as pages, and who sent them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from ledger import consumption as consumptions
from ledger.aliases import Aliases
from ledger.consumption import Consumption
from ledger.errors import Refused
from ledger.events import LINE_KINDS, LineKind, LinesAttributed, Stamp
from ledger.files.facts import NUMBERS_BY_FILE, line_of
from ledger.files.plan import AccountPlan
from ledger.files.rows import Row
from ledger.files.spool import Spool
from ledger.pages import LINES_PER_PAGE, Line, attribute
from ledger.service import Ledger, Work

_PAGES_AT_ONCE: Final = 20

T = TypeVar("T")


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut into lists of a size."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def changed_meanwhile(account: str) -> Refused:
    """Another program recorded something that the plan did not know of."""
    msg = (
        f"expected {account} as it was when the file was checked, found that another program"
        " changed it meanwhile: import the same file again to go on"
    )
    return Refused(msg)


class Kept:
    """What events may keep of the labels of some rows."""

    def __init__(self, aliases: Aliases, customer: str, rows: Iterable[Row]) -> None:
        rows = list(rows)
        self._tags = aliases.keep_all(customer, "tag", (row.tag for row in rows))
        self._users = aliases.keep_all(customer, "user", (row.user for row in rows))
        self._batches = aliases.keep_all(customer, "batch", (row.batch for row in rows))

    def line(self, row: Row) -> Line:
        return line_of(row, tag=self._tags[row.tag], batch=self._batches[row.batch])

    def user(self, row: Row) -> str | None:
        return self._users[row.user]


class LineRecorder:
    """Records the lines of one account.

    `stamped` gives the envelope of what stood between two lines of the file.
    """

    def __init__(
        self,
        ledger: Ledger,
        aliases: Aliases,
        spool: Spool,
        plan: AccountPlan,
        *,
        stamped: Callable[[int, int], Stamp],
        progress: Callable[[int], None],
    ) -> None:
        self._ledger = ledger
        self._aliases = aliases
        self._spool = spool
        self._account = plan.named
        self._expected_version = plan.consumption_version
        self._stamped = stamped
        self._progress = progress

    def run(self) -> None:
        for kind in LINE_KINDS:
            self._record(kind)
            self._attribute(kind)

    def _record(self, kind: LineKind) -> None:
        lines = self._spool.lines(self._account.number, kind)
        for rows in batches(lines, _PAGES_AT_ONCE * LINES_PER_PAGE):
            kept = Kept(self._aliases, self._account.customer, rows)
            self._expected_version = self._ledger.work(
                partial(self._pages, kind=kind, rows=rows, kept=kept)
            )
            self._progress(len(rows))

    def _pages(self, work: Work, kind: LineKind, rows: list[Row], kept: Kept) -> int:
        state = work.consumption(self._account.name)
        if state.version != self._expected_version:
            rows = self._unknown(work, kind, rows, kept)
        for chunk in batches(rows, LINES_PER_PAGE):
            self._page(work, state, kind, chunk, kept)
        return state.version

    def _page(
        self, work: Work, state: Consumption, kind: LineKind, rows: list[Row], kept: Kept
    ) -> None:
        recording = consumptions.record_lines(
            state,
            kind,
            map(kept.line, rows),
            {},
            numbers=NUMBERS_BY_FILE,
            stamp=self._stamp_of(rows),
        )
        work.record(state, recording.pages)
        work.record(state, self._attributed(kind, rows, kept))

    def _unknown(self, work: Work, kind: LineKind, rows: list[Row], kept: Kept) -> list[Row]:
        """Leave out what another program, or this one before a cut, recorded meanwhile."""
        known = work.known_lines(self._account.name, kind, (row.id for row in rows))
        for row in rows:
            place = known.get(row.id)
            if place is not None and not _same(place[1], kept.line(row)):
                raise changed_meanwhile(self._account.name)
        return [row for row in rows if row.id not in known]

    def _attribute(self, kind: LineKind) -> None:
        """Record who sent the known lines of which only the file tells it."""
        known = self._spool.unattributed(self._account.number, kind)
        for rows in batches(known, LINES_PER_PAGE):
            kept = Kept(self._aliases, self._account.customer, rows)
            self._expected_version = self._ledger.work(
                partial(self._users, kind=kind, rows=rows, kept=kept)
            )

    def _users(self, work: Work, kind: LineKind, rows: list[Row], kept: Kept) -> int:
        state = work.consumption(self._account.name)
        work.record(state, self._attributed(kind, rows, kept))
        return state.version

    def _attributed(
        self, kind: LineKind, rows: list[Row], kept: Kept
    ) -> tuple[LinesAttributed, ...]:
        users = [(row.id, user) for row in rows if (user := kept.user(row)) is not None]
        if not users:
            return ()
        at_us = max(row.at_us for row in rows)
        return (attribute(kind, users, stamp=self._stamp_of(rows), at_us=at_us),)

    def _stamp_of(self, rows: list[Row]) -> Stamp:
        lines = [row.line for row in rows]
        return self._stamped(min(lines), max(lines))


def _same(known: Line, found: Line) -> bool:
    """Compare payloads; what a file does not say contradicts nothing."""
    if None not in {known.parts, found.parts} and known.parts != found.parts:
        return False
    return (known.at_us, known.milli) == (found.at_us, found.milli)
