"""The rates of one billing country: what is recorded of them, and when it is news."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ledger.events import PacksSeen, PackTier, Rate, RatesEvent, RatesSeen, Stamp
from ledger.tariff import Dated, Tariff
from ledger.tariff import at as in_force


@dataclass(slots=True)
class RateBook:
    """The state of one stream `rates/<billing country>`.

    The tariff is replaced, never changed: drafts of a state share it.
    """

    billing_country: str
    version: int = 0
    tariff: Tariff | None = None

    def known(self) -> Tariff:
        return self.tariff or Tariff(self.billing_country)


def evolve(book: RateBook, event: RatesEvent) -> None:
    """Apply the next event of the stream."""
    book.version += 1
    before = book.known()
    book.tariff = Tariff(book.billing_country, dict(before.rates), before.tiers)
    book.tariff.take(event)


def see_rates(
    book: RateBook, rates: Iterable[Rate], *, stamp: Stamp, at: datetime
) -> tuple[RatesEvent, ...]:
    """Record the rates that OVH shows now where they differ from those that held."""
    known = book.known()
    return _rates(book, [r for r in rates if _value(known.rate(r.country, at)) != r], stamp, at)


def state_rates(
    book: RateBook, rates: Iterable[Rate], *, stamp: Stamp, at: datetime
) -> tuple[RatesEvent, ...]:
    """Record rates that begin at an instant, unless just that was recorded before."""
    histories = book.known().rates
    new = [
        rate
        for rate in rates
        if not any(
            one.since == at and one.value == rate for one in histories.get(rate.country, ())
        )
    ]
    return _rates(book, new, stamp, at)


def see_packs(
    book: RateBook,
    tiers: tuple[PackTier, ...],
    *,
    country: str | None,
    stamp: Stamp,
    at: datetime,
) -> tuple[RatesEvent, ...]:
    """Record the prices that OVH shows now where they differ from those that held."""
    if book.known().tiers_at(at) == tiers:
        return ()
    return (_packs(book, tiers, country, stamp, at),)


def state_packs(
    book: RateBook, tiers: tuple[PackTier, ...], *, stamp: Stamp, at: datetime
) -> tuple[RatesEvent, ...]:
    """Record prices that begin at an instant, unless just that was recorded before."""
    found = in_force(book.known().tiers, at)
    if found is not None and found.since == at and found.value == tiers:
        return ()
    return (_packs(book, tiers, None, stamp, at),)


def _value(found: Dated[Rate] | None) -> Rate | None:
    return found.value if found else None


def _rates(
    book: RateBook, rates: list[Rate], stamp: Stamp, at: datetime
) -> tuple[RatesEvent, ...]:
    if not rates:
        return ()
    return (
        RatesSeen(
            **stamp.at(at),
            billing_country=book.billing_country,
            rates=tuple(sorted(rates, key=lambda rate: rate.country)),
        ),
    )


def _packs(
    book: RateBook,
    tiers: tuple[PackTier, ...],
    country: str | None,
    stamp: Stamp,
    at: datetime,
) -> PacksSeen:
    return PacksSeen(
        **stamp.at(at),
        billing_country=book.billing_country,
        country=country,
        tiers=tuple(sorted(tiers, key=lambda tier: tier.quantity_min)),
    )
