"""`account list` and `account show`: what is known of SMS accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ledger.credits import Credits
from ledger.database import Database, Rows
from ledger.events import BalanceObserved, RechargeSettingsSeen
from ledger.names import observations_stream
from projections.batch import caught_up
from projections.books import Book, books, log_position, notes
from projections.latest import latest
from projections.moments import Moment
from projections.movement_index import MOVEMENT_INDEX
from projections.past import balance_before, reading
from projections.report import NESTED, Report


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account. `opened_at` is T0, from where its balance is known, or its first sight."""

    customer: str
    account: str
    description: str
    status: str
    opened_at: datetime
    closed_at: datetime | None
    credits: Credits | None


def list_accounts(database: Database, moment: Moment | None = None) -> Report[AccountRow]:
    """Give every account, or those that were known at a moment, as they stood then."""
    if moment is None:
        with database.snapshot():
            of = books(database)
            return _listed(database, of, [_account(book, _labels(database)) for book in of])
    with reading(database, moment):
        of = [book for book in books(database) if _first_us(book) < moment.end_us(book.zone)]
        labels = _labels(database)
        return _listed(database, of, [_account_at(database, b, labels, moment) for b in of])


def _listed(
    database: Database, of: Sequence[Book], rows: list[AccountRow]
) -> Report[AccountRow]:
    return Report(AccountRow, log_position(database), rows, notes(database, of))


def _first_us(book: Book) -> int:
    """Give when an account is first known of: when it was opened here, or T0."""
    return min(book.opened_at_us, book.opening_at_us or book.opened_at_us)


def _account_at(
    database: Database, book: Book, labels: dict[str, str], moment: Moment
) -> AccountRow:
    end_us = moment.end_us(book.zone)
    row = _account(book, labels)
    if book.closed_at_us is not None and book.closed_at_us >= end_us:
        row = replace(row, status="open", closed_at=None)
    return replace(row, credits=balance_before(database, book, end_us))


def _labels(rows: Rows) -> dict[str, str]:
    return dict(rows.execute("SELECT account, description FROM label"))


def _account(book: Book, labels: dict[str, str]) -> AccountRow:
    opened = book.opened_at_us if book.opening_at_us is None else book.opening_at_us
    return AccountRow(
        customer=book.customer,
        account=book.account,
        description=labels.get(book.account, ""),
        status="open" if book.closed_at_us is None else "closed",
        opened_at=book.local(opened),
        closed_at=None if book.closed_at_us is None else book.local(book.closed_at_us),
        credits=book.balance,
    )


@dataclass(frozen=True, slots=True)
class Recharge:
    """OVH's automatic recharge: below `threshold` credits it buys `amount`; None: it is off."""

    threshold: Credits
    amount: int | None
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Observation:
    """What OVH said last; `quiet` tells that nothing moved while it was read."""

    observed_at: datetime
    credits_left: Credits
    held: Credits
    quiet: bool
    channel: str
    smpp: bool


@dataclass(frozen=True, slots=True)
class Break:
    kind: str
    reference: str
    opened_at: datetime
    credits: Credits | None
    text: str


@dataclass(frozen=True, slots=True)
class Purchase:
    bought_at: datetime
    kind: str
    credits: Credits
    reference: str


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """Everything that the ledger knows of one account, without its movements."""

    customer: str
    account: str
    description: str
    status: str
    opened_at: datetime
    closed_at: datetime | None
    time_zone: str
    opening: Credits | None
    opening_at: datetime | None
    credits: Credits | None
    recharge: Recharge | None = field(metadata=NESTED)
    observation: Observation | None = field(metadata=NESTED)
    breaks: tuple[Break, ...] = field(metadata=NESTED)
    purchases: tuple[Purchase, ...] = field(metadata=NESTED)


def show_account(database: Database, account: str) -> Report[AccountDetails]:
    """Give what is known of one account. Raises UnknownAccount."""
    with caught_up(MOVEMENT_INDEX, database):
        of = books(database, [account])
        rows = [_details(database, book) for book in of]
        return Report(AccountDetails, log_position(database), rows, notes(database, of))


def _details(rows: Rows, book: Book) -> AccountDetails:
    listed = _account(book, _labels(rows))
    opening, opening_at = book.opening_milli, book.opening_at_us
    return AccountDetails(
        customer=listed.customer,
        account=listed.account,
        description=listed.description,
        status=listed.status,
        opened_at=listed.opened_at,
        closed_at=listed.closed_at,
        time_zone=book.zone.key,
        opening=None if opening is None else Credits(opening),
        opening_at=None if opening_at is None else book.local(opening_at),
        credits=book.balance,
        recharge=_recharge(rows, book),
        observation=_observation(rows, book),
        breaks=tuple(_breaks(rows, book)),
        purchases=tuple(_purchases(rows, book)),
    )


def _recharge(rows: Rows, book: Book) -> Recharge | None:
    seen = latest(rows, book.account, RechargeSettingsSeen)
    if seen is None:
        return None
    return Recharge(seen.threshold, seen.amount, seen.happened_at.astimezone(book.zone))


def _observation(rows: Rows, book: Book) -> Observation | None:
    seen = latest(rows, observations_stream(book.account), BalanceObserved)
    if seen is None:
        return None
    return Observation(
        observed_at=seen.happened_at.astimezone(book.zone),
        credits_left=seen.owned - seen.held,
        held=seen.held,
        quiet=seen.quiet,
        channel=seen.channel,
        smpp=seen.smpp,
    )


def _breaks(rows: Rows, book: Book) -> list[Break]:
    return [
        Break(kind, reference, book.local(at), None if milli is None else Credits(milli), text)
        for kind, reference, at, milli, text in rows.execute(
            "SELECT kind, reference, opened_at_us, credits_milli, text FROM open_break"
            " WHERE account = :account"
            " ORDER BY opened_at_us, kind COLLATE BINARY, reference COLLATE BINARY",
            account=book.account,
        )
    ]


def _purchases(rows: Rows, book: Book) -> list[Purchase]:
    """Give the credits that were bought, those before T0 too."""
    return [
        Purchase(book.local(at), kind, Credits(milli), reference)
        for at, kind, milli, reference in rows.execute(
            "SELECT at_us, kind, milli, reference FROM movement WHERE account = :account"
            " AND kind IN ('purchase', 'recharge', 'refund') ORDER BY at_us, position",
            account=book.account,
        )
    ]
