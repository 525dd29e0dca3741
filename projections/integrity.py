"""`check`: all that must agree with something else, and every place where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from ledger.database import Database
from ledger.totals import VIEWS, refold
from projections.batch import empty, position_of, step
from projections.books import books, log_position
from projections.movement_index import MOVEMENT_INDEX
from projections.report import Report
from projections.shadow import differences, shadowed
from projections.stored_proof import STORED, damaged, misplaced

Severity = Literal["integrity", "unfinished"]

PROJECTIONS: Final = (MOVEMENT_INDEX,)

Stored = tuple[str, int, str, bytes]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not agree: `integrity`, or only `unfinished` work."""

    severity: Severity
    subject: str
    text: str


def check(database: Database) -> Report[Finding]:
    """Check everything; memory does not grow with the ledger."""
    tables = [*VIEWS, *(table for one in PROJECTIONS for table in one.tables)]
    with shadowed(database, [*tables, "projection_position"]) as shadow:
        findings = list(_findings(shadow))
        ((position,),) = shadow.execute("SELECT COALESCE(MAX(position), 0) FROM main.event_log")
        return Report(Finding, position, findings)


def _findings(shadow: Database) -> Iterator[Finding]:
    faults = [*misplaced(shadow), *damaged(shadow)]
    yield from (Finding("integrity", subject, text) for subject, text in faults)
    try:
        refold(shadow, _stored(shadow))
        yield from _views(shadow)
        yield from _projections(shadow)
    except Exception as error:  # whatever damage does is a finding
        text = f"cannot be made again from the events, to be compared: {error}"
        yield Finding("integrity", "views", text)
    yield from _unfinished(shadow)


def _stored(shadow: Database) -> Iterator[Stored]:
    for _, stream, version, _, topic, state in shadow.each(STORED):
        yield stream, version, topic, state


def _views(shadow: Database) -> Iterator[Finding]:
    for view in VIEWS:
        for text in differences(shadow, view):
            yield Finding("integrity", view, text)


def _projections(shadow: Database) -> Iterator[Finding]:
    """Rebuild each projection up to where the ledger's own is."""
    for projection in PROJECTIONS:
        found = shadow.execute(
            "SELECT position FROM main.projection_position WHERE projection = :name",
            name=projection.name,
        )
        through = found[0][0] if found else 0
        empty(projection, shadow)
        while position_of(projection, shadow) < through:
            if not step(projection, shadow, through=through):
                break
        for table in projection.tables:
            for text in differences(shadow, table):
                yield Finding("integrity", f"{projection.name} ({table})", text)


def _unfinished(shadow: Database) -> Iterator[Finding]:
    for customer, sha256, count in shadow.execute(
        "SELECT customer, sha256, rows FROM main.file_import WHERE completed_at_us IS NULL"
        " ORDER BY customer, started_at_us"
    ):
        text = (
            f"the import of a file of {count} rows (SHA-256 {sha256}) is not complete:"
            " run `sms-ledger import` with that file again"
        )
        yield Finding("unfinished", customer, text)
    for (account,) in shadow.execute(
        "SELECT account FROM main.account WHERE opening_milli IS NULL ORDER BY account"
    ):
        text = f"its balance was not opened: run `sms-ledger sync {account}`, or import it"
        yield Finding("unfinished", account, text)


@dataclass(frozen=True, slots=True)
class Extent:
    """What was checked."""

    events: int
    lines: int
    accounts: int


def extent(database: Database) -> Extent:
    """Count what a check looks at."""
    ((lines,),) = database.execute(
        "SELECT COALESCE(SUM(count), 0) FROM daily_total"
        " WHERE kind IN ('consumption', 'reply', 'hlr', 'cleaning')"
    )
    return Extent(log_position(database), int(lines), len(books(database)))
