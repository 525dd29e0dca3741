"""The event store: the `eventsourcing` library's recorders, behind five verbs.

`Storage` reads streams and appends to several of them at once, in one transaction with the
views (`totals`). The library's domain model, JSON, tracking and table creation are not used;
its settings never come from the environment, since they would change the canonical bytes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, cast

import msgspec
from eventsourcing import sqlite as library
from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    EventStore,
    InfrastructureFactory,
    IntegrityError,
    Mapper,
    PersistenceError,
    StoredEvent,
)
from eventsourcing.utils import Environment, EnvType

from ledger import totals
from ledger.canonical import decode, encode
from ledger.consumption import Consumption, Range
from ledger.credits import Credits
from ledger.database import LOCK_TIMEOUT_S, Row, explain
from ledger.errors import IntegrityFailure, LedgerError
from ledger.events import LedgerEvent, LineKind
from ledger.names import consumption_stream
from ledger.pages import LineId, order

# The version of `consumption.evolve`: a snapshot of another fold is not looked at.
SNAPSHOT_TOPIC: Final = "sms.consumption-snapshot.1"
SNAPSHOT_EVERY: Final = 100


class VersionConflict(LedgerError):
    """Another program appended to the same stream first: load it again and decide anew."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An event with its place in a stream, as the library's protocol wants it."""

    originator_id: str
    originator_version: int
    event: LedgerEvent


class Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a fold of a consumption stream came to: a cache, never a source."""

    lines: int
    ranges: list[tuple[int, LineKind, LineId, LineId, int]]
    corrected: list[tuple[LineKind, LineId, int]]
    not_billed: list[tuple[LineKind, LineId]]


class Storage:
    """The event store of one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._explained():
            self._application = _LedgerApplication({"SQLITE_DBNAME": str(path)})

    def close(self) -> None:
        self._application.close()

    def read(
        self, stream: str, *, after: int = 0, through: int | None = None
    ) -> Iterator[tuple[int, LedgerEvent]]:
        """Give the events of a stream with their versions, oldest first."""
        with self._explained():
            for placed in self._application.events.get(stream, gt=after, lte=through):
                yield placed.originator_version, cast(Placed, placed).event

    def last(self, stream: str) -> tuple[int, LedgerEvent] | None:
        """Give the last event of a stream with its version."""
        with self._explained():
            for placed in self._application.events.get(stream, desc=True, limit=1):
                return placed.originator_version, cast(Placed, placed).event
        return None

    def append(self, *placed: Placed) -> list[int]:
        """Append events, all or none; gives their positions in the log.

        Raises VersionConflict where a version is taken, DatabaseUnusable.
        """
        with self._explained(placed):
            positions: list[int] = []
            self._application.save(
                *cast("tuple[DomainEventProtocol[str], ...]", placed),
                events=[one.event for one in placed],
                positions=positions,
            )
            return positions

    def consumption(self, account: str) -> Consumption:
        """Load what a snapshot knows of a consumption stream; the caller folds the rest."""
        state = Consumption(account)
        store = cast("EventStore[str]", self._application.snapshots)
        stream = consumption_stream(account)
        with self._explained():
            for taken in store.get(stream, desc=True, limit=1):
                snapshot = cast(_PlacedSnapshot, taken).snapshot
                if snapshot is not None:
                    _restore(state, taken.originator_version, snapshot)
        return state

    def keep(self, state: Consumption) -> None:
        """Take a snapshot and drop the older ones."""
        store = cast("EventStore[str]", self._application.snapshots)
        stream = consumption_stream(state.account)
        with self._explained():
            try:
                store.put([_PlacedSnapshot(stream, state.version, _snapshot(state))])
            except IntegrityError:
                return  # another program took the same one
            datastore = cast(_Factory, self._application.factory).datastore
            with datastore.transaction(commit=True) as cursor:
                cursor.execute(
                    "DELETE FROM stored_snapshots"
                    " WHERE originator_id = ? AND originator_version < ?",
                    (stream, state.version),
                )

    def _is_taken(self, one: Placed) -> bool:
        version = one.originator_version
        return any(self.read(one.originator_id, after=version - 1, through=version))

    @contextmanager
    def _explained(self, placed: Sequence[Placed] = ()) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            if any(self._is_taken(one) for one in placed):
                msg = "expected to append to a stream, found that another program did so first"
                raise VersionConflict(msg) from error
            msg = f"expected views that take the event, found a contradiction ({error})"
            raise IntegrityFailure(msg) from error
        except (PersistenceError, sqlite3.Error) as error:
            raise explain(error, self._path) from error


def _snapshot(state: Consumption) -> Snapshot:
    return Snapshot(
        state.lines,
        [
            (page.version, page.kind, page.first_id, page.last_id, page.last_at_us)
            for page in state.ranges
        ],
        [
            (kind, line_id, credits.milli)
            for (kind, line_id), credits in state.corrected.items()
        ],
        sorted(state.not_billed, key=lambda one: (one[0], order(one[1]))),
    )


def _restore(state: Consumption, version: int, snapshot: Snapshot) -> None:
    state.version = version
    state.lines = snapshot.lines
    state.ranges = [Range(*page) for page in snapshot.ranges]
    state.corrected = {
        (kind, line_id): Credits(milli) for kind, line_id, milli in snapshot.corrected
    }
    state.not_billed = set(snapshot.not_billed)


# --- the library's seams -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _PlacedSnapshot:
    originator_id: str
    originator_version: int
    snapshot: Snapshot | None


class _EventMapper(Mapper[str]):
    """Canonical bytes in place of the library's transcoder, compressor and cipher."""

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        placed = cast(Placed, domain_event)
        return StoredEvent(
            originator_id=placed.originator_id,
            originator_version=placed.originator_version,
            topic=placed.event.TOPIC,
            state=encode(placed.event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        event = decode(stored_event.topic, stored_event.state)
        stream, version = str(stored_event.originator_id), stored_event.originator_version
        return cast("DomainEventProtocol[str]", Placed(stream, version, event))


class _SnapshotMapper(Mapper[str]):
    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        placed = cast(_PlacedSnapshot, domain_event)
        return StoredEvent(
            originator_id=placed.originator_id,
            originator_version=placed.originator_version,
            topic=SNAPSHOT_TOPIC,
            state=msgspec.json.encode(placed.snapshot),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        snapshot = None
        if stored_event.topic == SNAPSHOT_TOPIC:
            snapshot = msgspec.json.decode(stored_event.state, type=Snapshot)
        stream, version = str(stored_event.originator_id), stored_event.originator_version
        return cast("DomainEventProtocol[str]", _PlacedSnapshot(stream, version, snapshot))


class _CursorRows:
    """The recorder's own cursor, so that views are written in the events' transaction."""

    def __init__(self, cursor: library.SQLiteCursor) -> None:
        self._cursor = cursor

    def execute(self, sql: str, **params: Any) -> Sequence[Row]:
        self._cursor.execute(sql, params)
        return [tuple(row) for row in self._cursor.fetchall()]


class _Recorder(library.SQLiteApplicationRecorder):
    def _insert_events(
        self, c: library.SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        notification_ids = super()._insert_events(c, stored_events)
        recorded = [
            totals.Recorded(str(s.originator_id), s.originator_version, s.topic, s.state, event)
            for s, event in zip(stored_events, kwargs["events"], strict=True)
        ]
        kwargs["positions"].extend(totals.write(_CursorRows(c), recorded))
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


class _LedgerApplication(Application[str]):
    env: ClassVar[dict[str, str]] = {
        "ORIGINATOR_ID_TYPE": "text",
        "CREATE_TABLE": "n",
        "IS_SNAPSHOTTING_ENABLED": "y",
    }

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        return Environment(name, {**type(self).env, **(env or {})})

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        return _Factory(env)

    def construct_mapper(self) -> Mapper[str]:
        return _EventMapper(self.construct_transcoder())

    def construct_snapshot_store(self) -> EventStore[str]:
        recorder = self.factory.aggregate_recorder(purpose="snapshots")
        mapper = _SnapshotMapper(self.construct_transcoder())
        return self.factory.event_store(mapper=mapper, recorder=recorder)
