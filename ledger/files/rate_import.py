"""Rates and prices of a file, recorded whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ledger.events import RatesEvent, RatesSeen, Source, Stamp
from ledger.files.rate_rows import RateFile
from ledger.rates import state_packs, state_rates
from ledger.service import Ledger, Work
from ledger.tariff import Tariff


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many rates and tiers a file states, and how many of them were news."""

    rows: int
    recorded: int


def record_rates(ledger: Ledger, file: RateFile, stamp: Callable[[Source], Stamp]) -> Outcome:
    """Record what a file states and is not recorded yet, in one transaction."""
    rows = sum(len(one.values) for one in file.rates)
    rows += sum(len(one.values) for one in file.tiers)
    return Outcome(rows, ledger.work(lambda work: _record(work, file, stamp)))


def _record(work: Work, file: RateFile, stamp: Callable[[Source], Stamp]) -> int:
    recorded = 0
    for rates in file.rates:
        book = work.rates(rates.billing_country)
        told = stamp(rates.source(file.sha256))
        new = state_rates(book, rates.values, stamp=told, at=rates.since)
        work.record(book, new)
        recorded += _count(new)
    for tiers in file.tiers:
        book = work.rates(tiers.billing_country)
        told = stamp(tiers.source(file.sha256))
        prices = tuple(sorted(tiers.values, key=lambda tier: tier.quantity_min))
        new = state_packs(book, prices, stamp=told, at=tiers.since)
        work.record(book, new)
        recorded += _count(new)
    return recorded


def _count(events: tuple[RatesEvent, ...]) -> int:
    return sum(
        len(one.rates) if isinstance(one, RatesSeen) else len(one.tiers) for one in events
    )


def tariffs_of(files: Iterable[RateFile]) -> dict[str, Tariff]:
    """Give what files state, by billing country; nothing is recorded."""
    found: dict[str, Tariff] = {}
    for file in files:
        for rates in file.rates:
            tariff = found.setdefault(rates.billing_country, Tariff(rates.billing_country))
            tariff.add_rates(rates.since, rates.values, rates.source(file.sha256))
        for tiers in file.tiers:
            tariff = found.setdefault(tiers.billing_country, Tariff(tiers.billing_country))
            tariff.add_tiers(tiers.since, tiers.values, tiers.source(file.sha256))
    return found
