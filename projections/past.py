"""The balance of an account at a moment of the past.

It is today's balance less what moved since. Whole days are known as totals; of the day that
holds the moment, only the kinds with movements on both sides of it are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, NamedTuple

from ledger.credits import Credits
from ledger.database import Database, Rows
from ledger.events import LINE_KINDS, BalanceOpened, OpeningRestated
from ledger.times import from_us, local_day
from projections.batch import caught_up
from projections.books import Book
from projections.late_facts import kept_late
from projections.moments import Moment
from projections.movement_index import MOVEMENT_INDEX
from projections.page_lines import lines_during, moved_during
from projections.posting import Opening

_LINE_KINDS: Final = frozenset[str](LINE_KINDS)


def balance_before(database: Database, book: Book, end_us: int) -> Credits | None:
    """Give what was owned just before an instant; None before the opening, or without one."""
    if book.opening_milli is None or book.opening_at_us is None:
        return None
    if end_us <= book.opening_at_us:
        return None
    later = _moved_from(database, book, end_us)
    return Credits(book.opening_milli + book.moved_milli - later)


def posted_before(database: Database, book: Book, end_us: int) -> Credits | None:
    """Give the same on the posted basis: without what stands later."""
    began = first_opening(database, book)
    if began is None or end_us <= began.at_us:
        return None
    happened = balance_before(database, book, end_us)
    if happened is None:
        return None
    return happened - Credits(sum(_missing(database, book.account, end_us)))


def first_opening(rows: Rows, book: Book) -> Opening | None:
    """Give the opening that the first close knew; where another was stated since, it is late.

    What it changed is known by late facts.
    """
    if book.opening_at_us is None or book.opening_milli is None:
        return None
    changes = [one for one in kept_late(rows, book.account) if one.kind == "opening"]
    if not changes:
        return Opening(0, book.opening_at_us, book.opening_milli)
    changed = sum(one.milli for one in changes)
    first = min(one.position for one in changes)
    found = rows.execute(
        "SELECT position, happened_at_us FROM event_log WHERE stream = :account"
        " AND topic IN (:opened, :restated) AND position < :first"
        " ORDER BY position DESC LIMIT 1",
        account=book.account,
        opened=BalanceOpened.TOPIC,
        restated=OpeningRestated.TOPIC,
        first=first,
    )
    position, at_us = found[0]
    return Opening(position, at_us, book.opening_milli - changed)


def opened_at(rows: Rows, book: Book, *, posted: bool) -> frozenset[int]:
    """Give the moments of openings: the one that holds; if `posted`, those that closes knew."""
    if not posted:
        return frozenset(() if book.opening_at_us is None else (book.opening_at_us,))
    found = rows.execute(
        "SELECT happened_at_us FROM event_log WHERE stream = :account"
        " AND topic IN (:opened, :restated)",
        account=book.account,
        opened=BalanceOpened.TOPIC,
        restated=OpeningRestated.TOPIC,
    )
    return frozenset(at_us for (at_us,) in found)


def _missing(rows: Rows, account: str, end_us: int) -> Iterator[int]:
    """Give what happened before an instant, and stands at it or later."""
    for one in kept_late(rows, account):
        if one.last_us < end_us <= one.posted_us:
            yield one.milli
        elif one.first_us < end_us <= one.posted_us:
            stretch = (one.first_us, end_us)
            lines = lines_during(rows, account, [stretch], page=one.version)
            yield from (line.milli for line in lines)


def _moved_from(rows: Rows, book: Book, start_us: int) -> int:
    """Sum what was counted from an instant on, in thousandths."""
    day = local_day(from_us(start_us), book.zone).isoformat()
    ((days,),) = rows.execute(
        "SELECT COALESCE(SUM(milli), 0) FROM daily_total"
        " WHERE account = :account AND month >= SUBSTR(:day, 1, 7) AND day > :day",
        account=book.account,
        day=day,
    )
    same_day = rows.execute(
        "SELECT kind, milli, first_at_us, last_at_us FROM daily_total"
        " WHERE account = :account AND month = SUBSTR(:day, 1, 7) AND day = :day",
        account=book.account,
        day=day,
    )
    return int(days) + sum(
        _part(rows, book.account, _Total(*total), start_us) for total in same_day
    )


class _Total(NamedTuple):
    """A day's movements of one kind."""

    kind: str
    milli: int
    first_us: int
    last_us: int


def _part(rows: Rows, account: str, total: _Total, start_us: int) -> int:
    """Sum what of a day's total was moved from an instant on."""
    if total.last_us < start_us:
        return 0
    if total.first_us >= start_us:
        return total.milli
    if total.kind in _LINE_KINDS:
        stretch = (start_us, total.last_us + 1)
        return moved_during(rows, account, stretch, kind=total.kind)
    ((moved,),) = rows.execute(
        "SELECT COALESCE(SUM(milli), 0) FROM movement WHERE account = :account"
        " AND at_us >= :start AND at_us <= :last"
        " AND (kind = :kind OR (kind = 'recharge' AND :kind = 'purchase'))",
        account=account,
        start=start_us,
        last=total.last_us,
        kind=total.kind,
    )
    return int(moved)


def reading(database: Database, moment: Moment) -> AbstractContextManager[Database]:
    """Read one state of the ledger in which the balances at a moment can be told.

    The end of a day is told by the days' totals, which are never behind.
    """
    if isinstance(moment.at, datetime):
        return caught_up(MOVEMENT_INDEX, database)
    return database.snapshot()
