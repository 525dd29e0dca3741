"""A plain connection to the ledger's database: what reads and operational tables need.

Events are written by `storage` alone; this module imports neither the event store nor a
driver that the database at hand does not need.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

from ledger.errors import DatabaseBusy, DatabaseUnusable

# The newest migration that this program knows (`migrations/versions`); a test holds it there.
SCHEMA_VERSION: Final = "0001"

LOCK_TIMEOUT_S: Final = 30

Row = tuple[Any, ...]


class Rows(Protocol):
    """Something that runs SQL with named parameters, inside a transaction or not."""

    def execute(self, sql: str, **params: Any) -> Sequence[Row]:
        """Run one statement and give all its rows."""
        ...


def sqlite_path(url: str) -> Path:
    """Give the file of a `--database`: a path or `sqlite:///…`."""
    if url.startswith(("postgresql://", "postgres://")):
        msg = (
            "expected a SQLite file: this version keeps its ledger in SQLite only, found"
            " a postgresql:// address; type --database PATH"
        )
        raise DatabaseUnusable(msg)
    return Path(url.removeprefix("sqlite:///")).expanduser()


def explain(error: Exception, path: Path) -> DatabaseUnusable:
    """Say in one line what a database error means and what to do."""
    text = str(error).lower()
    if "not a database" in text or "malformed" in text:
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


class Database:
    """A connection to one SQLite file, in autocommit mode; one thread uses it at a time."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    def execute(self, sql: str, **params: Any) -> Sequence[Row]:
        """Run one statement and give all its rows. Raises DatabaseUnusable."""
        try:
            return self._connection.execute(sql, params).fetchall()
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    def each(self, sql: str, **params: Any) -> Iterator[Row]:
        """Run one query and give its rows as they are read, in constant memory."""
        try:
            # No `yield from`: it would close an abandoned query, perhaps after the database.
            for row in self._connection.execute(sql, params):  # noqa: UP028
                yield row
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """Write together or not at all; the write lock is taken at once."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield self
        except BaseException:
            self._connection.rollback()
            raise
        try:
            self._connection.commit()
        except sqlite3.Error as error:
            self._connection.rollback()
            raise explain(error, self.path) from error

    @contextmanager
    def snapshot(self) -> Iterator[Database]:
        """Read one state of the ledger, whatever is written meanwhile."""
        self.execute("BEGIN")
        try:
            yield self
        finally:
            self._connection.rollback()

    def close(self) -> None:
        self._connection.close()


def connect(path: Path, *, read_only: bool = False) -> Database:
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


def _open(path: Path, mode: str) -> Database:
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
    except sqlite3.Error as error:
        raise explain(error, path) from error
    return Database(path, connection)


def schema_version(database: Database) -> str | None:
    """Give the version of the schema, None for an empty file. Raises DatabaseUnusable."""
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    if not tables:
        return None
    if "alembic_version" not in tables or "event_log" not in tables:
        msg = (
            f"expected an sms-ledger database, found {database.path} with other tables;"
            " name another file with --database"
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
            f"expected schema {SCHEMA_VERSION}, found {found} in {database.path}:"
            " a newer sms-ledger wrote it; update the program"
        )
        raise DatabaseUnusable(msg)
    msg = (
        f"expected schema {SCHEMA_VERSION}, found {found or 'none'} in {database.path}:"
        " back it up, then type `sms-ledger migrate`"
    )
    raise DatabaseUnusable(msg)
