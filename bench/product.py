"""What is asked of the product, in one place: its commands, and the functions behind them.

When the product offers more (a command, a projection, a faster way in), this is what changes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from ledger import account as accounts
from ledger import consumption, customer
from ledger.credits import ZERO
from ledger.database import Database, connect, parse_address
from ledger.events import FromFile, Stamp
from ledger.pages import (
    LINES_PER_PAGE,
    Columns,
    Line,
    LineId,
    indexed,
    pack,
    recorded,
)
from ledger.service import Ledger, Work
from ledger.totals import refold_balances
from projections import batch
from projections.costs import WITHOUT, Wanted, costs
from projections.integrity import PROJECTIONS
from projections.lot_books import lots_caught_up
from projections.moments import parse_period
from projections.month_sums import Dimension

PAGE: Final = LINES_PER_PAGE

# What keeps an import in one process.
ALONE: Final = ("--processes", "1")

# Value → how many messages, and their signed thousandths.
ByValue = dict[str, tuple[int, int]]

_SHA256: Final = "0" * 64


# --- commands ------------------------------------------------------------------------------


def program(url: str, *words: str) -> list[str]:
    """Give a command line on a ledger, started as the installed program is."""
    return [sys.executable, "-c", "from cli import main; main()", "--database", url, *words]


def rebuild(url: str) -> list[str]:
    """Give the command line that makes all projections again."""
    return program(url, "rebuild")


def sync(url: str) -> list[str]:
    """Give the command line that synchronises every account of every profile."""
    return program(url, "sync", "--all-profiles")


def reconcile(url: str) -> list[str]:
    """Give the command line that fails where a balance is not what OVH shows."""
    return program(url, "recon", "run")


# --- reading -------------------------------------------------------------------------------


@contextmanager
def reading(url: str) -> Iterator[Database]:
    database = connect(parse_address(url))
    try:
        yield database
    finally:
        database.close()


def catch_up(database: Database) -> None:
    """Bring all projections up to the log, lots too, as the first reports of commands do."""
    for projection in PROJECTIONS:
        batch.catch_up(projection, database)
    with lots_caught_up(database):
        pass


def month_by(database: Database, dimension: Dimension, month: str) -> list[Any]:
    """Give a month's messages by country, tag, …, of all accounts."""
    return costs(database, Wanted(dimension, parse_period(month))).rows


def by_value(rows: Iterable[Any], dimension: Dimension) -> ByValue:
    """Add up the rows of all customers."""
    found: ByValue = {}
    for row in rows:
        told = getattr(row, dimension)
        value = "" if told == WITHOUT else told
        count, milli = found.get(value, (0, 0))
        found[value] = (count + row.sms, milli - row.credits.milli)
    return found


def refold(database: Database) -> dict[str, int]:
    """Add up what moved of every account, from the headers of the pages alone."""
    with database.snapshot():
        balances = refold_balances(database)
    return {account: balance.moved_milli for account, balance in balances.items()}


# --- recording, as a synchronisation and an import do --------------------------------------


def stamp() -> Stamp:
    return Stamp(
        recorded_at=datetime.now(UTC),
        actor="bench",
        command_id="bench",
        source=FromFile(_SHA256, 1, 1),
    )


def open_accounts(
    ledger: Ledger, owners: Mapping[str, str], *, zone: str, at: datetime
) -> None:
    """Enter accounts, by their customers, each with a balance of nothing."""

    def decide(work: Work) -> None:
        for name in sorted(set(owners.values())):
            state = work.customer(name)
            work.record(
                state,
                customer.register(state, subsidiary=None, time_zone=zone, stamp=stamp(), at=at),
            )
        for name, owner in owners.items():
            account = work.account(name)
            opened = accounts.open_account(
                account, owner, created_on=None, stamp=stamp(), at=at
            )
            work.record(account, opened)
            work.record(
                account,
                accounts.open_balance(account, ZERO, basis="stated", stamp=stamp(), at=at),
            )

    ledger.work(decide)


class MessageColumns(NamedTuple):
    """Messages of one account, ordered by id: a list for each thing that a file says."""

    id: list[LineId]
    at_us: list[int]
    milli: list[int]
    parts: list[int | None]
    country: list[str]
    batch: list[str | None]
    tag: list[str | None]


def record_columns(ledger: Ledger, account: str, messages: MessageColumns) -> None:
    """Record messages in one transaction, as an import does."""

    def decide(work: Work) -> None:
        state = work.consumption(account)
        for start in range(0, len(messages.id), PAGE):
            page = pack(_columns([column[start : start + PAGE] for column in messages]))
            work.record(state, [recorded("consumption", page, numbers="file", stamp=stamp())])

    ledger.work(decide)


def _columns(page: list[list[Any]]) -> Columns:
    ids, at_us, milli, parts, country, batch, tag = page
    return Columns(id=ids, at_us=at_us, milli=milli, parts=parts, country=indexed(country),
                   batch=indexed(batch), tag=indexed(tag))  # fmt: skip


def record_lines(ledger: Ledger, account: str, lines: Iterable[Line]) -> None:
    """Record messages one by one in one transaction, as a synchronisation does."""

    def decide(work: Work) -> None:
        state = work.consumption(account)
        recording = consumption.record_lines(
            state, "consumption", lines, {}, numbers="file", stamp=stamp()
        )
        work.record(state, recording.pages)

    ledger.work(decide)


def ledger_at(url: str) -> Ledger:
    return Ledger(parse_address(url))
