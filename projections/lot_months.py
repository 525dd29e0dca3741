"""What the messages of an account cost in a month: the draws of its lots, summed up.

On the posted basis a closed month costs what its close says. What its messages turn out to have
cost more, or less, is of the first open month: it is of a prior period.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from ledger.calendars import month_of
from ledger.database import Row
from ledger.events import DrawnAtClose, PostedAs
from ledger.lots import Draw, LotId, Piece, cost_of
from ledger.money import Money
from projections.lot_facts import LotRow
from projections.lot_vat import cents_of
from projections.periods import Close

_MONTH = len("2026-10")


# What late corrections gave back is told apart from what late messages used.
StandsAs = PostedAs | Literal["returned"]


class MonthKey(NamedTuple):
    """The currency is empty where there is none."""

    month: str
    account: str
    currency: str
    stands_as: StandsAs


@dataclass(slots=True)
class MonthCost:
    """Net and cost in cents of one currency; `unvalued` thousandths are of unknown cost."""

    net: int = 0
    cost: int = 0
    unvalued: int = 0

    def add(self, lot: LotRow, piece: Piece) -> None:
        if lot.net_cents is not None:
            self.net += cost_of(lot.net_cents, lot.milli, piece.first, piece.milli)
        if lot.cost_cents is None:
            self.unvalued += piece.milli
        else:
            self.cost += cost_of(lot.cost_cents, lot.milli, piece.first, piece.milli)

    def plus(self, other: MonthCost, sign: int = 1) -> MonthCost:
        return MonthCost(
            self.net + sign * other.net,
            self.cost + sign * other.cost,
            self.unvalued + sign * other.unvalued,
        )


MonthCosts = Mapping[MonthKey, MonthCost]


def month_costs(
    lots: Mapping[LotId, LotRow], draws: Iterable[Draw], zone: ZoneInfo
) -> MonthCosts:
    """Sum up what messages drew by the months in which they stand.

    What cost nothing, or not known what, counts with the currency in which the customer buys:
    with none (empty) where that is several.
    """
    currencies = {lot.currency for lot in lots.values() if lot.currency}
    default = currencies.pop() if len(currencies) == 1 else ""
    found: dict[MonthKey, MonthCost] = defaultdict(MonthCost)
    for draw in draws:
        if draw.kind == "used":
            month, stands_as = _place(draw, zone)
            for piece, _ in draw.parts:
                lot = lots[piece.lot]
                key = MonthKey(month, draw.account, lot.currency or default, stands_as)
                found[key].add(lot, piece)
            uncovered = draw.uncovered + draw.forgiven
            if uncovered:
                key = MonthKey(month, draw.account, default, stands_as)
                found[key].unvalued += uncovered
    return found


def _place(draw: Draw, zone: ZoneInfo) -> tuple[str, StandsAs]:
    if draw.happened_us == draw.at_us:
        return draw.day[:_MONTH], "current"
    return month_of(zone, draw.at_us).name, "returned" if draw.milli < 0 else "late"


def month_rows(found: MonthCosts) -> list[Row]:
    """Give the rows of `lot_month` of a customer."""
    return [
        (key.month, key.account, key.currency, of.net, of.cost, of.unvalued)
        for key, of in sorted(found.items())
    ]


# --- the posted basis -----------------------------------------------------------------------


def posted_months(found: MonthCosts, closed: Sequence[Close], zone: ZoneInfo) -> MonthCosts:
    """Put the figures of closes in the place of what their months would come to now."""
    frozen = dict(_frozen(closed))
    months = {one.month for one in closed}
    kept = {key: of for key, of in found.items() if key.month not in months}
    changes: dict[MonthKey, MonthCost] = defaultdict(MonthCost)
    first_open = month_of(zone, closed[-1].end_us).name
    for costs, sign in ((found, 1), (_in_one_currency(frozen, found), -1)):
        for key, of in costs.items():
            if key.month in months:
                change = key._replace(month=first_open, stands_as="prior-period")
                changes[change] = changes[change].plus(of, sign)
    kept.update((key, of) for key, of in changes.items() if of != MonthCost())
    return {**kept, **frozen}


def is_as_closed(found: MonthCosts, closed: Sequence[Close]) -> bool:
    """Tell whether closed months come to what their closes say."""
    months = {one.month for one in closed}
    told = _in_one_currency(dict(_frozen(closed)), found)
    frozen = {key: of for key, of in told.items() if of != MonthCost()}
    return frozen == {
        key: of for key, of in found.items() if key.month in months and of != MonthCost()
    }


def _in_one_currency(frozen: MonthCosts, found: MonthCosts) -> MonthCosts:
    """Count what had no currency at a close with the only one that there is now."""
    currencies = {key.currency for key in found if key.currency}
    if len(currencies) != 1:
        return frozen
    (only,) = currencies
    told: dict[MonthKey, MonthCost] = defaultdict(MonthCost)
    for key, of in frozen.items():
        named = key._replace(currency=key.currency or only)
        told[named] = told[named].plus(of)
    return told


def _frozen(closed: Sequence[Close]) -> Iterator[tuple[MonthKey, MonthCost]]:
    for one in closed:
        for account in one.event.accounts:
            for drawn in account.drawn:
                if drawn.kind == "used":
                    key = MonthKey(
                        one.month, account.account, _currency(drawn), _stands_as(drawn)
                    )
                    cost = MonthCost(
                        _cents(drawn.net), _cents(drawn.cost), drawn.unvalued.milli
                    )
                    yield key, cost


def _stands_as(drawn: DrawnAtClose) -> StandsAs:
    if drawn.posted_as == "late" and drawn.credits.milli < 0:
        return "returned"
    return drawn.posted_as


def _currency(drawn: DrawnAtClose) -> str:
    known = drawn.cost or drawn.net
    return known.currency if known else ""


def _cents(money: Money | None) -> int:
    return 0 if money is None else cents_of(money)


def posted_month_rows(found: MonthCosts) -> list[Row]:
    """Give the rows of `posted_month` of a customer."""
    return [(*key, of.net, of.cost, of.unvalued) for key, of in sorted(found.items())]
