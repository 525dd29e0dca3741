"""`audit export`: every event as it is stored, for an auditor who verifies it without us.

The format is that of `cli/verifier.py`, which is written beside it.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, Final

from ledger.canonical import leaf
from ledger.database import Database, Row, Rows
from ledger.errors import IntegrityFailure, InvalidValue
from ledger.merkle import Chain, Frontier
from ledger.names import WHOLE

FORMAT: Final = "sms-ledger-export/1"

_CURE: Final = "run `sms-ledger audit verify`"
# A page is some 7 kB.
_AT_ONCE: Final = 500


class Export:
    """The lines of an export: a header, every event, and the checkpoint as the last.

    `position` counts the events of the export: of one customer, they are numbered anew.
    """

    def __init__(self, database: Database, customer: str | None = None) -> None:
        self._database = database
        self._customer = customer
        self._chain, self._tree, self._read = Chain(), Frontier(), hashlib.sha256()
        self._recorded_at = ""

    @property
    def anchor(self) -> str:
        return str(self._tree.anchor())

    def __iter__(self) -> Iterator[bytes]:
        """Give the lines. Raises InvalidValue, and IntegrityFailure where bytes changed."""
        with self._database.snapshot():
            size = self._size()
            yield self._line({"format": FORMAT})
            for row in self._rows(self._database):
                yield self._line(self._event(*row))
            if self._tree.size != size:
                msg = f"expected {size} stored events, found {self._tree.size}: {_CURE}"
                raise IntegrityFailure(msg)
            yield self._line(self._end())

    def _size(self) -> int:
        ((size,),) = self._database.execute(_SIZE, tree=self._customer or WHOLE, whole=WHOLE)
        if self._customer and not size:
            msg = f"expected a customer of the ledger, found {self._customer!r} without events"
            raise InvalidValue(msg)
        return int(size)

    def _rows(self, rows: Rows) -> Iterator[Row]:
        last, params = 0, {"tree": self._customer or WHOLE, "whole": WHOLE}
        while found := rows.execute(_EVENTS, last=last, at_once=_AT_ONCE, **params):
            yield from (row[1:] for row in found)
            last = found[-1][0]

    def _event(
        self, stream: str, version: int, topic: str, state: bytes, known: bytes
    ) -> dict[str, Any]:
        state = bytes(state)
        found = leaf(stream, version, topic, state)
        if found != bytes(known):
            msg = (
                f"expected event {version} of {stream} as recorded, found other bytes: {_CURE}"
            )
            raise IntegrityFailure(msg)
        self._tree.add(found)
        self._recorded_at = json.loads(state.partition(b"\n")[0])["recorded_at"]
        return {
            "position": self._tree.size,
            "stream": stream,
            "version": version,
            "topic": topic,
            "digest": found.hex(),
            "link": self._chain.add(found).hex(),
            "state": b64encode(state).decode(),
        }

    def _end(self) -> dict[str, Any]:
        return {
            "size": self._tree.size,
            "root": self._tree.root().hex(),
            "link": self._chain.digest.hex(),
            "recorded_at": self._recorded_at,
            "sha256": self._read.hexdigest(),
        }

    def _line(self, one: dict[str, Any]) -> bytes:
        line = json.dumps(one, separators=(",", ":")).encode() + b"\n"
        self._read.update(line)
        return line


_SIZE: Final = "SELECT COUNT(*) FROM event_log WHERE (:tree = :whole OR customer = :tree)"
_EVENTS: Final = """
    SELECT l.position, l.stream, l.version, s.topic, s.state, l.leaf
    FROM event_log l JOIN stored_events s
        ON s.originator_id = l.stream AND s.originator_version = l.version
    WHERE l.position > :last AND (:tree = :whole OR l.customer = :tree)
    ORDER BY l.position LIMIT :at_once
"""
