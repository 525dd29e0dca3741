"""Documents of the customer with lines of its accounts: bills, and the refunds of bills.

OVH sells more than SMS, and requests are the cost that counts: a document is read once, and one
without SMS lines is remembered as examined.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, Literal, Protocol, TypeVar

from ledger.credits import MILLI_PER_CREDIT, Credits
from ledger.database import Database
from ledger.errors import OvhNotFound
from ledger.events import FromOvh
from ledger.money import Money
from ledger.ovh.gateway import Gateway, Price, Received
from ledger.sync.memory import examine, examined

# The smallest number of credits that OVH sells; a smaller quantity counts packs.
_SMALLEST_PACK: Final = 100

# A whole number, perhaps with blanks, points or commas between groups of three digits.
_NUMBER = r"(?<![\d.,])(\d{1,3}(?:[ .,'\u00a0\u202f]\d{3})+|\d+)(?![\d.,]\d)"
_UNIT = r"(?:cr[eéè]dit\w*|kredyt\w*|sms)"
_SMS_DOMAIN = re.compile(r"sms-[A-Za-z0-9._-]+")
_BEFORE = re.compile(rf"{_NUMBER}\s*{_UNIT}\b", re.IGNORECASE)
_AFTER = re.compile(rf"\b{_UNIT}\b\W*(?:x\s*)?{_NUMBER}", re.IGNORECASE)


class Detail(Protocol):
    """One line of a document, as OVH states it; `domain` is the `serviceName` for SMS."""

    @property
    def domain(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def quantity(self) -> str: ...


DetailT = TypeVar("DetailT", bound=Detail)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an account: the id by which it is recorded once, and the evidence of it."""

    id: str
    account: str
    received: Received

    @property
    def source(self) -> FromOvh:
        return FromOvh(self.received.route, self.received.read_at, self.received.query_id)


LineT = TypeVar("LineT", bound=Line)


class Documents(ABC, Generic[LineT]):
    """The SMS lines of the documents of one kind that were not looked at before.

    A document is remembered only when every SMS line of it was decided on: recorded, known, or
    put before a person. Lines of accounts that OVH does not list wait until it does.
    """

    KIND: str

    def __init__(
        self,
        gateway: Gateway,
        database: Database,
        customer: str,
        *,
        services: Collection[str],
        note: Callable[[str], None],
    ) -> None:
        self._gateway = gateway
        self._database = database
        self._customer = customer
        self._services = services
        self._note = note
        self._lines: dict[str, Sequence[LineT]] = {}
        self._decided: set[str] = set()

    @abstractmethod
    def _listed(self, since: datetime | None) -> Sequence[str]:
        """Ask OVH which documents there are."""

    @abstractmethod
    def _read(self, document: str) -> Sequence[LineT] | None:
        """Read the SMS lines of a document; None where it has no lines yet."""

    @property
    def _elsewhere(self) -> str:
        """Documents with lines of accounts that OVH does not list: "<account> <document>"."""
        return f"{self.KIND}-elsewhere"

    def read(self, since: datetime | None) -> None:
        """Read the documents since then, or all, that are neither read nor examined yet."""
        seen = self._examined()
        for document in self._listed(since):
            if document in seen or document in self._lines:
                continue
            try:
                lines = self._read(document)
            except OvhNotFound:
                name = f"{self.KIND} {document}"
                self._note(f"{name} is listed but not there (yet): read again next time")
                continue
            if lines is not None:
                self._lines[document] = lines

    def _examined(self) -> set[str]:
        waiting = examined(self._database, self._customer, self._elsewhere)
        elsewhere = {
            document
            for account, _, document in (reference.partition(" ") for reference in waiting)
            if account not in self._services
        }
        return examined(self._database, self._customer, self.KIND) | elsewhere

    def of(self, service: str) -> list[LineT]:
        """Give the lines of an account."""
        lines = (line for lines in self._lines.values() for line in lines)
        return [line for line in lines if line.account == service]

    def decided(self, lines: Iterable[LineT]) -> None:
        """Take note of lines that the ledger has decided on."""
        self._decided.update(line.id for line in lines)

    def remember(self) -> None:
        """Do not read again what is done."""
        done: list[str] = []
        elsewhere: list[str] = []
        for document, lines in self._lines.items():
            left = [line for line in lines if line.id not in self._decided]
            unlisted = [line for line in left if line.account not in self._services]
            if not left:
                done.append(document)
            elif left == unlisted:
                elsewhere.extend(f"{line.account} {document}" for line in unlisted)
        examine(self._database, self._customer, self.KIND, done)
        examine(self._database, self._customer, self._elsewhere, elsewhere)


def of_accounts(details: Iterable[DetailT]) -> list[DetailT]:
    """Give the lines whose `domain` is an SMS account."""
    return [detail for detail in details if _SMS_DOMAIN.fullmatch(detail.domain)]


def money(price: Price) -> Money:
    return Money(price.value, price.currencyCode)


# --- how many credits a line is about --------------------------------------------------------


# How many credits a line is about, and which part of it said so.
Read = tuple[Credits, Literal["quantity", "description"]]


def credits_of(detail: Detail) -> Read | None:
    """Tell how many credits a line is about, and which part said so; None where it is unclear.

    A quantity of 100 or more counts credits; a smaller one counts packs of the number that
    the description names.
    """
    quantity = _whole(detail.quantity)
    named = _named(detail.description)
    if quantity is None or quantity < 1:
        return None
    if quantity >= _SMALLEST_PACK:
        agrees = named is None or named == quantity
        return (Credits(quantity * MILLI_PER_CREDIT), "quantity") if agrees else None
    if named is None or named < _SMALLEST_PACK:
        return None
    return Credits(quantity * named * MILLI_PER_CREDIT), "description"


def _named(description: str) -> int | None:
    """Give the one number of credits in a description."""
    found = {_grouped(match) for match in _BEFORE.findall(description)}
    found = found or {_grouped(match) for match in _AFTER.findall(description)}
    return found.pop() if len(found) == 1 else None


def _grouped(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def _whole(text: str) -> int | None:
    """Read a quantity, which OVH gives as text: `1`, `1000`, `1000.00`."""
    match = re.fullmatch(r"([0-9]{1,9})(?:[.,]0+)?", text.strip())
    return int(match[1]) if match else None
