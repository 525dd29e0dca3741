"""What is known of an account when it is asked what to expect of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ledger.credits import MILLI_PER_CREDIT, Credits
from ledger.database import Rows
from ledger.events import BalanceObserved, PackTier
from ledger.names import observations_stream
from ledger.tariff import PACKS, whole
from projections.advice import KEPT_DAYS, Standing, larger_amount
from projections.books import Book
from projections.latest import latest
from projections.outlooks import Dates, Outlook, dates_below, used_in
from projections.prices import Price, billed, listed, tariff_of, tiers_of
from projections.rounding import credits_of
from projections.settings_seen import in_force, settings_seen
from projections.stated_rules import rules_in_force
from projections.usage import Usage, read_usage

if TYPE_CHECKING:
    from projections.moments import Moment

_DAY: Final = timedelta(days=1)

# Less than this is nothing, in thousandths.
_SOMETHING: Final = 1

# What is bought where nothing else is known: the least that OVH sells.
_LEAST: Final = PACKS[0]


@dataclass(frozen=True, slots=True)
class Prospect:
    """All that a forecast of one account is made from."""

    usage: Usage
    outlook: Outlook
    threshold: Credits | None
    amount: int | None
    held: int
    billed: Price | None
    tiers: Sequence[PackTier]
    amounts: Sequence[int]

    @property
    def book(self) -> Book:
        return self.usage.book

    @property
    def is_open(self) -> bool:
        return self.usage.book.closed_at_us is None

    @property
    def is_told(self) -> bool:
        """Whether there is anything to expect from."""
        return self.usage.balance is not None and self.outlook.history.method != "none"

    @property
    def price(self) -> Price | None:
        """What was billed last, else what OVH lists for the amount that is bought."""
        return self.billed or listed(self.tiers, whole(self.bought or _LEAST))

    @property
    def bought(self) -> int | None:
        """How many credits are bought at once: by recharge, else the last time by hand."""
        if self.amount is not None or self.billed is None:
            return self.amount
        return self.billed.quantity.milli // MILLI_PER_CREDIT

    @property
    def empty(self) -> Dates:
        """When the credits are used up, if nothing is bought."""
        return dates_below(self.outlook, _SOMETHING)

    @property
    def recharge(self) -> Dates:
        """When the balance is below the threshold; never, where that is 0."""
        if self.amount is None or not self.threshold:
            return Dates(None)
        return dates_below(self.outlook, self.threshold.milli)


def prospect(rows: Rows, book: Book, as_of: Moment | None, now: datetime) -> Prospect:
    """Read what is known of an account where the ledger's knowledge ends, or before."""
    observed = latest(rows, observations_stream(book.account), BalanceObserved)
    end_us = book.known_through_us + 1
    if as_of is not None:
        end_us = min(end_us, as_of.end_us(book.zone))
    usage = read_usage(rows, book, end_us)
    settings = in_force(settings_seen(rows, book.account), end_us)
    tariff = tariff_of(rows, book.customer)
    return Prospect(
        usage=usage,
        outlook=Outlook(
            usage.history, usage.next_day, usage.balance or 0, usage.used_of_next_day
        ),
        threshold=settings.threshold if settings else None,
        amount=settings.amount if settings else None,
        held=observed.held.milli if observed else 0,
        billed=billed(rows, book.account, usage.as_of),
        tiers=tiers_of(tariff, usage.as_of if as_of else now),
        amounts=rules_in_force(rows, usage.today).amounts,
    )


def standing(known: Prospect, days: int) -> Standing:
    """Tell whether an account buys soon, and what it needs for itself."""
    usage, outlook = known.usage, known.outlook
    owned = (usage.balance or 0) - known.held
    kept = owned
    if usage.balance is not None and outlook.history.method == "weekdays":
        most = credits_of(used_in(outlook, KEPT_DAYS).most)
        kept = max(most.milli, 0) + (known.threshold.milli if known.threshold else 0)
    return Standing(known.book.customer, known.book.account, _buys_on(known, days), owned, kept)


def _buys_on(known: Prospect, days: int) -> date | None:
    if not known.is_told:
        return None
    found = [known.recharge.expected, known.empty.expected]
    last = known.usage.today + days * _DAY
    return min((one for one in found if one is not None and one <= last), default=None)


def cheaper(known: Prospect) -> list[str]:
    """Say what larger amounts would save."""
    bought, per_day = known.bought, known.outlook.history.per_day
    if bought is None or per_day <= 0 or known.outlook.history.method != "weekdays":
        return []
    by_recharge = known.amount is not None
    offered = known.amounts if by_recharge else PACKS
    line = larger_amount(known.tiers, bought, offered, per_day)
    return [line] if line else []
