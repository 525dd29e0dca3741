"""Purchases from bills: one bill line, one purchase, read by the line's own words.

OVH documents neither the wording of an SMS line nor whether its quantity counts packs or
credits. Two readings that disagree are not booked: they are put before a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.account import Account, KeyConflict, open_break, record_once, see_bill_line
from ledger.credits import ZERO
from ledger.events import AccountEvent, BillLineSeen, BreakKind, CreditsPurchased, Stamp
from ledger.ovh.gateway import Bill, BillDetail
from ledger.sync.documents import Documents, Line, Read, credits_of, money, of_accounts


@dataclass(frozen=True, slots=True)
class BillLine(Line):
    """A line of a bill whose `domain` is an SMS account, with the evidence of its reading."""

    bill: Bill
    detail: BillDetail


class Bills(Documents[BillLine]):
    """The SMS lines of the bills that were not looked at before."""

    KIND = "bill"

    def _listed(self, since: datetime | None) -> Sequence[str]:
        return self._gateway.bill_ids(since=since)

    def _read(self, document: str) -> Sequence[BillLine] | None:
        details = self._gateway.bill_details(document)
        received, ours = self._gateway.last, of_accounts(details)
        if not ours:
            return [] if details else None
        bill = self._gateway.bill(document)
        return [BillLine(one.billDetailId, one.domain, received, bill, one) for one in ours]


def purchase(account: Account, line: BillLine, *, stamp: Stamp) -> tuple[AccountEvent, ...]:
    """Record the purchase of a bill line, or put before a person what cannot be booked."""
    at, detail = line.bill.date, line.detail
    read = credits_of(detail)
    seen = see_bill_line(account, _seen(line, read, stamp=stamp))
    if read is None:
        text = (
            f"bill {line.bill.billId}: expected a number of credits in quantity"
            f" {detail.quantity!r} and description {detail.description!r}; not booked"
        )
        return (*seen, *_break(account, "purchase-unreadable", line, text, stamp=stamp))
    bought, read_by = read
    event = CreditsPurchased(
        **stamp.at(at),
        bill_detail_id=detail.billDetailId,
        bill_id=line.bill.billId,
        order_id=line.bill.orderId,
        description=detail.description,
        quantity=detail.quantity,
        unit_price=money(detail.unitPrice),
        total_price=money(detail.totalPrice),
        tax=None,
        bill_net=money(line.bill.priceWithoutTax),
        bill_tax=money(line.bill.tax),
        bill_gross=money(line.bill.priceWithTax),
        credits=bought,
        gift_credits=ZERO,
        read_by=read_by,
    )
    try:
        return record_once(account, event) or seen
    except KeyConflict as conflict:
        by_hand = event.bill_detail_id in account.by_hand
        if by_hand and conflict.known[1] == conflict.found[1]:
            return seen  # a person booked it by this line, before its bill could be read
        text = f"bill {line.bill.billId}: {conflict}; not booked again"
        conflicting = _break(account, "purchase-conflict", line, text, stamp=stamp)
        return (*seen, *conflicting) if by_hand else conflicting


def _seen(line: BillLine, read: Read | None, *, stamp: Stamp) -> BillLineSeen:
    bill, detail = line.bill, line.detail
    return BillLineSeen(
        **stamp.at(bill.date),
        bill_detail_id=detail.billDetailId,
        bill_id=bill.billId,
        order_id=bill.orderId,
        description=detail.description,
        quantity=detail.quantity,
        unit_price=money(detail.unitPrice),
        total_price=money(detail.totalPrice),
        bill_net=money(bill.priceWithoutTax),
        bill_tax=money(bill.tax),
        bill_gross=money(bill.priceWithTax),
        credits=read[0] if read else None,
        read_by=read[1] if read else None,
    )


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
