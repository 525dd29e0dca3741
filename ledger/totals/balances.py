"""Balances folded from the stored events, of pages from their headers alone."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from typing import Final, NamedTuple

from ledger.canonical import Amounts, amounts, decode, page_header
from ledger.database import Database
from ledger.errors import IntegrityFailure
from ledger.events import (
    AccountOpened,
    BalanceOpened,
    CreditsAdjusted,
    CreditsPurchased,
    CreditsRefunded,
    LineCorrected,
    OpeningRestated,
    PageRecorded,
    TransferReceived,
    TransferSent,
)
from ledger.names import account_of
from ledger.pages import page_costs
from ledger.times import to_us

# What an event that is no page moves, by its topic: as `movements` has it, but of its amounts
# alone. A test holds the two together.
MOVED: Final[dict[str, Callable[[Amounts], int]]] = {
    LineCorrected.TOPIC: lambda of: of.previous_milli - of.credits_milli,
    CreditsPurchased.TOPIC: lambda of: of.credits_milli + of.gift_credits_milli,
    CreditsRefunded.TOPIC: lambda of: -of.credits_milli,
    CreditsAdjusted.TOPIC: lambda of: of.credits_milli,
    TransferSent.TOPIC: lambda of: -of.credits_milli,
    TransferReceived.TOPIC: lambda of: of.credits_milli,
}

# Longer than nearly every header; where one is longer, the whole event is read.
_HEAD_BYTES: Final = 1024


def _listed(*topics: str) -> str:
    return ", ".join(f"'{topic}'" for topic in topics)


_OPENINGS: Final = f"""
    SELECT originator_id, topic, state FROM stored_events
    WHERE topic IN ({_listed(AccountOpened.TOPIC, BalanceOpened.TOPIC, OpeningRestated.TOPIC)})
    ORDER BY originator_id, originator_version
"""  # noqa: S608 (our own names)
_MOVEMENTS: Final = f"""
    SELECT originator_id, originator_version, topic,
        CASE topic WHEN '{PageRecorded.TOPIC}' THEN substr(state, 1, {_HEAD_BYTES})
            ELSE state END
    FROM stored_events WHERE topic IN ({_listed(PageRecorded.TOPIC, *MOVED)})
"""  # noqa: S608


class Balance(NamedTuple):
    """An account's opening, None where it is not known, and what moved from it on."""

    opening_milli: int | None
    moved_milli: int


class Opening(NamedTuple):
    at: datetime | None
    milli: int | None


def refold_balances(database: Database) -> dict[str, Balance]:
    """Fold every account's balance. Reads one state of the ledger where the caller holds one.

    The body of a page is looked into only where the opening lies between its lines.
    """
    openings = _openings(database)
    moved = dict.fromkeys(openings, 0)
    begun = cache(partial(_begun, openings))
    for stream, version, topic, state in database.each(_MOVEMENTS):
        account, since = begun(stream)
        if topic == PageRecorded.TOPIC:
            moved[account] -= _spent(database, stream, version, state, since)
        else:
            found = amounts(topic, state)
            if since is None or found.happened_at >= since:
                moved[account] += MOVED[topic](found)
    return {name: Balance(opening.milli, moved[name]) for name, opening in openings.items()}


def _begun(openings: dict[str, Opening], stream: str) -> tuple[str, datetime | None]:
    """Give the account of a stream, and the instant where its counting begins."""
    account = account_of(stream) or ""
    opening = openings.get(account)
    if opening is None:
        msg = f"expected the account of {stream} to be opened, found that it never was"
        raise IntegrityFailure(msg)
    return account, opening.at


def _openings(database: Database) -> dict[str, Opening]:
    """Give every account with the opening that holds."""
    found: dict[str, Opening] = {}
    for stream, topic, state in database.each(_OPENINGS):
        event = decode(topic, state)
        if isinstance(event, BalanceOpened | OpeningRestated):
            found[stream] = Opening(event.happened_at, event.credits.milli)
        else:
            found.setdefault(stream, Opening(None, None))
    return found


def _spent(
    database: Database, stream: str, version: int, head: bytes, since: datetime | None
) -> int:
    """Give what the lines of a page cost from an instant on."""
    header = page_header(head) or page_header(_whole(database, stream, version))
    if header is None:
        msg = f"expected a page at version {version} of {stream}, found no header of one"
        raise IntegrityFailure(msg)
    if since is None or since <= header.first_at:
        return header.spent_milli
    if header.last_at < since:
        return 0
    page = decode(PageRecorded.TOPIC, _whole(database, stream, version))
    assert isinstance(page, PageRecorded)  # noqa: S101 (for the type checker)
    at_us, milli = page_costs(page)
    return sum(milli[bisect_left(at_us, to_us(since)) :])


def _whole(database: Database, stream: str, version: int) -> bytes:
    for (state,) in database.execute(
        "SELECT state FROM stored_events"
        " WHERE originator_id = :stream AND originator_version = :version",
        stream=stream,
        version=version,
    ):
        return bytes(state)
    msg = f"expected a page at version {version} of {stream}, found none"
    raise IntegrityFailure(msg)
