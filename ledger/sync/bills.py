"""Purchases from bills: one bill line, one purchase, read by the line's own words.

OVH documents neither the wording of an SMS line nor whether its quantity counts packs or
credits. Two readings that disagree are not booked: they are put before a person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from ledger.account import Account, KeyConflict, open_break, record_once
from ledger.credits import MILLI_PER_CREDIT, ZERO, Credits
from ledger.database import Database
from ledger.errors import OvhNotFound
from ledger.events import AccountEvent, BreakKind, CreditsPurchased, FromOvh, Stamp
from ledger.money import Money
from ledger.ovh.gateway import Bill, BillDetail, Gateway, Price, Received
from ledger.sync.memory import examine, examined

# The smallest number of credits that OVH sells; a smaller quantity counts packs.
_SMALLEST_PACK: Final = 100

# A whole number, perhaps with blanks, points or commas between groups of three digits.
_NUMBER = r"(?<![\d.,])(\d{1,3}(?:[ .,'\u00a0\u202f]\d{3})+|\d+)(?![\d.,]\d)"
_UNIT = r"(?:cr[eéè]dit\w*|kredyt\w*|sms)"
_SMS_DOMAIN = re.compile(r"sms-[A-Za-z0-9._-]+")
_BEFORE = re.compile(rf"{_NUMBER}\s*{_UNIT}\b", re.IGNORECASE)
_AFTER = re.compile(rf"\b{_UNIT}\b\W*(?:x\s*)?{_NUMBER}", re.IGNORECASE)

BILL: Final = "bill"
# A bill with lines of accounts that OVH does not list: "<account> <bill>".
ELSEWHERE: Final = "bill-elsewhere"


@dataclass(frozen=True, slots=True)
class BillLine:
    """A line of a bill whose `domain` is an SMS account, with the evidence of its reading."""

    bill: Bill
    detail: BillDetail
    received: Received

    @property
    def source(self) -> FromOvh:
        return FromOvh(self.received.route, self.received.read_at, self.received.query_id)


class Bills:
    """The SMS lines of the bills that were not looked at before.

    A bill is remembered only when every SMS line of it was decided on: recorded, known, or put
    before a person. Lines of accounts that OVH does not list wait until it does.
    """

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
        self._lines: dict[str, list[BillLine]] = {}
        self._decided: set[str] = set()

    def read(self, since: datetime | None) -> None:
        """Read the bills since then, or all, that are neither read nor examined yet."""
        seen = self._examined()
        for bill_id in self._gateway.bill_ids(since=since):
            if bill_id not in seen and bill_id not in self._lines:
                self._read(bill_id)

    def _read(self, bill_id: str) -> None:
        try:
            details = self._gateway.bill_details(bill_id)
            received = self._gateway.last
            ours = [detail for detail in details if _SMS_DOMAIN.fullmatch(detail.domain)]
            bill = self._gateway.bill(bill_id) if ours else None
        except OvhNotFound:
            self._note(f"bill {bill_id} is listed but not there (yet): read again next time")
            return
        if bill is not None:
            self._lines[bill_id] = [BillLine(bill, detail, received) for detail in ours]
        elif details:
            self._lines[bill_id] = []

    def _examined(self) -> set[str]:
        waiting = examined(self._database, self._customer, ELSEWHERE)
        elsewhere = {
            bill_id
            for account, _, bill_id in (reference.partition(" ") for reference in waiting)
            if account not in self._services
        }
        return examined(self._database, self._customer, BILL) | elsewhere

    def of(self, service: str) -> list[BillLine]:
        """Give the lines of an account."""
        lines = (line for lines in self._lines.values() for line in lines)
        return [line for line in lines if line.detail.domain == service]

    def decided(self, lines: Iterable[BillLine]) -> None:
        """Take note of lines that the ledger has decided on."""
        self._decided.update(line.detail.billDetailId for line in lines)

    def remember(self) -> None:
        """Do not read again what is done."""
        done: list[str] = []
        elsewhere: list[str] = []
        for bill_id, lines in self._lines.items():
            left = [line for line in lines if line.detail.billDetailId not in self._decided]
            unlisted = [line for line in left if line.detail.domain not in self._services]
            if not left:
                done.append(bill_id)
            elif left == unlisted:
                elsewhere.extend(f"{line.detail.domain} {bill_id}" for line in unlisted)
        examine(self._database, self._customer, BILL, done)
        examine(self._database, self._customer, ELSEWHERE, elsewhere)


def credits_of(
    detail: BillDetail,
) -> tuple[Credits, Literal["quantity", "description"]] | None:
    """Tell how many credits a bill line sold, and which part said so; None where it is unclear.

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


def purchase(account: Account, line: BillLine, *, stamp: Stamp) -> tuple[AccountEvent, ...]:
    """Record the purchase of a bill line, or put before a person what cannot be booked."""
    at, detail = line.bill.date, line.detail
    read = credits_of(detail)
    if read is None:
        text = (
            f"bill {line.bill.billId}: expected a number of credits in quantity"
            f" {detail.quantity!r} and description {detail.description!r}; not booked"
        )
        return _break(account, "purchase-unreadable", line, text, stamp=stamp)
    bought, read_by = read
    event = CreditsPurchased(
        **stamp.at(at),
        bill_detail_id=detail.billDetailId,
        bill_id=line.bill.billId,
        order_id=line.bill.orderId,
        description=detail.description,
        quantity=detail.quantity,
        unit_price=_money(detail.unitPrice),
        total_price=_money(detail.totalPrice),
        tax=None,
        bill_net=_money(line.bill.priceWithoutTax),
        bill_tax=_money(line.bill.tax),
        bill_gross=_money(line.bill.priceWithTax),
        credits=bought,
        gift_credits=ZERO,
        read_by=read_by,
    )
    try:
        return record_once(account, event)
    except KeyConflict as conflict:
        text = f"bill {line.bill.billId}: {conflict}; not booked again"
        return _break(account, "purchase-conflict", line, text, stamp=stamp)


def _break(
    account: Account, kind: BreakKind, line: BillLine, text: str, *, stamp: Stamp
) -> tuple[AccountEvent, ...]:
    return open_break(
        account,
        kind,
        line.detail.billDetailId,
        credits=None,
        text=text,
        stamp=stamp,
        at=line.bill.date,
    )


def _money(price: Price) -> Money:
    return Money(price.value, price.currencyCode)
