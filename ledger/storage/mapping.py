"""Canonical bytes in place of the library's transcoder, compressor and cipher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent

from ledger.canonical import decode, encode
from ledger.consumption import Consumption, Range
from ledger.credits import Credits
from ledger.events import LedgerEvent, LineKind
from ledger.pages import LineId, order

# The version of `consumption.evolve`: a snapshot of another fold is not looked at.
SNAPSHOT_TOPIC: Final = "sms.consumption-snapshot.1"


@dataclass(frozen=True, slots=True)
class Placed:
    """An event with its place in a stream, as the library's protocol wants it."""

    originator_id: str
    originator_version: int
    event: LedgerEvent


class Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a fold of a consumption stream came to: a cache, never a source."""

    lines: int
    ranges: list[Range]
    corrected: list[tuple[LineKind, LineId, int]]
    not_billed: list[tuple[LineKind, LineId]]


def snapshot_of(state: Consumption) -> Snapshot:
    return Snapshot(
        state.lines,
        state.ranges,
        [
            (kind, line_id, credits.milli)
            for (kind, line_id), credits in state.corrected.items()
        ],
        sorted(state.not_billed, key=lambda one: (one[0], order(one[1]))),
    )


def restore(state: Consumption, version: int, snapshot: Snapshot) -> None:
    state.version = version
    state.lines = snapshot.lines
    state.ranges = snapshot.ranges
    state.corrected = {
        (kind, line_id): Credits(milli) for kind, line_id, milli in snapshot.corrected
    }
    state.not_billed = set(snapshot.not_billed)


@dataclass(frozen=True, slots=True)
class PlacedSnapshot:
    originator_id: str
    originator_version: int
    snapshot: Snapshot | None


class EventMapper(Mapper[str]):
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


class SnapshotMapper(Mapper[str]):
    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        placed = cast(PlacedSnapshot, domain_event)
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
        return cast("DomainEventProtocol[str]", PlacedSnapshot(stream, version, snapshot))
