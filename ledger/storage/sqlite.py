"""The event store on SQLite: the library's recorder, with the write lock taken at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eventsourcing import sqlite as library
from eventsourcing.persistence import PersistenceError, StoredEvent
from eventsourcing.utils import Environment, EnvType

from ledger.database import LOCK_TIMEOUT_S, Params, Row, Table
from ledger.database.sqlite import explain
from ledger.database.tables import placed
from ledger.errors import LedgerError
from ledger.storage.seam import Views, require_unmoved


class SqliteSeam:
    """The library's parts for one SQLite file."""

    errors: tuple[type[Exception], ...] = (PersistenceError, sqlite3.Error)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._factory: _Factory | None = None
        self.env: Mapping[str, str] = {"SQLITE_DBNAME": str(path)}

    def factory(self, env: Environment) -> library.SQLiteFactory:
        self._factory = _Factory(env)
        return self._factory

    def explain(self, error: Exception) -> LedgerError:
        return explain(error, self._path)

    def drop_snapshots(self, stream: str, *, before: int) -> None:
        assert self._factory is not None  # noqa: S101 (made with the application)
        with self._factory.datastore.transaction(commit=True) as cursor:
            cursor.execute(
                "DELETE FROM stored_snapshots"
                " WHERE originator_id = ? AND originator_version < ?",
                (stream, before),
            )


class _CursorRows:
    """The recorder's own cursor, so that views are written in the events' transaction."""

    def __init__(self, cursor: library.SQLiteCursor) -> None:
        self._cursor = cursor

    def execute(self, sql: str, **params: Any) -> Sequence[Row]:
        self._cursor.execute(sql, params)
        return [tuple(row) for row in self._cursor.fetchall()]

    def execute_many(self, sql: str, each: Sequence[Params]) -> None:
        self._cursor.executemany(sql, each)

    def insert(self, table: Table, rows: Iterable[Row]) -> None:
        self._cursor.executemany(placed(table), rows)


class _Recorder(library.SQLiteApplicationRecorder):
    def _insert_events(
        self, c: library.SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        rows = _CursorRows(c)
        require_unmoved(rows, kwargs["held"])
        notification_ids = super()._insert_events(c, stored_events)
        kwargs["positions"].extend(Views(rows, stored_events, kwargs["events"]).write())
        return notification_ids


class _Transaction(library.SQLiteTransaction):
    """A writer's transaction takes the lock at once.

    The library's deferred BEGIN fails without waiting when it reads before it writes and
    another process committed meanwhile.
    """

    def __enter__(self) -> library.SQLiteCursor:
        if not self.commit:
            return super().__enter__()
        cursor = self.connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        return cursor


class _Connection(library.SQLiteConnection):
    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[library.SQLiteCursor]:
        with _Transaction(self, commit=commit) as cursor, cursor:
            yield cursor


class _Pool(library.SQLiteConnectionPool):
    def _create_connection(self) -> library.SQLiteConnection:
        made = super()._create_connection()
        raw = made._sqlite_conn  # noqa: SLF001 (the library keeps it to itself)
        raw.execute("PRAGMA synchronous = FULL")
        return _Connection(sqlite_conn=raw, max_age=self.max_age)


class _Datastore(library.SQLiteDatastore):
    def __init__(self, db_name: str) -> None:
        super().__init__(db_name, originator_id_type="text")
        self.pool = _Pool(db_name=db_name, lock_timeout=LOCK_TIMEOUT_S)


class _Factory(library.SQLiteFactory):
    application_recorder_class = _Recorder

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        self.datastore = _Datastore(self.datastore.pool.db_name)
