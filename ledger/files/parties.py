"""The customers and accounts that a file names, with the totals of each customer's rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ledger import names
from ledger.errors import InvalidValue

_LONGEST_SHOWN: Final = 80


class BadCell(Exception):
    """A cell that does not fit; the row's reader adds file and line."""

    def __init__(self, column: str, expected: str, found: str) -> None:
        self.column = column
        self.expected = expected
        self.found = found
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

    def account(self, column: str, name: str, customer: str, line: int) -> NamedAccount:
        """Find an account or take it in. Raises BadCell."""
        if customer not in self.customers:
            self._register(customer, line)
        known = self.accounts.get(name)
        if known is None:
            known = self._take_in(column, name, customer, line)
        if known.customer != customer:
            expected = f"{known.customer}, whose account {name} is in line {known.line}"
            raise BadCell("customer", expected, customer)
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

    def count(self, customer: str, line: int, *, milli: int, gross_milli: int) -> None:
        """Add one row to its customer's totals."""
        totals = self.customers[customer]
        totals.rows += 1
        totals.last_line = line
        totals.total_milli += milli
        totals.gross_milli += gross_milli
