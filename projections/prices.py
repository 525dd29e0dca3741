"""What a credit costs, excluding VAT: as it was billed last, or as OVH lists it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Literal

from ledger.credits import MILLI_PER_CREDIT, Credits
from ledger.database import Rows
from ledger.events import BillLineSeen, CreditsPurchased, PackTier
from ledger.tariff import Tariff, price_of, tier_of
from projections.bill_lines import bill_lines, priced
from projections.rounding import cents, digits
from projections.stream_events import stream_events
from projections.tariffs import tariff


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one credit, exactly; `quantity` are the credits bought at once."""

    amount: Fraction
    currency: str
    source: Literal["bill", "tariff"]
    quantity: Credits

    @property
    def text(self) -> str:
        return digits(self.amount)

    def of(self, milli: Fraction | int) -> str:
        """Give what thousandths of a credit cost, to the cent."""
        return cents(Fraction(self.amount * milli, MILLI_PER_CREDIT))


def billed(rows: Rows, account: str, until: datetime) -> Price | None:
    """Give the price of the last purchase of an account that has one; gifts make it lower."""
    last: CreditsPurchased | None = None
    known = list(stream_events(rows, account, CreditsPurchased, BillLineSeen))
    seen = bill_lines(known)
    for one in known:
        event = priced(one, seen) if isinstance(one, CreditsPurchased) else None
        if event is None or event.total_price is None:
            continue
        if event.happened_at <= until and (
            last is None or last.happened_at <= event.happened_at
        ):
            last = event
    if last is None or last.total_price is None:
        return None
    milli = last.credits.milli + last.gift_credits.milli
    if milli <= 0:
        return None
    net = last.total_price
    each = Fraction(Fraction(net.amount) * MILLI_PER_CREDIT, milli)
    return Price(each, net.currency, "bill", last.credits)


def listed(tiers: Sequence[PackTier], quantity: Credits) -> Price | None:
    """Give the price that OVH lists where so many are bought at once; None: not known."""
    tier = tier_of(tiers, quantity)
    if tier is None:
        return None
    price = price_of(tier)
    return Price(Fraction(price.amount), price.currency, "tariff", quantity)


def tariff_of(rows: Rows, customer: str) -> Tariff | None:
    """Give what is recorded of where a customer is billed; None where that is not known."""
    found = rows.execute(
        "SELECT subsidiary FROM customer WHERE customer = :customer", customer=customer
    )
    return tariff(rows, found[0][0]) if found and found[0][0] else None


def tiers_of(tariff: Tariff | None, moment: datetime) -> Sequence[PackTier]:
    """Give the prices of a moment; before the first that are known, those."""
    if tariff is None or not tariff.tiers:
        return ()
    return tariff.tiers_at(moment) or tariff.tiers[0].value
