"""The log: every event with its position and the digest that proves it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ledger.canonical import leaf
from ledger.database import Row, Rows, Table
from ledger.events import LedgerEvent
from ledger.names import account_of, customer_of
from ledger.sums import Accounts
from ledger.times import to_us
from ledger.totals.seals import Seals

_LOG: Final = Table(
    "event_log",
    ("position",),
    (
        "stream", "version", "topic", "customer", "account", "happened_at_us",
        "recorded_at_us", "leaf",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place and the bytes that are stored of it."""

    stream: str
    version: int
    topic: str
    state: bytes
    event: LedgerEvent


class Log:
    """Gives events their positions, and writes them together.

    The last position is read once: whoever writes holds the lock that orders the writers (the
    whole file on SQLite, an advisory lock on PostgreSQL) from before this until the commit, so
    that nobody else is given the same, and positions follow the order of the commits.
    """

    def __init__(self, rows: Rows, accounts: Accounts) -> None:
        self._rows = rows
        self._accounts = accounts
        self._seals = Seals(rows)
        self._waiting: list[Row] = []
        self._last: int | None = None

    def look_ahead(self, streams: Iterable[str]) -> None:
        """Read what events of some streams will ask for. Raises IntegrityFailure."""
        customers = {self._customer(stream, account_of(stream)) for stream in streams}
        self._seals.look_ahead(self._last_position() + 1, customers)

    def add(self, one: Recorded) -> int:
        """Give the next position to an event; nothing is written before `flush`."""
        position = self._last_position() + 1
        self._last = position
        account = account_of(one.stream)
        customer = self._customer(one.stream, account)
        digest = leaf(one.stream, one.version, one.topic, one.state)
        recorded_at_us = to_us(one.event.recorded_at)
        self._waiting.append(
            (
                position, one.stream, one.version, one.topic, customer, account,
                to_us(one.event.happened_at), recorded_at_us, digest,
            )
        )  # fmt: skip
        self._seals.add(position, customer, digest, recorded_at_us=recorded_at_us)
        return position

    def flush(self) -> None:
        if self._waiting:
            self._rows.insert(_LOG, self._waiting)
            self._seals.flush()
            self._waiting = []

    def _last_position(self) -> int:
        if self._last is None:
            ((last,),) = self._rows.execute("SELECT COALESCE(MAX(position), 0) FROM event_log")
            self._last = int(last)
        return self._last

    def _customer(self, stream: str, account: str | None) -> str | None:
        return customer_of(stream) if account is None else self._accounts.of(account).customer
