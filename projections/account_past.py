"""What moved an account over a stretch of time, without the recharges that came, and they."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import merge
from typing import TYPE_CHECKING, Final

from ledger.database import Database
from ledger.errors import Misuse
from projections.books import Book
from projections.page_lines import lines_during
from projections.past import balance_before
from projections.replay import Change, Moves, Past
from projections.segments import IN, OUT, SPENT

if TYPE_CHECKING:
    from projections.moments import Period

_RECHARGE: Final = "recharge"
_CORRECTION: Final = "correction"


class NoHistory(Misuse):
    """An account of which nothing is known that could be replayed."""


@dataclass(frozen=True, slots=True)
class AccountPast:
    """The past of an account; of it, `used` and `other` (signed) are no recharges.

    `purchases` counts those that are not known to be automatic, by their thousandths.
    """

    past: Past
    used: int
    other: int
    purchases: Counter[int] = field(default_factory=Counter)


def account_past(database: Database, book: Book, period: Period) -> AccountPast:
    """Read an account's past, as far as it is known. Raises NoHistory."""
    start_us, end_us = _bounds(book, period)
    opening = balance_before(database, book, start_us)
    milli = book.opening_milli if opening is None else opening.milli
    totals = _Totals()
    moves = Moves(totals.of(database, book, start_us, end_us))
    if not moves and not totals.recharges:
        raise _nothing(book, "no movement in that time: name another with -b and -e")
    past = Past(start_us, end_us, milli or 0, moves, totals.recharges)
    return AccountPast(past, totals.used, totals.other, totals.purchases)


def _bounds(book: Book, period: Period) -> tuple[int, int]:
    """Give the part of a period that is known, from the opening on."""
    if book.opening_at_us is None:
        raise _nothing(book, f"no opening: run `sms-ledger sync {book.account}` or import one")
    start_us, end_us = period.bounds(book.zone)
    start_us = max(start_us or 0, book.opening_at_us)
    known_us = book.known_through_us + 1
    end_us = known_us if end_us is None else min(end_us, known_us)
    if start_us >= end_us:
        first, last = book.local(book.opening_at_us), book.local(book.known_through_us)
        raise _nothing(book, f"one from {first:%Y-%m-%d} to {last:%Y-%m-%d} alone")
    return start_us, end_us


def _nothing(book: Book, found: str) -> NoHistory:
    return NoHistory(f"expected a history of {book.account} to replay, found {found}")


class _Totals:
    """Gives movements in order of time, and sums up what they were."""

    def __init__(self) -> None:
        self.recharges: list[Change] = []
        self.purchases: Counter[int] = Counter()
        self.used = 0
        self.other = 0

    def of(
        self, database: Database, book: Book, start_us: int, end_us: int
    ) -> Iterator[Change]:
        lines = (
            (line.at_us, SPENT, line.milli)
            for line in lines_during(database, book.account, [(start_us, end_us)])
        )
        singles = self._singles(database, book, start_us, end_us)
        for at_us, rank, milli in merge(lines, singles):
            if rank == SPENT:
                self.used -= milli
            yield at_us, milli

    def _singles(
        self, database: Database, book: Book, start_us: int, end_us: int
    ) -> list[tuple[int, int, int]]:
        found = []
        for at_us, kind, milli in database.execute(
            "SELECT at_us, kind, milli FROM movement WHERE account = :account"
            " AND at_us >= :start AND at_us < :end ORDER BY at_us, position",
            account=book.account,
            start=start_us,
            end=end_us,
        ):
            if kind == _RECHARGE:
                self.recharges.append((at_us, milli))
                continue
            if kind == "purchase":
                self.purchases[milli] += 1
            if kind == _CORRECTION:
                self.used -= milli
            else:
                self.other += milli
            found.append((at_us, IN if milli > 0 else OUT, milli))
        return sorted(found)
