"""What is to be so before a month of a customer is closed, item by item, and what to type next.

All of it is read in one state of the ledger, in which its movements are indexed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.calendars import Span
from ledger.database import Database, Rows
from projections.account_items import AccountItems, Covered
from projections.books import Book
from projections.close_items import Item, Items
from projections.covering import covering
from projections.differences import cases
from projections.periods import Close
from projections.transfer_states import transfer_states
from projections.words import many


@dataclass(slots=True)
class Checklist:
    """The list of a month, with what is known of each account that it concerns.

    `now` is our clock's time, or that of a look which covers the month, if that is later.
    """

    now: datetime
    items: list[Item]
    covered: dict[str, Covered]


def concerned(rows: Rows, of: Sequence[Book], month: Span) -> list[Book]:
    """Give the accounts that were in the books by the end of a month."""
    return [book for book in of if _since_us(rows, book) < month.end_us]


def begin_us(rows: Rows, of: Sequence[Book]) -> int | None:
    """Give when the books of some accounts begin."""
    return min((_since_us(rows, book) for book in of), default=None)


def _since_us(rows: Rows, book: Book) -> int:
    """Give when an account is heard of first: its opening, or what moved without one."""
    ((first_us,),) = rows.execute(
        "SELECT MIN(first_at_us) FROM daily_total WHERE account = :account",
        account=book.account,
    )
    heard = [at for at in (book.opening_at_us, first_us) if at is not None]
    return min(heard, default=book.opened_at_us)


def checklist(
    database: Database,
    customer: str,
    of: Sequence[Book],
    month: Span,
    closed: Sequence[Close],
    *,
    now: datetime,
) -> Checklist:
    """Go through the list of a month for accounts that it concerns."""
    items = Items(customer, month)
    seen = {book.account: covering(database, book, month) for book in of}
    now = max([now, *(look.happened_at for look in seen.values() if look)])
    _over(items, now)
    _in_order(items, closed)
    _imports(database, items, customer)
    _transfers(database, items, customer)
    compared = [book for book in of if book.closed_at_us is None]
    drifts = {case.book.account: case for case in cases(database, compared)}
    covered = {
        book.account: AccountItems(
            items, book, drifts.get(book.account), seen[book.account]
        ).add()
        for book in of
    }
    return Checklist(now, items.all, covered)


def _over(items: Items, now: datetime) -> None:
    month = items.month
    if now >= month.end:
        items.say("over", f"{month.name} is over")
    else:
        when = f"wait until {month.after} begins where the customer is"
        items.say("over", f"{month.name} is not over", when)


def _in_order(items: Items, closed: Sequence[Close]) -> None:
    month = items.month
    if not closed:
        items.say("in order", "no month is closed yet: with this one, all before it is")
        return
    first, last = closed[0].month, closed[-1].month
    if closed[-1].end_us == month.start_us:
        items.say("in order", f"{last} and all before are closed")
    elif month.name in {one.month for one in closed}:
        again = f"type `sms-ledger close reopen {month.name} --reason TEXT`"
        items.say("in order", f"{month.name} is closed", again)
    elif month.end_us <= closed[-1].end_us:
        cure = f"all up to {first} was closed with it: close a month after {last}"
        items.say("in order", f"{last} is the last month that is closed", cure)
    else:
        cure = f"close the month after {last} first"
        items.say("in order", f"{last} is the last month that is closed", cure)


def _imports(rows: Rows, items: Items, customer: str) -> None:
    begun = rows.execute(
        "SELECT sha256, rows FROM file_import WHERE customer = :customer"
        " AND completed_at_us IS NULL ORDER BY started_at_us",
        customer=customer,
    )
    for sha256, count in begun:
        items.say(
            "imports",
            f"the import of a file of {many(count, 'row')} ({sha256[:12]}…) is not complete",
            "run `sms-ledger import` with that file again",
        )
    if not begun:
        items.say("imports", "no import is unfinished")


def _transfers(rows: Rows, items: Items, customer: str) -> None:
    in_doubt = [
        one
        for one in transfer_states(rows, customer)
        if one.is_in_doubt and one.requested_at < items.month.end
    ]
    for one in in_doubt:
        items.say(
            "transfers",
            f"the transfer of {one.credits} credits from {one.source} to {one.target} is in"
            " doubt",
            f"type `sms-ledger transfer resolve {one.id}`",
        )
    if not in_doubt:
        items.say("transfers", "no transfer is in doubt")
