"""What a synchronisation remembers outside the log: how far it read, what it need not repeat.

Losing these tables costs requests, never a figure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from ledger.database import Database
from ledger.events import Coverage
from ledger.times import from_us, to_us

_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """The last look at an account, by OVH's clock."""

    read_at: datetime
    coverage: Coverage
    oldest_pending: datetime | None
    listed_whole_on: date | None


def last_run(database: Database, account: str) -> SyncRun | None:
    """Give the last look at an account."""
    rows = database.execute(
        "SELECT read_at_us, outgoing_through_us, incoming_through_us, hlr_through_us,"
        " bills_through_us, oldest_pending_us, listed_whole_on"
        " FROM sync_run WHERE account = :account",
        account=account,
    )
    if not rows:
        return None
    read_at, outgoing, incoming, hlr, bills, pending, whole = rows[0]
    return SyncRun(
        read_at=from_us(read_at),
        coverage=Coverage(
            jobs=None,
            outgoing=_instant(outgoing),
            incoming=_instant(incoming),
            hlr=_instant(hlr),
            bills=_instant(bills),
        ),
        oldest_pending=_instant(pending),
        listed_whole_on=date.fromisoformat(whole) if whole else None,
    )


def keep_run(database: Database, account: str, run: SyncRun) -> None:
    """Remember a look at an account; an older look does not replace a newer one.

    One that is a day ahead is replaced all the same: OVH's clock went wrong then.
    """
    database.execute(
        "INSERT INTO sync_run (account, read_at_us, outgoing_through_us, incoming_through_us,"
        " hlr_through_us, bills_through_us, oldest_pending_us, listed_whole_on)"
        " VALUES (:account, :read_at, :outgoing, :incoming, :hlr, :bills, :pending, :whole)"
        " ON CONFLICT (account) DO UPDATE SET read_at_us = excluded.read_at_us,"
        " outgoing_through_us = excluded.outgoing_through_us,"
        " incoming_through_us = excluded.incoming_through_us,"
        " hlr_through_us = excluded.hlr_through_us,"
        " bills_through_us = excluded.bills_through_us,"
        " oldest_pending_us = excluded.oldest_pending_us,"
        " listed_whole_on = excluded.listed_whole_on"
        " WHERE sync_run.read_at_us <= excluded.read_at_us"
        " OR sync_run.read_at_us > excluded.read_at_us + :day",
        day=_DAY_US,
        account=account,
        read_at=to_us(run.read_at),
        outgoing=_us(run.coverage.outgoing),
        incoming=_us(run.coverage.incoming),
        hlr=_us(run.coverage.hlr),
        bills=_us(run.coverage.bills),
        pending=_us(run.oldest_pending),
        whole=run.listed_whole_on.isoformat() if run.listed_whole_on else None,
    )


def keep_label(database: Database, account: str, description: str) -> None:
    """Keep OVH's free text for an account, outside the log, where it can be erased."""
    database.execute(
        "INSERT INTO label (account, description) VALUES (:account, :description)"
        " ON CONFLICT (account) DO UPDATE SET description = excluded.description"
        " WHERE label.description <> excluded.description",
        account=account,
        description=description,
    )


def examined(database: Database, customer: str, kind: str) -> set[str]:
    """Give what was looked at and need not be read again."""
    return {
        str(reference)
        for (reference,) in database.execute(
            "SELECT reference FROM examined WHERE customer = :customer AND kind = :kind",
            customer=customer,
            kind=kind,
        )
    }


def examine(database: Database, customer: str, kind: str, references: Iterable[str]) -> None:
    """Remember what was looked at."""
    wanted = list(references)
    if not wanted:
        return
    with database.transaction():
        for reference in wanted:
            database.execute(
                "INSERT INTO examined (customer, kind, reference)"
                " VALUES (:customer, :kind, :reference) ON CONFLICT DO NOTHING",
                customer=customer,
                kind=kind,
                reference=reference,
            )


def _instant(us: int | None) -> datetime | None:
    return None if us is None else from_us(us)


def _us(instant: datetime | None) -> int | None:
    return None if instant is None else to_us(instant)
