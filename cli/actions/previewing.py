"""What an order would cost, as OVH says; none is placed."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.errors import OvhBadAnswer
from ledger.ovh.gateway import Gateway


@dataclass(frozen=True, slots=True)
class PurchaseQuote:
    """The price of `credits` bought at once: `net` + `tax` = `gross`, in `currency`."""

    account: str
    credits: int
    net: str
    tax: str
    gross: str
    currency: str


def preview(gateway: Gateway, account: str, quantity: int) -> PurchaseQuote:
    """Ask OVH. Raises OvhBadAnswer where its answer is no preview, or does not add up."""
    found = gateway.order_preview(account, quantity=quantity)
    net, tax, gross = found.withoutTax, found.tax, found.withTax
    if found.orderId is not None:
        msg = (
            f"expected a price without an order, found order {found.orderId}: OVH's answer"
            " contradicts the request; look for that order in OVH's Control Panel"
        )
        raise OvhBadAnswer(msg, query_id=gateway.last.query_id)
    currencies = {price.currencyCode for price in (net, tax, gross)}
    if net.value + tax.value != gross.value or len(currencies) > 1:
        msg = (
            f"expected a price and its VAT to add up, found {net.value} + {tax.value} ="
            f" {gross.value} {'/'.join(sorted(currencies))}: show OVH's support this line"
        )
        raise OvhBadAnswer(msg, query_id=gateway.last.query_id)
    return PurchaseQuote(
        account=account,
        credits=quantity,
        net=str(net.value),
        tax=str(tax.value),
        gross=str(gross.value),
        currency=net.currencyCode,
    )
