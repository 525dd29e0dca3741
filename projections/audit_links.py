"""What belongs to an event: what caused it, what followed from it, what says more of the same.

All events of its customer are looked through by the beginning of their bytes, where the
envelope stands, so that nothing has to be kept for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from ledger.canonical import decode
from ledger.database import Database, Rows
from ledger.events import (
    LedgerEvent,
    LineCorrected,
    LinesAttributed,
    LinesNotBilled,
    OpeningRestated,
    PageRecorded,
)
from ledger.pages import page_columns, user_columns

# Of each relation; the others are counted.
LISTED: Final = 10

# Longer than an envelope with the first fields of an event.
_HEAD_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Link:
    position: int
    stream: str
    version: int
    kind: str


@dataclass(slots=True)
class Related:
    """The events that stand in one relation to another one: all counted, the first listed."""

    relation: str
    count: int = 0
    events: list[Link] = field(default_factory=list)


class Place(NamedTuple):
    """Where an event stands."""

    position: int
    stream: str
    version: int
    customer: str


class _Head(NamedTuple):
    position: int
    stream: str
    version: int
    topic: str
    head: bytes


def related(database: Database, place: Place, event: LedgerEvent) -> list[Related]:
    """Give what belongs to an event, the closest relation first."""
    tests = list(_tests(database, place, event))
    found = {relation: Related(relation) for relation, _ in tests}
    for row in database.each(_HEADS, customer=place.customer, bytes=_HEAD_BYTES):
        head = _Head._make(row)
        if head.position == place.position:
            continue
        relation = next((name for name, holds in tests if holds(head)), None)
        if relation is not None:
            _add(found[relation], head)
    return [one for one in found.values() if one.count]


def _add(to: Related, head: _Head) -> None:
    to.count += 1
    if to.count <= LISTED:
        kind = head.topic.split(".")[1]
        to.events.append(Link(head.position, head.stream, head.version, kind))


Test = Callable[[_Head], bool]


def _tests(rows: Rows, place: Place, event: LedgerEvent) -> Iterator[tuple[str, Test]]:
    """Give the relations that an event can have, the closest first."""
    match event:
        case LineCorrected(target_version=target) | OpeningRestated(target_version=target):
            yield "corrects", lambda head: (head.stream, head.version) == (place.stream, target)
        case PageRecorded():
            yield "of its lines", _about_lines(rows, place, event)
        case _:
            pass
    for name in ("transfer", "bill_detail_id", "month"):
        value = getattr(event, name, None)
        if value is not None:
            yield name.split("_")[0], _says(name, value)
    if event.caused_by is not None:
        yield "caused by", _says("command_id", event.caused_by)
    yield "caused", _says("caused_by", event.command_id)
    yield "same command", _says("command_id", event.command_id)


def _says(name: str, value: str) -> Test:
    """Look for a field in canonical bytes; inside a text, its quotes would be escaped."""
    said = b'"%s":%s' % (name.encode(), msgspec.json.encode(value))
    return lambda head: said in head.head


def _about_lines(rows: Rows, place: Place, page: PageRecorded) -> Test:
    """Tell whether a later event says something of a line of a page."""
    ids = set(page_columns(page).id)
    topics = {LineCorrected.TOPIC, LinesNotBilled.TOPIC, LinesAttributed.TOPIC}

    def test(head: _Head) -> bool:
        if head.stream != place.stream or head.topic not in topics:
            return False
        match event_at(rows, head.stream, head.version):
            case LineCorrected(target_version=version):
                return version == place.version
            case LinesNotBilled(kind=page.kind, line_ids=line_ids):
                return not ids.isdisjoint(line_ids)
            case LinesAttributed(kind=page.kind) as told:
                return not ids.isdisjoint(user_columns(told)[0])
            case _:
                return False

    return test


def event_at(rows: Rows, stream: str, version: int) -> LedgerEvent | None:
    """Read one event of a stream."""
    for topic, state in rows.execute(_STORED, stream=stream, version=version):
        return decode(topic, bytes(state))
    return None


_HEADS: Final = """
    SELECT l.position, l.stream, l.version, l.topic, substr(s.state, 1, :bytes)
    FROM event_log l JOIN stored_events s
        ON s.originator_id = l.stream AND s.originator_version = l.version
    WHERE COALESCE(l.customer, '') = :customer ORDER BY l.position
"""
_STORED: Final = """
    SELECT topic, state FROM stored_events
    WHERE originator_id = :stream AND originator_version = :version
"""
