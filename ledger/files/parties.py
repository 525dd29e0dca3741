"""The customers and accounts that a file names, with the totals of each customer's rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ledger import names
from ledger.errors import InvalidValue

_LONGEST_SHOWN: Final = 80


class BadCell(Exception):
    """A cell that does not fit; the row's reader adds the file, and the line."""

    def __init__(
        self, column: str, expected: str, found: str, *, line: int | None = None
    ) -> None:
        self.column = column
        self.expected = expected
        self.found = found
        self.line = line
        super().__init__(column, expected, found)

    @classmethod
    def told(cls, column: str, error: InvalidValue) -> BadCell:
        """Take over what the vocabulary says: `expected …, found …`."""
        expected, _, found = str(error).removeprefix("expected ").partition(", found ")
        return cls(column, expected, found[:_LONGEST_SHOWN])


@dataclass(slots=True)
class CustomerTotals:
    """All rows of a customer as they stand in the file.

    `total_milli` is the signed sum of what they move, `gross_milli` the sum without signs.
    """

    customer: str
    first_line: int
    last_line: int
    rows: int = 0
    total_milli: int = 0
    gross_milli: int = 0


@dataclass(frozen=True, slots=True)
class NamedAccount:
    """An account of the file: its number in the spool, and where it was named first."""

    number: int
    name: str
    customer: str
    line: int


@dataclass(slots=True)
class Parties:
    """Who a file is about; an account belongs to one customer."""

    accounts: dict[str, NamedAccount] = field(default_factory=dict)
    customers: dict[str, CustomerTotals] = field(default_factory=dict)

    def knows(self, customer: str, account: str) -> bool:
        known = self.accounts.get(account)
        return known is not None and known.customer == customer

    def account(self, column: str, name: str, customer: str, line: int) -> NamedAccount:
        """Find an account or take it in. Raises BadCell."""
        if customer not in self.customers:
            self._register(customer, line)
        known = self.accounts.get(name)
        if known is None:
            known = self._take_in(column, name, customer, line)
        if known.customer != customer:
            expected = f"{known.customer}, whose account {name} is in line {known.line}"
            raise BadCell("customer", expected, customer, line=line)
        return known

    def _take_in(self, column: str, name: str, customer: str, line: int) -> NamedAccount:
        try:
            names.account_name(name)
        except InvalidValue as error:
            raise BadCell.told(column, error) from None
        account = NamedAccount(len(self.accounts), name, customer, line)
        self.accounts[name] = account
        return account

    def _register(self, customer: str, line: int) -> None:
        try:
            names.customer_name(customer)
        except InvalidValue as error:
            raise BadCell.told("customer", error) from None
        self.customers[customer] = CustomerTotals(customer, first_line=line, last_line=line)

    def count(
        self, customer: str, last_line: int, *, rows: int = 1, milli: int, gross_milli: int
    ) -> None:
        """Add rows to their customer's totals."""
        totals = self.customers[customer]
        totals.rows += rows
        totals.last_line = max(totals.last_line, last_line)
        totals.total_milli += milli
        totals.gross_milli += gross_milli

    def take_over(self, others: Parties) -> dict[int, int]:
        """Add those whom later rows name; gives the number here of each of their accounts.

        Raises BadCell with the line where an account is named as another customer's.
        """
        numbers = {}
        for one in others.accounts.values():
            here = self.account("account", one.name, one.customer, one.line)
            numbers[one.number] = here.number
        for totals in others.customers.values():
            self._add(totals)
        return numbers

    def _add(self, totals: CustomerTotals) -> None:
        if totals.customer not in self.customers:
            self._register(totals.customer, totals.first_line)
        self.count(
            totals.customer,
            totals.last_line,
            rows=totals.rows,
            milli=totals.total_milli,
            gross_milli=totals.gross_milli,
        )
