"""`forecast`: how long credits last, when the next recharge is due, what the month will use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Literal

from ledger.credits import Credits
from ledger.database import Database, Rows
from ledger.events import BalanceObserved, PackTier
from ledger.names import observations_stream
from ledger.recharge_rules import rules_on
from ledger.tariff import PACKS, whole
from ledger.times import to_us
from projections.advice import KEPT_DAYS, Standing, larger_amount, moves_first
from projections.books import Book, books, log_position, notes
from projections.latest import latest
from projections.outlooks import (
    Amount,
    Dates,
    Method,
    Outlook,
    balances_ahead,
    dates_below,
    used_in,
)
from projections.prices import Price, billed, listed, tariff_of, tiers_of
from projections.report import NESTED, Report
from projections.rounding import credits_of
from projections.settings_seen import in_force, settings_seen
from projections.usage import Usage, read_usage

if TYPE_CHECKING:
    from projections.moments import Moment

_DAY: Final = timedelta(days=1)

# Less than this is nothing, in thousandths.
_SOMETHING: Final = 1


@dataclass(frozen=True, slots=True)
class Day:
    """The balance at the end of a day: as it was, or as it is expected without buying."""

    day: str
    kind: Literal["past", "expected"]
    balance: Credits
    least: Credits
    most: Credits


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """One account. What is not known, not expected or too far ahead is None.

    It rests on `history_days` whole days; with `windows` 0, no range is claimed. `runway_days`
    is how many days after the day of `as_of` the credits are used up, nothing being bought.
    """

    customer: str
    account: str
    as_of: datetime
    credits: Credits | None
    method: Method
    history_days: int
    history_from: str | None
    windows: int
    per_day: Credits | None
    runway_days: int | None = None
    runway_least: int | None = None
    runway_most: int | None = None
    empty_on: str | None = None
    threshold: Credits | None
    amount: int | None
    recharge_on: str | None = None
    recharge_earliest: str | None = None
    recharge_latest: str | None = None
    month: str
    used: Credits
    used_expected: Credits | None = None
    used_least: Credits | None = None
    used_most: Credits | None = None
    price_per_credit: str | None
    price_from: Literal["bill", "tariff"] | None
    currency: str | None
    cost: str | None
    cost_expected: str | None = None
    cost_least: str | None = None
    cost_most: str | None = None
    advice: tuple[str, ...] = field(default=(), metadata=NESTED)
    days: tuple[Day, ...] = field(default=(), metadata=NESTED)


@dataclass(frozen=True, slots=True)
class _Known:
    """All that a forecast of one account is made from."""

    usage: Usage
    outlook: Outlook
    threshold: Credits | None
    amount: int | None
    held: int
    billed: Price | None
    tiers: Sequence[PackTier]

    @property
    def price(self) -> Price | None:
        """What was billed last, else what OVH lists for the amount that is bought."""
        return self.billed or listed(self.tiers, whole(self.bought or _LEAST))

    @property
    def bought(self) -> int | None:
        """How many credits are bought at once: by recharge, else the last time by hand."""
        if self.amount is not None or self.billed is None:
            return self.amount
        return self.billed.quantity.milli // 1000


_LEAST: Final = PACKS[0]


def forecasts(
    database: Database,
    accounts: Sequence[str],
    *,
    as_of: Moment | None,
    days: int,
    now: datetime,
) -> Report[Forecast]:
    """Tell what to expect of the named accounts, or of all open ones. Raises UnknownAccount.

    It begins where the ledger's knowledge ends, or at the end of an earlier day. Advice looks
    at all accounts of a customer, and at what falls due within `days`. Prices are those of
    `now`, or of the end of that earlier day.
    """
    with database.snapshot():
        everyone = [_know(database, book, as_of, now) for book in books(database)]
        wanted = [book.account for book in books(database, accounts)]
        shown = [
            one
            for one in everyone
            if one.usage.book.account in wanted
            and (accounts or one.usage.book.closed_at_us is None)
        ]
        standings = [
            _standing(one, days) for one in everyone if one.usage.book.closed_at_us is None
        ]
        rows = [_row(one, standings, days) for one in shown]
        remarks = [*notes(database, [one.usage.book for one in shown]), *_remarks(shown)]
        return Report(Forecast, log_position(database), rows, remarks)


def _know(rows: Rows, book: Book, as_of: Moment | None, now: datetime) -> _Known:
    observed = latest(rows, observations_stream(book.account), BalanceObserved)
    seen_us = to_us(observed.happened_at) if observed else 0
    end_us = max(book.known_through_us, seen_us) + 1
    if as_of is not None:
        end_us = min(end_us, as_of.end_us(book.zone))
    usage = read_usage(rows, book, end_us)
    settings = in_force(settings_seen(rows, book.account), end_us)
    tariff = tariff_of(rows, book.customer)
    return _Known(
        usage=usage,
        outlook=Outlook(
            usage.history, usage.next_day, usage.balance or 0, usage.used_of_next_day
        ),
        threshold=settings.threshold if settings else None,
        amount=settings.amount if settings else None,
        held=observed.held.milli if observed else 0,
        billed=billed(rows, book.account, usage.as_of),
        tiers=tiers_of(tariff, usage.as_of if as_of else now),
    )


def _remarks(shown: Sequence[_Known]) -> Iterator[str]:
    for one in shown:
        usage = one.usage
        account, opening_us = usage.book.account, usage.book.opening_at_us
        if usage.book.closed_at_us is not None:
            yield f"{account} was closed: nothing more is expected of it"
        if opening_us is not None and usage.balance is None:
            since = usage.book.local(opening_us).isoformat()
            yield f"the balance of {account} is known from {since} on"
    unpriced = [one.usage.book.account for one in shown if one.price is None]
    if unpriced:
        yield (
            f"no price is known for {', '.join(unpriced)}: money is left out; run"
            " `sms-ledger rates update`"
        )


# --- one account ---------------------------------------------------------------------------


def _row(known: _Known, standings: Sequence[Standing], days: int) -> Forecast:
    usage, outlook = known.usage, known.outlook
    history = outlook.history
    blank = _blank(known)
    if usage.book.closed_at_us is not None:
        return blank
    row = _with_month(blank, known)
    if usage.balance is None:
        return row
    row = replace(row, days=(*_past(usage, days), *_future(outlook, days)))
    if history.method == "none":
        return row
    row = _with_dates(row, known)
    mine = [one for one in standings if one.account == row.account]
    moves = [line for one in mine for line in moves_first(one, standings)]
    return replace(row, advice=(*moves, *_cheaper(known)))


def _blank(known: _Known) -> Forecast:
    """Give what is known without looking ahead."""
    usage, history, price = known.usage, known.outlook.history, known.price
    used = usage.used_since(usage.today.replace(day=1))
    return Forecast(
        customer=usage.book.customer,
        account=usage.book.account,
        as_of=usage.as_of,
        credits=None if usage.balance is None else Credits(usage.balance),
        method=history.method,
        history_days=len(history.used),
        history_from=history.first.isoformat() if history.used else None,
        windows=len(known.outlook.patterns),
        per_day=credits_of(history.per_day) if history.used else None,
        threshold=known.threshold,
        amount=known.amount,
        month=usage.today.isoformat()[:7],
        used=Credits(used),
        price_per_credit=price.text if price else None,
        price_from=price.source if price else None,
        currency=price.currency if price else None,
        cost=price.of(used) if price else None,
    )


def _with_month(row: Forecast, known: _Known) -> Forecast:
    """Add what the whole month will have used."""
    outlook = known.outlook
    if outlook.history.method == "none":
        return row
    today = known.usage.today
    left = max((_month_after(today) - outlook.day).days, 0)
    ahead, used = used_in(outlook, left), row.used.milli
    whole_month = Amount(used + ahead.expected, used + ahead.least, used + ahead.most)
    row = replace(
        row,
        used_expected=credits_of(whole_month.expected),
        used_least=credits_of(whole_month.least) if row.windows else None,
        used_most=credits_of(whole_month.most) if row.windows else None,
    )
    price = known.price
    if price is None:
        return row
    return replace(
        row,
        cost_expected=price.of(whole_month.expected),
        cost_least=price.of(whole_month.least) if row.windows else None,
        cost_most=price.of(whole_month.most) if row.windows else None,
    )


def _month_after(day: date) -> date:
    return (day.replace(day=1) + 31 * _DAY).replace(day=1)


def _with_dates(row: Forecast, known: _Known) -> Forecast:
    """Add when the credits are used up, and when the next recharge is due."""
    empty = dates_below(known.outlook, _SOMETHING)
    recharge = _recharge(known)
    today = known.usage.today
    return replace(
        row,
        runway_days=_days(empty.expected, today),
        runway_least=_days(empty.earliest, today),
        runway_most=_days(empty.latest, today),
        empty_on=_text(empty.expected),
        recharge_on=_text(recharge.expected),
        recharge_earliest=_text(recharge.earliest),
        recharge_latest=_text(recharge.latest),
    )


def _recharge(known: _Known) -> Dates:
    """Tell when the balance is below the threshold; never, where that is 0."""
    if known.amount is None or not known.threshold:
        return Dates(None)
    return dates_below(known.outlook, known.threshold.milli)


def _days(day: date | None, today: date) -> int | None:
    return None if day is None else (day - today).days


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _past(usage: Usage, days: int) -> Iterator[Day]:
    for day, milli in usage.balances(days):
        was = Credits(milli)
        yield Day(day.isoformat(), "past", was, was, was)


def _future(outlook: Outlook, days: int) -> Iterator[Day]:
    if outlook.history.method == "none":
        return
    for ahead, one in enumerate(balances_ahead(outlook, days)):
        yield Day(
            (outlook.day + ahead * _DAY).isoformat(),
            "expected",
            credits_of(one.expected),
            credits_of(one.least),
            credits_of(one.most),
        )


# --- advice --------------------------------------------------------------------------------


def _standing(known: _Known, days: int) -> Standing:
    """Tell whether an account buys soon, and what it needs for itself."""
    usage, outlook = known.usage, known.outlook
    owned = (usage.balance or 0) - known.held
    kept = owned
    if usage.balance is not None and outlook.history.method == "weekdays":
        most = credits_of(used_in(outlook, KEPT_DAYS).most)
        kept = max(most.milli, 0) + (known.threshold.milli if known.threshold else 0)
    return Standing(usage.book.customer, usage.book.account, _buys_on(known, days), owned, kept)


def _buys_on(known: _Known, days: int) -> date | None:
    if known.usage.balance is None or known.outlook.history.method == "none":
        return None
    found = [_recharge(known).expected, dates_below(known.outlook, _SOMETHING).expected]
    last = known.usage.today + days * _DAY
    return min((one for one in found if one is not None and one <= last), default=None)


def _cheaper(known: _Known) -> list[str]:
    bought, per_day = known.bought, known.outlook.history.per_day
    if bought is None or per_day <= 0 or known.outlook.history.method != "weekdays":
        return []
    by_recharge = known.amount is not None
    offered = rules_on(known.usage.today).amounts if by_recharge else PACKS
    line = larger_amount(known.tiers, bought, offered, Fraction(per_day))
    return [line] if line else []
