"""What OVH asks in one billing country, over time: credits per SMS, money per credit."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, TypeVar

from ledger.credits import MILLI_PER_CREDIT, Credits
from ledger.errors import InvalidValue
from ledger.events import FromOvh, PacksSeen, PackTier, Rate, RatesEvent, RatesSeen, Source
from ledger.money import Money
from ledger.names import country_code

T = TypeVar("T")

# The countries whose OVH sells SMS (`sms.BillingCountryEnum`, 2026), in which prices differ.
BILLING_COUNTRIES: Final = ("ES", "FR", "GB", "IE", "IT", "PL")


def billing_country(text: str) -> str:
    """Check a country where OVH bills SMS: others have no rates. Raises InvalidValue."""
    country = country_code(text)
    if country not in BILLING_COUNTRIES:
        *most, last = BILLING_COUNTRIES
        msg = (
            f"expected a country where OVH sells SMS ({', '.join(most)} or {last}), found"
            f" {country}"
        )
        raise InvalidValue(msg)
    return country


# What OVH sells as a pack (`sms.PackQuantityEnum`, 2026); other quantities are sold too.
PACKS: Final = (
    100, 200, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 1_000_000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """Something that holds from an instant on, and on what evidence."""

    since: datetime
    value: T
    source: Source

    @property
    def was_read(self) -> bool:
        """Tell whether OVH showed it then: it may have begun to hold before."""
        return isinstance(self.source, FromOvh)


History = tuple[Dated[T], ...]


def at(history: Sequence[Dated[T]], moment: datetime) -> Dated[T] | None:
    """Give what held at a moment."""
    place = bisect_right(history, moment, key=_since)
    return history[place - 1] if place else None


def after(history: Sequence[Dated[T]], moment: datetime) -> Dated[T] | None:
    """Give what came to hold next."""
    place = bisect_right(history, moment, key=_since)
    return history[place] if place < len(history) else None


def dated(history: History[T], one: Dated[T]) -> History[T]:
    """Add something to a history; what was told last of one instant counts."""
    place = bisect_right(history, one.since, key=_since)
    told_again = place and history[place - 1].since == one.since
    return (*history[: place - 1 if told_again else place], one, *history[place:])


def _since(one: Dated[T]) -> datetime:
    return one.since


@dataclass(slots=True)
class Tariff:
    """The rates and the prices of one billing country, each with its history."""

    billing_country: str
    rates: dict[str, History[Rate]] = field(default_factory=dict)
    tiers: History[tuple[PackTier, ...]] = ()

    def take(self, event: RatesEvent) -> None:
        """Add what an event tells; events may come in any order of their times."""
        match event:
            case RatesSeen():
                self.add_rates(event.happened_at, event.rates, event.source)
            case PacksSeen():
                self.add_tiers(event.happened_at, event.tiers, event.source)

    def add_rates(self, since: datetime, rates: Iterable[Rate], source: Source) -> None:
        for rate in rates:
            known = self.rates.get(rate.country, ())
            self.rates[rate.country] = dated(known, Dated(since, rate, source))

    def add_tiers(self, since: datetime, tiers: Iterable[PackTier], source: Source) -> None:
        ordered = tuple(sorted(tiers, key=lambda tier: tier.quantity_min))
        self.tiers = dated(self.tiers, Dated(since, ordered, source))

    def rate(self, country: str, moment: datetime) -> Dated[Rate] | None:
        """Give the rate of a destination at a moment."""
        return at(self.rates.get(country, ()), moment)

    def tiers_at(self, moment: datetime) -> tuple[PackTier, ...]:
        """Give the prices of a credit by quantity; none where they are not known."""
        found = at(self.tiers, moment)
        return found.value if found else ()

    @property
    def moments(self) -> list[datetime]:
        """Every instant when something changed."""
        told = {one.since for history in self.rates.values() for one in history}
        return sorted(told | {one.since for one in self.tiers})


def tier_of(tiers: Sequence[PackTier], bought: Credits) -> PackTier | None:
    """Give the tier of a quantity: from its minimum on, up to and without its maximum."""
    for tier in tiers:
        end = tier.quantity_max
        if whole(tier.quantity_min) <= bought and (end is None or bought < whole(end)):
            return tier
    return None


def whole(credits: int) -> Credits:
    return Credits(credits * MILLI_PER_CREDIT)


def price_of(tier: PackTier) -> Money:
    """Give what one credit of a tier costs now, excluding VAT."""
    return tier.discount_price or tier.credit_price
