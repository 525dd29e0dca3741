"""The event store: the `eventsourcing` library's recorders, behind five verbs.

`Storage` reads streams and appends to several of them at once, in one transaction with the
views (`totals`). The library's domain model, JSON, tracking and table creation are not used;
its settings never come from the environment, since they would change the canonical bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final, cast

from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    EventStore,
    InfrastructureFactory,
    IntegrityError,
    Mapper,
)
from eventsourcing.utils import Environment, EnvType

from ledger.consumption import Consumption
from ledger.database import Address
from ledger.errors import IntegrityFailure
from ledger.events import LedgerEvent
from ledger.names import consumption_stream
from ledger.storage.mapping import (
    EventMapper,
    Placed,
    PlacedSnapshot,
    SnapshotMapper,
    restore,
    snapshot_of,
)
from ledger.storage.seam import Seam, VersionConflict

__all__ = ["SNAPSHOT_EVERY", "Placed", "Storage", "VersionConflict"]

SNAPSHOT_EVERY: Final = 100


class Storage:
    """The event store of one ledger."""

    def __init__(self, address: Address) -> None:
        self._seam = _seam(address)
        with self._explained():
            self._application = _LedgerApplication(self._seam)

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

    def append(self, *placed: Placed, held: Mapping[str, int] | None = None) -> list[int]:
        """Append events, all or none; gives their positions in the log.

        `held` are streams that must stand where they were read. Raises VersionConflict where a
        version is taken or such a stream moved, DatabaseUnusable.
        """
        with self._explained(placed):
            positions: list[int] = []
            self._application.events.put(
                cast("tuple[DomainEventProtocol[str], ...]", placed),
                events=[one.event for one in placed],
                positions=positions,
                held=held or {},
            )
            return positions

    def consumption(self, account: str) -> Consumption:
        """Load what a snapshot knows of a consumption stream; the caller folds the rest."""
        state = Consumption(account)
        store = cast("EventStore[str]", self._application.snapshots)
        stream = consumption_stream(account)
        with self._explained():
            for taken in store.get(stream, desc=True, limit=1):
                snapshot = cast(PlacedSnapshot, taken).snapshot
                if snapshot is not None:
                    restore(state, taken.originator_version, snapshot)
        return state

    def keep(self, state: Consumption) -> None:
        """Take a snapshot and drop the older ones."""
        store = cast("EventStore[str]", self._application.snapshots)
        stream = consumption_stream(state.account)
        with self._explained():
            try:
                store.put([PlacedSnapshot(stream, state.version, snapshot_of(state))])
            except IntegrityError:
                return  # another program took the same one
            self._seam.drop_snapshots(stream, before=state.version)

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
        except self._seam.errors as error:
            raise self._seam.explain(error) from error


def _seam(address: Address) -> Seam:
    """Give what the library needs for the database at hand; import no other driver."""
    if isinstance(address, Path):
        from ledger.storage import sqlite  # noqa: PLC0415

        return sqlite.SqliteSeam(address)
    from ledger.storage import postgres  # noqa: PLC0415

    return postgres.PostgresSeam(address)


class _LedgerApplication(Application[str]):
    """The library's application, with our mappers and the seam's factory.

    Its name is what the library begins the names of the tables with.
    """

    name = "stored"
    env: ClassVar[dict[str, str]] = {
        "ORIGINATOR_ID_TYPE": "text",
        "CREATE_TABLE": "n",
        "IS_SNAPSHOTTING_ENABLED": "y",
    }

    def __init__(self, seam: Seam) -> None:
        self._seam = seam
        super().__init__(seam.env)

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        return Environment(name, {**type(self).env, **(env or {})})

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        return self._seam.factory(env)

    def construct_mapper(self) -> Mapper[str]:
        return EventMapper(self.construct_transcoder())

    def construct_snapshot_store(self) -> EventStore[str]:
        recorder = self.factory.aggregate_recorder(purpose="snapshots")
        mapper = SnapshotMapper(self.construct_transcoder())
        return self.factory.event_store(mapper=mapper, recorder=recorder)
