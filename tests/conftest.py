"""Fixtures that many tests share.

What asks for `store`, or for `books`, runs on SQLite and on PostgreSQL. What asks for `sqlite`
or `sqlite_books` is about the file itself, what asks for `postgres` about the server.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from books import Books
from stores import PostgresStore, SqliteStore, Store, postgres_store


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs that tests start.

    A shell starts what it runs in the background deaf to it, and its children inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def sqlite() -> SqliteStore:
    """Ledgers in files."""
    return SqliteStore()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresStore]:
    """Ledgers on a server, one for each worker of the tests; never skipped."""
    with postgres_store() as store:
        yield store


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Store:
    """Ledgers on each kind of database in turn."""
    name = "sqlite" if request.param == "sqlite" else "postgres"
    given: Store = request.getfixturevalue(name)
    return given


@pytest.fixture
def books(store: Store) -> Iterator[Books]:
    """An empty ledger, to be drawn."""
    with store.ledger() as url:
        yield Books(url)


@pytest.fixture
def sqlite_books(sqlite: SqliteStore) -> Iterator[Books]:
    """An empty ledger in a file, to be drawn."""
    with sqlite.ledger() as url:
        yield Books(url)


@pytest.fixture
def postgres_books(postgres: PostgresStore) -> Iterator[Books]:
    """An empty ledger on a server, to be drawn."""
    with postgres.ledger() as url:
        yield Books(url)
