"""Fixtures that many tests share.

What asks for `store`, or for `books`, runs on SQLite and on PostgreSQL. What asks for `sqlite`
or `sqlite_books` is about the file itself, what asks for `postgres` about the server.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from books import Books
from stores import PostgresStore, SqliteStore, Store, postgres_store

ROOT = Path(__file__).parents[1]

# Memory that is a folder: no test is about a machine that crashes, the only one that shows it.
IN_MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 * 1024**3


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C reach the programs that tests start, and keep their files in memory.

    A shell starts what it runs in the background deaf to it, and its children inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "TMPDIR" not in os.environ and roomy(IN_MEMORY):
        os.environ["TMPDIR"] = str(IN_MEMORY)
        tempfile.tempdir = None  # where that is is found out anew
    if sys.dont_write_bytecode and config.getoption("numprocesses", None):
        config.add_cleanup(compiling())


def pytest_collection() -> None:
    """Look for no garbage while the tests are collected: none is made, and it takes seconds."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def roomy(folder: Path) -> bool:
    """Tell whether the files of the tests have room in a folder; a container's may be small."""
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > ROOM_BYTES


COMPILED = "SMS_LEDGER_TEST_COMPILED"
COMPILES = """
import compileall, importlib, pathlib, pkgutil, sys
import migrations, pytest
compileall.compile_dir("tests/support", quiet=2)
for name in ("ledger", "projections", "cli"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        importlib.import_module(module.name)
migrations.upgrade(pathlib.Path(sys.argv[1]) / "ledger.db")
"""


def compiling() -> Callable[[], None]:
    """Let programs that tests start find themselves compiled, where that is not to be kept.

    Else each of them compiles the whole ledger anew, and the suite starts hundreds. They do not
    write it themselves: those that find the disk full would leave half of it. It is done once,
    while the workers collect the tests; a few tests in one process do without.
    """
    folder = tempfile.mkdtemp(prefix="sms-ledger-compiled-")
    os.environ[COMPILED] = folder
    writes = {**os.environ, "PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
    compiler = subprocess.Popen([sys.executable, "-c", COMPILES, folder], cwd=ROOT, env=writes)

    def end() -> None:
        compiler.kill()
        compiler.wait()
        shutil.rmtree(folder, ignore_errors=True)

    return end


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Let the programs that a worker starts look where they are compiled."""
    if COMPILED in os.environ:
        os.environ["PYTHONPYCACHEPREFIX"] = os.environ[COMPILED]


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
    with store.promised() as url:
        yield Books(url, store)


@pytest.fixture
def sqlite_books(sqlite: SqliteStore) -> Iterator[Books]:
    """An empty ledger in a file, to be drawn."""
    with sqlite.ledger() as url:
        yield Books(url, sqlite)


@pytest.fixture
def postgres_books(postgres: PostgresStore) -> Iterator[Books]:
    """An empty ledger on a server, to be drawn."""
    with postgres.promised() as url:
        yield Books(url, postgres)
