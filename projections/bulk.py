"""Many rows at once: on a server, one statement takes thousands of them as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast

from ledger.database import Database, Params, Row
from projections.tables import Table

_AT_ONCE: Final = 5000


def insert(database: Database, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows, or add to those of the same keys where the table says so."""
    columns = table.columns
    into = f"INSERT INTO {table.name} ({', '.join(columns)})"
    for some in _chunks(rows):
        if isinstance(database.address, Path):
            # By place: to bind by names costs as much as to write the row.
            values = f"VALUES ({', '.join('?' * len(columns))})"
            database.execute_many(f"{into} {values} {table.then}", cast("list[Params]", some))
        else:
            arrays = dict(zip(columns, map(list, zip(*some, strict=True)), strict=True))
            database.execute(f"{into} {_unnested(arrays)} {table.then}", **arrays)


def _unnested(arrays: dict[str, list[Any]]) -> str:
    given = (f"CAST(:{name} AS {_type(values)}[])" for name, values in arrays.items())
    return f"SELECT * FROM unnest({', '.join(given)})"  # noqa: S608 (our own names)


def _type(values: Sequence[Any]) -> str:
    return "TEXT" if any(isinstance(value, str) for value in values) else "BIGINT"


def delete(database: Database, table: Table, keys: Iterable[Row], *, only: str) -> None:
    """Delete those rows of some keys of which a condition holds."""
    one = " AND ".join(f"{name} = :{name}" for name in table.key)
    sql = f"DELETE FROM {table.name} WHERE {one} AND {only}"  # noqa: S608 (our own names)
    for some in _chunks(keys):
        database.execute_many(sql, [dict(zip(table.key, key, strict=True)) for key in some])


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while some := list(islice(left, _AT_ONCE)):
        yield some
