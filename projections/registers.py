"""`reg` and `stmt`: movements with the running balance after each.

Lines are grouped (`segments`), so that the balance is exact after each single movement and each
segment of a day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ledger.calendars import month_of
from ledger.credits import Credits
from ledger.database import Database, Rows
from ledger.events import BalanceOpened, OpeningRestated
from ledger.times import from_us
from projections.basis import Basis, basis_notes, ever_closed, posted_apart
from projections.batch import caught_up
from projections.books import Book, books, log_position, notes
from projections.late_facts import ON_TIME, LateFact, LateLines, kept_late
from projections.lot_books import lots_caught_up
from projections.moments import Period
from projections.movement_index import MOVEMENT_INDEX
from projections.page_lines import Stretch, lines_during
from projections.past import NONE_KNOWN, balance_before, first_opening, posted_sum
from projections.payments import Payments, Share, written
from projections.posting import Opening
from projections.report import NESTED, Report
from projections.segments import (
    IN,
    OUT,
    Entry,
    grouped,
    late_entries,
    line_entry,
    place,
    with_late,
)

_FOREVER_US: Final = 2**62


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One movement, or `count` lines of one kind of which the last is of `happened_at`.

    Balances in between are rows too: `opening` and `brought-forward` come with their credits,
    `closing` with none, so that the credits of all rows add up to the last balance. Where no
    opening is known, balances are None. On the posted basis, what was recorded late for a
    closed month stands at the beginning of the month `posted`.
    """

    customer: str
    account: str
    happened_at: datetime
    recorded_at: datetime | None
    kind: str
    credits: Credits | None
    balance: Credits | None
    reference: str
    count: int
    posted: str | None


@dataclass(frozen=True, slots=True)
class PaidRow(RegisterRow):
    """The same with the lots that paid for it, or came with it: `paid` names them in words."""

    paid: str
    lots: tuple[Share, ...] = field(metadata=NESTED)


def register(
    database: Database,
    period: Period,
    accounts: Sequence[str] = (),
    *,
    each_line: bool = False,
    closing: bool = False,
    basis: Basis = "happened",
) -> Report[RegisterRow]:
    """Give the movements of the named accounts, or all. Raises UnknownAccount.

    `each_line` gives a row to every line; `closing` ends each account with its balance.
    """
    with _reading(database, accounts, basis):
        of, own = books(database, accounts), posted_apart(database, basis)
        shown = _Shown(each_line=each_line, closing=closing)
        rows = [
            row
            for book in of
            for row, _ in _rows(database, book, period, shown, _late(database, book, apart=own))
        ]
        said = [*notes(database, of), *_stands(database, of, basis)]
        return Report(RegisterRow, log_position(database), rows, said)


def register_with_lots(
    database: Database,
    period: Period,
    accounts: Sequence[str] = (),
    *,
    each_line: bool = False,
    closing: bool = False,
    basis: Basis = "happened",
) -> Report[PaidRow]:
    """Give the same, and which lots paid for each row. Raises UnknownAccount."""
    with lots_caught_up(database):
        of, own = books(database, accounts), posted_apart(database, basis)
        shown = _Shown(each_line=each_line, closing=closing)
        rows = []
        for book in of:
            late = _late(database, book, apart=own)
            entries = list(_rows(database, book, period, shown, late))
            begin_us, _ = period.bounds(book.zone)
            start_us = max(begin_us or 0, late.since_us)
            payments = Payments(
                database, book, start_us, late.lines, posted=book.customer in own
            )
            rows += [_paid(row, payments.of(entry)) for row, entry in entries]
        said = [*notes(database, of), *_stands(database, of, basis)]
        return Report(PaidRow, log_position(database), rows, said)


def _reading(
    database: Database, accounts: Sequence[str], basis: Basis
) -> AbstractContextManager[Database]:
    """Read one state of the ledger; what is late is known by the lots."""
    customers = {book.customer for book in books(database, accounts)}
    if basis == "posted" and ever_closed(database, customers):
        return lots_caught_up(database)
    return caught_up(MOVEMENT_INDEX, database)


def _stands(rows: Rows, of: Sequence[Book], basis: Basis) -> Iterator[str]:
    if basis == "posted":
        yield from basis_notes(rows, {book.customer for book in of}, basis)


class _Late(NamedTuple):
    """What of an account stands later than it happened, and what it began with without that."""

    facts: Sequence[LateFact]
    lines: LateLines
    opening: Opening | None

    @property
    def since_us(self) -> int:
        return self.opening.at_us if self.opening else 0


def _late(database: Database, book: Book, apart: Collection[str]) -> _Late:
    if book.customer in apart:
        facts = kept_late(database, book.account)
        return _Late(facts, LateLines.of(facts), first_opening(database, book))
    if book.opening_at_us is None or book.opening_milli is None:
        return _Late((), ON_TIME, None)
    return _Late((), ON_TIME, Opening(0, book.opening_at_us, book.opening_milli))


def _paid(row: RegisterRow, shares: tuple[Share, ...]) -> PaidRow:
    told = {name: getattr(row, name) for name in RegisterRow.__slots__}
    return PaidRow(**told, paid=written(shares), lots=shares)


class _Shown(NamedTuple):
    each_line: bool
    closing: bool


def _rows(
    database: Database, book: Book, period: Period, shown: _Shown, late: _Late
) -> Iterator[tuple[RegisterRow, Entry]]:
    start_us, end_us = period.bounds(book.zone)
    entries = list(_beginning(database, book, (start_us, end_us), late))
    until_us = _FOREVER_US if end_us is None else end_us
    stretch = (max(start_us or 0, late.since_us), until_us)
    if stretch[0] < stretch[1]:
        entries += _entries(database, book, stretch, late, each_line=shown.each_line)
    balance = 0
    for entry in entries:
        balance += entry.milli
        yield _row(book, entry, balance), entry
    if shown.closing and (entries or late.opening is None):
        closing = _closing(book, entries, end_us)
        yield _row(book, closing, balance), closing


def _beginning(
    database: Database, book: Book, bounds: tuple[int | None, int | None], late: _Late
) -> Iterator[Entry]:
    """Give the opening, or the balance brought forward, where either lies in the period."""
    start_us, end_us = bounds
    opening = late.opening
    if opening is None or (end_us is not None and opening.at_us >= end_us):
        return
    if start_us is None or start_us <= opening.at_us:
        if opening.position == NONE_KNOWN:
            return  # what is late says what came
        recorded = _opening_recorded_at_us(database, book, opening)
        yield Entry(opening.at_us, IN, "opening", opening.milli, recorded, count=0)
    elif end_us is None or start_us < end_us:
        known = posted_sum if late.facts else balance_before
        forward = known(database, book, start_us)
        milli = 0 if forward is None else forward.milli
        yield Entry(start_us, IN, "brought-forward", milli, None, count=0)


def _opening_recorded_at_us(rows: Rows, book: Book, opening: Opening) -> int | None:
    found = rows.execute(
        "SELECT MAX(recorded_at_us) FROM event_log"
        " WHERE stream = :account AND topic IN (:opened, :restated) AND happened_at_us = :at"
        " AND (position = :position OR :position = 0)",
        account=book.account,
        opened=BalanceOpened.TOPIC,
        restated=OpeningRestated.TOPIC,
        at=opening.at_us,
        position=opening.position,
    )
    return None if found[0][0] is None else int(found[0][0])


def _closing(book: Book, entries: Sequence[Entry], end_us: int | None) -> Entry:
    last_us = entries[-1].at_us if entries else book.opened_at_us
    at_us = max(book.known_through_us, last_us) if end_us is None else end_us - 1
    return Entry(at_us, OUT, "closing", 0, None, count=0)


def _row(book: Book, entry: Entry, balance: int) -> RegisterRow:
    recorded_us = entry.recorded_at_us
    return RegisterRow(
        customer=book.customer,
        account=book.account,
        happened_at=book.local(entry.at_us if entry.late_us is None else entry.late_us),
        recorded_at=None if recorded_us is None else _recorded_at(recorded_us, book.zone),
        kind=entry.kind,
        credits=Credits(entry.milli),
        balance=None if book.opening_milli is None else Credits(balance),
        reference=entry.reference,
        count=entry.count,
        posted=None if entry.late_us is None else month_of(book.zone, entry.at_us).name,
    )


@lru_cache(maxsize=256)
def _recorded_at(at_us: int, zone: ZoneInfo) -> datetime:
    """Many rows were recorded together."""
    return from_us(at_us).astimezone(zone)


def _entries(
    rows: Rows, book: Book, stretch: Stretch, late: _Late, *, each_line: bool
) -> list[Entry]:
    stands_later = {one.position for one in late.facts if not one.version}
    singles = _singles(rows, book, stretch, stands_later)
    if each_line:
        every = lines_during(rows, book.account, [stretch], without=late.lines.stretches)
        lines = [line_entry(line) for line in every]
    else:
        lines = grouped(rows, book, stretch, singles, late.lines)
    entries = sorted([*singles, *lines], key=place)
    come = [one for one in late.facts if stretch[0] <= one.posted_us < stretch[1]]
    if not come:
        return entries
    return with_late(entries, late_entries(rows, book.account, come, each_line=each_line))


def _singles(
    rows: Rows, book: Book, stretch: Stretch, stands_later: Collection[int]
) -> list[Entry]:
    """Give the movements that are no lines, in their order, without those that are late."""
    found = [
        Entry(
            at_us, IN if milli > 0 and kind != "correction" else OUT,
            kind, milli, recorded, reference,
        )
        for position, at_us, kind, milli, recorded, reference in rows.execute(
            "SELECT position, at_us, kind, milli, recorded_at_us, reference FROM movement"
            " WHERE account = :account AND at_us >= :start AND at_us < :end"
            " ORDER BY at_us, position",
            account=book.account,
            start=stretch[0],
            end=stretch[1],
        )
        if position not in stands_later
    ]  # fmt: skip
    return sorted(found, key=place)
