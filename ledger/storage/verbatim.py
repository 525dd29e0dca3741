"""Events that another ledger stored, put in as they are: their bytes are not encoded anew.

The views are written by the code that always writes them, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ledger import totals
from ledger.database import LOCK_CLASS, Database, Rows


@contextmanager
def whole_transaction(database: Database) -> Iterator[Rows]:
    """Keep other writers out, and record together or not at all."""
    with database.transaction() as rows:
        if not isinstance(database.address, Path):
            from ledger.storage.postgres import ORDER  # noqa: PLC0415 (the driver at hand)

            key = {"class": LOCK_CLASS, "order": ORDER}
            rows.execute("SELECT pg_advisory_xact_lock(:class, :order)", **key)
        yield rows


def insert(rows: Rows, recorded: Sequence[totals.Recorded]) -> None:
    """Put events at the end of the log, in their order."""
    for one in recorded:
        rows.execute(
            "INSERT INTO stored_events (originator_id, originator_version, topic, state)"
            " VALUES (:stream, :version, :topic, :state)",
            stream=one.stream,
            version=one.version,
            topic=one.topic,
            state=one.state,
        )
    totals.write(rows, recorded)
