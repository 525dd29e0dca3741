"""What the messages of an account cost in a month is shared among their labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from ledger.credits import Credits
from ledger.database import Rows
from ledger.lots import shared
from projections.lot_months import MonthCost
from projections.rounding import money


class Used(NamedTuple):
    """What the messages with one label used in a month, in thousandths of a credit."""

    value: str
    sms: int
    milli: int


@dataclass(slots=True)
class Sums:
    """How many messages, what they used, what it cost; `unvalued` is of unknown cost."""

    sms: int = 0
    milli: int = 0
    net: int = 0
    cost: int = 0
    unvalued: int = 0

    def add(self, other: Sums) -> None:
        self.sms += other.sms
        self.milli += other.milli
        self.net += other.net
        self.cost += other.cost
        self.unvalued += other.unvalued

    def shown(self, currency: str | None) -> tuple[Any, ...]:
        """Give the fields of a row; without any money where nothing of it is known."""
        unknown = bool(self.unvalued) and self.unvalued == self.milli and not self.cost
        net, cost = (None, None) if unknown else (money(self.net), money(self.cost))
        return self.sms, Credits(self.milli), net, cost, currency, Credits(self.unvalued)

    @classmethod
    def of(cls, row: Any) -> Sums:
        """Read the fields of a row back."""
        net, cost = (int((text or "0").replace(".", "")) for text in (row.net, row.cost))
        return cls(row.sms, row.credits.milli, net, cost, row.unvalued.milli)


# Of a month, what it cost by currency (empty: none).
_Month = dict[str, MonthCost]


class Paid:
    """What messages cost, by account and month, where the cost of credits is known at all."""

    def __init__(self, rows: Rows, first: str, end: str, *, valued: bool) -> None:
        """Read the months from the first one up to, and without, the one at the end."""
        self._months: dict[tuple[str, str], _Month] = defaultdict(dict)
        if valued:
            for account, month, currency, *sums in rows.execute(_COSTS, first=first, end=end):
                self._months[account, month][currency] = MonthCost(*sums)

    def shared(
        self, account: str, month: str, used: Sequence[Used]
    ) -> Iterator[tuple[str, str, Sums]]:
        """Share what an account's month cost among its labels, by value and currency.

        Where it was paid in several currencies, messages and credits stand with the first.
        """
        weights = [one.milli for one in used]
        of = self._months.get((account, month)) or {"": MonthCost(unvalued=sum(weights))}
        unvalued = shared(sum(one.unvalued for one in of.values()), weights)
        first, *others = sorted(of, key=lambda currency: currency or "~")
        for one, net, cost, share in zip(used, *_money(of[first], weights), unvalued,
                                         strict=True):  # fmt: skip
            yield one.value, first, Sums(one.sms, one.milli, net, cost, share)
        for currency in others:
            for one, net, cost in zip(used, *_money(of[currency], weights), strict=True):
                if net or cost:
                    yield one.value, currency, Sums(net=net, cost=cost)


def _money(of: MonthCost, weights: Sequence[int]) -> tuple[list[int], list[int]]:
    """Share net and cost of one currency."""
    net = shared(of.net, weights)
    return net, net if of.net == of.cost else shared(of.cost, weights)


_COSTS: Final = """
    SELECT account, month, currency, net_cents, cost_cents, unvalued_milli FROM lot_month
    WHERE month >= :first AND month < :end
"""
