"""Advice with its figures: larger amounts, and credits that another account can spare.

It tells what would be if use goes on as it did, never more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

from ledger.credits import MILLI_PER_CREDIT
from ledger.events import PackTier
from ledger.tariff import whole
from projections.prices import Price, listed
from projections.rounding import cents, credits_of, nearest

DAYS_A_YEAR: Final = 365

# So many days of its own use an account keeps before it can spare something.
KEPT_DAYS: Final = 90


def larger_amount(
    tiers: Sequence[PackTier], bought: int, offered: Iterable[int], per_day: Fraction
) -> str | None:
    """Say what buying more at once would save in a year; None where nothing is to be saved.

    Only quantities count that are used up within a year. `per_day` is in thousandths.
    """
    now = listed(tiers, whole(bought))
    a_year = per_day * DAYS_A_YEAR
    better = [
        price
        for quantity in sorted(offered)
        if bought < quantity
        and whole(quantity).milli <= a_year
        and (price := listed(tiers, whole(quantity)))
    ]
    best = min(better, key=_amount, default=None)
    if now is None or best is None or best.currency != now.currency:
        return None
    if best.amount >= now.amount:
        return None
    return _saving(now, best, per_day)


def _amount(price: Price) -> Fraction:
    return price.amount


def _saving(now: Price, best: Price, per_day: Fraction) -> str:
    saved = Fraction((now.amount - best.amount) * per_day * DAYS_A_YEAR, MILLI_PER_CREDIT)
    return (
        f"{best.quantity} credits bought at once cost {best.text} {best.currency} each instead"
        f" of {now.text} for {now.quantity}: about {cents(saved)} {best.currency} less a year"
        f" if use stays at {credits_of(per_day)} a day; they last about"
        f" {nearest(Fraction(best.quantity.milli, per_day))} days and cost"
        f" {best.of(best.quantity.milli)} {best.currency} at once"
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """An account among those of its customer; `spare` thousandths could leave it.

    `buys_on`: when credits have to come, by recharge or by hand; None: not soon.
    """

    customer: str
    account: str
    buys_on: date | None
    owned: int
    kept: int

    @property
    def spare(self) -> int:
        """Whole credits, in thousandths, that are not needed."""
        return max(self.owned - self.kept, 0) // MILLI_PER_CREDIT * MILLI_PER_CREDIT


def moves_first(one: Standing, others: Iterable[Standing]) -> Iterator[str]:
    """Say which accounts of the same customer could give credits before some are bought."""
    if one.buys_on is None:
        return
    for other in sorted(others, key=_spare, reverse=True):
        if other.account == one.account or other.customer != one.customer:
            continue
        if other.buys_on is None and other.spare:
            yield (
                f"before credits are bought for {one.account} (about {one.buys_on}), up to"
                f" {credits_of(other.spare)} could be moved there from {other.account}, which"
                f" may spend {credits_of(other.owned)} and would keep {credits_of(other.kept)},"
                f" enough for {KEPT_DAYS} days at the most that it used so far"
            )


def _spare(one: Standing) -> int:
    return one.spare
