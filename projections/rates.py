"""`rates`: what is known of OVH's rates and prices, and what changed between two moments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ledger.credits import Credits
from ledger.database import Database
from ledger.errors import Refused
from ledger.events import FromFile, FromOvh, PackTier, Source
from ledger.tariff import Dated, Tariff, price_of
from ledger.times import from_us, zone, zone_of_subsidiary
from projections.books import log_position
from projections.moments import Moment
from projections.report import Report
from projections.tariffs import billing_countries, tariff

_MICROSECOND: Final = timedelta(microseconds=1)


class NoRates(Refused):
    """Nothing is recorded of the rates that were asked for."""


@dataclass(frozen=True, slots=True)
class RateRow:
    """What one SMS to a country takes, and since when; no credits: OVH sends none there.

    `price` is what OVH stated for it, excluding VAT. `source` is `ovh` where OVH showed it at
    `valid_from`, so that it may have held before, and `file` where a file states the date.
    """

    billing_country: str
    country: str
    credits: Credits | None
    price: str | None
    currency: str | None
    valid_from: datetime
    source: str


@dataclass(frozen=True, slots=True)
class PackRow:
    """What a credit costs, excluding VAT, from `quantity_min` up to and without the maximum."""

    billing_country: str
    quantity_min: int
    quantity_max: int | None
    price_per_credit: str
    currency: str
    list_price: str | None
    valid_from: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Change:
    """A rate (`item` is the country) or a price (`100–499`) at two moments; None: not known."""

    billing_country: str
    item: str
    before: str | None
    after: str | None
    since: datetime | None


def show_rates(
    database: Database,
    billing: Sequence[str],
    countries: Sequence[str],
    *,
    as_of: Moment | None,
    now: datetime,
) -> Report[RateRow]:
    """Give the rates in force. Raises NoRates where nothing is known of what is named."""
    rows = [
        RateRow(
            billing_country=one.billing_country,
            country=country,
            credits=found.value.credits,
            price=str(found.value.price.amount) if found.value.price else None,
            currency=found.value.price.currency if found.value.price else None,
            valid_from=found.since.astimezone(_zone(one)),
            source=_word(found.source),
        )
        for one in _tariffs(database, billing)
        for country in sorted(one.rates)
        if not countries or country in countries
        if (found := one.rate(country, _moment(as_of, one, now)))
    ]
    return Report(RateRow, log_position(database), rows)


def show_packs(
    database: Database, billing: Sequence[str], *, as_of: Moment | None, now: datetime
) -> Report[PackRow]:
    """Give the prices in force. Raises NoRates."""
    rows = []
    for one in _tariffs(database, billing):
        moment = _moment(as_of, one, now)
        held = [dated for dated in one.tiers if dated.since <= moment]
        rows += [_pack(one, held[-1], tier) for dated in held[-1:] for tier in dated.value]
    return Report(PackRow, log_position(database), rows)


def _pack(of: Tariff, dated: Dated[tuple[PackTier, ...]], tier: PackTier) -> PackRow:
    price = price_of(tier)
    return PackRow(
        billing_country=of.billing_country,
        quantity_min=tier.quantity_min,
        quantity_max=tier.quantity_max,
        price_per_credit=str(price.amount),
        currency=price.currency,
        list_price=str(tier.credit_price.amount) if tier.discount_price else None,
        valid_from=dated.since.astimezone(_zone(of)),
        source=_word(dated.source),
    )


def diff(
    database: Database,
    billing: Sequence[str],
    *,
    before: Moment | None,
    after: Moment | None,
    now: datetime,
) -> Report[Change]:
    """Give what differs between two moments; without any, what the latest change brought."""
    rows: list[Change] = []
    for one in _tariffs(database, billing):
        latest = max((at for at in one.moments if at <= now), default=now)
        later = latest if before is None else _moment(after, one, now)
        earlier = latest - _MICROSECOND if before is None else _moment(before, one, now)
        rows += _changes(one, *sorted((earlier, later)))
    return Report(Change, log_position(database), rows)


def _changes(of: Tariff, before: datetime, after: datetime) -> Iterator[Change]:
    for country in sorted(of.rates):
        old, new = of.rate(country, before), of.rate(country, after)
        then = str(old.value.credits or "-") if old else None
        now = str(new.value.credits or "-") if new else None
        if then != now:
            since = new.since.astimezone(_zone(of)) if new else None
            yield Change(of.billing_country, country, then, now, since)
    prices, others = (
        {_span(tier): str(price_of(tier)) for tier in of.tiers_at(moment)}
        for moment in (before, after)
    )
    began = max((one.since for one in of.tiers if one.since <= after), default=None)
    for span in sorted({*prices, *others}, key=_least):
        if prices.get(span) != others.get(span):
            since = began.astimezone(_zone(of)) if began else None
            yield Change(of.billing_country, span, prices.get(span), others.get(span), since)


def _span(tier: PackTier) -> str:
    """Write a tier by the quantities that are in it: `100–499`, `1000–`."""
    last = "" if tier.quantity_max is None else tier.quantity_max - 1
    return f"{tier.quantity_min}–{last}"


def _least(span: str) -> int:
    return int(span.partition("–")[0])


def _tariffs(database: Database, billing: Sequence[str]) -> list[Tariff]:
    known = billing_countries(database)
    for one in billing:
        if one not in known:
            msg = (
                f"expected rates of those billed in {one}, found"
                f" {', '.join(known) or 'none at all'}: type"
                f" `sms-ledger rates update --billing-country {one}`, or import a file"
            )
            raise NoRates(msg)
    return [tariff(database, one) for one in known if not billing or one in billing]


def _zone(of: Tariff) -> ZoneInfo:
    return zone(zone_of_subsidiary(of.billing_country))


def _moment(moment: Moment | None, of: Tariff, now: datetime) -> datetime:
    """Give the last instant of what was asked for, where the billing country is."""
    return now if moment is None else from_us(moment.end_us(_zone(of)) - 1)


def _word(source: Source) -> str:
    match source:
        case FromOvh():
            return "ovh"
        case FromFile():
            return "file"
        case _:
            return "operator"
