"""Taking a dump: one state of the ledger, streamed in the order of the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from ledger.canonical import leaf
from ledger.database import SCHEMA_VERSION, Database, Row
from ledger.dumps.beside import rows_of
from ledger.dumps.form import FORMAT, Entry, Header, Totals, Writer
from ledger.errors import IntegrityFailure, InvalidValue
from ledger.merkle import digest_of

# A log entry without its event is a finding too.
_EVENTS: Final = """
    SELECT position, stream, version, leaf, s.topic, state FROM event_log
    LEFT JOIN stored_events s ON originator_id = stream AND originator_version = version
"""
_OF_CUSTOMER: Final = " WHERE customer = :customer"


def take(
    database: Database,
    write: Callable[[bytes], object],
    *,
    customer: str | None,
    private: bool,
    now: datetime,
) -> Totals:
    """Write a dump of the ledger, or of one customer. Raises InvalidValue, IntegrityFailure."""
    with database.snapshot():
        writer = Writer(write)
        header = _header(database, customer, private=private, now=now)
        writer.add(header)
        for entry in _entries(database, customer):
            writer.add(entry)
        if writer.events != header.events:
            raise _damaged(f"{header.events} events", f"{writer.events} in the log")
        for kept in rows_of(database, customer, private=private):
            writer.add(kept)
        return writer.finish()


def _header(
    database: Database, customer: str | None, *, private: bool, now: datetime
) -> Header:
    known = [name for (name,) in database.execute("SELECT customer FROM customer ORDER BY 1")]
    if customer is not None and customer not in known:
        some = ", ".join(known[:3]) or "none"
        msg = f"expected a customer of the ledger, found {customer!r}; it has {some}"
        raise InvalidValue(msg)
    return Header(
        format=FORMAT,
        created_at=now,
        schema=SCHEMA_VERSION,
        events=_count(database, customer),
        customers=known if customer is None else [customer],
        whole=customer is None,
        private=private,
    )


def _count(database: Database, customer: str | None) -> int:
    """Count the events as they are stored; those of one customer as they are logged."""
    if customer is None:
        ((count,),) = database.execute("SELECT COUNT(*) FROM stored_events")
    else:
        sql = f"SELECT COUNT(*) FROM event_log{_OF_CUSTOMER}"  # noqa: S608 (our own text)
        ((count,),) = database.execute(sql, customer=customer)
    return int(count)


def _entries(database: Database, customer: str | None) -> Iterator[Entry]:
    """Give the events, each proved by its digest, numbered without holes."""
    if customer is None:
        found = database.each(f"{_EVENTS} ORDER BY position")
    else:
        found = database.each(f"{_EVENTS}{_OF_CUSTOMER} ORDER BY position", customer=customer)
    for number, row in enumerate(found, start=1):
        yield proved(number, row) if customer is None else _entry(number, row)


def proved(number: int, row: Row) -> Entry:
    """Give the event at a position of the log. Raises IntegrityFailure."""
    if row[0] != number:
        raise _damaged(f"position {number}", f"position {row[0]}")
    return _entry(number, row)


def _entry(number: int, row: Row) -> Entry:
    position, stream, version, digest, topic, state = row
    if not isinstance(state, bytes | memoryview):
        found = "its place in the log alone" if state is None else "what is no bytes"
        raise _damaged(f"an event at position {position}", found)
    proof, known = leaf(stream, version, topic, bytes(state)), digest_of(digest)
    if proof != known:
        raise _damaged(f"the digest {known.hex()} at position {position}", proof.hex())
    return Entry(number, stream, version, topic, bytes(state), proof.hex())


def _damaged(expected: str, found: str) -> IntegrityFailure:
    return IntegrityFailure(
        f"expected {expected}, found {found}: a damaged ledger is not copied;"
        " `sms-ledger check` tells all that is wrong with it"
    )
