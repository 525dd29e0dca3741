"""`order.Price` as an exact decimal."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ledger.ovh.gateway import Price

_log = logging.getLogger("sms_ledger.ovh")

_CENT: Final = Decimal("0.01")
_UCENT_EXPONENT: Final = -8  # a micro-cent is 1e-8 of the currency's unit


@dataclass(frozen=True, slots=True)
class WirePrice:
    """The price as it is sent; `value` is a double, often rounded to what is printed."""

    currencyCode: str  # noqa: N815
    value: Decimal
    priceInUcents: int | None = None  # noqa: N815

    def price(self) -> Price:
        return Price(value=_with_cents(self._exact()), currencyCode=self.currencyCode)

    def _exact(self) -> Decimal:
        """Micro-cents where they refine `value`.

        OVH documents their unit by name only. Should they mean anything else for some price,
        the figure that stands on the bill counts.
        """
        if self.priceInUcents is None:
            return self.value
        exact = Decimal(self.priceInUcents).scaleb(_UCENT_EXPONENT)
        if abs(exact - self.value) > _CENT:
            _log.info("priceInUcents says %s where value says %s", exact, self.value)
            return self.value
        return exact


def _with_cents(value: Decimal) -> Decimal:
    """Plain digits, at least two decimals, no further zeros, no negative zero."""
    if not value:
        return Decimal("0.00")
    whole, _, decimals = f"{value:f}".partition(".")
    return Decimal(f"{whole}.{decimals.rstrip('0').ljust(2, '0')}")
