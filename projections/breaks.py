"""`recon breaks`: every break with its life: open, explained, accepted, adjusted, closed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ledger.credits import Credits
from ledger.database import Database
from ledger.events import BreakAdjusted
from ledger.names import break_name
from ledger.times import from_us, to_us
from projections.ages import Bucket, age_days, bucket
from projections.batch import caught_up
from projections.books import books, log_position, notes, require_known
from projections.cases import Case
from projections.differences import cases
from projections.movement_index import MOVEMENT_INDEX
from projections.report import NESTED, Report

Status = Literal["open", "explained", "accepted", "adjusted", "closed"]


@dataclass(frozen=True, slots=True)
class BreakRow:
    """One break. `credits` None: it moves none. An accepted one that is gone is closed.

    `movement` is the reference of what it was booked as.
    """

    customer: str
    account: str
    break_id: str
    kind: str
    credits: Credits | None
    status: Status
    first_seen: datetime
    age_days: int
    age: Bucket
    owner: str | None
    text: str
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    movement: str | None
    break_kind: str
    reference: str
    notes: tuple[str, ...] = field(metadata=NESTED)


def list_breaks(
    database: Database, accounts: Sequence[str] = (), *, now: datetime, closed: bool = False
) -> Report[BreakRow]:
    """Give the breaks that stand, or all that were decided on too. Raises UnknownAccount."""
    with caught_up(MOVEMENT_INDEX, database):
        of = books(database)
        require_known(accounts, [book.account for book in of])
        named = [book for book in of if not accounts or book.account in accounts]
        customers = {book.customer for book in named}
        open_ones = [
            one for one in of if one.customer in customers and one.closed_at_us is None
        ]
        rows = [
            row
            for case in cases(database, open_ones)
            if case.book in named
            for row in sorted(_rows(case, now), key=lambda row: (row.first_seen, row.break_id))
            if closed or row.status in {"open", "explained", "accepted"}
        ]
        return Report(BreakRow, log_position(database), rows, notes(database, named))


@dataclass(frozen=True, slots=True)
class _Told:
    """What a part of the drift, a stored break or a decision tells of a break."""

    break_kind: str
    reference: str
    kind: str
    credits: Credits | None
    status: Status
    at_us: int
    text: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.break_kind, self.reference


def _rows(case: Case, now: datetime) -> Iterator[BreakRow]:
    known: set[tuple[str, str]] = set()
    for one in (*_standing(case), *_decided(case)):
        if one.key not in known:
            known.add(one.key)
            yield _row(case, one, now)


def _standing(case: Case) -> Iterator[_Told]:
    for part in case.parts:
        yield _Told(
            part.break_kind, part.reference, part.kind, part.credits, part.status, part.at_us,
            part.text,
        )  # fmt: skip
    for one in case.known.breaks:
        credits = None if one.milli is None else Credits(one.milli)
        yield _Told(one.kind, one.reference, one.kind, credits, "open", one.opened_us, one.text)


def _decided(case: Case) -> Iterator[_Told]:
    """Tell of decided breaks that the drift shows no more; one without credits never did."""
    for one in case.decided.accepted.values():
        status: Status = "closed" if one.credits else "accepted"
        at_us = to_us(one.first_seen_at)
        yield _Told(one.kind, one.reference, one.kind, one.credits, status, at_us)
    for booked in case.decided.adjusted.values():
        at_us = to_us(booked.first_seen_at)
        yield _Told(
            booked.kind, booked.reference, booked.booked_as, booked.credits, "adjusted", at_us
        )


def _row(case: Case, one: _Told, now: datetime) -> BreakRow:
    decided = case.decided.adjusted.get(one.key) or case.decided.accepted.get(one.key)
    noted, days = case.decided.notes_on(*one.key), age_days(one.at_us, now)
    zone = case.book.zone
    return BreakRow(
        customer=case.book.customer,
        account=case.book.account,
        break_id=break_name(*one.key),
        kind=one.kind,
        credits=one.credits,
        status=one.status,
        first_seen=from_us(one.at_us).astimezone(zone),
        age_days=days,
        age=bucket(days),
        owner=noted.owner,
        text=one.text,
        decided_by=decided.actor if decided else None,
        decided_at=decided.recorded_at.astimezone(zone) if decided else None,
        reason=decided.reason if decided else None,
        movement=decided.movement if isinstance(decided, BreakAdjusted) else None,
        break_kind=one.break_kind,
        reference=one.reference,
        notes=tuple(noted.texts),
    )
