"""`recharge show`: automatic recharge of each account, and whether it can work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from ledger.credits import Credits
from ledger.database import Database, Rows
from ledger.events import (
    BalanceObserved,
    PaymentMethodsSeen,
    RechargeChangeRequested,
    RechargeSettingsSeen,
)
from ledger.names import customer_stream, observations_stream
from ledger.recharge_rules import Condition, Facts, conditions
from ledger.times import from_us, local_day
from projections.books import Book, books, log_position
from projections.latest import latest
from projections.moments import Moment
from projections.past import balance_before, reading
from projections.report import NESTED, Report
from projections.stated_rules import rules_in_force

Status = Literal["on", "off", "cannot work", "not known", "not read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What OVH shows of one account: the settings at a moment, and what they depend on."""

    seen_at: datetime
    threshold: Credits
    amount: int | None
    facts: Facts


@dataclass(frozen=True, slots=True)
class Requested:
    """The last change that somebody asked for with `recharge set`."""

    requested_at: datetime
    actor: str
    reason: str | None
    threshold: Credits
    amount: int | None


@dataclass(frozen=True, slots=True)
class RechargeRow:
    """One account: below `threshold` credits OVH buys `amount`; None: it is off, or not read.

    `status` is `cannot work` where it is on and a condition does not hold.
    """

    customer: str
    account: str
    credits: Credits | None
    threshold: Credits | None
    amount: int | None
    seen_at: datetime | None
    status: Status
    conditions: tuple[Condition, ...] = field(metadata=NESTED)
    requested: Requested | None = field(metadata=NESTED)


def show_recharges(
    database: Database,
    accounts: Sequence[str],
    *,
    now: datetime,
    live: Mapping[str, Shown] | None = None,
    as_of: Moment | None = None,
) -> Report[RechargeRow]:
    """Give the settings as the ledger saw them last, until `as_of` or `live`.

    Raises UnknownAccount.
    """
    with database.snapshot() if as_of is None else reading(database, as_of):
        of = [book for book in books(database, accounts) if _is_open(book, as_of)]
        rows = [_row(database, book, live, now, as_of) for book in of]
        notes = [
            f"the recharge settings of {row.account} were not read yet: run `sms-ledger sync`"
            for row in rows
            if row.status == "not read"
        ]
        return Report(RechargeRow, log_position(database), rows, notes)


def _is_open(book: Book, as_of: Moment | None) -> bool:
    if book.closed_at_us is None or as_of is None:
        return book.closed_at_us is None
    return book.closed_at_us >= as_of.end_us(book.zone)


def _row(
    database: Database,
    book: Book,
    live: Mapping[str, Shown] | None,
    now: datetime,
    as_of: Moment | None,
) -> RechargeRow:
    end_us = None if as_of is None else as_of.end_us(book.zone)
    shown = live.get(book.account) if live is not None else _seen(database, book, end_us)
    day = local_day(now if end_us is None else from_us(end_us - 1), book.zone)
    rules = rules_in_force(database, day)
    judged = conditions(rules, shown.facts, day) if shown else ()
    return RechargeRow(
        customer=book.customer,
        account=book.account,
        credits=book.balance if end_us is None else balance_before(database, book, end_us),
        threshold=shown.threshold if shown else None,
        amount=shown.amount if shown else None,
        seen_at=shown.seen_at.astimezone(book.zone) if shown else None,
        status=status_of(shown, judged),
        conditions=judged,
        requested=_requested(database, book, end_us),
    )


def status_of(shown: Shown | None, judged: Sequence[Condition]) -> Status:
    if shown is None:
        return "not read"
    if shown.amount is None:
        return "off"
    holds = {one.holds for one in judged}
    return "cannot work" if False in holds else "not known" if None in holds else "on"


def _seen(rows: Rows, book: Book, end_us: int | None) -> Shown | None:
    settings = latest(rows, book.account, RechargeSettingsSeen, before_us=end_us)
    if settings is None:
        return None
    return Shown(
        seen_at=settings.happened_at,
        threshold=settings.threshold,
        amount=settings.amount,
        facts=known_facts(rows, book, end_us),
    )


def known_facts(rows: Rows, book: Book, end_us: int | None = None) -> Facts:
    """Give what the ledger knows of an account that recharge depends on, or knew then."""
    observations, customer = observations_stream(book.account), customer_stream(book.customer)
    observed = latest(rows, observations, BalanceObserved, before_us=end_us)
    methods = latest(rows, customer, PaymentMethodsSeen, before_us=end_us)
    ((created,),) = rows.execute(
        "SELECT created_on FROM account WHERE account = :account", account=book.account
    )
    return Facts(
        created_on=date.fromisoformat(created) if created else None,
        smpp=observed.smpp if observed else None,
        methods=[(m.payment_type, m.status) for m in methods.methods] if methods else None,
    )


def _requested(rows: Rows, book: Book, end_us: int | None) -> Requested | None:
    asked = latest(rows, book.account, RechargeChangeRequested, before_us=end_us)
    if asked is None:
        return None
    at = asked.happened_at.astimezone(book.zone)
    return Requested(at, asked.actor, asked.reason, asked.threshold, asked.amount)
