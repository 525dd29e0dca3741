"""`reg` and `stmt`: movements with the running balance after each.

Lines are grouped (`segments`), so that the balance is exact after each single movement and each
segment of a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ledger.credits import Credits
from ledger.database import Database, Rows
from ledger.events import BalanceOpened, OpeningRestated
from ledger.times import from_us
from projections.batch import caught_up
from projections.books import Book, books, log_position, notes
from projections.lot_books import lots_caught_up
from projections.moments import Period
from projections.movement_index import MOVEMENT_INDEX
from projections.page_lines import Stretch, lines_during
from projections.past import balance_before
from projections.payments import Payments, Share, written
from projections.report import NESTED, Report
from projections.segments import IN, OUT, Entry, grouped, line_entry, place

_FOREVER_US: Final = 2**62


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One movement, or `count` lines of one kind of which the last is of `happened_at`.

    Balances in between are rows too: `opening` and `brought-forward` come with their credits,
    `closing` with none, so that the credits of all rows add up to the last balance. Where no
    opening is known, balances are None.
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
) -> Report[RegisterRow]:
    """Give the movements of the named accounts, or all. Raises UnknownAccount.

    `each_line` gives a row to every line; `closing` ends each account with its balance.
    """
    with caught_up(MOVEMENT_INDEX, database):
        of = books(database, accounts)
        shown = _Shown(each_line=each_line, closing=closing)
        rows = [row for book in of for row, _ in _rows(database, book, period, shown)]
        return Report(RegisterRow, log_position(database), rows, notes(database, of))


def register_with_lots(
    database: Database,
    period: Period,
    accounts: Sequence[str] = (),
    *,
    each_line: bool = False,
    closing: bool = False,
) -> Report[PaidRow]:
    """Give the same, and which lots paid for each row. Raises UnknownAccount."""
    with lots_caught_up(database):
        of = books(database, accounts)
        shown = _Shown(each_line=each_line, closing=closing)
        rows = []
        for book in of:
            entries = list(_rows(database, book, period, shown))
            begin_us, _ = period.bounds(book.zone)
            payments = Payments(database, book, max(begin_us or 0, book.opening_at_us or 0))
            rows += [_paid(row, payments.of(entry)) for row, entry in entries]
        return Report(PaidRow, log_position(database), rows, notes(database, of))


def _paid(row: RegisterRow, shares: tuple[Share, ...]) -> PaidRow:
    told = {name: getattr(row, name) for name in RegisterRow.__slots__}
    return PaidRow(**told, paid=written(shares), lots=shares)


class _Shown(NamedTuple):
    each_line: bool
    closing: bool


def _rows(
    database: Database, book: Book, period: Period, shown: _Shown
) -> Iterator[tuple[RegisterRow, Entry]]:
    start_us, end_us = period.bounds(book.zone)
    counted_from = book.opening_at_us or 0
    entries = list(_beginning(database, book, start_us, end_us))
    stretch = (max(start_us or 0, counted_from), _FOREVER_US if end_us is None else end_us)
    if stretch[0] < stretch[1]:
        entries += _entries(database, book, stretch, each_line=shown.each_line)
    balance = 0
    for entry in entries:
        balance += entry.milli
        yield _row(book, entry, balance), entry
    if shown.closing and (entries or book.opening_at_us is None):
        closing = _closing(book, entries, end_us)
        yield _row(book, closing, balance), closing


def _beginning(
    database: Database, book: Book, start_us: int | None, end_us: int | None
) -> Iterator[Entry]:
    """Give the opening, or the balance brought forward, where either lies in the period."""
    opening_us, milli = book.opening_at_us, book.opening_milli
    if opening_us is None or milli is None or (end_us is not None and opening_us >= end_us):
        return
    if start_us is None or start_us <= opening_us:
        recorded = _opening_recorded_at_us(database, book)
        yield Entry(opening_us, IN, "opening", milli, recorded, count=0)
    elif end_us is None or start_us < end_us:
        forward = balance_before(database, book, start_us)
        milli = 0 if forward is None else forward.milli
        yield Entry(start_us, IN, "brought-forward", milli, None, count=0)


def _opening_recorded_at_us(rows: Rows, book: Book) -> int | None:
    found = rows.execute(
        "SELECT MAX(recorded_at_us) FROM event_log"
        " WHERE stream = :account AND topic IN (:opened, :restated) AND happened_at_us = :at",
        account=book.account,
        opened=BalanceOpened.TOPIC,
        restated=OpeningRestated.TOPIC,
        at=book.opening_at_us,
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
        happened_at=book.local(entry.at_us),
        recorded_at=None if recorded_us is None else _recorded_at(recorded_us, book.zone),
        kind=entry.kind,
        credits=Credits(entry.milli),
        balance=None if book.opening_milli is None else Credits(balance),
        reference=entry.reference,
        count=entry.count,
    )


@lru_cache(maxsize=256)
def _recorded_at(at_us: int, zone: ZoneInfo) -> datetime:
    """Many rows were recorded together."""
    return from_us(at_us).astimezone(zone)


def _entries(rows: Rows, book: Book, stretch: Stretch, *, each_line: bool) -> list[Entry]:
    singles = _singles(rows, book, stretch)
    if each_line:
        lines = [line_entry(line) for line in lines_during(rows, book.account, [stretch])]
    else:
        lines = grouped(rows, book, stretch, singles)
    return sorted([*singles, *lines], key=place)


def _singles(rows: Rows, book: Book, stretch: Stretch) -> list[Entry]:
    """Give the movements that are no lines, in their order."""
    found = [
        Entry(
            at_us, IN if milli > 0 and kind != "correction" else OUT,
            kind, milli, recorded, reference,
        )
        for at_us, kind, milli, recorded, reference in rows.execute(
            "SELECT at_us, kind, milli, recorded_at_us, reference FROM movement"
            " WHERE account = :account AND at_us >= :start AND at_us < :end"
            " ORDER BY at_us, position",
            account=book.account,
            start=stretch[0],
            end=stretch[1],
        )
    ]  # fmt: skip
    return sorted(found, key=place)
