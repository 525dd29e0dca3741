"""`recon`: the ledger against what OVH said, per account, at the last observation.

`observed − ledger = Σ explained lines + residual`, signed: a negative drift means that OVH
shows fewer credits than the ledger. Explanations are published, never subtracted in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from ledger.credits import ZERO, Credits
from ledger.database import Database
from ledger.names import break_name
from ledger.times import to_us
from projections.ages import Bucket, age_days, bucket
from projections.batch import caught_up
from projections.books import Book, books, log_position, notes, require_known
from projections.cases import Case, Part, PartStatus
from projections.differences import cases
from projections.explanations import Explanation
from projections.moments import Moment
from projections.movement_index import MOVEMENT_INDEX
from projections.report import NESTED, Report

Status = Literal[
    "reconciled", "explained", "unexplained", "contradictory", "moving", "stale", "unobserved",
    "unopened",
]  # fmt: skip

CONCLUDED: Final = frozenset[Status](("reconciled", "explained", "unexplained"))


@dataclass(frozen=True, slots=True)
class Difference:
    """A part of the drift: it arose after `since`, was seen first at `first_seen`.

    `break_id` names it for a decision. `counter_account` and `counter_break` are the other side
    of a foreign transfer; `bill` is the bill line of a purchase that is not booked.
    """

    break_id: str
    break_kind: str
    reference: str
    kind: str
    credits: Credits
    status: PartStatus
    since: datetime
    first_seen: datetime
    age_days: int
    age: Bucket
    owner: str | None
    notes: tuple[str, ...]
    text: str
    counter_account: str | None
    counter_break: str | None
    bill: str | None
    hints: tuple[str, ...]


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
    differences: tuple[Difference, ...] = field(metadata=NESTED)


def reconcile(
    database: Database,
    accounts: Sequence[str] = (),
    *,
    now: datetime,
    max_age: timedelta | None = None,
    as_of: Moment | None = None,
) -> Report[Reconciliation]:
    """Compare accounts with their last observation, or that of a moment.

    Where the last look at OVH is older than `max_age`, nothing is concluded. Raises
    UnknownAccount.
    """
    oldest_us = None if max_age is None else to_us(now - max_age)
    with caught_up(MOVEMENT_INDEX, database):
        of = books(database)
        require_known(accounts, [book.account for book in of])
        named = [book for book in of if not accounts or book.account in accounts]
        customers = {book.customer for book in named}
        open_ones = [one for one in of if one.customer in customers and _concerned(one)]
        looks: dict[str, int] = dict(
            database.execute("SELECT account, read_at_us FROM sync_run")
        )
        rows = [
            _row(case, now, is_stale=_is_stale(case, looks, oldest_us))
            for case in cases(database, open_ones, as_of)
            if case.book in named
        ]
        return Report(Reconciliation, log_position(database), rows, notes(database, named))


def _concerned(book: Book) -> bool:
    """A closed account left the books: OVH's number is no longer compared with it."""
    return book.closed_at_us is None


def _is_stale(case: Case, looks: Mapping[str, int], oldest_us: int | None) -> bool:
    """Tell whether OVH was last looked at too long ago, also by a look that found nothing."""
    if oldest_us is None or case.drift is None:
        return False
    return max(case.drift.at_us, looks.get(case.book.account, 0)) < oldest_us


def _row(case: Case, now: datetime, *, is_stale: bool) -> Reconciliation:
    drift, book, lines = case.drift, case.book, tuple(case.lines)
    known = None if drift is None else drift.milli
    explained = sum((line.credits for line in lines), ZERO)
    residual = case.residual
    seen = drift.seen if drift else None
    return Reconciliation(
        customer=book.customer,
        account=book.account,
        observed_at=book.local(drift.at_us) if drift else None,
        credits_left=seen.owned - seen.held if seen else None,
        held=seen.held if seen else None,
        observed=seen.owned if seen else None,
        ledger=Credits(drift.ledger) if drift and drift.ledger is not None else None,
        drift=None if known is None else Credits(known),
        explained=None if known is None else explained,
        residual=residual,
        status=_status(case, residual, is_stale=is_stale),
        breaks=len(case.known.breaks),
        lines=lines,
        differences=tuple(_difference(case, part, now) for part in case.parts),
    )


def _difference(case: Case, part: Part, now: datetime) -> Difference:
    noted = case.decided.notes_on(part.break_kind, part.reference)
    age = age_days(part.at_us, now)
    return Difference(
        break_id=break_name(part.break_kind, part.reference),
        break_kind=part.break_kind,
        reference=part.reference,
        kind=part.kind,
        credits=part.credits,
        status=part.status,
        since=case.book.local(part.after_us),
        first_seen=case.book.local(part.at_us),
        age_days=age,
        age=bucket(age),
        owner=noted.owner,
        notes=tuple(noted.texts),
        text=part.text,
        counter_account=part.counter[0] if part.counter else None,
        counter_break=part.counter[1] if part.counter else None,
        bill=part.bill,
        hints=part.hints,
    )


def _status(case: Case, residual: Credits | None, *, is_stale: bool) -> Status:  # noqa: PLR0911
    drift = case.drift
    if drift is None:
        return "unopened" if case.book.balance is None else "unobserved"
    if drift.milli is None:
        return "unopened"
    if is_stale:
        return "stale"
    if drift.faults:
        return "contradictory"
    if not drift.seen.quiet:
        return "moving"
    if residual or any(part.status == "open" for part in case.parts):
        return "unexplained"
    return "explained" if drift.milli else "reconciled"
