"""The lock that orders those who record, so that positions follow the order of the commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ledger.database.base import LOCK_CLASS, Database, Rows

# The second half of its key on PostgreSQL; on SQLite a transaction that writes is enough.
ORDER: Final = 1


@contextmanager
def whole_transaction(database: Database) -> Iterator[Rows]:
    """Keep other writers out, and record together or not at all."""
    with database.transaction() as rows:
        if not isinstance(database.address, Path):
            key = {"class": LOCK_CLASS, "order": ORDER}
            rows.execute("SELECT pg_advisory_xact_lock(:class, :order)", **key)
        yield rows
