"""Shadow tables: a scratch copy of tables, under the same names, beside the ledger's own.

A temporary table hides the real one from every statement that does not name the schema, so
that the code that writes the tables can be run again without touching them; the event store
itself is read from the ledger. The connection cannot write the ledger's file in any case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from ledger.database import Database, Row, connect

# Differences beyond these are counted, not listed.
LISTED: Final = 5


@contextmanager
def shadowed(database: Database, tables: Sequence[str]) -> Iterator[Database]:
    """Open the same ledger again, reading one state of it, with empty tables in the way."""
    shadow = connect(database.address, read_only=True)
    try:
        with shadow.snapshot():
            shadow.shadow(tables)
            yield shadow
    finally:
        shadow.close()


def differences(shadow: Database, table: str) -> Iterator[str]:
    """Say which rows the ledger's table and its shadow do not share."""
    for one, other, what in (
        ("main", "temp", "holds a row that the events do not give"),
        ("temp", "main", "lacks a row that the events give"),
    ):
        rows = shadow.execute(
            f"SELECT * FROM {one}.{table} EXCEPT SELECT * FROM {other}.{table}"  # noqa: S608
        )
        for row in rows[:LISTED]:
            yield f"{what}: {_shown(row)}"
        if len(rows) > LISTED:
            yield f"{what}: and {len(rows) - LISTED} more"


def _shown(row: Row) -> str:
    return ", ".join(value.hex() if isinstance(value, bytes) else str(value) for value in row)
