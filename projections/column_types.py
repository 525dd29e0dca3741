"""What a file lets into its columns: SQLite takes anything into any, a server does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ledger.database import Database

Fault = tuple[str, str]

_KINDS: Final = {
    "BIGINT": "integer",
    "INTEGER": "integer",
    "TEXT": "text",
    "BLOB": "blob",
}
_IN_WORDS: Final = {"integer": "whole numbers", "text": "text", "blob": "bytes"}


def mistyped(database: Database) -> Iterator[Fault]:
    """Find columns that hold something else than they were made for, by table."""
    if not isinstance(database.address, Path):
        return
    for table in sorted(database.tables()):
        for _, column, declared, *_ in database.execute(f"PRAGMA main.table_info({table})"):
            kind = _KINDS.get(declared)
            if kind is not None:
                yield from _others(database, table, column, kind)


def _others(database: Database, table: str, column: str, kind: str) -> Iterator[Fault]:
    for found, count in database.execute(
        f"SELECT typeof({column}), COUNT(*) FROM main.{table}"  # noqa: S608 (the schema's own)
        f" WHERE {column} IS NOT NULL AND typeof({column}) <> :kind GROUP BY 1",
        kind=kind,
    ):
        yield table, f"expected {_IN_WORDS[kind]} in {column}, found {found} in {count} rows"
