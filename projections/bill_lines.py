"""Purchases with the figures of their bills, where those were seen beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec.structs import replace

from ledger.events import BillLineSeen, CreditsPurchased, Event


def bill_lines(events: Iterable[Event]) -> dict[str, BillLineSeen]:
    """Give the bill lines that were seen, by their ids."""
    return {one.bill_detail_id: one for one in events if isinstance(one, BillLineSeen)}


def priced(purchase: CreditsPurchased, seen: Mapping[str, BillLineSeen]) -> CreditsPurchased:
    """Give a purchase with the money of its bill line, where it holds none itself.

    A line of other credits than were booked is before a person, and says nothing yet.
    """
    line = seen.get(purchase.bill_detail_id)
    if purchase.total_price is not None or line is None:
        return purchase
    if line.credits not in {None, purchase.credits + purchase.gift_credits}:
        return purchase
    return replace(
        purchase,
        bill_id=line.bill_id,
        order_id=line.order_id,
        description=line.description,
        quantity=line.quantity,
        unit_price=line.unit_price,
        total_price=line.total_price,
        bill_net=line.bill_net,
        bill_tax=line.bill_tax,
        bill_gross=line.bill_gross,
    )


def bought_at(purchase: CreditsPurchased, seen: Mapping[str, BillLineSeen]) -> datetime:
    """Give when a purchase was billed: a person books it when its credits were seen."""
    if priced(purchase, seen) is purchase:
        return purchase.happened_at
    return seen[purchase.bill_detail_id].happened_at
