"""`bal`: what each account owns, now or at a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ledger.credits import Credits
from ledger.database import Database
from projections.books import Book, books, books_and_position, log_position, notes
from projections.report import Report

if TYPE_CHECKING:
    from projections.moments import Moment

# How a balance of the past is found: `past.balance_before`, imported only when it is asked for.
BalanceBefore = Callable[[Database, Book, int], Credits | None]


@dataclass(frozen=True, slots=True)
class Balance:
    """The credits owned at `as_of`; None: not known then.

    Without a moment asked for, `as_of` is the last one that the ledger heard of.
    """

    customer: str
    account: str
    credits: Credits | None
    as_of: datetime


def balances_now(database: Database, accounts: Sequence[str] = ()) -> Report[Balance]:
    """Give the balances as they are known. Raises UnknownAccount."""
    found = books_and_position(database, accounts)
    if found is not None:
        of, position = found
        return Report(Balance, position, [_now(book) for book in of])
    with database.snapshot():
        of = books(database, accounts)
        rows = [_now(book) for book in of]
        return Report(Balance, log_position(database), rows, notes(database, of))


def _now(book: Book) -> Balance:
    as_of = book.local(book.known_through_us)
    return Balance(book.customer, book.account, book.balance, as_of)


def balances_at(
    database: Database,
    moment: Moment,
    balance_before: BalanceBefore,
    accounts: Sequence[str] = (),
) -> Report[Balance]:
    """Give the balances at the end of a day of each customer, or at an instant."""
    of = books(database, accounts)
    rows = []
    for book in of:
        end_us = moment.end_us(book.zone)
        credits = balance_before(database, book, end_us)
        rows.append(Balance(book.customer, book.account, credits, book.local(end_us - 1)))
    remarks = [*notes(database, of), *_before_opening(of, rows)]
    return Report(Balance, log_position(database), rows, remarks)


def _before_opening(of: Sequence[Book], rows: Sequence[Balance]) -> list[str]:
    return [
        _why_unknown(book, book.opening_at_us, row)
        for book, row in zip(of, rows, strict=True)
        if row.credits is None and book.opening_at_us is not None
    ]


def _why_unknown(book: Book, opening_at_us: int, row: Balance) -> str:
    since = book.local(opening_at_us)
    if row.as_of < since:
        return f"the balance of {book.account} is known from {since.isoformat()} on"
    return (
        f"the opening of {book.account}, of {since.isoformat()}, was recorded after its month"
        " was closed, and stands in a later one"
    )
