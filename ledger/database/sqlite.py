"""SQLite: the embedded default, one file, nothing to start."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from ledger.database.base import LOCK_TIMEOUT_S, Database, Params
from ledger.database.tables import Row, Table, placed
from ledger.errors import DatabaseBusy, DatabaseUnusable, IntegrityFailure, LedgerError

_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table'"


def explain(error: Exception, path: Path) -> LedgerError:
    """Say in one line what a database error means and what to do."""
    text = str(error).lower()
    if isinstance(error, _DAMAGE) or any(words in text for words in _DAMAGED):
        return IntegrityFailure(
            f"expected a whole ledger in {path}, found it damaged ({error}):"
            " restore a backup, or load a dump into a new ledger"
        )
    if "not a database" in text:
        return DatabaseUnusable(
            f"expected an sms-ledger database, found {path}, which is none ({error});"
            " name another file with --database, or restore a backup"
        )
    if "readonly" in text or "read-only" in text or "permission" in text:
        return DatabaseUnusable(
            f"expected to write to {path}, found it read-only ({error}):"
            " check the rights of the file and of its folder"
        )
    if "full" in text or "disk i/o" in text:
        return DatabaseUnusable(
            f"expected room for {path}, found the disk full or failing ({error});"
            " nothing was half-recorded: make room and run the command again"
        )
    if "locked" in text or "busy" in text:
        return DatabaseBusy(
            f"expected to write to {path} within {LOCK_TIMEOUT_S} s, found other programs"
            " writing to it: run the command again when they are done"
        )
    return DatabaseUnusable(
        f"expected an sms-ledger database in {path}, found that it cannot be used ({error});"
        " name another file with --database"
    )


# What SQLite says of a file that is one, with the schema of a ledger, but not whole.
_DAMAGED: Final = ("malformed", "corrupt", "no such table", "no such column")

# Rows that contradict those that are there, and text that is none.
_DAMAGE: Final = (sqlite3.IntegrityError, UnicodeDecodeError)

# Of a damaged file, even the text of the error may be no text.
ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)


class SqliteDatabase(Database):
    """A connection to one SQLite file."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.address: Path = path
        self._connection = connection

    def execute(self, sql: str, **params: Any) -> Sequence[Row]:
        try:
            return self._connection.execute(sql, params).fetchall()
        except ERRORS as error:
            raise explain(error, self.address) from error

    def execute_many(self, sql: str, each: Sequence[Params]) -> None:
        try:
            self._connection.executemany(sql, each)
        except ERRORS as error:
            raise explain(error, self.address) from error

    def insert(self, table: Table, rows: Iterable[Row]) -> None:
        try:
            self._connection.executemany(placed(table), rows)
        except ERRORS as error:
            raise explain(error, self.address) from error

    def each(self, sql: str, **params: Any) -> Iterator[Row]:
        try:
            # No `yield from`: it would close an abandoned query, perhaps after the database.
            for row in self._connection.execute(sql, params):  # noqa: UP028
                yield row
        except ERRORS as error:
            raise explain(error, self.address) from error

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        self.execute("BEGIN IMMEDIATE")  # the write lock is taken at once
        try:
            yield self
        except BaseException:
            self._connection.rollback()
            raise
        try:
            self._connection.commit()
        except ERRORS as error:
            self._connection.rollback()
            raise explain(error, self.address) from error

    @contextmanager
    def snapshot(self) -> Iterator[Database]:
        self.execute("BEGIN")
        try:
            yield self
        finally:
            self._connection.rollback()

    @contextmanager
    def lock(self, name: str, *, waits: Callable[[], None]) -> Iterator[None]:
        """Lock a file beside the ledger.

        The file stays: removing it would let two programs hold two locks of one name.
        """
        path = self.address.resolve()
        beside = path.with_name(f"{path.name}.{name}-lock")
        try:
            handle = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            msg = (
                f"expected to write {beside}, found that it cannot be written"
                f" ({error.strerror}): check the rights of the ledger's folder"
            )
            raise DatabaseUnusable(msg) from error
        try:
            _wait_for(handle, waits)
            yield
        finally:
            os.close(handle)

    def tables(self) -> set[str]:
        return {name for (name,) in self.execute(_TABLES)}

    def shadow(self, tables: Iterable[str], views: Iterable[str] = ()) -> None:
        for name in (*tables, *views):
            made = self.execute(
                "SELECT sql FROM main.sqlite_master WHERE name = :name"
                " AND type IN ('table', 'view')",
                name=name,
            )
            if not made:
                raise explain(sqlite3.OperationalError(f"no such table: {name}"), self.address)
            ((made_by,),) = made
            self.execute(made_by.replace("CREATE", "CREATE TEMP", 1))

    def close(self) -> None:
        self._connection.close()


def _wait_for(handle: int, waits: Callable[[], None]) -> None:
    import fcntl  # noqa: PLC0415 (only those who lock need it)

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waits()
        fcntl.flock(handle, fcntl.LOCK_EX)


def connect(path: Path, *, read_only: bool = False) -> SqliteDatabase:
    """Open a file that exists, for reading only where it cannot be written.

    Raises DatabaseUnusable.
    """
    if path.is_dir():
        msg = (
            f"expected an sms-ledger database, found the folder {path};"
            " name a file in it with --database"
        )
        raise DatabaseUnusable(msg)
    modes = (_READ_ONLY,) if read_only else (_READ_WRITE, _READ_ONLY)
    if not _may_be_in_use(path):
        modes = (*modes, _FROZEN)
    for mode in modes[:-1]:
        with suppress(_CannotOpen):
            return _open(path, mode)
    return _open(path, modes[-1])


_READ_WRITE: Final = "mode=rwc"
_READ_ONLY: Final = "mode=ro"
# In a folder that cannot be written, the write-ahead log's index cannot be made: do without.
_FROZEN: Final = "mode=ro&immutable=1"


class _CannotOpen(DatabaseUnusable):
    """SQLite cannot open the file, or its neighbours, in some mode."""


def _may_be_in_use(path: Path) -> bool:
    """Tell whether a write-ahead log holds something that the file does not."""
    log = path.with_name(f"{path.name}-wal")
    try:
        return log.stat().st_size > 0
    except OSError:
        return False


def _open(path: Path, mode: str) -> SqliteDatabase:
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?{mode}",
            uri=True,
            isolation_level=None,
            timeout=LOCK_TIMEOUT_S,
            check_same_thread=False,
        )
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
    except sqlite3.OperationalError as error:
        if "unable to open" in str(error).lower() or "readonly" in str(error).lower():
            raise _CannotOpen(str(explain(error, path))) from error
        raise explain(error, path) from error
    except ERRORS as error:
        raise explain(error, path) from error
    return SqliteDatabase(path, connection)
