"""Rates and prices as OVH shows them now, recorded where they changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final

from ledger.credits import Credits
from ledger.errors import InvalidValue, OvhBadAnswer, OvhNotFound, OvhRefused, Refused
from ledger.events import FromOvh, PacksSeen, PackTier, Rate, RatesEvent, Source, Stamp
from ledger.money import Money
from ledger.ovh.gateway import Gateway, PackDetails, Price
from ledger.rates import see_packs, see_rates
from ledger.service import Ledger, Work

_DESTINATIONS: Final = "/sms/rates/destinations"
_PACKS: Final = "/sms/rates/packs"


@dataclass(slots=True)
class Seen:
    """What OVH showed for one billing country, and what of it was news."""

    billing_country: str
    rates: dict[str, Rate] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    news: tuple[RatesEvent, ...] = ()

    @property
    def changed(self) -> list[str]:
        """The countries whose rates were news."""
        return [rate.country for one in self.news if not isinstance(one, PacksSeen)
                for rate in one.rates]  # fmt: skip

    @property
    def prices_changed(self) -> bool:
        return any(isinstance(one, PacksSeen) for one in self.news)


class RatesUpdate:
    """Reads the rates of some destinations, one request each, and all prices in one more.

    A destination that OVH does not know is left out or, where it had a rate, has none from now
    on. Any other refusal is raised, as is Refused where OVH knows none of them, and
    OvhBadAnswer where it answers for another than was asked for: then nothing is recorded.
    """

    def __init__(
        self, gateway: Gateway, ledger: Ledger, *, stamp: Callable[[Source], Stamp]
    ) -> None:
        self._gateway = gateway
        self._ledger = ledger
        self._stamp = stamp

    def run(self, billing_country: str, countries: Iterable[str]) -> Seen:
        seen = Seen(billing_country)
        tiers = self._tiers(billing_country)
        of_prices, priced_at = self._evidence(_PACKS)
        for country in countries:
            self._look(seen, country)
        _require_some(seen)
        of_rates, rated_at = (
            self._evidence(_DESTINATIONS) if seen.rates else (of_prices, priced_at)
        )

        def decide(work: Work) -> tuple[RatesEvent, ...]:
            book = work.rates(billing_country)
            gone = [_not_offered(one) for one in seen.unknown if book.known().rates.get(one)]
            rates, stamp = [*seen.rates.values(), *gone], self._stamp(of_rates)
            work.record(book, new := see_rates(book, rates, stamp=stamp, at=rated_at))
            stamp = self._stamp(of_prices)
            prices = see_packs(book, tiers, country=billing_country, stamp=stamp, at=priced_at)
            work.record(book, prices)
            return (*new, *prices)

        seen.news = self._ledger.work(decide)
        return seen

    def _look(self, seen: Seen, country: str) -> None:
        try:
            found = self._gateway.destination_rates(
                country.lower(), billing_country=seen.billing_country.lower()
            )
        except OvhNotFound:
            seen.unknown.append(country)
            return
        except OvhRefused as refused:
            if refused.parameter != "country":
                raise  # it says nothing of the country
            seen.unknown.append(country)
            return
        if found.countryCode.upper() != country:
            msg = (
                f"GET {_DESTINATIONS}: expected the rate of {country}, found that of"
                f" {found.countryCode.upper()}: OVH's answer contradicts the request; nothing"
                " was recorded, run it again later"
            )
            raise OvhBadAnswer(msg, query_id=self._gateway.last.query_id)
        seen.rates[country] = Rate(
            country=country,
            credits=_credits(found.credit, country),
            price=_money(found.price),
            vat_rate=_digits(found.vatRate),
        )

    def _tiers(self, billing_country: str) -> tuple[PackTier, ...]:
        asked = billing_country.lower()
        found = self._gateway.pack_rates(asked, billing_country=asked)
        tiers = sorted(map(_tier, found), key=lambda tier: tier.quantity_min)
        _require_order(tiers)
        return tuple(tiers)

    def _evidence(self, route: str) -> tuple[FromOvh, datetime]:
        last = self._gateway.last
        return FromOvh(route, last.read_at, last.query_id), last.read_at


def _require_some(seen: Seen) -> None:
    """Refuse to end rates where OVH knows none: more likely, it was asked wrongly."""
    if seen.unknown and not seen.rates:
        more = ", …" if len(seen.unknown) > 3 else ""  # noqa: PLR2004
        msg = (
            "expected a rate of one destination at least, found that OVH gives no rate of"
            f" {', '.join(seen.unknown[:3])}{more} for {seen.billing_country}: nothing was"
            f" recorded, ask for another one too, like `--to {seen.billing_country}`"
        )
        raise Refused(msg)


def _not_offered(country: str) -> Rate:
    return Rate(country=country, credits=None, price=None, vat_rate=None)


def _credits(number: Decimal, country: str) -> Credits:
    """Read a rate. Raises OvhBadAnswer where it is none, or finer than a thousandth."""
    try:
        credits = Credits.from_ovh(number)
    except InvalidValue as error:
        msg = f"GET {_DESTINATIONS}: {country}: {error}; nothing was recorded"
        raise OvhBadAnswer(msg) from error
    if credits.milli <= 0:
        msg = (
            f"GET {_DESTINATIONS}: {country}: expected a rate above 0, found {credits};"
            " nothing was recorded"
        )
        raise OvhBadAnswer(msg)
    return credits


def _tier(found: PackDetails) -> PackTier:
    price = _money(found.creditPrice)
    assert price is not None  # noqa: S101 (for the type checker)
    return PackTier(
        quantity_min=found.creditQuantityMin,
        quantity_max=found.creditQuantityMax,
        credit_price=price,
        discount_price=_money(found.discountCreditPrice),
        vat_rate=_digits(found.vatRate),
    )


def _require_order(tiers: Sequence[PackTier]) -> None:
    for tier, following in pairwise(tiers):
        if tier.quantity_max is None or tier.quantity_max > following.quantity_min:
            msg = (
                f"GET {_PACKS}: expected tiers that do not overlap, found"
                f" {tier.quantity_min} and {following.quantity_min}; nothing was recorded"
            )
            raise OvhBadAnswer(msg)


def _money(price: Price | None) -> Money | None:
    return Money(price.value, price.currencyCode) if price else None


def _digits(number: Decimal | None) -> str | None:
    """Write a number plainly, without needless zeros."""
    if number is None:
        return None
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
