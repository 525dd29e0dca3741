"""Journals for hledger and beancount: transactions, and balance assertions month by month.

An assertion stands at the end of each month in which an account moved, and at the very end.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Protocol

from projections.books import Book
from projections.journal import Credit, Journal, Leg, Side, Transaction, bought_on, netted

UNIT: Final = "SMS"

_STRANGE = re.compile(r"[^A-Za-z0-9-]")
_EARLIEST: Final = "1970-01-01"


class Dialect(Protocol):
    """How a program wants it."""

    def head(self, journal: Journal) -> Iterator[str]: ...

    def transaction(self, one: Transaction) -> Iterator[str]: ...

    def balance(self, day: date, account: str, amount: str, *, money: bool) -> str: ...


def lines(journal: Journal, dialect: Dialect) -> Iterator[str]:
    """Write a journal line by line."""
    yield from dialect.head(journal)
    totals = _Totals(dialect)
    for one in journal.transactions:
        yield from totals.until(one.day)
        yield from dialect.transaction(one)
        totals.add(one)
    yield from totals.end()


class _Totals:
    """Adds up what accounts have, and asserts it at the ends of months."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._day = ""
        self._sums: dict[tuple[str, str], int] = defaultdict(int)
        self._moved: set[tuple[str, str]] = set()

    def add(self, one: Transaction) -> None:
        self._day = max(self._day, one.day)
        for credit in one.credits:
            self._add(credit.account, "", credit.milli)
        for leg in netted(one.money):
            if leg.side is None:
                self._add(leg.account, leg.currency, leg.cents)

    def _add(self, account: str, currency: str, amount: int) -> None:
        self._sums[account, currency] += amount
        self._moved.add((account, currency))

    def until(self, day: str) -> Iterator[str]:
        if self._day and day[:7] > self._day[:7]:
            first = date.fromisoformat(self._day).replace(day=1)
            yield from self._asserted((first + timedelta(days=31)).replace(day=1))

    def end(self) -> Iterator[str]:
        if self._day:
            yield from self._asserted(date.fromisoformat(self._day) + timedelta(days=1))

    def _asserted(self, day: date) -> Iterator[str]:
        for account, currency in sorted(self._moved):
            amount = amount_of(self._sums[account, currency], currency)
            yield self._dialect.balance(day, account, amount, money=bool(currency))
        yield ""
        self._moved.clear()


def amount_of(number: int, currency: str) -> str:
    """Write thousandths of a credit, or cents of a currency, with all their digits."""
    if currency:
        return f"{Decimal(number).scaleb(-2):f} {currency}"
    return f"{Decimal(number).scaleb(-3):f} {UNIT}"


def _title(one: Transaction) -> str:
    title = f"{one.kind.replace('-', ' ')} {one.reference}".strip()
    return f"{title}, late, of {one.late_day}" if one.late_day else title


class Beancount:
    """Lots are booked by date and label, at no cost; their money is a second account's."""

    _SIDES: Final[dict[Side, str]] = {
        "supplier": "Liabilities:OVH", "used": "Expenses:SMS", "adjusted": "Expenses:Adjusted",
        "opening": "Equity:Opening", "unvalued": "Equity:Unvalued",
    }  # fmt: skip

    def __init__(self, journal: Journal) -> None:
        self._of = {book.account: book for book in journal.books}
        self._names = _names(journal.books)

    def head(self, journal: Journal) -> Iterator[str]:
        yield 'option "title" "SMS credits"'
        yield f"; {_told(journal)}"
        yield ""
        for name in self._accounts():
            yield f"{_EARLIEST} open {name}"
        yield ""

    def _accounts(self) -> Iterator[str]:
        yield "Equity:Uncovered"
        yield "Equity:Unvalued"
        for account in self._of:
            yield self._name("Assets:Credits", account)
            yield f"{self._name('Assets:Credits', account)}:Uncovered"
            yield self._name("Assets:Prepaid", account)
            for side, name in self._SIDES.items():
                if side != "unvalued":
                    yield self._name(name, account)

    def _name(self, group: str, account: str) -> str:
        return f"{group}:{self._names[account]}" if account else group

    def transaction(self, one: Transaction) -> Iterator[str]:
        yield f'{one.day} * "{_title(one)}"'
        uncovered = 0
        for credit in one.credits:
            yield f"  {self._holder(credit)}  {self._credits(credit)}"
            uncovered -= credit.milli if credit.lot is None else 0
        if uncovered:
            yield f"  Equity:Uncovered  {amount_of(uncovered, '')}"
        for leg in netted(one.money):
            yield f"  {self._side(leg)}  {amount_of(leg.cents, leg.currency)}"
        yield ""

    def _holder(self, credit: Credit) -> str:
        """Keep what no lot covers apart: beside it, a lot that comes in would be its return."""
        name = self._name("Assets:Credits", credit.account)
        return f"{name}:Uncovered" if credit.lot is None else name

    def _credits(self, credit: Credit) -> str:
        amount = amount_of(credit.milli, "")
        if credit.lot is None:
            return amount
        label = f"{credit.lot.account} {credit.lot.lot}"
        day = bought_on(credit.lot, self._of)
        return f'{amount} {{0.00 EUR, {day}, "{label}"}}'

    def _side(self, leg: Leg) -> str:
        group = "Assets:Prepaid" if leg.side is None else self._SIDES[leg.side]
        return self._name(group, leg.account)

    def balance(self, day: date, account: str, amount: str, *, money: bool) -> str:
        group = "Assets:Prepaid" if money else "Assets:Credits"
        return f"{day} balance {self._name(group, account)}  {amount}"


class Hledger:
    """Each lot is an account below its holder's."""

    _SIDES: Final[dict[Side, str]] = {
        "supplier": "liabilities:ovh", "used": "expenses:sms", "adjusted": "expenses:adjusted",
        "opening": "equity:opening", "unvalued": "equity:unvalued",
    }  # fmt: skip

    def __init__(self, journal: Journal) -> None:
        self._of = {book.account: book for book in journal.books}

    def head(self, journal: Journal) -> Iterator[str]:
        yield f"; SMS credits. {_told(journal)}"
        yield f"commodity 1000.000 {UNIT}"
        currencies = {leg.currency for one in journal.transactions for leg in netted(one.money)}
        for currency in sorted(currencies):
            yield f"commodity 1000.00 {currency}"
        yield ""

    def _name(self, group: str, account: str) -> str:
        return f"{group}:{self._of[account].customer}:{account}" if account else group

    def transaction(self, one: Transaction) -> Iterator[str]:
        yield f"{one.day} * {_title(one)}"
        total = 0
        for credit in one.credits:
            lot = (
                "uncovered" if credit.lot is None else f"{credit.lot.account} {credit.lot.lot}"
            )
            name = f"{self._name('assets:credits', credit.account)}:{lot}"
            yield f"    {name}  {amount_of(credit.milli, '')}"
            total += credit.milli
        if total:
            yield f"    equity:credits  {amount_of(-total, '')}"
        for leg in netted(one.money):
            yield f"    {self._side(leg)}  {amount_of(leg.cents, leg.currency)}"
        yield ""

    def _side(self, leg: Leg) -> str:
        group = "assets:prepaid" if leg.side is None else self._SIDES[leg.side]
        return self._name(group, leg.account)

    def balance(self, day: date, account: str, amount: str, *, money: bool) -> str:
        """Assert on the last day, after all that happened on it; `=*` counts the lots below."""
        group = "assets:prepaid" if money else "assets:credits"
        nothing = amount_of(0, amount.rpartition(" ")[2] if money else "")
        before = day - timedelta(days=1)
        return f"{before} assertion\n    {self._name(group, account)}  {nothing} =* {amount}\n"


def _told(journal: Journal) -> str:
    return f"Written by sms-ledger at log position {journal.position}."


def _names(of: Sequence[Book]) -> dict[str, str]:
    """Give names that beancount takes: capitals first, nothing but letters, digits, hyphens."""
    names: dict[str, str] = {}
    for book in of:
        parts = (_STRANGE.sub("-", part) for part in (book.customer, book.account))
        name = ":".join(part[:1].upper() + part[1:] for part in parts)
        while name in names.values():
            name += "-2"
        names[book.account] = name
    return names
