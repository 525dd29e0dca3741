"""`audit log` and `audit show`: what was recorded, by whom, when, why, and its digest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any, Final
from zoneinfo import ZoneInfo

from ledger.canonical import decode, plain
from ledger.database import Database, Row, Rows
from ledger.errors import InvalidValue
from ledger.events import BY_TOPIC, LedgerEvent, PageRecorded
from ledger.movements import movements
from ledger.times import DEFAULT_ZONE, from_us, zone
from projections.audit_links import Place, Related, related
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
    """One event whole, as plain values; a page's body is left out.

    `statement` is the command that shows what it moved; `related` is what belongs to it.
    """

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
    statement: str | None
    related: list[Related] = field(metadata=NESTED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: all conditions hold. The period is that of `recorded_at`.

    `reason` is a part of it, in small or capital letters.
    """

    period: Period = field(default_factory=Period)
    accounts: Sequence[str] = ()
    kinds: Sequence[str] = ()
    actor: str | None = None
    reason: str | None = None
    first: int = 1
    last: int | None = None


def kind_of(topic: str) -> str:
    """Give the word of a topic: `sms.credits-purchased.1` → `credits-purchased`."""
    return topic.split(".")[1]


def audit_log(database: Database, wanted: Wanted) -> Report[AuditRow]:
    """Give the wanted events in the order of the log. Raises UnknownAccount, InvalidValue."""
    _require_kinds(wanted.kinds)
    with database.snapshot():
        require_known(wanted.accounts, [book.account for book in books(database)])
        rows = list(_rows(database, wanted))
        return Report(AuditRow, log_position(database), rows)


def _require_kinds(kinds: Sequence[str]) -> None:
    known = sorted(map(kind_of, BY_TOPIC))
    for kind in kinds:
        if kind not in known:
            near = ", ".join(get_close_matches(kind, known)) or ", ".join(known)
            msg = f"expected a kind of event, found {kind!r}: there is {near}"
            raise InvalidValue(msg)


_ENTRY: Final = """
    SELECT l.position, l.stream, l.version, l.topic, l.happened_at_us, l.recorded_at_us,
        l.leaf, COALESCE(c.time_zone, :zone), s.state, l.account, l.customer
    FROM event_log l
    LEFT JOIN customer c ON c.customer = l.customer
    JOIN stored_events s ON s.originator_id = l.stream AND s.originator_version = l.version
"""
_ENTRIES: Final = f"""
    {_ENTRY} WHERE l.position >= :first AND l.position <= :last ORDER BY l.position
"""


def _rows(database: Database, wanted: Wanted) -> Iterator[AuditRow]:
    last = log_position(database) if wanted.last is None else wanted.last
    for entry in database.each(_ENTRIES, first=wanted.first, last=last, zone=DEFAULT_ZONE):
        if _is_wanted(entry, wanted):
            row = _row(entry, decode(entry[3], entry[8]))
            if wanted.actor in {None, row.actor} and _has_reason(row, wanted.reason):
                yield row


def _has_reason(row: AuditRow, part: str | None) -> bool:
    return part is None or part.casefold() in (row.reason or "").casefold()


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


def audit_show(database: Database, event: str) -> Report[AuditDetails]:
    """Give one event, named by its position or as stream@version. Raises InvalidValue."""
    with database.snapshot():
        end = log_position(database)
        entry = _entry(database, event, end)
        shown = decode(entry[3], bytes(entry[8]))
        row = _row(entry, shown)
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
            event=plain(shown),
            statement=_statement(shown, entry[9], zone(entry[7])),
            related=related(
                database, Place(row.position, row.stream, row.version, entry[10] or ""), shown
            ),
        )
        return Report(AuditDetails, end, [details])


def _entry(rows: Rows, event: str, end: int) -> Row:
    stream, at, number = event.rpartition("@")
    found: Sequence[Row] = []
    if re.fullmatch(r"[0-9]{1,18}", number):
        where = "l.stream = :stream AND l.version = :number" if at else "l.position = :number"
        params = {"stream": stream} if at else {}
        found = rows.execute(
            f"{_ENTRY} WHERE {where}", number=int(number), zone=DEFAULT_ZONE, **params
        )
    if not found:
        msg = f"expected a log position from 1 to {end}, or STREAM@VERSION, found {event}"
        raise InvalidValue(msg)
    return found[0]


def _statement(event: LedgerEvent, account: str | None, local: ZoneInfo) -> str | None:
    """Give the command that shows what an event moved; None where it moves nothing."""
    moves = isinstance(event, PageRecorded) or any(True for _ in movements(event))
    if account is None or not moves:
        return None
    if isinstance(event, PageRecorded):
        first, last = (at.astimezone(local).date() for at in (event.first_at, event.last_at))
        return f"sms-ledger stmt {account} -b {first} -e {last + timedelta(days=1)}"
    return f"sms-ledger stmt {account} -p {event.happened_at.astimezone(local).date()}"
