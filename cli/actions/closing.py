"""Closing an account: the decision needs a balance, which a projection tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.account import close_account as decide
from ledger.credits import Credits
from ledger.database import Database
from ledger.errors import InvalidValue, Refused
from ledger.events import Stamp
from ledger.period import require_open
from ledger.service import Ledger, Work
from ledger.times import from_us
from ledger.transfer import require_settled
from projections.books import Book, books
from projections.moments import Moment
from projections.past import balance_before, reading


class BalanceUnknown(Refused):
    """An account whose balance is not known cannot be closed."""


class MovedSince(Refused):
    """An account cannot be closed at a time before its last movement."""


@dataclass(frozen=True, slots=True)
class Closed:
    """When the account left the books, where the customer is, and what was written off."""

    at: datetime
    written_off: Credits


def close_account(
    ledger: Ledger,
    database: Database,
    name: str,
    *,
    write_off: bool,
    stamp: Stamp,
    moment: Moment | None,
    now: datetime,
) -> Closed:
    """Close an account at a moment, or now.

    Raises UnknownAccount, AlreadyClosed, CreditsLeft, BalanceUnknown, MovedSince, InDoubt,
    MonthClosed.
    """
    books(database, [name])

    def attempt(work: Work) -> Closed:
        account = work.account(name)
        with reading(database, Moment(now)):
            (book,) = books(database, [name])
            at = _closing_time(book, moment, now)
            balance = _balance(database, book, at)
        require_settled(work.transfers(book.customer), account)
        periods = work.periods(book.customer)
        work.hold(periods)
        require_open(periods, at, f"the end of {name}")
        work.record(account, decide(account, balance, write_off=write_off, stamp=stamp, at=at))
        return Closed(at.astimezone(book.zone), balance)

    return ledger.work(attempt)


def _closing_time(book: Book, moment: Moment | None, now: datetime) -> datetime:
    if moment is None:
        return max(now, from_us(book.known_through_us))  # OVH's clock may be ahead of ours
    at = from_us(moment.end_us(book.zone) - 1)
    if at.astimezone(UTC) > now:
        msg = f"expected a time that is past, found {at.isoformat()}"
        raise InvalidValue(msg)
    return at


def _balance(database: Database, book: Book, at: datetime) -> Credits:
    known = balance_before(database, book, Moment(at).end_us(book.zone))
    if known is None:
        msg = (
            f"the balance of {book.account} at {at.isoformat()} is not known, so it cannot be"
            f" closed: run `sms-ledger sync {book.account}` or import its opening"
        )
        raise BalanceUnknown(msg)
    if book.balance != known:
        msg = (
            f"account {book.account} moved after {at.isoformat()}: close it at a later time,"
            " or without --at"
        )
        raise MovedSince(msg)
    return known
