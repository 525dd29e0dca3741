"""Refunds from `/me/refund`: money that OVH gave back for a line of a bill.

They are recorded as what they are, a fact about money: whether credits leave the account with
it, OVH says nowhere. Reconciliation shows them beside what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.account import Account, see_refund
from ledger.events import AccountEvent, RefundSeen, Stamp
from ledger.ovh.gateway import Refund, RefundDetail
from ledger.sync.documents import Documents, Line, credits_of, money, of_accounts


@dataclass(frozen=True, slots=True)
class RefundLine(Line):
    """A line of a refund whose `domain` is an SMS account, with the evidence of its reading."""

    refund: Refund
    detail: RefundDetail


class Refunds(Documents[RefundLine]):
    """The SMS lines of the refunds that were not looked at before."""

    KIND = "refund"

    def _listed(self, since: datetime | None) -> Sequence[str]:
        return self._gateway.refund_ids(since=since)

    def _read(self, document: str) -> Sequence[RefundLine] | None:
        details = self._gateway.refund_details(document)
        received, ours = self._gateway.last, of_accounts(details)
        if not ours:
            return [] if details else None
        refund = self._gateway.refund(document)
        return [
            RefundLine(one.refundDetailId, one.domain, received, refund, one) for one in ours
        ]


def record_refund(
    account: Account, line: RefundLine, *, stamp: Stamp
) -> tuple[AccountEvent, ...]:
    """Record a refund once, with the credits of the line where they can be read."""
    refund, detail = line.refund, line.detail
    read = credits_of(detail)
    event = RefundSeen(
        **stamp.at(refund.date),
        refund_detail_id=detail.refundDetailId,
        refund_id=refund.refundId,
        bill_id=refund.originalBillId,
        order_id=refund.orderId,
        description=detail.description,
        quantity=detail.quantity,
        unit_price=money(detail.unitPrice),
        total_price=money(detail.totalPrice),
        refund_net=money(refund.priceWithoutTax),
        refund_tax=money(refund.tax),
        refund_gross=money(refund.priceWithTax),
        credits=read[0] if read else None,
        read_by=read[1] if read else None,
    )
    return see_refund(account, event)
