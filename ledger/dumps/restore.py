"""Putting a dump into an empty ledger, in one transaction: whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from ledger.database import Database, Rows
from ledger.database.order import whole_transaction
from ledger.dumps.beside import TABLES, put
from ledger.dumps.reading import Dump
from ledger.errors import Refused
from ledger.storage.verbatim import insert
from ledger.totals import Recorded

# Their sums are written together; a page is some 10 kB.
_AT_ONCE: Final = 200

_COUNTED: Final = ("event_log", "stored_events", *(table.name for table in TABLES))


def restore(database: Database, dump: Dump) -> bool:
    """Load a dump; False where the ledger holds it already. Raises BadDump, Refused.

    One transaction holds it all, so whatever ends the program leaves the ledger empty, and no
    other program ever sees a part.
    """
    with whole_transaction(database) as rows:
        found = _found(rows)
        if not found:
            _put(rows, dump)
            return True
        if _holds(database, dump):
            return False
        msg = (
            f"expected an empty ledger, found {', '.join(found)} in {database.address}:"
            " name a new one with --database"
        )
        raise Refused(msg)


def _put(rows: Rows, dump: Dump) -> None:
    waiting: list[Recorded] = []
    for record in dump.records():
        if isinstance(record, Recorded):
            waiting.append(record)
        else:
            put(rows, record)
        if len(waiting) == _AT_ONCE:
            _insert(rows, dump, waiting)
            waiting = []
    _insert(rows, dump, waiting)


def _insert(rows: Rows, dump: Dump, events: list[Recorded]) -> None:
    try:
        insert(rows, events)
    except ValueError as error:  # an account without a customer, and the like
        raise dump.bad("events that follow from those before them", str(error)) from error


def _found(rows: Rows) -> list[str]:
    """Say what a ledger holds, table by table."""
    found = []
    for table in _COUNTED:
        ((count,),) = rows.execute(f"SELECT COUNT(*) FROM {table}")  # noqa: S608 (our names)
        if count:
            found.append(f"{count} × {table}")
    return found


def _holds(database: Database, dump: Dump) -> bool:
    """Tell whether the ledger's events are just those of the dump."""
    count, digest = 0, hashlib.sha256()
    for leaf in _leaves(database):
        count += 1
        digest.update(leaf)
    if count == 0 or count != dump.header.events:
        return False
    for _ in dump.records():
        pass
    return dump.totals is not None and dump.totals.sha256 == digest.hexdigest()


def _leaves(database: Database) -> Iterator[bytes]:
    for (leaf,) in database.each("SELECT leaf FROM event_log ORDER BY position"):
        yield bytes(leaf)
