"""Opening, again and again, a ledger that was there before."""

from __future__ import annotations

from pathlib import Path

from ledger.database import (
    SCHEMA_VERSION,
    Address,
    Database,
    connect,
    require_schema,
    schema_version,
)
from ledger.errors import DatabaseUnusable, LedgerError


class SchemaChanged(LedgerError):
    """Another program migrated the ledger meanwhile; waiting does not help."""

    status = DatabaseUnusable.status


def reopen(address: Address) -> Database:
    """Open a ledger. Raises DatabaseUnusable, which may pass, or SchemaChanged.

    A file that is gone is waited for, not made anew: its disk may come back.
    """
    if isinstance(address, Path) and not address.exists():
        msg = f"expected the ledger {address}, found that it is gone: bring it back"
        raise DatabaseUnusable(msg)
    database = connect(address)
    try:
        _same_schema(database)
    except BaseException:
        database.close()
        raise
    return database


def _same_schema(database: Database) -> None:
    if schema_version(database) == SCHEMA_VERSION:
        return
    try:
        require_schema(database)
    except DatabaseUnusable as error:
        raise SchemaChanged(str(error)) from None
