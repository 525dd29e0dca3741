"""What the messages of an account cost in a month is shared among their labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from ledger.credits import ZERO, Credits
from ledger.database import Rows
from ledger.lots import shared
from projections.lot_months import MonthCost, StandsAs
from projections.rounding import money


class Used(NamedTuple):
    """What the messages with one label used in a month, in thousandths of a credit."""

    value: str
    sms: int
    milli: int


@dataclass(slots=True)
class Sums:
    """How many messages, what they used, what it cost; `unvalued` is of unknown cost.

    What is `prior` is of a prior period: late messages, and what those of closed months turned
    out to have cost more, or less. All sums have it too.
    """

    sms: int = 0
    milli: int = 0
    net: int = 0
    cost: int = 0
    unvalued: int = 0
    prior_milli: int = 0
    prior_net: int = 0
    prior_cost: int = 0

    def add(self, other: Sums) -> None:
        self.sms += other.sms
        self.milli += other.milli
        self.net += other.net
        self.cost += other.cost
        self.unvalued += other.unvalued
        self.prior_milli += other.prior_milli
        self.prior_net += other.prior_net
        self.prior_cost += other.prior_cost

    def as_prior(self) -> Sums:
        """Say that all of it is of a prior period."""
        return replace(self, prior_milli=self.milli, prior_net=self.net, prior_cost=self.cost)

    def shown(self, currency: str | None) -> tuple[Any, ...]:
        """Give the fields of a row; without any money where nothing of it is known."""
        unknown = bool(self.unvalued) and self.unvalued == self.milli and not self.cost
        net, cost = (None, None) if unknown else (money(self.net), money(self.cost))
        own = (self.sms, Credits(self.milli), net, cost, currency, Credits(self.unvalued))
        if unknown:
            return *own, Credits(self.prior_milli), None, None
        if not (self.prior_milli or self.prior_net or self.prior_cost):
            return *own, ZERO, NOTHING, NOTHING
        return (
            *own, Credits(self.prior_milli), money(self.prior_net), money(self.prior_cost),
        )  # fmt: skip

    @classmethod
    def of(cls, row: Any) -> Sums:
        """Read the fields of a row back."""
        net, cost, prior_net, prior_cost = (
            int((text or "0").replace(".", ""))
            for text in (row.net, row.cost, row.prior_net, row.prior_cost)
        )
        prior = row.prior_credits.milli
        return cls(
            row.sms, row.credits.milli, net, cost, row.unvalued.milli, prior, prior_net,
            prior_cost,
        )  # fmt: skip


NOTHING: Final = "0.00"

# Of a month, what it cost by currency (empty: none).
_Month = dict[str, MonthCost]


class Paid:
    """What messages cost, by account and month, where the cost of credits is known at all."""

    def __init__(
        self, rows: Rows, first: str, end: str, *, valued: bool, apart: Collection[str] = ()
    ) -> None:
        """Read the months from the first one up to, and without, the one at the end.

        Those of the accounts that are `apart` are read on the posted basis.
        """
        self._months: dict[tuple[str, str, str], _Month] = defaultdict(dict)
        if valued:
            for account, month, *kept in rows.execute(_COSTS, first=first, end=end):
                if account not in apart:
                    self._keep(account, month, "current", *kept)
        if valued and apart:
            for account, month, stands_as, *kept in rows.execute(_POSTED, first=first, end=end):
                if account in apart:
                    self._keep(account, month, stands_as, *kept)

    def _keep(
        self, account: str, month: str, stands_as: str, currency: str, *sums: int
    ) -> None:
        self._months[account, month, stands_as][currency] = MonthCost(*sums)

    def shared(
        self, account: str, month: str, stands_as: StandsAs, used: Sequence[Used]
    ) -> Iterator[tuple[str, str, Sums]]:
        """Share what an account's month cost among its labels, by value and currency."""
        for value, currency, sums in self._shared((account, month, stands_as), used):
            yield value, currency, sums if stands_as == "current" else sums.as_prior()

    def changes(self) -> Iterator[tuple[str, str, str, Sums]]:
        """Give by account, month and currency what closed months turned out to have cost."""
        for (account, month, stands_as), of in self._months.items():
            if stands_as == "prior-period":
                for currency, cost in of.items():
                    sums = Sums(net=cost.net, cost=cost.cost, unvalued=cost.unvalued)
                    yield account, month, currency, sums.as_prior()

    def _shared(
        self, key: tuple[str, str, str], used: Sequence[Used]
    ) -> Iterator[tuple[str, str, Sums]]:
        """Share by credits.

        Where it was paid in several currencies, messages and credits stand with the first.
        """
        weights = [one.milli for one in used]
        of = self._months.get(key) or {"": MonthCost(unvalued=sum(weights))}
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


_POSTED: Final = """
    SELECT account, month, stands_as, currency, net_cents, cost_cents, unvalued_milli
    FROM posted_month WHERE month >= :first AND month < :end
"""
_COSTS: Final = """
    SELECT account, month, currency, net_cents, cost_cents, unvalued_milli FROM lot_month
    WHERE month >= :first AND month < :end
"""
