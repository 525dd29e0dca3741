"""The event store on PostgreSQL: the library's recorder, with an order that does not stall.

The library locks its table exclusively, which waits for VACUUM and makes VACUUM wait. Here an
advisory lock orders the writers. It is taken before the views are written, since what counts
for a balance depends on its opening, which another writer may be restating; the whole is a few
statements. Nothing in it waits for anything but the lock, so there is no deadlock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import psycopg
from eventsourcing import postgres as library
from eventsourcing.persistence import (
    BaseInfrastructureFactory,
    PersistenceError,
    StoredEvent,
)
from eventsourcing.utils import Environment, EnvType
from psycopg.rows import dict_row, tuple_row

from ledger.database import LOCK_CLASS, Params, PostgresAddress, Row, Table
from ledger.database.order import ORDER
from ledger.database.postgres import (
    CONNECT_TIMEOUT_S,
    KEEPALIVES,
    WholeNumber,
    explain,
    options,
    translated,
)
from ledger.database.tables import portions, unnested
from ledger.errors import LedgerError
from ledger.storage.seam import Views, require_unmoved

# A few binary arrays: the library's array of composites is written, quoted and read as text.
_INSERT: Final = """
    INSERT INTO stored_events (originator_id, originator_version, topic, state)
    SELECT * FROM unnest(%b::text[], %b::bigint[], %b::text[], %b::bytea[])
    RETURNING notification_id
"""

_POOL_SIZE: Final = 4
_IDLE_IN_TRANSACTION_S: Final = 60


class PostgresSeam:
    """The library's parts for one PostgreSQL database."""

    errors: tuple[type[Exception], ...] = (PersistenceError, psycopg.Error)

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self._datastore: _Datastore | None = None
        self.env: Mapping[str, str] = {}

    def factory(self, env: Environment) -> library.PostgresFactory:
        self._datastore = _Datastore(self._address)
        return _Factory(env, self._datastore)

    def explain(self, error: Exception) -> LedgerError:
        return explain(_cause(error), self._address)

    def drop_snapshots(self, stream: str, *, before: int) -> None:
        assert self._datastore is not None  # noqa: S101 (made with the application)
        with self._datastore.transaction(commit=True) as cursor:
            cursor.execute(
                "DELETE FROM stored_snapshots"
                " WHERE originator_id = %s AND originator_version < %s",
                (stream, before),
            )


def _cause(error: Exception) -> Exception:
    """Give psycopg's own error, which tells more than the library's."""
    cause = error.__cause__
    return cause if isinstance(cause, psycopg.Error) else error


class _PipelinedRows:
    """The recorder's own connection, so that views are written in the events' transaction.

    What gives no rows is sent and not waited for: the server works while the next is prepared,
    and where it is far away, a recording costs a few journeys to it. What goes wrong there is
    raised by the next that waits, at the latest when the pipeline ends.
    """

    def __init__(
        self, connection: psycopg.Connection[Any], pipeline: psycopg.Pipeline, schema: str
    ) -> None:
        self._connection = connection
        self._pipeline = pipeline
        self._schema = schema

    def cursor(self) -> psycopg.Cursor[Row]:
        """Give a cursor: each can have one answer under way."""
        return self._connection.cursor(row_factory=tuple_row)

    def execute(self, sql: str, **params: Any) -> Sequence[Row]:
        cursor = self.cursor()
        cursor.execute(translated(sql, self._schema), params)
        self._pipeline.sync()
        return cursor.fetchall() if cursor.description else []

    def execute_many(self, sql: str, each: Sequence[Params]) -> None:
        self.cursor().executemany(translated(sql, self._schema), each)

    def insert(self, table: Table, rows: Iterable[Row]) -> None:
        for some in portions(rows):
            sql, arrays = unnested(table, some)
            self.cursor().execute(translated(sql, self._schema), arrays)


class _Recorder(library.PostgresApplicationRecorder):
    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Insert the events and the views; unlike the library, without a silent retry.

        A commit whose outcome is not known is told; the next run finds what is there by its
        natural key.
        """
        with (
            self.datastore.get_connection() as connection,
            connection.pipeline() as pipeline,
            connection.transaction(),
        ):
            connection.adapters.register_loader("numeric", WholeNumber)
            rows = _PipelinedRows(connection, pipeline, self.datastore.schema)
            rows.cursor().execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCK_CLASS, ORDER))
            require_unmoved(rows, kwargs["held"])
            views = Views(rows, stored_events, kwargs["events"])
            views.look_ahead()
            inserted = rows.cursor().execute(_INSERT, _columns(stored_events))
            kwargs["positions"].extend(views.write())
            return [row[0] for row in inserted.fetchall()]


def _columns(stored_events: Sequence[StoredEvent]) -> tuple[list[Any], ...]:
    return (
        [str(one.originator_id) for one in stored_events],
        [one.originator_version for one in stored_events],
        [one.topic for one in stored_events],
        [one.state for one in stored_events],
    )


class _Datastore(library.PostgresDatastore):
    """A small pool on the address itself, so that libpq finds passwords, services and TLS."""

    def __init__(self, address: PostgresAddress) -> None:
        with psycopg.connect(
            address.conninfo, connect_timeout=CONNECT_TIMEOUT_S, options=options(address)
        ) as connection:
            row = connection.execute("SELECT current_schema()").fetchone()
        super().__init__(
            "",
            "",
            "",
            "",
            "",
            schema=str(row[0]) if row and row[0] else "public",
            originator_id_type="text",
            idle_in_transaction_session_timeout=_IDLE_IN_TRANSACTION_S,
        )
        self.pool = library.ConnectionPool(
            address.conninfo,
            connection_class=psycopg.Connection[psycopg.rows.DictRow],
            kwargs={
                "row_factory": dict_row,
                "options": options(address),
                "application_name": "sms-ledger",
                "connect_timeout": CONNECT_TIMEOUT_S,
                **KEEPALIVES,
            },
            min_size=1,
            max_size=_POOL_SIZE,
            open=False,
            configure=self.after_connect_func(),
            timeout=CONNECT_TIMEOUT_S,
            num_workers=1,
        )


class _Factory(library.PostgresFactory):
    application_recorder_class = _Recorder

    def __init__(self, env: Environment | EnvType | None, datastore: _Datastore) -> None:
        BaseInfrastructureFactory.__init__(self, env)
        self.datastore = datastore
