"""`quote`: how many SMS some credits send to each destination, and at what price."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ledger.credits import Credits
from ledger.encoding import Encoding, Foreign, Sms, plain, sms
from ledger.errors import Refused
from ledger.events import PackTier
from ledger.money import Money
from ledger.tariff import PACKS, Tariff, price_of, tier_of, whole
from ledger.times import local_day, zone, zone_of_subsidiary
from projections.report import NESTED


class NoRate(Refused):
    """A country of which no rate is known, so that nothing can be quoted."""


class NoTier(Refused):
    """A quantity that OVH does not sell."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is sent, and what it would take in the GSM alphabet."""

    sms: Sms
    bare: Sms | None

    @classmethod
    def of(cls, text: str, *, stop_clause: bool) -> Text:
        """Measure a text. Raises InvalidValue or TooManyParts."""
        measured = sms(text, stop_clause=stop_clause)
        without = plain(text) if measured.foreign else ""
        bare = sms(without, stop_clause=stop_clause) if without.strip() else None
        return cls(measured, bare)


@dataclass(frozen=True, slots=True)
class Quote:
    """One destination: `credits` = `parts` × `credits_per_sms` is what the text costs once.

    `sms_in_pack` is how often the credits send it, `price_per_sms` what that costs each time,
    excluding VAT, where so many credits are bought at once. `*_without` is what it would be
    without the characters in `foreign`, which force Unicode. What is not known is None.
    """

    billing_country: str
    country: str
    encoding: Encoding | None
    parts: int
    credits_per_sms: Credits
    credits: Credits
    pack_credits: Credits
    sms_in_pack: int
    price_per_credit: str | None
    price_per_sms: str | None
    currency: str | None
    valid_from: datetime
    parts_without: int | None
    credits_without: Credits | None
    foreign: tuple[Foreign, ...] = field(metadata=NESTED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked: destinations (none: all that have a rate), credits, a text, a moment.

    `cure` says what to type where a rate is not known; `{}` stands for the country.
    """

    countries: Sequence[str]
    credits: Credits
    text: Text | None
    moment: datetime
    cure: str


def quotes(tariff: Tariff, wanted: Wanted) -> list[Quote]:
    """Quote each destination. Raises NoRate or NoTier."""
    price = _price(tariff.tiers_at(wanted.moment), wanted.credits)
    countries = wanted.countries or _rated(tariff, wanted.moment)
    if not countries:
        cure = wanted.cure.format(tariff.billing_country)
        msg = f"expected rates of those billed in {tariff.billing_country}, found none: {cure}"
        raise NoRate(msg)
    return [_quote(tariff, wanted, country, price) for country in countries]


def _rated(tariff: Tariff, moment: datetime) -> list[str]:
    """Give the destinations of which OVH says what they take."""
    return [
        country
        for country in sorted(tariff.rates)
        if (found := tariff.rate(country, moment)) and found.value.credits is not None
    ]


def _quote(tariff: Tariff, wanted: Wanted, country: str, price: Money | None) -> Quote:
    rate, since = _rate(tariff, wanted, country)
    text = wanted.text
    parts = len(text.sms.parts) if text else 1
    cost = Credits(parts * rate.milli)
    bare = len(text.bare.parts) if text and text.bare else None
    return Quote(
        billing_country=tariff.billing_country,
        country=country,
        encoding=text.sms.encoding if text else None,
        parts=parts,
        credits_per_sms=rate,
        credits=cost,
        pack_credits=wanted.credits,
        sms_in_pack=wanted.credits.milli // cost.milli,
        price_per_credit=_plainly(price.amount) if price else None,
        price_per_sms=_plainly((price.amount * cost.milli).scaleb(-3)) if price else None,
        currency=price.currency if price else None,
        valid_from=since.astimezone(zone(zone_of_subsidiary(tariff.billing_country))),
        parts_without=bare,
        credits_without=Credits(bare * rate.milli) if bare else None,
        foreign=text.sms.foreign if text else (),
    )


def _rate(tariff: Tariff, wanted: Wanted, country: str) -> tuple[Credits, datetime]:
    found = tariff.rate(country, wanted.moment)
    if found is not None and found.value.credits is not None:
        return found.value.credits, found.since
    later = tariff.rates.get(country, ())
    tz = zone(zone_of_subsidiary(tariff.billing_country))
    why = "none"
    if found is not None:
        why = f"that OVH has sent none there since {local_day(found.since, tz)}"
    elif later:
        why = f"the first from {local_day(later[0].since, tz)} on"
    msg = (
        f"expected a rate of {country} for those billed in {tariff.billing_country} at"
        f" {local_day(wanted.moment, tz)}, found {why}: {wanted.cure.format(country)}"
    )
    raise NoRate(msg)


# --- prices --------------------------------------------------------------------------------


def _price(tiers: Sequence[PackTier], bought: Credits) -> Money | None:
    """Give the price of one credit where so many are bought at once; None where not known.

    Fewer credits than OVH sells have no price. Raises NoTier for what lies between tiers.
    """
    tier = tier_of(tiers, bought)
    if tier is not None:
        return price_of(tier)
    if not tiers or bought < whole(tiers[0].quantity_min):
        return None
    msg = f"expected a quantity that OVH sells, found {bought}: {_sold(tiers, bought)}"
    raise NoTier(msg)


def _sold(tiers: Sequence[PackTier], bought: Credits) -> str:
    """Name the nearest quantities that are sold, below and above."""
    below = [
        t.quantity_max - 1 for t in tiers if t.quantity_max and whole(t.quantity_max) <= bought
    ]
    above = [tier.quantity_min for tier in tiers if whole(tier.quantity_min) > bought]
    near = [max(below), *([min(above)] if above else [])]
    return "type " + " or ".join(f"`--credits {one}`" for one in near)


def require_pack(quantity: int) -> None:
    """Refuse what OVH does not sell as a pack. Raises NoTier."""
    if quantity in PACKS:
        return
    place = bisect_left(PACKS, quantity)
    near = [
        f"`--pack {one}`" for one in (*PACKS[max(place - 1, 0) : place], *PACKS[place:][:1])
    ]
    msg = (
        f"expected a pack that OVH sells, found {quantity}: type {' or '.join(near)}, or"
        f" `--credits {quantity}` for credits that you have"
    )
    raise NoTier(msg)


def _plainly(amount: Decimal) -> str:
    """Write an exact amount without needless zeros."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
