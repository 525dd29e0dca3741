"""`check`: all that must agree with something else, and every place where it does not.

A quick check proves every digest, and whatever events and the headers of pages tell; a full one
reads every line, and makes every table again to be compared row by row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from ledger.credits import Credits
from ledger.database import Database, Table
from ledger.day_blocks import DAILY_BLOCK, DAILY_TOTAL
from ledger.draw_blocks import LOT_DRAW_BLOCK, POSTED_DRAW_BLOCK
from ledger.errors import IntegrityFailure
from ledger.totals import refold_balances
from projections.agreement import unequal_balances, unequal_lots, unequal_months, unequal_posted
from projections.batch import position_of
from projections.books import books, log_position
from projections.column_types import mistyped
from projections.counted import Settled
from projections.frozen import unlike
from projections.guards import unguarded
from projections.log import entries
from projections.lot_books import NAME as LOTS_NAME
from projections.lot_books import make, position_of_lots, write_tables
from projections.month_blocks import misplaced as misplaced_values
from projections.monthly import MONTHLY_TOTALS
from projections.movement_index import MOVEMENT_INDEX, MovementFold
from projections.page_sums import Run, alone
from projections.periods import closes
from projections.refolding import Refold
from projections.registry import registry
from projections.report import Report
from projections.shadow import differences, shadowed
from projections.stored_proof import Proof, misplaced
from projections.tables import (
    BOOKS,
    LOT_DRAW,
    LOTS,
    MONTH_BLOCK,
    MONTHLY,
    MONTHLY_TOTAL,
    PAGE_CHANGE,
    POSTED_DRAW,
    REGISTER,
)
from projections.transfer_states import transfer_states

Severity = Literal["integrity", "unguarded", "unfinished"]

PROJECTIONS: Final = (MOVEMENT_INDEX, MONTHLY_TOTALS)

_DAILY: Final = "daily-totals"
_MONTHLY: Final = MONTHLY_TOTALS.name


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not agree (`integrity`), could be edited (`unguarded`), or is `unfinished`."""

    severity: Severity
    subject: str
    text: str


def check(database: Database, *, full: bool = False, run: Run = alone) -> Report[Finding]:
    """Check the ledger; memory does not grow with it."""
    of_lines: tuple[Table, ...] = (DAILY_BLOCK, *MONTHLY, *LOTS) if full else ()
    with shadowed(database, [*BOOKS, *REGISTER, *of_lines]) as shadow:
        odd = [Finding("integrity", table, text) for table, text in mistyped(shadow)]
        try:
            position, findings = _checked(shadow, full=full, run=run)
        except Exception as error:
            if not odd:
                raise
            text = f"cannot be checked while columns hold what they should not: {error}"
            position, findings = 0, [Finding("integrity", "ledger", text)]
        return Report(Finding, position, [*odd, *findings])


def _checked(shadow: Database, *, full: bool, run: Run) -> tuple[int, list[Finding]]:
    # Before what damage may bring to an end.
    position, unfinished = log_position(shadow), list(_unfinished(shadow))
    findings = [*_unguarded(shadow), *_findings(shadow, full=full, run=run)]
    return position, [*findings, *unfinished]


def damage(database: Database) -> IntegrityFailure | None:
    """Tell what is damaged, where something that should not can be read, cannot be.

    No lines are read: who waits for an answer would wait for minutes. Raises LedgerError.
    """
    for finding in check(database).rows:
        if finding.severity == "integrity":
            msg = (
                "expected a ledger that agrees with itself, found"
                f" {finding.subject}: {finding.text}; type `sms-ledger check --full`, and"
                " restore a backup or load a dump into a new ledger"
            )
            return IntegrityFailure(msg)
    return None


def _unguarded(shadow: Database) -> Iterator[Finding]:
    for table in unguarded(shadow):
        text = (
            "expected triggers that refuse to edit events, found them gone or switched off:"
            " load a dump of this ledger into a new one"
        )
        yield Finding("unguarded", table, text)


def _findings(shadow: Database, *, full: bool, run: Run) -> Iterator[Finding]:
    for subject, text in misplaced(shadow):
        yield Finding("integrity", subject, text)
    register, proof = MovementFold(shadow, Settled({})), Proof(shadow)
    through = position_of(MOVEMENT_INDEX, shadow)
    for logged in proof.events():
        if logged.position <= through:
            register.add(logged)
    # Where events differ, the seals of all later ones do too.
    for subject, text in proof.faults or proof.seals.kept_faults(shadow):
        yield Finding("integrity", subject, text)
    known = {subject for subject, _ in proof.faults}
    try:
        register.finish()
        registry(shadow, log_position(shadow)).write(shadow, refold_balances(shadow))
        yield from _small_tables(shadow)
        for finding in _lines(shadow, run) if full else _sums(shadow):
            if finding.subject not in known:
                yield finding
    except Exception as error:  # whatever damage does is a finding
        text = f"cannot be made again from the events, to be compared: {error}"
        yield Finding("integrity", "views", text)


def _small_tables(shadow: Database) -> Iterator[Finding]:
    """Compare what events and the headers of pages tell."""
    for table in BOOKS:
        yield from _compared(shadow, table, table.name)
    for table in REGISTER:
        yield from _compared(shadow, table, f"{MOVEMENT_INDEX.name} ({table.name})")


def _compared(shadow: Database, table: Table, subject: str) -> Iterator[Finding]:
    for text in differences(shadow, table):
        yield Finding("integrity", subject, text)


def _sums(shadow: Database) -> Iterator[Finding]:
    """Hold totals against each other."""
    for account, moved, summed in unequal_balances(shadow):
        text = f"account {account}: expected days that add up to {Credits(moved)} credits"
        yield Finding("integrity", "daily_total", f"{text}, found {Credits(summed)}")
    if position_of(MONTHLY_TOTALS, shadow) == log_position(shadow):
        for dimension, account, month in unequal_months(shadow):
            text = (
                f"account {account}, month {month}: expected totals by {dimension} that add up"
                " to those of its days, found others"
            )
            yield Finding("integrity", f"{_MONTHLY} (monthly_total)", text)
    if position_of_lots(shadow) == log_position(shadow):
        for table, unequal in (("lot_draw", unequal_lots), ("posted_draw", unequal_posted)):
            for account, owned, held in unequal(shadow):
                text = (
                    f"account {account}: expected lots of {Credits(owned)} credits, as its"
                    f" balance, found {Credits(held)}"
                )
                yield Finding("integrity", f"{LOTS_NAME} ({table})", text)
    yield from _closes(shadow)


def _closes(shadow: Database) -> Iterator[Finding]:
    """Hold closes against the credits of their months, which nothing late changes."""
    if position_of_lots(shadow) != log_position(shadow):
        return
    for (customer,) in shadow.execute("SELECT customer FROM customer ORDER BY customer"):
        for close in closes(shadow, customer):
            for text in unlike(shadow, close.event, money=False):
                yield Finding("integrity", f"{customer} {close.month}", text)


def _lines(shadow: Database, run: Run) -> Iterator[Finding]:
    """Read every line; totals are made again up to where the ledger's own are."""
    end = log_position(shadow)
    named: dict[int, list[str]] = defaultdict(list)
    named[end].append(_DAILY)
    named[position_of(MONTHLY_TOTALS, shadow)].append(_MONTHLY)
    for through, names in named.items():
        openings = registry(shadow, through).settled()
        refold = Refold(shadow, openings, names, run=run, proved=through == end)
        for fault in refold.take(entries(shadow, 0, through)):
            yield Finding("integrity", f"position {fault.position}", fault.text)
        refold.finish()
    days = list(_compared(shadow, DAILY_TOTAL, DAILY_TOTAL.name))
    # What is said of a whole month follows from its days.
    yield from days or _compared(shadow, DAILY_BLOCK, DAILY_BLOCK.name)
    yield from _months(shadow)
    yield from _lots(shadow)


def _months(shadow: Database) -> Iterator[Finding]:
    for table in (MONTHLY_TOTAL, PAGE_CHANGE):
        yield from _compared(shadow, table, f"{_MONTHLY} ({table.name})")
    # How many blocks there are follows from how the values came, and is not compared.
    for dimension, month, account in misplaced_values(shadow):
        text = (
            f"dimension {dimension}, month {month}, account {account}: expected values in their"
            " order, each in the block that it is of, found others"
        )
        yield Finding("integrity", f"{_MONTHLY} ({MONTH_BLOCK.name})", text)


def _lots(shadow: Database) -> Iterator[Finding]:
    """Draw all lots again, where those that are kept know the whole log."""
    end = log_position(shadow)
    if position_of_lots(shadow) == position_of(MOVEMENT_INDEX, shadow) == end:
        write_tables(shadow, make(shadow, 0))
        for table in LOTS:
            yield from _compared_lots(shadow, table)
        yield from _closes(shadow)


def _compared_lots(shadow: Database, table: Table) -> Iterator[Finding]:
    found = list(_compared(shadow, table, f"{LOTS_NAME} ({table.name})"))
    if found and table in _SHOWN:
        # What is said of a whole block follows from its draws.
        shown = _SHOWN[table]
        found = list(_compared(shadow, shown, f"{LOTS_NAME} ({shown.name})")) or found
    yield from found


_SHOWN: Final = {LOT_DRAW_BLOCK: LOT_DRAW, POSTED_DRAW_BLOCK: POSTED_DRAW}


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
    yield from _in_doubt(shadow)
    for (account,) in shadow.execute(
        "SELECT account FROM main.account WHERE opening_milli IS NULL ORDER BY account"
    ):
        text = f"its balance was not opened: run `sms-ledger sync {account}`, or import it"
        yield Finding("unfinished", account, text)


def _in_doubt(shadow: Database) -> Iterator[Finding]:
    for (customer,) in shadow.execute("SELECT customer FROM main.customer ORDER BY customer"):
        try:
            known = transfer_states(shadow, customer)
        except (LookupError, IntegrityFailure):
            continue  # a finding of the proof
        for one in known:
            if one.is_in_doubt:
                text = (
                    f"the transfer of {one.credits} credits from {one.source} to {one.target}"
                    f" is in doubt: run `sms-ledger transfer resolve {one.id}`"
                )
                yield Finding("unfinished", customer, text)


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
