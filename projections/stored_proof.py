"""Proof of what is stored: every event in its place, with its digest.

A fault is told as its subject and a text: what was expected, and what was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ledger.canonical import decode, leaf
from ledger.database import Row, Rows
from ledger.errors import IntegrityFailure, LedgerError
from ledger.events import AccountOpened, LedgerEvent, LinesAttributed, PageRecorded
from ledger.merkle import Expected
from ledger.names import account_of, customer_of
from ledger.pages.body import digest
from ledger.times import to_us
from projections.log import Logged
from projections.resealing import Resealing

Fault = tuple[str, str]

# A page is some 7 kB.
_AT_ONCE: Final = 500


def misplaced(rows: Rows) -> Iterator[Fault]:
    """Find holes in positions and versions, and events that only one side has."""
    for previous, expected, position in rows.execute(_HOLES_IN_LOG):
        yield "log", f"expected the position {expected} after {previous}, found {position!r}"
    for stream, previous, expected, version in rows.execute(_HOLES_IN_STREAMS):
        text = f"expected the version {expected} after {previous}, found {version!r}"
        yield str(stream), text
    for position, stream, version in rows.execute(_NOT_STORED):
        text = f"version {version} of {stream} is in the log, but not in the store"
        yield f"position {position}", text
    for stream, version in rows.execute(_NOT_LOGGED):
        yield str(stream), f"version {version} is stored, but not in the log"


class Proof:
    """Reads every event in the order of the log, and collects what is wrong with it.

    Of bodies it proves the digest; what the lines in them say is proved where they are summed.
    The seals of the log are made again on the way.
    """

    def __init__(self, rows: Rows, anchors: Iterable[Expected] = ()) -> None:
        self._rows = rows
        self.seals = Resealing(anchors)
        self._owners: dict[str, str] = {}
        self.faults: list[Fault] = []
        self.unread = 0

    def events(self) -> Iterator[Logged]:
        """Give the events that can be read."""
        last = 0
        while found := self._rows.execute(_STORED, after=last, at_once=_AT_ONCE):
            for row in found:
                last = row[0]
                event = self._proved(row)
                if event is not None:
                    position, stream, version, state = row[:4]
                    account = account_of(stream) or ""
                    yield Logged(position, account, version, state, event)

    def _proved(self, row: Row) -> LedgerEvent | None:
        position, stream, version, state, topic, known, _, *logged = row
        try:
            _require_whole(position)
            found = leaf(stream, version, topic, state)
            self._seal(row, found)
            event = decode(topic, state)
            _require_body(event)
        except Exception as error:  # whatever damage does is a finding
            text = str(error) if isinstance(error, LedgerError) else type(error).__name__
            self.unread += 1
            self._fault(position, f"{stream}: cannot be read: {text or error}")
            return None
        if found != known:
            expected = known.hex() if isinstance(known, bytes) else repr(known)
            self._fault(
                position, f"{stream}: expected the digest {expected}, found {found.hex()}"
            )
        self._compare(position, stream, event, logged)
        return event

    def _seal(self, row: Row, found: bytes) -> None:
        self.seals.add(row[0], row[-4], found, recorded_at_us=row[-1], link=row[6])

    def _compare(
        self, position: int, stream: str, event: LedgerEvent, logged: list[object]
    ) -> None:
        """Hold what the log says of an event against the event."""
        account = account_of(stream)
        if isinstance(event, AccountOpened):
            self._owners[event.account] = event.customer
        owner = customer_of(stream) if account is None else self._owners.get(account)
        times = (to_us(event.happened_at), to_us(event.recorded_at))
        expected = (event.TOPIC, owner, account, *times)
        for name, one, other in zip(_LOGGED, expected, logged, strict=True):
            if one != other or type(one) is not type(other):
                text = f"position {position}: expected {name} {one}, found {other!r}"
                self.faults.append(("event_log", text))

    def _fault(self, position: int, text: str) -> None:
        self.faults.append((f"position {position}", text))


def _require_whole(position: object) -> None:
    if type(position) is not int:  # a file takes anything into any column
        msg = f"expected a position as a whole number, found {position!r}"
        raise IntegrityFailure(msg)


def _require_body(event: LedgerEvent) -> None:
    if isinstance(event, PageRecorded | LinesAttributed):
        found = digest(event.body)
        if found != event.body_sha256:
            msg = f"expected a body with the digest {event.body_sha256}, found {found}"
            raise IntegrityFailure(msg)


# What the log says of an event beside its place and digest.
_LOGGED: Final = ("topic", "customer", "account", "happened_at_us", "recorded_at_us")

_STORED: Final = """
    SELECT l.position, l.stream, l.version, s.state, s.topic, l.leaf, c.digest, l.topic,
        l.customer, l.account, l.happened_at_us, l.recorded_at_us
    FROM main.event_log l JOIN stored_events s
        ON s.originator_id = l.stream AND s.originator_version = l.version
    LEFT JOIN event_chain c ON c.position = l.position
    WHERE l.position > :after ORDER BY l.position LIMIT :at_once
"""
_HOLES_IN_LOG: Final = """
    SELECT previous, previous + 1, position FROM (
        SELECT position, LAG(position, 1, 0) OVER (ORDER BY position) AS previous
        FROM main.event_log) AS steps
    WHERE position <> previous + 1 ORDER BY position
"""
_HOLES_IN_STREAMS: Final = """
    SELECT originator_id, previous, previous + 1, originator_version FROM (
        SELECT originator_id, originator_version, LAG(originator_version, 1, 0)
            OVER (PARTITION BY originator_id ORDER BY originator_version) AS previous
        FROM stored_events) AS steps
    WHERE COALESCE(originator_version, 0) <> previous + 1
    ORDER BY originator_id, originator_version
"""
_NOT_STORED: Final = """
    SELECT position, stream, version FROM main.event_log
    LEFT JOIN stored_events ON originator_id = stream AND originator_version = version
    WHERE originator_id IS NULL ORDER BY position
"""
_NOT_LOGGED: Final = """
    SELECT originator_id, originator_version FROM stored_events
    LEFT JOIN main.event_log ON originator_id = stream AND originator_version = version
    WHERE stream IS NULL ORDER BY originator_id, originator_version
"""
