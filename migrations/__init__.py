"""The schema of the ledger's database, by Alembic: `upgrade` brings it to the newest version.

A migration and its record are one transaction: a killed migration leaves nothing behind.
Alembic is imported only when something is to be migrated.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ledger.database import (
    LOCK_CLASS,
    LOCK_TIMEOUT_S,
    Address,
    Database,
    PostgresAddress,
    connect,
    explain,
)
from ledger.errors import DatabaseBusy

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection, Engine

_WAIT_S: Final = 0.02

# The second half of the key of the lock that lets one program migrate at a time.
_LOCK: Final = 2

_FOLDER = Path(__file__).parent


def newest() -> str | None:
    """Give the newest version that the migrations reach."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config()).get_current_head()


def upgrade(address: Address) -> None:
    """Create or migrate a ledger's tables. Raises DatabaseUnusable."""
    from sqlalchemy.exc import DBAPIError

    if isinstance(address, Path):
        _write_ahead(address)
        engine = _sqlite_engine(address)
    else:
        engine = _postgres_engine(address)
    try:
        _upgrade(engine)
    except DBAPIError as error:
        raise explain(
            error.orig if isinstance(error.orig, Exception) else error, address
        ) from error
    finally:
        engine.dispose()


def _write_ahead(path: Path) -> None:
    """Let readers go on while a writer works; the mode stays with the file.

    SQLite does not wait for its turn to change the mode, so several starters wait here.
    """
    database = connect(path)
    give_up_at = time.monotonic() + LOCK_TIMEOUT_S
    try:
        while not _is_write_ahead(database):
            if time.monotonic() > give_up_at:
                raise explain(Exception("locked"), path)
            time.sleep(_WAIT_S)
    finally:
        database.close()


def _is_write_ahead(database: Database) -> bool:
    try:
        database.execute("PRAGMA journal_mode = WAL")
    except DatabaseBusy:
        return False
    return True


def _upgrade(engine: Engine) -> None:
    from alembic import command

    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK_CLASS}, {_LOCK})")
            _act_as_owner(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _act_as_owner(connection: Connection) -> None:
    """Let what a migration makes belong to the ledger's owner, whichever member runs it."""
    owner = connection.exec_driver_sql(
        "SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class"
        " WHERE oid = to_regclass('event_log') AND pg_has_role(relowner, 'MEMBER')"
    ).scalar()
    if owner is not None:
        connection.exec_driver_sql(f"SET LOCAL ROLE {owner}")


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _sqlite_engine(path: Path) -> Engine:
    """Make an engine whose transactions begin at once and hold the DDL too.

    Alembic's stock set-up on SQLite leaves half a migration behind when it is killed: the
    driver would commit before each CREATE.
    """
    from sqlalchemy import URL, create_engine, event

    engine = create_engine(
        URL.create("sqlite", database=str(path)), connect_args={"timeout": LOCK_TIMEOUT_S}
    )

    @event.listens_for(engine, "connect")
    def _no_implicit_transactions(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin_at_once(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgres_engine(address: PostgresAddress) -> Engine:
    """Make an engine on the address itself; libpq finds passwords, services and TLS."""
    import psycopg
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    from ledger.database.postgres import CONNECT_TIMEOUT_S, options

    def connection() -> Any:
        try:
            return psycopg.connect(
                address.conninfo, connect_timeout=CONNECT_TIMEOUT_S, options=options(address)
            )
        except psycopg.Error as error:
            raise explain(error, address) from error

    return create_engine("postgresql+psycopg://", creator=connection, poolclass=NullPool)
