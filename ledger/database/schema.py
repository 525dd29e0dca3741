"""The version of the schema that a database has, and the one that this program needs."""

from __future__ import annotations

from typing import Final

from ledger.database.base import Database
from ledger.errors import DatabaseUnusable

# The newest migration that this program knows (`migrations/versions`); a test holds it there.
SCHEMA_VERSION: Final = "0010"


def schema_version(database: Database) -> str | None:
    """Give the version of the schema, None for an empty database. Raises DatabaseUnusable."""
    tables = database.tables()
    if not tables:
        return None
    if "alembic_version" not in tables or "event_log" not in tables:
        msg = (
            f"expected an sms-ledger database, found {database.address} with other tables;"
            " name another one with --database"
        )
        raise DatabaseUnusable(msg)
    rows = database.execute("SELECT version_num FROM alembic_version")
    return str(rows[0][0]) if rows else None


def require_schema(database: Database) -> None:
    """Refuse a database of another version. Raises DatabaseUnusable."""
    found = schema_version(database)
    if found == SCHEMA_VERSION:
        return
    if found is not None and found > SCHEMA_VERSION:
        msg = (
            f"expected schema {SCHEMA_VERSION}, found {found} in {database.address}:"
            " a newer sms-ledger wrote it; update the program"
        )
        raise DatabaseUnusable(msg)
    msg = (
        f"expected schema {SCHEMA_VERSION}, found {found or 'none'} in {database.address}:"
        " back it up, then type `sms-ledger migrate`"
    )
    raise DatabaseUnusable(msg)
