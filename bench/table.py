"""The yardstick's table: one row for every message and movement, with its two indexes.

It is what a person would make for the same questions: a key that refuses a message twice, and
an index by account and time.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

Row = tuple[Any, ...]

_COLUMNS: Final = {
    "customer": "TEXT NOT NULL",
    "account": "TEXT NOT NULL",
    "kind": "TEXT NOT NULL",
    "id": "BIGINT NOT NULL",
    "at_us": "BIGINT NOT NULL",
    "milli": "BIGINT NOT NULL",
    "country": "TEXT",
    "parts": "INTEGER",
    "tag": "TEXT",
    "sender": "TEXT",
    "batch": "TEXT",
    "counter_account": "TEXT",
    "net_cents": "BIGINT",
    "vat_cents": "BIGINT",
    "currency": "TEXT",
    "bill": "TEXT",
}
_NAMES: Final = ", ".join(_COLUMNS)
_TABLE: Final = (
    f"CREATE TABLE line ({', '.join(f'{name} {type}' for name, type in _COLUMNS.items())},"
    " PRIMARY KEY (account, kind, id))"
)
_INDEX: Final = "CREATE INDEX line_by_time ON line (account, at_us)"
_SUMS: Final = (
    "SELECT account, COUNT(*), CAST(SUM(milli) AS BIGINT) FROM line"
    " WHERE kind IN ('consumption', 'reply', 'hlr', 'cleaning') GROUP BY account"
)


class Table(ABC):
    """An open table; what is added between is written together."""

    @abstractmethod
    def together(self) -> Any:
        """Give a transaction."""

    @abstractmethod
    def add(self, rows: Iterable[Row]) -> None:
        """Write rows in the fastest way that the driver has."""

    @abstractmethod
    def _query(self, sql: str) -> Iterable[Row]: ...

    @abstractmethod
    def close(self) -> None: ...

    def create(self) -> None:
        with self.together():
            self._query(_TABLE)
            self._query(_INDEX)

    def sums(self) -> dict[str, tuple[int, int]]:
        """Give the messages of each account: how many, and what they cost."""
        return {account: (count, milli) for account, count, milli in self._query(_SUMS)}


class SqliteTable(Table):
    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")

    @contextmanager
    def together(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        yield
        self._connection.execute("COMMIT")

    def add(self, rows: Iterable[Row]) -> None:
        marks = ", ".join("?" * len(_COLUMNS))
        self._connection.executemany(f"INSERT INTO line VALUES ({marks})", rows)

    def _query(self, sql: str) -> Iterable[Row]:
        return self._connection.execute(sql).fetchall()

    def close(self) -> None:
        self._connection.close()


class PostgresTable(Table):
    def __init__(self, url: str) -> None:
        import psycopg

        self._connection = psycopg.connect(url, autocommit=True)
        self._types = [_POSTGRES[type.split()[0]] for type in _COLUMNS.values()]

    def together(self) -> Any:
        return self._connection.transaction()

    def add(self, rows: Iterable[Row]) -> None:
        """Copy in binary form, which is faster than text."""
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f"COPY line ({_NAMES}) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types(self._types)
            for row in rows:
                copy.write_row(row)

    def _query(self, sql: str) -> Iterable[Row]:
        cursor = self._connection.execute(sql)
        return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        self._connection.close()


_POSTGRES: Final = {"TEXT": "text", "BIGINT": "int8", "INTEGER": "int4"}


def open_table(url: str) -> Table:
    return PostgresTable(url) if "://" in url else SqliteTable(url)
