"""`audit log` and `audit show`: what was recorded, by whom, when, why, and its digest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ledger.canonical import decode, plain
from ledger.database import Database, Row, Rows
from ledger.errors import InvalidValue
from ledger.times import DEFAULT_ZONE, from_us, zone
from projections.books import books, log_position, require_known
from projections.moments import Period
from projections.report import NESTED, Report


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One event; `digest` is its leaf, hexadecimal: `SHA-256(0x00 ‖ stream ‖ version ‖ …)`."""

    position: int
    stream: str
    version: int
    kind: str
    happened_at: datetime
    recorded_at: datetime
    actor: str
    reason: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class AuditDetails:
    """One event whole, as plain values; a page's body is left out."""

    position: int
    stream: str
    version: int
    kind: str
    happened_at: datetime
    recorded_at: datetime
    actor: str
    reason: str | None
    digest: str
    event: dict[str, Any] = field(metadata=NESTED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: all conditions hold. The period is that of `recorded_at`."""

    period: Period = field(default_factory=Period)
    accounts: Sequence[str] = ()
    kinds: Sequence[str] = ()
    actor: str | None = None
    first: int = 1
    last: int | None = None


def kind_of(topic: str) -> str:
    """Give the word of a topic: `sms.credits-purchased.1` → `credits-purchased`."""
    return topic.split(".")[1]


def audit_log(database: Database, wanted: Wanted) -> Report[AuditRow]:
    """Give the wanted events in the order of the log. Raises UnknownAccount, InvalidValue."""
    with database.snapshot():
        require_known(wanted.accounts, [book.account for book in books(database)])
        rows = list(_rows(database, wanted))
        return Report(AuditRow, log_position(database), rows)


_ENTRIES = """
    SELECT l.position, l.stream, l.version, l.topic, l.happened_at_us, l.recorded_at_us,
        l.leaf, COALESCE(c.time_zone, :zone), s.state, l.account
    FROM event_log l
    LEFT JOIN customer c ON c.customer = l.customer
    JOIN stored_events s ON s.originator_id = l.stream AND s.originator_version = l.version
    WHERE l.position >= :first AND l.position <= :last ORDER BY l.position
"""


def _rows(database: Database, wanted: Wanted) -> Iterator[AuditRow]:
    last = log_position(database) if wanted.last is None else wanted.last
    for entry in database.each(_ENTRIES, first=wanted.first, last=last, zone=DEFAULT_ZONE):
        if _is_wanted(entry, wanted):
            row = _row(entry, decode(entry[3], entry[8]))
            if wanted.actor in {None, row.actor}:
                yield row


def _is_wanted(entry: Row, wanted: Wanted) -> bool:
    topic, recorded_at_us, zone_name, account = entry[3], entry[5], entry[7], entry[9]
    start_us, end_us = wanted.period.bounds(zone(zone_name))
    return (
        (not wanted.accounts or account in wanted.accounts)
        and (not wanted.kinds or kind_of(topic) in wanted.kinds)
        and (start_us is None or recorded_at_us >= start_us)
        and (end_us is None or recorded_at_us < end_us)
    )


def _row(entry: Row, event: Any) -> AuditRow:
    position, stream, version, topic, happened_us, recorded_us, leaf, zone_name, *_ = entry
    local = zone(zone_name)
    return AuditRow(
        position=position,
        stream=stream,
        version=version,
        kind=kind_of(topic),
        happened_at=from_us(happened_us).astimezone(local),
        recorded_at=from_us(recorded_us).astimezone(local),
        actor=event.actor,
        reason=event.reason,
        digest=bytes(leaf).hex(),
    )


def audit_show(rows: Rows, position: int) -> Report[AuditDetails]:
    """Give one event with all that it says. Raises InvalidValue."""
    found = rows.execute(_ENTRIES, first=position, last=position, zone=DEFAULT_ZONE)
    end = log_position(rows)
    if not found:
        msg = f"expected a log position from 1 to {end}, found {position}"
        raise InvalidValue(msg)
    event = decode(found[0][3], found[0][8])
    row = _row(found[0], event)
    details = AuditDetails(
        position=row.position,
        stream=row.stream,
        version=row.version,
        kind=row.kind,
        happened_at=row.happened_at,
        recorded_at=row.recorded_at,
        actor=row.actor,
        reason=row.reason,
        digest=row.digest,
        event=plain(event),
    )
    return Report(AuditDetails, end, [details])
