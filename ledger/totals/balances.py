"""Balances folded from the stored events, of pages from their headers alone."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache, partial
from typing import Final, NamedTuple

from ledger.canonical import decode, page_header
from ledger.database import Database
from ledger.errors import IntegrityFailure
from ledger.events import (
    AccountOpened,
    BalanceOpened,
    CreditsAdjusted,
    CreditsPurchased,
    CreditsRefunded,
    LedgerEvent,
    LineCorrected,
    OpeningRestated,
    PageRecorded,
    TransferReceived,
    TransferSent,
)
from ledger.movements import movements
from ledger.names import account_of
from ledger.pages import page_costs
from ledger.times import to_us

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
    FROM stored_events WHERE topic IN ({
    _listed(
        *(PageRecorded.TOPIC, LineCorrected.TOPIC, CreditsPurchased.TOPIC),
        *(CreditsRefunded.TOPIC, CreditsAdjusted.TOPIC),
        *(TransferSent.TOPIC, TransferReceived.TOPIC),
    )
})
"""  # noqa: S608


class Balance(NamedTuple):
    """An account's opening, None where it is not known, and what moved from it on."""

    opening_milli: int | None
    moved_milli: int


class Opening(NamedTuple):
    at_us: int | None
    milli: int | None


def refold_balances(database: Database) -> dict[str, Balance]:
    """Fold every account's balance. Reads one state of the ledger where the caller holds one.

    The body of a page is looked into only where the opening lies between its lines.
    """
    openings = _openings(database)
    moved = dict.fromkeys(openings, 0)
    begun = cache(partial(_begun, openings))
    for stream, version, topic, state in database.each(_MOVEMENTS):
        account, since_us = begun(stream)
        if topic == PageRecorded.TOPIC:
            moved[account] -= _spent(database, stream, version, state, since_us)
        else:
            moved[account] += _moved(decode(topic, state), since_us)
    return {name: Balance(opening.milli, moved[name]) for name, opening in openings.items()}


def _begun(openings: dict[str, Opening], stream: str) -> tuple[str, int | None]:
    """Give the account of a stream, and the instant where its counting begins."""
    account = account_of(stream) or ""
    opening = openings.get(account)
    if opening is None:
        msg = f"expected the account of {stream} to be opened, found that it never was"
        raise IntegrityFailure(msg)
    return account, opening.at_us


def _moved(event: LedgerEvent, since_us: int | None) -> int:
    """Give what an event that is no page moved, counted from an instant on."""
    return sum(
        one.milli for one in movements(event) if since_us is None or one.at_us >= since_us
    )


def _openings(database: Database) -> dict[str, Opening]:
    """Give every account with the opening that holds."""
    found: dict[str, Opening] = {}
    for stream, topic, state in database.each(_OPENINGS):
        event = decode(topic, state)
        if isinstance(event, BalanceOpened | OpeningRestated):
            found[stream] = Opening(to_us(event.happened_at), event.credits.milli)
        else:
            found.setdefault(stream, Opening(None, None))
    return found


def _spent(
    database: Database, stream: str, version: int, head: bytes, since_us: int | None
) -> int:
    """Give what the lines of a page cost from an instant on."""
    header = page_header(head) or page_header(_whole(database, stream, version))
    if header is None:
        msg = f"expected a page at version {version} of {stream}, found no header of one"
        raise IntegrityFailure(msg)
    if since_us is None or since_us <= to_us(header.first_at):
        return header.spent_milli
    if to_us(header.last_at) < since_us:
        return 0
    page = decode(PageRecorded.TOPIC, _whole(database, stream, version))
    assert isinstance(page, PageRecorded)  # noqa: S101 (for the type checker)
    at_us, milli = page_costs(page)
    return sum(milli[bisect_left(at_us, since_us) :])


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
