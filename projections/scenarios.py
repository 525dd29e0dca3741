"""Scenarios of automatic recharge: as it happened, and as it would have been.

Prices are the list's, each for its own quantity. What a year costs is told from what recharges
had to bring: what was used, less what came otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from typing import Final, Literal

from ledger.calendars import days
from ledger.credits import MILLI_PER_CREDIT, Credits
from ledger.events import PackTier
from ledger.tariff import price_of, whole
from projections.account_past import AccountPast
from projections.advice import DAYS_A_YEAR, larger_amount
from projections.books import Book
from projections.prices import listed
from projections.replay import Replayed, Settings, as_it_happened, replay
from projections.report import NESTED
from projections.rounding import cents, digits

SECOND_US: Final = 1_000_000
_DAY_US: Final = 86_400 * SECOND_US

# From a shorter time no year is told.
FOR_A_YEAR_US: Final = 28 * _DAY_US

Kind = Literal["happened", "replayed"]


@dataclass(frozen=True, slots=True)
class Came:
    """A recharge: when it came, how many credits, and what was left just before."""

    at: datetime
    credits: Credits
    left: Credits


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """An amount that OVH offers, at the same threshold."""

    amount: int
    recharges: int
    lowest: Credits
    days_dry: int
    price_per_credit: str | None
    price: str | None
    cost_per_year: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """How it went, or would have: opening + recharged + other − used = closing.

    `days_dry` are local days with no credits at some time, `days_below_zero` those of them
    with fewer than none. `cost` is what recharges cost in that time, `cost_per_year` what a
    year of such use costs at their price; both excluding VAT, None where prices are not known.
    """

    customer: str
    account: str
    scenario: Kind
    threshold: Credits | None = None
    amount: int | None = None
    begin: datetime
    end: datetime
    delay_s: int | None = None
    recharges: int
    opening: Credits
    recharged: Credits
    other: Credits
    used: Credits
    closing: Credits
    lowest: Credits
    lowest_at: datetime
    days_dry: int
    days_below_zero: int
    price_per_credit: str | None = None
    currency: str | None = None
    cost: str | None = None
    cost_per_year: str | None = None
    came: tuple[Came, ...] = field(metadata=NESTED)
    offered: tuple[Offered, ...] = field(default=(), metadata=NESTED)
    advice: tuple[str, ...] = field(default=(), metadata=NESTED)


@dataclass(frozen=True, slots=True)
class Ground:
    """What both scenarios stand on: an account, its past, and the list of prices."""

    book: Book
    history: AccountPast
    tiers: Sequence[PackTier]

    @property
    def need_per_day(self) -> Fraction | None:
        """What recharges had to bring in a day, in thousandths; None: too short a time."""
        past = self.history.past
        took_us = past.end_us - past.start_us
        if took_us < FOR_A_YEAR_US:
            return None
        return Fraction(max(self.history.used - self.history.other, 0) * _DAY_US, took_us)


def happened(ground: Ground, threshold: Credits | None, amount: int | None) -> Scenario:
    """Tell how it went; the settings are those in force at the end."""
    went = as_it_happened(ground.history.past)
    told = replace(_told(ground, went, "happened"), threshold=threshold, amount=amount)
    return _priced(told, ground, went)


def replayed(
    ground: Ground,
    threshold: Credits,
    amount: int | None,
    *,
    delay_us: int,
    amounts: Sequence[int],
) -> Scenario:
    """Tell how it would have gone, and what it would have been with other amounts."""
    went = replay(ground.history.past, _in_milli(threshold, amount), delay_us)
    told = replace(
        _told(ground, went, "replayed"),
        threshold=threshold,
        amount=amount,
        delay_s=delay_us // SECOND_US,
        offered=tuple(_offers(ground, threshold, amounts, delay_us)),
        advice=tuple(_advice(ground, amount, amounts)),
    )
    return _priced(told, ground, went)


def _in_milli(threshold: Credits, amount: int | None) -> Settings:
    return Settings(threshold.milli, None if amount is None else whole(amount).milli)


def _told(ground: Ground, went: Replayed, scenario: Kind) -> Scenario:
    book, history, gauge = ground.book, ground.history, went.gauge
    past = history.past
    return Scenario(
        customer=book.customer,
        account=book.account,
        scenario=scenario,
        begin=book.local(past.start_us),
        end=book.local(past.end_us - 1),
        recharges=len(went.recharges),
        opening=Credits(past.opening),
        recharged=Credits(went.recharged),
        other=Credits(history.other),
        used=Credits(history.used),
        closing=Credits(gauge.balance),
        lowest=Credits(gauge.lowest),
        lowest_at=book.local(gauge.lowest_at_us),
        days_dry=_days(book, gauge.dry),
        days_below_zero=_days(book, gauge.below),
        came=tuple(
            Came(book.local(one.at_us), Credits(one.milli), Credits(one.left))
            for one in went.recharges
        ),
    )


def _days(book: Book, stretches: Iterable[tuple[int, int]]) -> int:
    """Count the local days that stretches of time touch."""
    return len(
        {day.name for start, end in stretches for day in days(book.zone, start, end - 1)}
    )


def _offers(
    ground: Ground, threshold: Credits, amounts: Sequence[int], delay_us: int
) -> Iterator[Offered]:
    for amount in amounts:
        went = replay(ground.history.past, _in_milli(threshold, amount), delay_us)
        price = listed(ground.tiers, whole(amount))
        yield Offered(
            amount=amount,
            recharges=len(went.recharges),
            lowest=Credits(went.gauge.lowest),
            days_dry=_days(ground.book, went.gauge.dry),
            price_per_credit=price.text if price else None,
            price=price.of(whole(amount).milli) if price else None,
            cost_per_year=_per_year(ground, price.amount) if price else None,
        )


def _advice(ground: Ground, amount: int | None, amounts: Sequence[int]) -> Iterator[str]:
    per_day = ground.need_per_day
    if amount is not None and per_day:
        line = larger_amount(ground.tiers, amount, amounts, per_day)
        if line is not None:
            yield line


# --- money ---------------------------------------------------------------------------------


def _priced(told: Scenario, ground: Ground, went: Replayed) -> Scenario:
    """Add what the recharges cost, and what a year costs at their mean price."""
    paid = _paid(ground.tiers, went)
    if paid is None:
        return told
    told = replace(told, currency=price_of(ground.tiers[0]).currency, cost=cents(paid))
    if not went.recharged:
        return told
    each = Fraction(paid * MILLI_PER_CREDIT, went.recharged)
    return replace(told, price_per_credit=digits(each), cost_per_year=_per_year(ground, each))


def _paid(tiers: Sequence[PackTier], went: Replayed) -> Fraction | None:
    """Add up what recharges cost; None where a price is not known."""
    total = Fraction(0)
    for one in went.recharges:
        price = listed(tiers, Credits(one.milli))
        if price is None:
            return None
        total += Fraction(price.amount * one.milli, MILLI_PER_CREDIT)
    return total if tiers else None


def _per_year(ground: Ground, each: Fraction) -> str | None:
    need = ground.need_per_day
    if need is None:
        return None
    return cents(Fraction(need * DAYS_A_YEAR * each, MILLI_PER_CREDIT))
