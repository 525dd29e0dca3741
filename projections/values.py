"""`value`: what the credits that are left have cost: the prepaid expense of a balance sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.credits import Credits
from ledger.database import Database
from ledger.lots import BEFORE_THE_BOOKS
from projections.basis import Basis, basis_notes
from projections.books import Book, books, log_position, notes
from projections.holdings import Held, holdings
from projections.lot_books import lots_caught_up
from projections.moments import Moment
from projections.remarks import remarks
from projections.report import Amount, Report
from projections.rounding import money


@dataclass(frozen=True, slots=True)
class Value:
    """What is left of a lot in one account, and what it cost: `value`, None if not known.

    A row without a lot is a sum: of one currency, or of what has none (gifts).
    """

    customer: str
    account: str
    lot: str | None
    bought_at: datetime | None
    bill: str | None
    left: Credits
    value: Amount | None
    currency: str | None


def values(
    database: Database,
    accounts: Sequence[str] = (),
    moment: Moment | None = None,
    basis: Basis = "posted",
) -> Report[Value]:
    """Give what is left of each lot, now or at a moment. Raises UnknownAccount."""
    with lots_caught_up(database):
        of = books(database, accounts)
        ends = [None if moment is None else moment.end_us(book.zone) for book in of]
        found = holdings(database, of, ends, basis)
        rows = [
            value_of(book, held)
            for book in of
            for held in found.held
            if held.account == book.account and held.left
        ]
        said = [
            *notes(database, of),
            *basis_notes(database, {book.customer for book in of}, basis),
            *remarks(found),
        ]
        return Report(Value, log_position(database), rows, said)


def value_of(book: Book, held: Held) -> Value:
    """Give what an account has left of a lot."""
    lot = held.lot
    known = lot.bought_at_us != BEFORE_THE_BOOKS
    return Value(
        customer=book.customer,
        account=book.account,
        lot=lot.lot,
        bought_at=book.local(lot.bought_at_us) if known else None,
        bill=lot.bill,
        left=Credits(held.left),
        value=money(held.left_cost),
        currency=lot.currency,
    )


def sums(report: Report[Value]) -> list[Value]:
    """Give a row for each customer and currency that adds up its lots; never across them.

    Credits that cost nothing count with the currency of their customer where it has but one.
    """
    found: list[Value] = []
    for customer in dict.fromkeys(row.customer for row in report.rows):
        rows = [row for row in report.rows if row.customer == customer]
        currencies = sorted({row.currency for row in rows if row.currency})
        for currency in (*currencies, *([] if currencies else [None])):
            of = [
                row
                for row in rows
                if row.currency == currency or (row.currency is None and len(currencies) == 1)
            ]
            found.append(_sum(customer, currency, of))
        if len(currencies) > 1 and any(row.currency is None for row in rows):
            found.append(_sum(customer, None, [row for row in rows if row.currency is None]))
    return found


def _sum(customer: str, currency: str | None, rows: Sequence[Value]) -> Value:
    cents = sum(int(row.value.replace(".", "")) for row in rows if row.value is not None)
    unknown = all(row.value is None for row in rows)
    left = Credits(sum(row.left.milli for row in rows))
    value = None if unknown else money(cents)
    return Value(customer, "total", None, None, None, left, value, currency)
