"""What the messages of an account cost in a month, and how it is shared among their labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ledger.credits import Credits
from ledger.database import Rows
from ledger.lots import LotId, cost_of, shared
from projections.holdings import USED, lots_of
from projections.lot_facts import LotRow
from projections.rounding import money

# From the first microsecond, up to and without the end; None: without end.
Span = tuple[int | None, int | None]

_FOREVER_US: Final = 2**62


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


@dataclass(slots=True)
class _Month:
    """What the draws of an account come to in a month, by currency in cents."""

    net: dict[str | None, int] = field(default_factory=lambda: defaultdict(int))
    cost: dict[str | None, int] = field(default_factory=lambda: defaultdict(int))
    unvalued: int = 0


class Paid:
    """What messages cost, by account and month, in the span of each customer that has one."""

    def __init__(self, rows: Rows, spans: Mapping[str, Span], accounts: Sequence[str]) -> None:
        self._months: dict[tuple[str, str], _Month] = defaultdict(_Month)
        self._currency: dict[str, str | None] = {}
        for customer, span in spans.items():
            lots = lots_of(rows, {customer})
            known = {lot.currency for lot in lots.values() if lot.currency}
            # what cost nothing counts with the currency in which a customer buys
            self._currency[customer] = known.pop() if len(known) == 1 else None
            for account in _accounts_of(rows, customer):
                if not accounts or account in accounts:
                    self._read(rows, account, span, lots)

    def _read(self, rows: Rows, account: str, span: Span, lots: Mapping[LotId, LotRow]) -> None:
        start_us, end_us = span
        for month, lot_account, lot, first, milli in rows.execute(
            _DRAWS,
            account=account,
            used=USED,
            start=start_us or 0,
            end=_FOREVER_US if end_us is None else end_us,
        ):
            of = self._months[account, month]
            known = None if lot is None else lots[LotId(lot_account, lot)]
            if known is None or known.cost_cents is None:
                of.unvalued += milli
            else:
                of.cost[known.currency] += cost_of(known.cost_cents, known.milli, first, milli)
            if known is not None and known.net_cents is not None:
                of.net[known.currency] += cost_of(known.net_cents, known.milli, first, milli)

    def shared(
        self, customer: str, account: str, month: str, used: Sequence[Used]
    ) -> Iterator[tuple[str, str | None, Sums]]:
        """Share what an account's month cost among its labels, by value and currency.

        Where it was paid in several currencies, messages and credits stand with the first.
        """
        weights = [one.milli for one in used]
        of = self._months.get((account, month)) or _Month(unvalued=sum(weights))
        unvalued = shared(of.unvalued, weights)
        default = self._currency.get(customer)
        named = {currency or default for currency in (*of.net, *of.cost)}
        first, *others = sorted(named, key=lambda name: name or "~") or [default]
        for one, share in zip(used, unvalued, strict=True):
            yield one.value, first, Sums(one.sms, one.milli, unvalued=share)
        for currency in (first, *others):
            both = (self._of(amounts, currency, default) for amounts in (of.net, of.cost))
            net, cost = (shared(cents, weights) for cents in both)
            for one, net_share, cost_share in zip(used, net, cost, strict=True):
                if net_share or cost_share:
                    yield one.value, currency, Sums(net=net_share, cost=cost_share)

    def _of(
        self, amounts: dict[str | None, int], currency: str | None, default: str | None
    ) -> int:
        return sum(cents for name, cents in amounts.items() if (name or default) == currency)


def _accounts_of(rows: Rows, customer: str) -> list[str]:
    found = rows.execute(
        "SELECT account FROM account WHERE customer = :customer", customer=customer
    )
    return [account for (account,) in found]


_DRAWS: Final = """
    SELECT SUBSTR(day, 1, 7), lot_account, lot, first_milli, milli FROM lot_draw
    WHERE account = :account AND kind = :used AND at_us >= :start AND at_us < :end
"""
