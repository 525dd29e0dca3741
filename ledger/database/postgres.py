"""PostgreSQL through psycopg 3, imported only when a ledger lies there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, LiteralString
from zlib import crc32

import psycopg
from psycopg import errors
from psycopg.abc import Buffer
from psycopg.adapt import Loader

from ledger.database.address import PostgresAddress
from ledger.database.base import LOCK_CLASS, LOCK_TIMEOUT_S, Database, Params
from ledger.database.tables import Row, Table, portions, unnested
from ledger.errors import DatabaseBusy, DatabaseUnusable, IntegrityFailure, LedgerError

OLDEST_SERVER: Final = 15
CONNECT_TIMEOUT_S: Final = 10

# A lock is not waited for for ever, and a server that lost its client stops working for it.
OPTIONS: Final = (
    f"-c lock_timeout={LOCK_TIMEOUT_S}s -c client_connection_check_interval=2s -c timezone=UTC"
)

# A network that drops everything in silence is noticed within a minute.
KEEPALIVES: Final[dict[str, Any]] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")
_MAIN = re.compile(r"\bmain\.")
_TEMP = re.compile(r"\btemp\.")
_BY_BYTES: Final = "COLLATE BINARY"


@lru_cache(maxsize=512)
def translated(sql: str, schema: str) -> LiteralString:
    """Write `:name`, `main.`, `temp.` and `COLLATE BINARY` as PostgreSQL wants them."""
    sql = _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%").replace(_BY_BYTES, 'COLLATE "C"'))
    quoted = schema.replace('"', '""')
    # Our own texts; what comes from outside is a parameter.
    return _TEMP.sub("pg_temp.", _MAIN.sub(f'"{quoted}".', sql))


class WholeNumber(Loader):
    """A sum of whole numbers, which PostgreSQL gives as `numeric`."""

    def load(self, data: Buffer) -> int:
        return int(bytes(data))


class PostgresDatabase(Database):
    """A connection to one PostgreSQL database."""

    def __init__(self, address: PostgresAddress, connection: psycopg.Connection[Row]) -> None:
        self.address: PostgresAddress = address
        self._connection = connection
        self._schema = _current_schema(connection)

    def execute(self, sql: str, **params: Any) -> Sequence[Row]:
        try:
            cursor = self._connection.execute(translated(sql, self._schema), params)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise explain(error, self.address) from error

    def execute_many(self, sql: str, each: Sequence[Params]) -> None:
        try:
            with self._connection.cursor() as cursor:
                cursor.executemany(translated(sql, self._schema), each)
        except psycopg.Error as error:
            raise explain(error, self.address) from error

    def insert(self, table: Table, rows: Iterable[Row]) -> None:
        """Insert rows; where the table says nothing of keys, COPY takes half the time."""
        for some in portions(rows):
            if table.then:
                sql, arrays = unnested(table, some)
                self.execute(sql, **arrays)
            else:
                self._copy(table, some)

    def _copy(self, table: Table, rows: Iterable[Row]) -> None:
        sql = f"COPY {table.name} ({', '.join(table.columns)}) FROM STDIN"
        try:
            with (
                self._connection.cursor() as cursor,
                cursor.copy(translated(sql, self._schema)) as copy,
            ):
                for row in rows:
                    copy.write_row(row)
        except psycopg.Error as error:
            raise explain(error, self.address) from error

    def each(self, sql: str, **params: Any) -> Iterator[Row]:
        try:
            # A cursor on the server lives in a transaction; inside one, this is a savepoint.
            with (
                self._connection.transaction(),
                self._connection.cursor(name="each") as cursor,
            ):
                cursor.itersize = 500
                cursor.execute(translated(sql, self._schema), params)
                yield from cursor
        except psycopg.Error as error:
            raise explain(error, self.address) from error

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        try:
            with self._connection.transaction():
                yield self
        except psycopg.Error as error:
            raise explain(error, self.address) from error

    @contextmanager
    def snapshot(self) -> Iterator[Database]:
        with self.transaction():
            self.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield self

    @contextmanager
    def lock(self, name: str, *, waits: Callable[[], None]) -> Iterator[None]:
        key = {"class": LOCK_CLASS, "name": _key(f"{self._schema}/{name}")}
        ((free,),) = self.execute("SELECT pg_try_advisory_lock(:class, :name)", **key)
        if not free:
            waits()
            self.execute("SET lock_timeout = 0")
            self.execute("SELECT pg_advisory_lock(:class, :name)", **key)
            self.execute(f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'")
        try:
            yield
        finally:
            if not self._connection.closed:
                self.execute("SELECT pg_advisory_unlock(:class, :name)", **key)

    def tables(self) -> set[str]:
        rows = self.execute(
            "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema()"
        )
        return {str(name) for (name,) in rows}

    def shadow(self, tables: Iterable[str], views: Iterable[str] = ()) -> None:
        # Asked before the tables are hidden, a view does not name their schema.
        made_by = {
            view: self.execute("SELECT pg_get_viewdef(to_regclass(:view))", view=view)[0][0]
            for view in views
        }
        for table in tables:
            self.execute(f"CREATE TEMP TABLE {table} (LIKE main.{table} INCLUDING ALL)")
        for view, query in made_by.items():
            self.execute(f"CREATE TEMP VIEW {view} AS {query}")

    def close(self) -> None:
        self._connection.close()


def connect(address: PostgresAddress) -> PostgresDatabase:
    """Open a database that exists. Raises DatabaseUnusable."""
    try:
        connection = psycopg.connect(
            address.conninfo,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name="sms-ledger",
            options=options(address),
            **KEEPALIVES,
        )
    except psycopg.Error as error:
        raise explain(error, address) from error
    try:
        return _checked(address, connection)
    except psycopg.Error as error:
        connection.close()
        raise explain(error, address) from error


def _checked(address: PostgresAddress, connection: psycopg.Connection[Row]) -> PostgresDatabase:
    version = connection.info.server_version
    if version < OLDEST_SERVER * 10_000:
        raise _TooOld(f"{version // 10_000}")
    connection.adapters.register_loader("numeric", WholeNumber)
    return PostgresDatabase(address, connection)


def options(address: PostgresAddress) -> str:
    """Add ours to the settings that the address itself asks for. Raises psycopg.Error."""
    try:
        asked = psycopg.conninfo.conninfo_to_dict(address.conninfo).get("options", "")
    except psycopg.ProgrammingError:
        raise _Unreadable from None  # its text would show the password
    if not address.is_readable:
        raise _Unreadable
    return f"{OPTIONS} {asked}".strip()


def _current_schema(connection: psycopg.Connection[Row]) -> str:
    row = connection.execute("SELECT current_schema()").fetchone()
    return str(row[0]) if row and row[0] else "public"


def _key(text: str) -> int:
    """Give a signed 32-bit number for a lock's name."""
    return crc32(text.encode()) - 2**31


class _TooOld(psycopg.Error):
    """The server's version, when it is too old."""


class _Unreadable(psycopg.Error):
    """The address is no address."""


def explain(error: Exception, address: PostgresAddress) -> LedgerError:
    """Say in one line what a database error means and what to do."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    match error:
        case _TooOld():
            said = (
                f"expected PostgreSQL {OLDEST_SERVER} or newer at {address}, found {text}:"
                " update the server, or name another one with --database"
            )
        case _Unreadable():
            said = (
                "expected an address such as postgresql://USER@HOST:PORT/DATABASE, found one"
                " that cannot be read: a sign in its password may have to be written as %XX,"
                " or an option of it is unknown"
            )
        case (
            errors.LockNotAvailable()
            | errors.DeadlockDetected()
            | errors.SerializationFailure()
        ):
            return DatabaseBusy(
                f"expected to write to {address} within {LOCK_TIMEOUT_S} s, found others"
                " writing to it: run the command again when they are done"
            )
        case (
            errors.UndefinedTable()
            | errors.UndefinedColumn()
            | errors.DataCorrupted()
            | errors.IndexCorrupted()
            | errors.IntegrityError()
        ):
            return IntegrityFailure(
                f"expected a whole ledger at {address}, found it damaged ({text}):"
                " restore a backup, or load a dump into a new ledger"
            )
        case errors.InsufficientPrivilege():
            said = (
                f"expected the right to do this in {address}, found that the role lacks it"
                f" ({text}): its administrator grants it"
            )
        case errors.DiskFull():
            said = (
                f"expected room for {address}, found the server's disk full ({text}); nothing"
                " was half-recorded: make room and run the command again"
            )
        case errors.ReadOnlySqlTransaction():
            said = (
                f"expected to write to {address}, found it read-only ({text}): is it a standby?"
            )
        case psycopg.OperationalError() | psycopg.InterfaceError():
            said = _unreachable(text, address)
        case _:
            said = (
                f"expected an sms-ledger database at {address}, found that it cannot be used"
                f" ({text}); name another one with --database"
            )
    return DatabaseUnusable(said)


def _unreachable(text: str, address: PostgresAddress) -> str:
    lower = text.lower()
    unknown = "role" in lower and "does not exist" in lower
    if unknown or "password" in lower or "authentication" in lower or "pg_hba" in lower:
        return (
            f"expected {address} to let us in, found that it refuses the role ({text}): check"
            " PGPASSWORD, ~/.pgpass or the address"
        )
    if "does not exist" in lower:
        return (
            f"expected a database at {address}, found none ({text}): create it with `createdb`,"
            " then type `sms-ledger migrate`"
        )
    return (
        f"expected PostgreSQL at {address}, found that it does not answer ({text}): check the"
        " address and that the server runs; what was recorded is whole"
    )
