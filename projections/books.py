"""Books: each account as the ledger knows it now, from the views kept with the events.

No event is decoded here, and no library imported that would do it: `bal` starts in no time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from ledger.credits import Credits
from ledger.database import Row, Rows
from ledger.errors import IntegrityFailure, InvalidValue, UnknownAccount
from ledger.names import OBSERVATIONS
from ledger.times import from_us, zone

_CURE: Final = "run `sms-ledger audit verify`"
_DIGITS = re.compile(r"([0-9]+)")


@dataclass(frozen=True, slots=True)
class Book:
    """One account with its opening (T0) and what moved since, in thousandths of a credit.

    `known_through_us` is the last instant that the log tells of: an observation, or the last
    movement. A look at OVH that found nothing new is not in the log. Times are microseconds
    since 1970, UTC.
    """

    customer: str
    account: str
    zone: ZoneInfo
    opened_at_us: int
    closed_at_us: int | None
    opening_at_us: int | None
    opening_milli: int | None
    moved_milli: int
    known_through_us: int

    @property
    def balance(self) -> Credits | None:
        """The credits owned now; None where no opening balance is known."""
        if self.opening_milli is None:
            return None
        return Credits(self.opening_milli + self.moved_milli)

    def local(self, at_us: int) -> datetime:
        """Give an instant with the customer's offset."""
        return from_us(at_us).astimezone(self.zone)


def books(rows: Rows, accounts: Sequence[str] = ()) -> list[Book]:
    """Give the named accounts, or all, by customer. Raises UnknownAccount."""
    found = [_book(row) for row in _rows(rows, accounts, _BOOKS)]
    if len(found) < len(set(accounts)):
        require_known(accounts, [book.account for book in books(rows)])
    return _in_order(found)


def books_and_position(rows: Rows, accounts: Sequence[str]) -> tuple[list[Book], int] | None:
    """Read books, and the position of the last event, in one statement.

    One statement sees one state of the ledger: on a server, a transaction around several would
    take many times as long. None where more is to be asked: an account is not known or has no
    balance, or an import is not complete.
    """
    found = _rows(rows, accounts, _WITH_POSITION)
    of = [_book(row) for *row, _, _ in found]
    asked = len(set(accounts)) or 1
    if len(of) < asked or found[0][-1] or any(book.opening_milli is None for book in of):
        return None
    return _in_order(of), int(found[0][-2])


def _rows(rows: Rows, accounts: Sequence[str], sql: str) -> Sequence[Row]:
    """Look up the named accounts, each once; all of them where none is named."""
    named = {f"a{number}": account for number, account in enumerate(dict.fromkeys(accounts))}
    only = f"WHERE a.account IN (:{', :'.join(named)})" if named else ""
    return rows.execute(sql.format(only=only), **named)


def _in_order(of: list[Book]) -> list[Book]:
    return sorted(of, key=lambda book: (natural(book.customer), natural(book.account)))


def require_known(accounts: Iterable[str], known: Sequence[str]) -> None:
    """Raise UnknownAccount for a name that the ledger does not have."""
    for account in accounts:
        if account not in known:
            raise UnknownAccount(account, tuple(known))


def of_customers(of: Sequence[Book], customers: Sequence[str]) -> list[Book]:
    """Give the books of some customers, or all. Raises InvalidValue for one without any."""
    require_customers(customers, {book.customer for book in of})
    return [book for book in of if not customers or book.customer in customers]


def require_customers(customers: Iterable[str], known: Collection[str]) -> None:
    """Raise InvalidValue for a customer that the ledger does not have."""
    for customer in customers:
        if customer not in known:
            some = ", ".join(sorted(known)[:3]) or "none"
            msg = f"expected a customer of this ledger, found {customer!r}; there is {some}"
            raise InvalidValue(msg)


def natural(name: str) -> list[tuple[int, str]]:
    """Give a sorting key in which `sms-x-2` stands before `sms-x-10`."""
    return [
        (int(part), "") if part.isdigit() else (0, part) for part in _DIGITS.split(name) if part
    ]


_BOOKS = f"""
    SELECT customer, account, time_zone, opened_at_us, closed_at_us, opening_at_us,
        opening_milli, moved_milli,
        (SELECT MAX(last_at_us) FROM daily_block d WHERE d.account = a.account AND d.month =
            (SELECT MAX(month) FROM daily_block e WHERE e.account = a.account)),
        (SELECT happened_at_us FROM event_log o
            WHERE o.stream = a.account || '{OBSERVATIONS}' ORDER BY version DESC LIMIT 1)
    FROM account a JOIN customer USING (customer) {{only}}
"""  # noqa: S608 (our own text)

# The same, the last position, and how many imports are not complete.
_WITH_POSITION = f"""
    SELECT b.*, (SELECT COALESCE(MAX(position), 0) FROM event_log),
        (SELECT COUNT(*) FROM file_import WHERE completed_at_us IS NULL)
    FROM ({_BOOKS}) AS b
"""  # noqa: S608 (our own text)


def _book(row: Sequence[object]) -> Book:
    customer, account, zone_name, opened, closed, opening, milli, moved, last, seen = row
    heard = [at for at in (opened, opening, last, seen) if isinstance(at, int)]
    return Book(
        customer=str(customer),
        account=str(account),
        zone=zone(str(zone_name)),
        opened_at_us=_int(opened) or 0,
        closed_at_us=_int(closed),
        opening_at_us=_int(opening),
        opening_milli=_int(milli),
        moved_milli=_int(moved) or 0,
        known_through_us=max(heard),
    )


def _int(value: object) -> int | None:
    return value if isinstance(value, int) else None


def log_position(rows: Rows) -> int:
    """Give the position of the last event, 0 for an empty ledger."""
    ((position,),) = rows.execute("SELECT COALESCE(MAX(position), 0) FROM event_log")
    if type(position) is not int:  # a file takes anything into any column
        msg = f"expected a position as a whole number, found {position!r:.40}: {_CURE}"
        raise IntegrityFailure(msg)
    return position


def notes(rows: Rows, of: Sequence[Book]) -> list[str]:
    """Say what makes a report of these books less than whole: imports, unknown balances."""
    found = []
    for customer, sha256, count in rows.execute(
        "SELECT customer, sha256, rows FROM file_import WHERE completed_at_us IS NULL"
        " ORDER BY customer COLLATE BINARY, started_at_us"
    ):
        found.append(
            f"the import of a file of {count} rows ({sha256[:12]}…) for {customer} is not"
            " complete: run `sms-ledger import` with that file again"
        )
    return found + [
        f"the balance of {book.account} is not known: no opening was read yet;"
        f" run `sms-ledger sync {book.account}` or import its opening"
        for book in of
        if book.opening_milli is None
    ]
