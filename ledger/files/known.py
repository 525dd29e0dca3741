"""What the ledger knows of the rows in the spool, read once from the streams of an account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ledger import account as accounts
from ledger.account import Account
from ledger.canonical import decode
from ledger.credits import ZERO
from ledger.database import Database
from ledger.events import (
    AccountEvent,
    BalanceOpened,
    FromFile,
    LedgerEvent,
    OpeningRestated,
    PageRecorded,
)
from ledger.files.known_lines import KnownLines
from ledger.files.line_spool import LineSpool
from ledger.files.parties import NamedAccount
from ledger.files.spool import Known, Spool
from ledger.movements import movements
from ledger.names import consumption_stream
from ledger.times import to_us


@dataclass(slots=True)
class Seen:
    """An account as the ledger has it before the import.

    `empty` tells that its opening only assumes that it began with nothing; `oldest_us` is the
    time of the first movement recorded, counted or not.
    """

    account: Account
    empty: bool = False
    oldest_us: int | None = None
    consumption_version: int = 0

    def knows(self, event: LedgerEvent) -> None:
        """Keep the time of the oldest movement."""
        at_us = to_us(event.first_at if isinstance(event, PageRecorded) else event.happened_at)
        self.oldest_us = at_us if self.oldest_us is None else min(self.oldest_us, at_us)


def events_of(database: Database, stream: str) -> Iterator[LedgerEvent]:
    """Read a stream in constant memory, oldest first."""
    for topic, state in database.each(
        "SELECT topic, state FROM stored_events WHERE originator_id = :stream"
        " ORDER BY originator_version",
        stream=stream,
    ):
        yield decode(topic, state)


def moved(database: Database, account: str, from_us: int, until_us: int) -> int:
    """Sum what the recorded movements of an account move in a stretch of time."""
    return sum(
        movement.milli
        for stream in (account, consumption_stream(account))
        for event in events_of(database, stream)
        for movement in movements(event)
        if from_us <= movement.at_us < until_us
    )


def look(
    database: Database, spool: Spool, lines: LineSpool, named: NamedAccount, sha256: str
) -> Seen:
    """Find which rows of an account the ledger knows, and put them into the spools."""
    seen = Seen(Account(named.name))
    for event in events_of(database, named.name):
        if isinstance(event, AccountEvent):
            accounts.evolve(seen.account, event)
            _look_at_account(spool, named.number, seen, event, own=_is_own(event, sha256))
    known = KnownLines(lines, named.number)
    for event in events_of(database, consumption_stream(named.name)):
        seen.consumption_version += 1
        if isinstance(event, PageRecorded):
            seen.knows(event)
        known.look(seen.consumption_version, event, own=_is_own(event, sha256))
    known.flush()
    seen.account.known.clear()  # the spool has what is needed of them
    return seen


def _is_own(event: LedgerEvent, sha256: str) -> bool:
    return isinstance(event.source, FromFile) and event.source.sha256 == sha256


def _look_at_account(
    spool: Spool, number: int, seen: Seen, event: AccountEvent, *, own: bool
) -> None:
    if isinstance(event, BalanceOpened | OpeningRestated):
        seen.empty = event.basis == "assumed" and event.credits == ZERO
        _know_opening(spool, number, event, own=own)
    elif isinstance(event, accounts.Recorded):
        seen.knows(event)
        for one in movements(event):
            if one.kind != "write-off":
                spool.know(
                    [Known(number, one.kind, one.reference, one.at_us, one.milli, own=own)]
                )


def _know_opening(
    spool: Spool, number: int, event: BalanceOpened | OpeningRestated, *, own: bool
) -> None:
    """Know the file's opening where it was recorded, even if restated since."""
    row = spool.opening(number)
    at_us, milli = to_us(event.happened_at), event.credits.milli
    if row is not None and (row.at_us, row.milli) == (at_us, milli):
        spool.know([Known(number, "opening", "", at_us, milli, own=own)])
