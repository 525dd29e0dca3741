"""Where the contenders write: SQLite files, and databases of a PostgreSQL server.

The server is the tests' own, started from a package, but durable: what it acknowledged is on
the disk. Both begin every run with an empty database of their own.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Final

from bench.commands import ROOT

SQLITE: Final = "SQLite"
POSTGRESQL: Final = "PostgreSQL"

# Eight times the shared buffers made COPY 2 to 12 % faster, with a million rows.
_SHOWN: Final = ("server_version", "fsync", "synchronous_commit", "shared_buffers",
                 "max_wal_size")  # fmt: skip


class Place(ABC):
    """A kind of database: gives empty ones, which are gone after use."""

    name: str

    def __init__(self, store: Any) -> None:
        self._store = store

    def ledger(self) -> AbstractContextManager[str]:
        """Give the address of an empty ledger."""
        made: AbstractContextManager[str] = self._store.ledger()
        return made

    def bare(self) -> AbstractContextManager[str]:
        """Give the address of an empty database."""
        made: AbstractContextManager[str] = self._store.bare()
        return made

    @abstractmethod
    def size_bytes(self, url: str) -> int:
        """Give what a database takes on disk, beyond an empty one."""

    @abstractmethod
    def about(self) -> dict[str, str]:
        """Give its version, and the settings that matter."""


class Sqlite(Place):
    name = SQLITE

    def size_bytes(self, url: str) -> int:
        """Count the file, and what it keeps beside it."""
        path = Path(url)
        return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))

    def about(self) -> dict[str, str]:
        import sqlite3

        return {"sqlite": sqlite3.sqlite_version, "sqlite_synchronous": "FULL, write-ahead log"}


class Postgres(Place):
    name = POSTGRESQL

    def size_bytes(self, url: str) -> int:
        """Count tables, indexes and all, without the catalogue that every database has."""
        with self._store.bare() as empty:
            return self._whole(url) - self._whole(empty)

    def _whole(self, url: str) -> int:
        ((size,),) = self._rows(f"SELECT pg_database_size('{url.rpartition('/')[2]}')")
        return int(size)

    def about(self) -> dict[str, str]:
        return {f"postgresql_{name}": self._rows(f"SHOW {name}")[0][0] for name in _SHOWN}

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        import psycopg

        with psycopg.connect(self._store.url, autocommit=True) as connection:
            return connection.execute(sql).fetchall()


@contextmanager
def places(url: str | None, *, with_postgres: bool = True) -> Iterator[list[Place]]:
    """Give SQLite, and PostgreSQL on the named server, else on one that is started."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    import stores

    found: list[Place] = [Sqlite(stores.SqliteStore())]
    if not with_postgres:
        yield found
        return
    with _server(url) as address, closing(stores.PostgresStore(address)) as store:
        yield [*found, Postgres(store)]


@contextmanager
def _server(url: str | None) -> Iterator[str]:
    if url is not None:
        yield url
        return
    import servers

    with servers.server(durable=True) as started:
        yield started.url
