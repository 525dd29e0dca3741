"""`forecast`: how long credits last, when the next recharge is due, what the month will use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from ledger.credits import Credits
from ledger.database import Database
from projections.advice import Standing, moves_first
from projections.books import books, log_position, notes
from projections.outlooks import (
    Amount,
    Method,
    Outlook,
    balances_ahead,
    used_in,
)
from projections.prospects import Prospect, cheaper, prospect, standing
from projections.report import NESTED, Report
from projections.rounding import credits_of
from projections.usage import Usage

if TYPE_CHECKING:
    from projections.moments import Moment

_DAY: Final = timedelta(days=1)


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
        wanted = books(database, accounts)
        customers = {book.customer for book in wanted}
        everyone = [
            prospect(database, book, as_of, now)
            for book in books(database)
            if book.customer in customers
        ]
        shown = [one for one in everyone if one.book in wanted and (accounts or one.is_open)]
        standings = [standing(one, days) for one in everyone if one.is_open]
        rows = [_row(one, standings, days) for one in shown]
        remarks = [*notes(database, [one.book for one in shown]), *_remarks(shown)]
        return Report(Forecast, log_position(database), rows, remarks)


def _remarks(shown: Sequence[Prospect]) -> Iterator[str]:
    for one in shown:
        usage = one.usage
        account, opening_us = usage.book.account, usage.book.opening_at_us
        if not one.is_open:
            yield f"{account} was closed: nothing more is expected of it"
        if opening_us is not None and usage.balance is None:
            since = usage.book.local(opening_us).isoformat()
            yield f"the balance of {account} is known from {since} on"
    unpriced = [one.book.account for one in shown if one.price is None]
    if unpriced:
        yield (
            f"no price is known for {', '.join(unpriced)}: money is left out; run"
            " `sms-ledger rates update`"
        )


# --- one account ---------------------------------------------------------------------------


def _row(known: Prospect, standings: Sequence[Standing], days: int) -> Forecast:
    usage, outlook = known.usage, known.outlook
    history = outlook.history
    blank = _blank(known)
    if not known.is_open:
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
    return replace(row, advice=(*moves, *cheaper(known)))


def _blank(known: Prospect) -> Forecast:
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


def _with_month(row: Forecast, known: Prospect) -> Forecast:
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


def _with_dates(row: Forecast, known: Prospect) -> Forecast:
    """Add when the credits are used up, and when the next recharge is due."""
    empty = known.empty
    recharge = known.recharge
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
