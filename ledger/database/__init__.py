"""A plain connection to the ledger's database: what reads and operational tables need.

Events are written by `storage` alone; this package imports neither the event store nor a
driver that the database at hand does not need.
"""

from __future__ import annotations

from pathlib import Path

from ledger.database.address import Address, PostgresAddress, parse_address
from ledger.database.base import LOCK_CLASS, LOCK_TIMEOUT_S, Database, Params, Rows
from ledger.database.schema import SCHEMA_VERSION, require_schema, schema_version
from ledger.database.tables import Row, Table
from ledger.errors import LedgerError

__all__ = [
    "LOCK_CLASS",
    "LOCK_TIMEOUT_S",
    "SCHEMA_VERSION",
    "Address",
    "Database",
    "Params",
    "PostgresAddress",
    "Row",
    "Rows",
    "Table",
    "connect",
    "explain",
    "parse_address",
    "require_schema",
    "schema_version",
]


def connect(address: Address, *, read_only: bool = False) -> Database:
    """Open a database that exists; a SQLite file that cannot be written only for reading.

    Raises DatabaseUnusable.
    """
    if isinstance(address, Path):
        from ledger.database import sqlite  # noqa: PLC0415 (the driver at hand)

        return sqlite.connect(address, read_only=read_only)
    from ledger.database import postgres  # noqa: PLC0415

    return postgres.connect(address)


def explain(error: Exception, address: Address) -> LedgerError:
    """Say in one line what a database error means and what to do."""
    if isinstance(address, Path):
        from ledger.database import sqlite  # noqa: PLC0415

        return sqlite.explain(error, address)
    from ledger.database import postgres  # noqa: PLC0415

    return postgres.explain(error, address)
