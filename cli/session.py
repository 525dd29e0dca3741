"""What every command shares: the database, the profile, who acts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ledger.database import (
    Address,
    Database,
    connect,
    parse_address,
    require_schema,
    schema_version,
)
from ledger.errors import DatabaseUnusable, Misuse, Refused

if TYPE_CHECKING:
    from ledger.events import Source, Stamp
    from ledger.service import Ledger

# Gives a ledger of the past, and the moment that was now then.
Past = Callable[[], AbstractContextManager[tuple[Database, datetime]]]

_OFF: Final = {"", "n", "no", "f", "false", "off", "0"}


def default_database() -> Path:
    """Give the user's own ledger, in the place that the XDG standard names."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "sms-ledger" / "ledger.db"


class Begun:
    """What a run has begun that nobody must repeat: `advice` is what to do instead.

    It outlives the command, for Ctrl-C may come while the session closes.
    """

    def __init__(self) -> None:
        self.advice: str | None = None


class Session:
    """One run of the command line. Everything is opened when it is first asked for."""

    def __init__(
        self,
        *,
        database: str | None = None,
        profile: str | None = None,
        actor: str | None = None,
        color: bool = True,
        begun: Begun | None = None,
    ) -> None:
        self.begun = begun or Begun()
        self.profile = profile
        self.color = color
        self.command_id = os.urandom(16).hex()
        self._url = database
        self._actor = actor
        self._database: Database | None = None
        self._ledger: Ledger | None = None
        self._past: Past | None = None
        self._then: datetime | None = None
        self._opened = ExitStack()

    @property
    def address(self) -> Address:
        address = parse_address(self._url) if self._url else default_database()
        if not isinstance(address, Path):
            _refuse_database_functions()
        return address

    @property
    def actor(self) -> str:
        if self._actor is None:
            import getpass

            from ledger.personal import PersonalData, impersonal

            try:
                self._actor = impersonal(getpass.getuser())
            except (KeyError, OSError):
                msg = "expected a user name from the system, found none; type --actor NAME"
                raise Refused(msg) from None
            except PersonalData as error:
                msg = f"the system's user name cannot be kept ({error}); type --actor NAME"
                raise Refused(msg) from None
        return self._actor

    @property
    def database(self) -> Database:
        """The ledger's database, created and migrated when it does not exist."""
        if self._database is None:
            self._database = self._open()
        return self._database

    def _open(self) -> Database:
        if self._past is None:
            database = open_database(self.address)
            self._opened.callback(database.close)
        else:
            database, self._then = self._opened.enter_context(self._past())
        return database

    def look_back(self, past: Past) -> None:
        """Let a report read the ledger as it was, by the clock of then."""
        self._past = past

    @property
    def looks_back(self) -> bool:
        return self._past is not None

    @property
    def now(self) -> datetime:
        """The moment that a report takes for now."""
        if self._past is not None:
            _ = self.database
        return self._then or datetime.now(UTC)

    @property
    def ledger(self) -> Ledger:
        """The write side; the event store is imported only by commands that write."""
        if self._ledger is None:
            from ledger.service import Ledger

            _ = self.database
            self._ledger = Ledger(self.address)
        return self._ledger

    @contextmanager
    def for_reading(self) -> Iterator[Database]:
        """Give the ledger's database; where there is none, an empty one for a moment."""
        if self._past or not isinstance(self.address, Path) or self.address.exists():
            yield self.database
            return
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            database = open_database(Path(folder) / "ledger.db")
            try:
                yield database
            finally:
                database.close()

    def stamp(self, source: Source, *, reason: str | None = None) -> Stamp:
        """Give the envelope that this command's events share."""
        from ledger.events import Stamp

        return Stamp(
            recorded_at=datetime.now(UTC),
            actor=self.actor,
            command_id=self.command_id,
            source=source,
            reason=reason,
        )

    def close(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
        self._opened.close()


def _refuse_database_functions() -> None:
    """Refuse a setting of the event library that its users know, rather than pass it over."""
    asked = os.environ.get("POSTGRES_ENABLE_DB_FUNCTIONS", "")
    if asked.lower() not in _OFF:
        msg = (
            f"expected POSTGRES_ENABLE_DB_FUNCTIONS not to be set, found {asked!r}: such"
            " functions lose events for readers and never update the balances; unset it"
        )
        raise Misuse(msg)


def open_database(address: Address) -> Database:
    """Open a ledger; a file that does not exist is made. Raises DatabaseUnusable.

    A database on PostgreSQL is made by `migrate` alone.
    """
    if isinstance(address, Path):
        return _open_file(address)
    database = connect(address)
    try:
        require_schema(database)
    except DatabaseUnusable:
        database.close()
        raise
    return database


def _open_file(path: Path) -> Database:
    if not path.exists():
        create_database(path)
    database = connect(path)
    if schema_version(database) is None:
        # Nothing is in it yet: of several programs that start at once, one makes the tables,
        # and the others wait for it.
        database.close()
        create_database(path)
        database = connect(path)
    require_schema(database)
    return database


def create_database(address: Address) -> None:
    """Make a ledger, or migrate it. Raises DatabaseUnusable."""
    from migrations import upgrade

    if isinstance(address, Path):
        _touch(address)
    upgrade(address)


def _touch(path: Path) -> None:
    """Make a file that only its owner can read."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    except OSError as error:
        msg = (
            f"expected to create {path}, found that it cannot be written ({error.strerror});"
            " name another file with --database"
        )
        raise DatabaseUnusable(msg) from error


pass_session = click.make_pass_decorator(Session)
