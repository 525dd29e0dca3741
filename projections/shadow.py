"""Shadow tables: a scratch copy of tables, under the same names, beside the ledger's own.

A temporary table hides the real one from every statement that does not name the schema, so
that the code that writes the tables can be run again without touching them; the event store
itself is read from the ledger. They are gone with their connection, however it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

from ledger.database import Database, Table, connect

# Differences beyond these are counted, not listed.
LISTED: Final = 5


@contextmanager
def beside(database: Database, tables: Sequence[Table]) -> Iterator[Database]:
    """Open the same ledger again, with empty tables in the way."""
    with closing(connect(database.address)) as scratch:
        _shadow(scratch, tables)
        yield scratch


@contextmanager
def shadowed(database: Database, tables: Sequence[Table]) -> Iterator[Database]:
    """The same for comparing: one state of the ledger, which this connection cannot write."""
    with closing(connect(database.address, read_only=True)) as shadow, shadow.snapshot():
        _shadow(shadow, tables)
        yield shadow


def _shadow(database: Database, tables: Sequence[Table]) -> None:
    views = [table.view for table in tables if table.view]
    database.shadow([table.name for table in tables], views)


def differences(shadow: Database, table: Table) -> Iterator[str]:
    """Say where the ledger's table and its shadow differ, by the keys of their rows."""
    key = ", ".join(table.key)
    found = f"SELECT {key} FROM ({_only('main', 'temp', table)}) AS one"  # noqa: S608
    expected = f"SELECT {key} FROM ({_only('temp', 'main', table)}) AS two"  # noqa: S608
    differing = f"{found} UNION {expected}"
    keys = shadow.execute(f"{differing} ORDER BY {key} LIMIT {LISTED}")
    for one in keys:
        yield _difference(shadow, table, dict(zip(table.key, one, strict=True)))
    if len(keys) == LISTED:
        sql = f"SELECT COUNT(*) FROM ({differing}) AS differing"  # noqa: S608
        ((count,),) = shadow.execute(sql)
        if count > LISTED:
            yield f"and {count - LISTED} more rows that differ"


def _only(one: str, other: str, table: Table) -> str:
    columns = ", ".join(table.columns)
    return (
        f"SELECT {columns} FROM {one}.{table.name}"  # noqa: S608 (our own names)
        f" EXCEPT SELECT {columns} FROM {other}.{table.name}"
    )


def _difference(shadow: Database, table: Table, key: dict[str, Any]) -> str:
    """Name a row by its key, and what differs in it."""
    named = ", ".join(f"{name} {value or '(none)'}" for name, value in key.items())
    expected, found = (_row(shadow, schema, table, key) for schema in ("temp", "main"))
    if expected is None:
        return f"{named}: expected no such row, found one"
    if found is None:
        return f"{named}: expected {_shown(expected)}, found no such row"
    differing = {name for name in table.values if expected[name] != found[name]}
    return f"{named}: expected {_shown(expected, differing)}, found {_shown(found, differing)}"


def _row(
    shadow: Database, schema: str, table: Table, key: dict[str, Any]
) -> dict[str, Any] | None:
    where = " AND ".join(f"{name} = :{name}" for name in table.key)
    columns = ", ".join(table.columns)
    sql = f"SELECT {columns} FROM {schema}.{table.name} WHERE {where}"  # noqa: S608
    found = shadow.execute(sql, **key)
    return dict(zip(table.columns, found[0], strict=True)) if found else None


def _shown(row: dict[str, Any], names: set[str] | None = None) -> str:
    return " ".join(f"{name} {row[name]}" for name in row if names is None or name in names)
