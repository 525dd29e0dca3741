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
from ledger.times import local_day
from projections.books import Book, books, log_position
from projections.latest import latest
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
) -> Report[RechargeRow]:
    """Give the settings as the ledger saw them last, or `live`. Raises UnknownAccount."""
    with database.snapshot():
        of = [book for book in books(database, accounts) if book.closed_at_us is None]
        rows = [_row(database, book, live, now) for book in of]
        notes = [
            f"the recharge settings of {row.account} were not read yet: run `sms-ledger sync`"
            for row in rows
            if row.status == "not read"
        ]
        return Report(RechargeRow, log_position(database), rows, notes)


def _row(
    rows: Rows, book: Book, live: Mapping[str, Shown] | None, now: datetime
) -> RechargeRow:
    shown = live.get(book.account) if live is not None else _seen(rows, book)
    day = local_day(now, book.zone)
    rules = rules_in_force(rows, day)
    judged = conditions(rules, shown.facts, day) if shown else ()
    return RechargeRow(
        customer=book.customer,
        account=book.account,
        credits=book.balance,
        threshold=shown.threshold if shown else None,
        amount=shown.amount if shown else None,
        seen_at=shown.seen_at.astimezone(book.zone) if shown else None,
        status=status_of(shown, judged),
        conditions=judged,
        requested=_requested(rows, book),
    )


def status_of(shown: Shown | None, judged: Sequence[Condition]) -> Status:
    if shown is None:
        return "not read"
    if shown.amount is None:
        return "off"
    holds = {one.holds for one in judged}
    return "cannot work" if False in holds else "not known" if None in holds else "on"


def _seen(rows: Rows, book: Book) -> Shown | None:
    settings = latest(rows, book.account, RechargeSettingsSeen)
    if settings is None:
        return None
    return Shown(
        seen_at=settings.happened_at,
        threshold=settings.threshold,
        amount=settings.amount,
        facts=known_facts(rows, book),
    )


def known_facts(rows: Rows, book: Book) -> Facts:
    """Give what the ledger knows of an account that recharge depends on."""
    observed = latest(rows, observations_stream(book.account), BalanceObserved)
    methods = latest(rows, customer_stream(book.customer), PaymentMethodsSeen)
    ((created,),) = rows.execute(
        "SELECT created_on FROM account WHERE account = :account", account=book.account
    )
    return Facts(
        created_on=date.fromisoformat(created) if created else None,
        smpp=observed.smpp if observed else None,
        methods=[(m.payment_type, m.status) for m in methods.methods] if methods else None,
    )


def _requested(rows: Rows, book: Book) -> Requested | None:
    asked = latest(rows, book.account, RechargeChangeRequested)
    if asked is None:
        return None
    at = asked.happened_at.astimezone(book.zone)
    return Requested(at, asked.actor, asked.reason, asked.threshold, asked.amount)
