"""Who is in the ledger, as its events tell: customers, accounts, imports, open breaks.

An independent fold, which the tables kept with the events are held against or made again from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ledger.canonical import decode
from ledger.database import Database, Row, Rows
from ledger.errors import IntegrityFailure
from ledger.events import (
    AccountClosed,
    AccountOpened,
    BalanceOpened,
    BreakAccepted,
    BreakAdjusted,
    BreakOpened,
    CustomerRegistered,
    ImportCompleted,
    ImportStarted,
    LedgerEvent,
    OpeningRestated,
)
from ledger.times import to_us, zone
from ledger.totals import Balance
from projections.counted import Counted, Settled
from projections.tables import ACCOUNT, CUSTOMER, FILE_IMPORT, OPEN_BREAK

_TOPICS: Final = tuple(
    kind.TOPIC
    for kind in (
        CustomerRegistered, AccountOpened, AccountClosed, BalanceOpened, OpeningRestated,
        ImportStarted, ImportCompleted, BreakOpened, BreakAccepted, BreakAdjusted,
    )
)  # fmt: skip


@dataclass(slots=True)
class _Account:
    """An account as its row will be; times in microseconds."""

    customer: str
    created_on: str | None
    opened_us: int
    closed_us: int | None = None
    opening_us: int | None = None
    opening_milli: int | None = None


@dataclass(slots=True)
class Registry:
    """What the small events tell, by the keys of their tables."""

    customers: dict[str, Row] = field(default_factory=dict)
    accounts: dict[str, _Account] = field(default_factory=dict)
    imports: dict[tuple[str, str], Row] = field(default_factory=dict)
    breaks: dict[tuple[str, str, str], Row] = field(default_factory=dict)

    def settled(self) -> Settled:
        """Give from when on accounts are counted, now that all openings are known."""
        zones = {name: zone(row[2]) for name, row in self.customers.items()}
        return Settled(
            {
                name: Counted(name, zones[one.customer], one.opening_us)
                for name, one in self.accounts.items()
            }
        )

    def write(self, database: Database, balances: Mapping[str, Balance]) -> None:
        """Fill the tables, which are empty."""
        database.insert(CUSTOMER, self.customers.values())
        accounts = (
            (name, one.customer, one.created_on, one.opened_us, one.closed_us, one.opening_us,
             one.opening_milli, balances[name].moved_milli)
            for name, one in self.accounts.items()
        )  # fmt: skip
        database.insert(ACCOUNT, accounts)
        database.insert(FILE_IMPORT, self.imports.values())
        database.insert(OPEN_BREAK, self.breaks.values())

    def take(self, account: str, event: LedgerEvent) -> None:
        match event:
            case CustomerRegistered():
                at_us = to_us(event.happened_at)
                row = (event.customer, event.subsidiary, event.time_zone, at_us)
                self.customers[event.customer] = row
            case AccountOpened():
                at_us = to_us(event.happened_at)
                self.accounts[account] = _Account(event.customer, event.created_on, at_us)
            case AccountClosed():
                self.accounts[account].closed_us = to_us(event.happened_at)
            case BalanceOpened() | OpeningRestated():
                self.accounts[account].opening_us = to_us(event.happened_at)
                self.accounts[account].opening_milli = event.credits.milli
            case ImportStarted() | ImportCompleted():
                self._import(event)
            case BreakOpened():
                milli = None if event.credits is None else event.credits.milli
                at_us = to_us(event.happened_at)
                key = (account, event.kind, event.reference)
                self.breaks[key] = (*key, at_us, milli, event.text)
            case BreakAccepted() | BreakAdjusted():
                self.breaks.pop((account, event.kind, event.reference), None)
            case _:
                pass

    def _import(self, event: ImportStarted | ImportCompleted) -> None:
        at_us, key = to_us(event.recorded_at), (event.customer, event.sha256)
        completed = at_us if isinstance(event, ImportCompleted) else None
        started = self.imports.get(key, (*key, event.rows, at_us))[:4]
        self.imports[key] = (*started, completed)


def registry(rows: Rows, position: int) -> Registry:
    """Read the small events up to a position of the log."""
    found = Registry()
    topics = {f"t{number}": topic for number, topic in enumerate(_TOPICS)}
    for account, topic, state in rows.execute(
        f"{_EVENTS} AND l.topic IN (:{', :'.join(topics)}) ORDER BY l.position",
        position=position,
        **topics,
    ):
        try:
            found.take(account, decode(topic, state))
        except KeyError as error:
            msg = f"expected {error} to be opened before, found {topic} of it"
            raise IntegrityFailure(msg) from error
    return found


_EVENTS: Final = """
    SELECT COALESCE(l.account, ''), s.topic, s.state FROM event_log l JOIN stored_events s
        ON s.originator_id = l.stream AND s.originator_version = l.version
    WHERE l.position <= :position
"""
