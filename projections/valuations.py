"""What the lots of a customer are known to have cost: in a closed month, as its close knew it.

What became known since is of the first month that was open. There, what had moved before is
taken back as it was booked, and booked again as it is known: in credits that is nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final, NamedTuple

from ledger.database import Rows
from ledger.lots import LotId, cost_of
from projections.basis import Basis, closed_customers, posted_apart
from projections.lot_draws import FOREVER_US, owed_of
from projections.lot_facts import LotRow, facts
from projections.lot_posting import posted
from projections.periods import Close, closes
from projections.posting import Posting

Lots = Mapping[LotId, LotRow]


@dataclass(frozen=True, slots=True)
class Known:
    """Lots as the log up to a position tells them; None: all of it.

    `only` is the currency of a customer that buys in one alone. `accounts` are those that the
    close of the month knew.
    """

    lots: Lots
    only: str | None
    position: int | None = None
    accounts: Set[str] | None = None

    def since(self, before: Known) -> dict[LotId, tuple[LotRow, LotRow]]:
        """Give the lots whose money is another one, as they were known and as they are."""
        return {
            lot: (before.lots[lot], now)
            for lot, now in self.lots.items()
            if lot in before.lots and _money(before.lots[lot]) != _money(now)
        }


def _money(lot: LotRow) -> tuple[object, ...]:
    return lot.milli, lot.net_cents, lot.vat_cents, lot.cost_cents, lot.currency


@dataclass(frozen=True, slots=True)
class Span:
    """From one instant up to another one, lots are as `known`.

    `before` is how they were up to there, where it begins with the end of a closed month.
    """

    start_us: int
    end_us: int
    known: Known
    before: Known | None

    @property
    def at_start(self) -> Known:
        """How lots were known just before it."""
        return self.before or self.known


class Valuation:
    """The lots of a customer through time: as closes knew them, then as they are."""

    def __init__(self, rows: Rows, customer: str, lots: Lots, basis: Basis) -> None:
        self._rows = rows
        self._customer = customer
        self._lots = lots
        is_closed = basis == "posted" and customer in closed_customers(rows)
        self._closed = closes(rows, customer) if is_closed else ()
        self._at_close: dict[int, Known] = {}

    @cached_property
    def _now(self) -> Known:
        return Known(self._lots, _only(self._lots.values()))

    def spans(self, start_us: int = 0, end_us: int = FOREVER_US) -> Iterator[Span]:
        """Cut a stretch of time where closed months end."""
        ends = [one.end_us for one in self._closed]
        inside = [end for end in ends if start_us < end < end_us]
        for since_us, until_us in pairwise([start_us, *inside, end_us]):
            before = self._known(since_us) if since_us in ends else None
            yield Span(since_us, until_us, self._known(until_us), before)

    def _known(self, until_us: int) -> Known:
        """Say how lots are known up to an instant: as the first close does that has it."""
        for number, close in enumerate(self._closed):
            if until_us <= close.end_us:
                if number not in self._at_close:
                    self._at_close[number] = self._closed_with(number, close)
                return self._at_close[number]
        return self._now

    def _closed_with(self, number: int, close: Close) -> Known:
        known = facts(self._rows, self._customer, through=close.position)
        lots = dict(posted(known, Posting.of(self._closed[:number])).lots)
        later = {lot: row for lot, row in self._lots.items() if lot not in lots}
        sent = {lot: row for lot, row in later.items() if row.kind == "transfer"}
        self._value_sent(sent, lots, close.end_us)
        accounts = {one.account for one in close.event.accounts}
        return Known({**later, **lots}, _only(lots.values()), close.position, accounts)

    def _value_sent(self, sent: Lots, lots: dict[LotId, LotRow], end_us: int) -> None:
        """Add what was sent before it was there: at what had covered it by an end."""
        waiting = dict(sent)
        while waiting:
            valued = {
                lot: row._replace(net_cents=cents, cost_cents=cents, currency=currency)
                for lot, row in waiting.items()
                for cents, currency in [self._covered(lot, lots, end_us)]
                if cents is not None
            }
            if not valued:
                break
            lots.update(valued)
            waiting = {lot: row for lot, row in waiting.items() if lot not in valued}
        for lot, row in waiting.items():
            lots[lot] = row._replace(net_cents=None, cost_cents=None, currency=None)

    def _covered(self, sent: LotId, lots: Lots, end_us: int) -> tuple[int | None, str | None]:
        """Give what the credits cost that covered a transfer; None: not known, or not all."""
        cents, currencies = 0, set[str]()
        for at_us, paid_by, stretch in self._coverings.get(sent.name, ()):
            lot = None if paid_by is None or at_us >= end_us else lots.get(paid_by)
            if lot is None or lot.cost_cents is None:
                return None, None
            cents += cost_of(lot.cost_cents, lot.milli, *stretch)
            currencies.update([lot.currency] if lot.currency else [])
        return (None, None) if len(currencies) > 1 else (cents, next(iter(currencies), None))

    @cached_property
    def _coverings(self) -> Mapping[str, list[_Covering]]:
        """Say what covered the credits that were sent before they were there, by their lots."""
        is_apart = self._customer in posted_apart(self._rows, "posted")
        found: dict[str, list[_Covering]] = defaultdict(list)
        for (account,) in self._rows.execute(_ACCOUNTS, customer=self._customer):
            for draw in owed_of(self._rows, account, posted=is_apart):
                if draw.kind == "transfer":
                    stretch = (draw.first, draw.milli)
                    covering = _Covering(draw.covered_us or 0, draw.lot, stretch)
                    found[f"transfer+{draw.reference}"].append(covering)
        return found


class _Covering(NamedTuple):
    """What of a lot (None: of none) covered a transfer, and when."""

    at_us: int
    lot: LotId | None
    stretch: tuple[int, int]


_ACCOUNTS: Final = "SELECT account FROM account WHERE customer = :customer"


def _only(lots: Iterable[LotRow]) -> str | None:
    currencies = {lot.currency for lot in lots if lot.currency}
    return currencies.pop() if len(currencies) == 1 else None
