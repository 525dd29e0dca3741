"""What an account used and moved on each of its days, from the daily totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from ledger.database import Rows
from ledger.events import LINE_KINDS
from ledger.times import from_us, local_day, start_of_day, to_us
from projections.books import Book
from projections.outlooks import LATELY, History

# What uses credits up; other movements move them.
USING: Final = frozenset((*LINE_KINDS, "correction"))

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Usage:
    """The last weeks of an account up to `end_us`, in thousandths.

    `today` is the local day that holds the last instant; `is_whole` says that it is over.
    `balance` is what was owned at the end, None where that is not known.
    """

    book: Book
    end_us: int
    today: date
    is_whole: bool
    balance: int | None
    used: Mapping[date, int]
    moved: Mapping[date, int]

    @property
    def as_of(self) -> datetime:
        return self.book.local(self.end_us - 1)

    @property
    def history(self) -> History:
        """The whole days from the opening on, of late."""
        last = self.today if self.is_whole else self.today - _DAY
        first = max(_first_whole(self.book) or last + _DAY, last - (LATELY - 1) * _DAY)
        count = max((last - first).days + 1, 0)
        return History(first, [self.used.get(first + n * _DAY, 0) for n in range(count)])

    @property
    def next_day(self) -> date:
        """The first day of which something is still to come."""
        return self.today + _DAY if self.is_whole else self.today

    @property
    def used_of_next_day(self) -> int:
        return self.used.get(self.next_day, 0)

    def used_since(self, first: date) -> int:
        return sum(milli for day, milli in self.used.items() if day >= first)

    def balances(self, days: int) -> list[tuple[date, int]]:
        """Give the balances at the ends of the last days, as far back as they are known."""
        if self.balance is None or self.book.opening_at_us is None:
            return []
        opened = local_day(from_us(self.book.opening_at_us), self.book.zone)
        found, left = [], self.balance
        for back in range(min(days, LATELY)):
            day = self.today - back * _DAY
            if day < opened:
                break
            found.append((day, left))
            left -= self.moved.get(day, 0)
        return found[::-1]


def _first_whole(book: Book) -> date | None:
    """Give the first day that is counted from its first instant on."""
    if book.opening_at_us is None:
        return None
    opened = from_us(book.opening_at_us)
    day = local_day(opened, book.zone)
    return day if opened == start_of_day(day, book.zone) else day + _DAY


def read_usage(rows: Rows, book: Book, end_us: int) -> Usage:
    """Read the last weeks before the end of a day, or all of them that are known.

    The current month is read whole, and as many days as a chart may show.
    """
    today = local_day(from_us(end_us - 1), book.zone)
    after = to_us(start_of_day(today + _DAY, book.zone))
    used: dict[date, int] = {}
    moved: dict[date, int] = {}
    later = 0
    for text, kind, milli in rows.execute(
        "SELECT day, kind, milli FROM daily_total"
        " WHERE account = :account AND month >= SUBSTR(:first, 1, 7) AND day >= :first",
        account=book.account,
        first=(today - LATELY * _DAY).isoformat(),
    ):
        day = date.fromisoformat(text)
        if day > today:
            later += milli
            continue
        moved[day] = moved.get(day, 0) + milli
        if kind in USING:
            used[day] = used.get(day, 0) - milli
    return Usage(
        book=book,
        end_us=end_us,
        today=today,
        is_whole=end_us >= after,
        balance=_balance(book, end_us, later),
        used=used,
        moved=moved,
    )


def _balance(book: Book, end_us: int, later: int) -> int | None:
    if book.balance is None or book.opening_at_us is None or end_us <= book.opening_at_us:
        return None
    return book.balance.milli - later
