"""The databases that every test of the storage runs on: SQLite, and a PostgreSQL server.

`SMS_LEDGER_TEST_DATABASE` names a server to use, with the right to create databases; without
it one is started from a package (`servers`). Every ledger is a copy of a template that the
migrations made once: about 40 ms on PostgreSQL, which is what emptying its tables would cost.
A ledger that was drawn (`Books.draw`) is kept, and copied when it is drawn again: on PostgreSQL
to write it takes ten times as long.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import servers

import migrations
from ledger.database import Row, parse_address
from ledger.day_blocks import DAILY_BLOCK, DAILY_TOTAL, Sum, by_month, packed
from projections.month_blocks import MonthKey, Values
from projections.month_blocks import packed as packed_month
from projections.tables import MONTH_BLOCK, MONTHLY_TOTAL

if TYPE_CHECKING:
    import psycopg


@cache
def sqlite_template() -> Path:
    folder = mkdtemp(prefix="sms-ledger-template-")
    atexit.register(shutil.rmtree, folder)
    path = Path(folder) / "ledger.db"
    migrations.upgrade(path)
    return path


class Store(ABC):
    """A kind of database: gives ledgers that are gone when they are no longer needed."""

    name: str

    @abstractmethod
    def ledger(self) -> Any:
        """Give the address of an empty ledger, as a context."""

    @abstractmethod
    def promised(self) -> Any:
        """Give the address of a ledger that `make` makes, or `restore`, as a context."""

    @abstractmethod
    def make(self, url: str) -> None:
        """Make a promised ledger, an empty one, if it was not yet made."""

    @abstractmethod
    def beginning(self) -> Any:
        """Give an address at which a first `sync` may begin: SQLite makes the ledger itself."""

    @abstractmethod
    def bare(self) -> Any:
        """Give an address at which `migrate` may make a ledger."""

    @abstractmethod
    def begin_again(self, url: str) -> None:
        """Throw a ledger away and put an empty one in its place."""

    @abstractmethod
    def keep(self, url: str, key: str) -> None:
        """Keep a copy of a ledger that nobody has open."""

    @abstractmethod
    def restore(self, url: str, key: str) -> bool:
        """Put what was kept in the place of a ledger; tells whether there is such a thing."""


class SqliteStore(Store):
    name = "sqlite"

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    @contextmanager
    def ledger(self) -> Iterator[str]:
        with self.bare() as url:
            shutil.copyfile(sqlite_template(), url)
            yield url

    promised = ledger

    def make(self, url: str) -> None:
        """A file is made at once: it costs little."""

    @contextmanager
    def bare(self) -> Iterator[str]:
        with TemporaryDirectory(prefix="sms-ledger-") as folder:
            yield str(Path(folder) / "ledger.db")

    beginning = bare

    def begin_again(self, url: str) -> None:
        self._replace(url, sqlite_template().read_bytes())

    def keep(self, url: str, key: str) -> None:
        assert not Path(f"{url}-wal").exists(), "the file alone is not the ledger"
        self._kept[key] = Path(url).read_bytes()

    def restore(self, url: str, key: str) -> bool:
        if key in self._kept:
            self._replace(url, self._kept[key])
        return key in self._kept

    def _replace(self, url: str, content: bytes) -> None:
        for file in Path(url).parent.glob(f"{Path(url).name}*"):
            file.unlink()
        Path(url).write_bytes(content)


class PostgresStore(Store):
    name = "postgresql"

    def __init__(self, url: str, server: servers.Server | None = None) -> None:
        import psycopg

        self.url = url
        self.server = server
        self._kept: dict[str, str] = {}
        self._promised: set[str] = set()
        self._admin: psycopg.Connection[Any] = psycopg.connect(url, autocommit=True)

    @contextmanager
    def ledger(self) -> Iterator[str]:
        with self._database(self._template) as url:
            yield url

    beginning = ledger

    @contextmanager
    def promised(self) -> Iterator[str]:
        name = _new_name()
        self._promised.add(name)
        try:
            yield self.address(name)
        finally:
            self._drop(name)

    def make(self, url: str) -> None:
        if _name_of(url) in self._promised:
            self._replace(url, self._template)

    @contextmanager
    def bare(self) -> Iterator[str]:
        with self._database("template0") as url:
            yield url

    def begin_again(self, url: str) -> None:
        self._replace(url, self._template)

    def keep(self, url: str, key: str) -> None:
        self._kept[key] = name = f"sms_kept_{uuid4().hex[:12]}"
        self._create(name, _name_of(url))

    def restore(self, url: str, key: str) -> bool:
        if key in self._kept:
            self._replace(url, self._kept[key])
        return key in self._kept

    def address(self, name: str) -> str:
        """Give the address of another database of this server."""
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def execute(self, sql: str) -> None:
        """Do as the administrator does."""
        self._admin.execute(sql)

    def close(self) -> None:
        if "_template" in self.__dict__:
            self._drop(self._template)
        for name in self._kept.values():
            self._drop(name)
        self._admin.close()

    @cached_property
    def _template(self) -> str:
        name = f"sms_template_{uuid4().hex[:12]}"
        self._create(name, "template0")
        migrations.upgrade(parse_address(self.address(name)))
        return name

    @contextmanager
    def _database(self, template: str) -> Iterator[str]:
        name = _new_name()
        self._create(name, template)
        try:
            yield self.address(name)
        finally:
            self._drop(name)

    def _replace(self, url: str, template: str) -> None:
        self._drop(_name_of(url))
        self._create(_name_of(url), template)

    def _create(self, name: str, template: str) -> None:
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")

    def _drop(self, name: str) -> None:
        if name in self._promised:
            self._promised.remove(name)
        else:
            self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _new_name() -> str:
    return f"sms_test_{uuid4().hex[:12]}"


def _name_of(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


@contextmanager
def postgres_store() -> Iterator[PostgresStore]:
    """Give the server that the environment names, else one of our own."""
    named = os.environ.get("SMS_LEDGER_TEST_DATABASE")
    if named:
        with closing(PostgresStore(named)) as store:
            yield store
    else:
        with servers.server() as started, closing(PostgresStore(started.url, started)) as store:
            yield store


def damage(url: str, sql: str, **params: Any) -> None:
    """Change what is stored behind the ledger's back, past every guard of the database."""
    if isinstance(parse_address(url), Path):
        _damage_file(url, sql, params)
    else:
        _damage_server(url, sql, params)


def _damage_file(url: str, sql: str, params: dict[str, Any]) -> None:
    with closing(sqlite3.connect(url)) as connection, connection:
        guards = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        with _sums_as_rows(connection, sql, "?"):
            assert connection.execute(sql, params).rowcount != 0
        for _, made_by in guards:
            connection.execute(made_by)


def _damage_server(url: str, sql: str, params: dict[str, Any]) -> None:
    import psycopg

    with psycopg.connect(url) as connection:
        guards = connection.execute(
            "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger"
            " WHERE NOT tgisinternal"
        ).fetchall()
        for table, name, _ in guards:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        named = re.sub(r"(?<![:\w]):([a-z_][a-z0-9_]*)", r"%(\1)s", sql.replace("%", "%%"))
        with _sums_as_rows(connection, sql, "%s"):
            assert connection.execute(named, params).rowcount != 0
        for table, name, mode in guards:
            always = "ALWAYS" if mode in {b"A", "A"} else ""
            connection.execute(f"ALTER TABLE {table} ENABLE {always} TRIGGER {name}")


@contextmanager
def _sums_as_rows(connection: Any, sql: str, mark: str) -> Iterator[None]:
    """Let sums, many of which are kept in a row, be changed as if each were one."""
    kept = next((kept for kept in _KEPT if kept[0].name in sql), None)
    if kept is None:
        yield
        return
    shown, table, blocks = kept
    connection.execute(f"CREATE TEMP TABLE {shown.name} AS SELECT * FROM {shown.name}")
    yield
    sums = connection.execute(f"SELECT {', '.join(shown.columns)} FROM {shown.name}").fetchall()
    connection.execute(f"DROP TABLE {shown.name}")
    connection.execute(f"DELETE FROM {table.name}")
    insert = f"{table.into} VALUES ({', '.join([mark] * len(table.columns))})"
    for block in blocks(sums):
        connection.execute(insert, block)


def _days(sums: list[Row]) -> Iterator[Row]:
    for block in by_month((one[:3], Sum(*one[3:])) for one in sums).items():
        yield packed(*block)


def _values(sums: list[Row]) -> Iterator[Row]:
    months: dict[MonthKey, Values] = defaultdict(dict)
    for *key, value, count, milli in sums:
        months[key[0], key[1], key[2]][value] = [count, milli]
    for key, values in months.items():
        yield from packed_month((*key, ""), values)


# What views show, the tables that keep it, and how.
_KEPT = (
    (DAILY_TOTAL, DAILY_BLOCK, _days),
    (MONTHLY_TOTAL, MONTH_BLOCK, _values),
)
