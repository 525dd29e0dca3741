"""Entries of the log with their events, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from ledger.canonical import decode
from ledger.database import Rows
from ledger.errors import IntegrityFailure
from ledger.events import LedgerEvent
from ledger.names import consumption_stream

# A page is some 7 kB: with five times as many, a rebuild takes 7 MB more, and as long.
_AT_ONCE: Final = 100


class Logged(NamedTuple):
    """An event with its place in the log; `account` is empty for a customer's own events."""

    position: int
    account: str
    version: int
    state: bytes
    event: LedgerEvent


def entries(rows: Rows, after: int, through: int) -> Iterator[Logged]:
    """Give the entries after a position up to another one."""
    last = after
    while found := rows.execute(
        f"{_ENTRIES} WHERE l.position > :after AND l.position <= :through"
        " ORDER BY l.position LIMIT :at_once",
        after=last,
        through=through,
        at_once=_AT_ONCE,
    ):
        for last, account, version, topic, state in found:
            yield Logged(last, account, version, state, decode(topic, state))


def entries_of(rows: Rows, account: str, through: int) -> Iterator[Logged]:
    """Give the entries of one account, stream by stream, up to a position."""
    for stream in (account, consumption_stream(account)):
        after = 0
        while found := rows.execute(
            f"{_ENTRIES} WHERE l.stream = :stream AND l.version > :after"
            " AND l.position <= :through ORDER BY l.version LIMIT :at_once",
            stream=stream,
            after=after,
            through=through,
            at_once=_AT_ONCE,
        ):
            for position, _, after, topic, state in found:
                yield Logged(position, account, after, state, decode(topic, state))


def line_event(rows: Rows, account: str, version: int) -> LedgerEvent:
    """Read an event about an account's lines. Raises IntegrityFailure."""
    stream = consumption_stream(account)
    for topic, state in rows.execute(
        "SELECT topic, state FROM stored_events"
        " WHERE originator_id = :stream AND originator_version = :version",
        stream=stream,
        version=version,
    ):
        return decode(topic, state)
    msg = f"expected an event at version {version} of {stream}, found none"
    raise IntegrityFailure(msg)


_ENTRIES: Final = """
    SELECT l.position, COALESCE(l.account, ''), l.version, s.topic, s.state
    FROM event_log l JOIN stored_events s
        ON s.originator_id = l.stream AND s.originator_version = l.version
"""
