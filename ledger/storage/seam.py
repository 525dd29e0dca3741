"""What differs between the databases for the event store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from eventsourcing.persistence import InfrastructureFactory, StoredEvent
from eventsourcing.utils import Environment

from ledger import totals
from ledger.database import Rows
from ledger.errors import LedgerError
from ledger.events import LedgerEvent


class Seam(Protocol):
    """The library's parts for one database."""

    env: Mapping[str, str]
    errors: tuple[type[Exception], ...]

    def factory(self, env: Environment) -> InfrastructureFactory[Any]: ...

    def explain(self, error: Exception) -> LedgerError: ...

    def drop_snapshots(self, stream: str, *, before: int) -> None: ...


class VersionConflict(LedgerError):
    """Another program appended to the same stream first: load it again and decide anew."""


def require_unmoved(rows: Rows, held: Mapping[str, int]) -> None:
    """Require that streams stand where a decision read them. Raises VersionConflict.

    Asked in the transaction of the events, when no other program can append any more.
    """
    for stream, version in held.items():
        ((found,),) = rows.execute(
            "SELECT COALESCE(MAX(version), 0) FROM event_log WHERE stream = :stream",
            stream=stream,
        )
        if found != version:
            msg = f"expected {stream} at version {version}, found that it moved to {found}"
            raise VersionConflict(msg)


class Views:
    """The log and the views, to be written in the transaction of the events."""

    def __init__(
        self, rows: Rows, stored: Sequence[StoredEvent], events: Sequence[LedgerEvent]
    ) -> None:
        self._recorded = [
            totals.Recorded(str(s.originator_id), s.originator_version, s.topic, s.state, event)
            for s, event in zip(stored, events, strict=True)
        ]
        self._writing = totals.Writing(rows)

    def look_ahead(self) -> None:
        """Read what writing them asks for first: once events are on their way, answers wait."""
        self._writing.look_ahead({one.stream for one in self._recorded})

    def write(self) -> list[int]:
        """Write them; gives the positions of the events."""
        return self._writing.write(self._recorded)
