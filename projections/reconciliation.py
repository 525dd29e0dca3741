"""`recon`: the ledger against what OVH said, per account, at the last observation.

`observed − ledger = Σ explained lines + residual`, signed: a negative drift means that OVH
shows fewer credits than the ledger. Explanations are published, never subtracted in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from ledger.credits import ZERO, Credits
from ledger.database import Database, Rows
from ledger.events import BalanceObserved
from ledger.names import observations_stream
from ledger.times import from_us, to_us
from projections.batch import caught_up
from projections.books import Book, books, log_position, notes
from projections.explanations import Claim, Explanation, claims_of, open_breaks, share
from projections.latest import latest
from projections.movement_index import MOVEMENT_INDEX
from projections.past import balance_before
from projections.report import NESTED, Report
from projections.surprises import rate_surprises

Status = Literal[
    "reconciled", "explained", "unexplained", "moving", "stale", "unobserved", "unopened"
]

CONCLUDED: Final = frozenset[Status](("reconciled", "explained", "unexplained"))


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One account at one instant; what cannot be told is None.

    `observed` = `credits_left` + `held` is what OVH says is owned; `breaks` counts the open
    ones, which need a person whether they hold credits or not.
    """

    customer: str
    account: str
    observed_at: datetime | None
    credits_left: Credits | None
    held: Credits | None
    observed: Credits | None
    ledger: Credits | None
    drift: Credits | None
    explained: Credits | None
    residual: Credits | None
    status: Status
    breaks: int
    lines: tuple[Explanation, ...] = field(metadata=NESTED)


def reconcile(
    database: Database,
    accounts: Sequence[str] = (),
    *,
    now: datetime,
    max_age: timedelta | None = None,
) -> Report[Reconciliation]:
    """Compare each account with its last observation. Raises UnknownAccount.

    An observation older than `max_age` concludes nothing.
    """
    oldest_us = None if max_age is None else to_us(now - max_age)
    with caught_up(MOVEMENT_INDEX, database):
        of = books(database, accounts)
        rows = [_reconciled(database, book, oldest_us) for book in of if _concerned(book)]
        return Report(Reconciliation, log_position(database), rows, notes(database, of))


def _concerned(book: Book) -> bool:
    """A closed account left the books: OVH's number is no longer compared with it."""
    return book.closed_at_us is None


def _reconciled(database: Database, book: Book, oldest_us: int | None) -> Reconciliation:
    seen = latest(database, observations_stream(book.account), BalanceObserved)
    breaks = list(open_breaks(database, book.account))
    if seen is None:
        return _unobserved(book, breaks)
    at_us = max(to_us(seen.happened_at), _looked_again_us(database, book))
    known = balance_before(database, book, at_us + 1)
    drift = None if known is None else seen.owned - known
    claims = [*breaks, *claims_of(database, book.account, seen, until=from_us(at_us))]
    claims += rate_surprises(database, book.account, book.customer, book.zone)
    lines = tuple(share(drift or ZERO, claims))
    explained = sum((line.credits for line in lines), ZERO)
    residual = None if drift is None else drift - explained
    stale = oldest_us is not None and at_us < oldest_us
    return Reconciliation(
        customer=book.customer,
        account=book.account,
        observed_at=book.local(at_us),
        credits_left=seen.owned - seen.held,
        held=seen.held,
        observed=seen.owned,
        ledger=known,
        drift=drift,
        explained=None if drift is None else explained,
        residual=residual,
        status=_status(seen, drift, residual, stale=stale),
        breaks=len(breaks),
        lines=lines,
    )


def _unobserved(book: Book, breaks: Sequence[Claim]) -> Reconciliation:
    return Reconciliation(
        customer=book.customer,
        account=book.account,
        observed_at=None,
        credits_left=None,
        held=None,
        observed=None,
        ledger=None,
        drift=None,
        explained=None,
        residual=None,
        status="unopened" if book.balance is None else "unobserved",
        breaks=len(breaks),
        lines=tuple(share(ZERO, breaks)),
    )


def _looked_again_us(rows: Rows, book: Book) -> int:
    """Give when the same numbers were seen last: an unchanged observation is not recorded."""
    found = rows.execute(
        "SELECT read_at_us FROM sync_run WHERE account = :account", account=book.account
    )
    return int(found[0][0]) if found else 0


def _status(
    seen: BalanceObserved, drift: Credits | None, residual: Credits | None, *, stale: bool
) -> Status:
    if drift is None:
        return "unopened"
    if not seen.quiet:
        return "moving"
    if stale:
        return "stale"
    if residual:
        return "unexplained"
    return "explained" if drift else "reconciled"
