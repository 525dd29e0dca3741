"""What a database can do, whichever it is: one SQL text runs on both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from ledger.database.address import Address
from ledger.database.tables import Row, Table

LOCK_TIMEOUT_S: Final = 30

# The first half of the key of our advisory locks on PostgreSQL: "sms" and a byte to spare.
LOCK_CLASS: Final = 0x736D7300

Params = Mapping[str, Any]


class Rows(Protocol):
    """Something that runs SQL with named parameters, inside a transaction or not."""

    def execute(self, sql: str, **params: Any) -> Sequence[Row]:
        """Run one statement and give all its rows."""
        ...

    def execute_many(self, sql: str, each: Sequence[Params]) -> None:
        """Run one statement with each of these parameters; it gives no rows."""
        ...

    def insert(self, table: Table, rows: Iterable[Row]) -> None:
        """Insert rows, no key twice, or do what the table says where the key is there."""
        ...


class Database(ABC):
    """A connection in autocommit mode; one thread uses it at a time.

    Statements have `:name` parameters. `main.x` is the ledger's own table even where a scratch
    table `temp.x` hides it. `ORDER BY x COLLATE BINARY` orders text by its bytes, whatever
    language a server was made for. All methods raise DatabaseUnusable, and IntegrityFailure
    where what is stored is damaged.
    """

    address: Address

    @abstractmethod
    def execute(self, sql: str, **params: Any) -> Sequence[Row]:
        """Run one statement and give all its rows."""

    @abstractmethod
    def execute_many(self, sql: str, each: Sequence[Params]) -> None:
        """Run one statement with each of these parameters; it gives no rows."""

    @abstractmethod
    def insert(self, table: Table, rows: Iterable[Row]) -> None:
        """Insert rows, no key twice, or do what the table says where the key is there."""

    @abstractmethod
    def each(self, sql: str, **params: Any) -> Iterator[Row]:
        """Run one query and give its rows as they are read, in constant memory."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Database]:
        """Write together or not at all."""

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[Database]:
        """Read one state of the ledger, whatever is written meanwhile."""

    @abstractmethod
    def lock(self, name: str, *, waits: Callable[[], None]) -> AbstractContextManager[None]:
        """Hold a lock of the ledger; it dies with its process. `waits` is told of a holder."""

    @abstractmethod
    def tables(self) -> set[str]:
        """Give the names of the tables, to tell a ledger from something else."""

    @abstractmethod
    def shadow(self, tables: Iterable[str], views: Iterable[str] = ()) -> None:
        """Put empty scratch tables in the way of these tables, in this connection only.

        The views show the scratch tables then.
        """

    @abstractmethod
    def close(self) -> None: ...
