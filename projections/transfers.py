"""`transfer list`: what was asked to be transferred, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from ledger.credits import ZERO, Credits
from ledger.database import Database
from ledger.transfer_states import Status, Transfer
from projections.books import books, log_position
from projections.moments import Moment
from projections.report import NESTED, Report
from projections.transfer_states import transfer_states


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a balance showed: `unexplained` moved there beyond all that is recorded.

    Of it, `assumed` was taken for what `assumption` names.
    """

    account: str
    looked_at: datetime
    owned: Credits
    recorded: Credits
    in_flight: Credits
    unexplained: Credits
    assumed: Credits
    assumption: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRow:
    """One transfer. `reason` tells how its outcome is known, or why it is not."""

    transfer: str
    customer: str
    source: str
    target: str
    credits: Credits
    status: Status
    requested_at: datetime
    resolved_at: datetime | None
    reason: str | None
    evidence: tuple[Shown, ...] = field(metadata=NESTED)


def list_transfers(database: Database, moment: Moment | None = None) -> Report[TransferRow]:
    """Give every transfer that was requested here, oldest first, or as they stood then."""
    with database.snapshot():
        zones = {book.customer: book.zone for book in books(database)}
        rows = [
            _row(one, zone)
            for customer, zone in sorted(zones.items())
            for one in transfer_states(database, customer, _end_us(moment, zone))
        ]
        return Report(TransferRow, log_position(database), rows)


def _end_us(moment: Moment | None, zone: ZoneInfo) -> int | None:
    return None if moment is None else moment.end_us(zone)


def _row(one: Transfer, zone: ZoneInfo) -> TransferRow:
    return TransferRow(
        transfer=one.id,
        customer=one.customer,
        source=one.source,
        target=one.target,
        credits=one.credits,
        status=one.status,
        requested_at=one.requested_at.astimezone(zone),
        resolved_at=one.resolved_at.astimezone(zone) if one.resolved_at else None,
        reason=reason_of(one),
        evidence=tuple(_shown(one, zone)),
    )


def _shown(one: Transfer, zone: ZoneInfo) -> Iterator[Shown]:
    if one.evidence is None:
        return
    for account, after in (
        (one.source, one.evidence.source),
        (one.target, one.evidence.target),
    ):
        yield Shown(
            account=account,
            looked_at=after.reading.at.astimezone(zone),
            owned=after.owned,
            recorded=after.recorded,
            in_flight=after.in_flight,
            unexplained=after.unexplained,
            assumed=after.assumed,
            assumption=after.assumption,
        )


def reason_of(one: Transfer) -> str | None:
    """Say in words how the outcome of a transfer is known, or why it is not."""
    match one.status:
        case "requested":
            return "no outcome was recorded: under way, or cut off"
        case "unknown":
            return "; ".join([one.answer or "no outcome was recorded", *_balances(one)])
        case "sent" | "voided":
            return _settled(one)
        case _:
            assert_never(one.status)


def _settled(one: Transfer) -> str | None:
    late = "after it was taken for void" if one.late else None
    told = {"answer": one.answer, "balances": "; ".join(_balances(one)), "operator": None}
    known = told[one.by] if one.by else None
    return "; ".join(text for text in (late, known, one.stated) if text) or None


def _balances(one: Transfer) -> Iterator[str]:
    if one.evidence is None:
        return
    source, target = one.evidence.source, one.evidence.target
    yield (
        f"since the call {one.source} moved by {signed(source.unexplained)} and {one.target} by"
        f" {signed(target.unexplained)} beyond what is recorded"
    )
    yield from (f"assumed that {one.assumption}" for one in (source, target) if one.assumption)


def signed(credits: Credits) -> str:
    return f"+{credits}" if credits > ZERO else str(credits)
