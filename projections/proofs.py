"""`audit proof`: what shows that an event is under an anchor, or one anchor under another.

Auditors verify proofs without us (`cli/verifier.py`). Each is verified before it is given.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ledger.canonical import leaf
from ledger.database import Database, Row, Rows
from ledger.errors import IntegrityFailure, InvalidValue
from ledger.merkle import (
    Anchor,
    Frontier,
    Stretch,
    consistency_path,
    digest_of,
    inclusion_path,
    proves_consistency,
    proves_inclusion,
    roots_of,
)
from ledger.names import WHOLE
from projections.report import NESTED, Report

_CURE: Final = "run `sms-ledger audit verify`"


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That an event is a leaf of a tree: its bytes (base64), its place, and the path upwards.

    `index` counts from 0. `path` holds the digests beside the way, the nearest first.
    """

    kind: str
    anchor: str
    index: int
    path: list[str] = field(metadata=NESTED)
    digest: str
    stream: str
    version: int
    topic: str
    state: str


@dataclass(frozen=True, slots=True)
class Consistency:
    """That the tree of the first anchor is the beginning of that of the second."""

    kind: str
    first: str
    second: str
    path: list[str] = field(metadata=NESTED)


def prove_inclusion(
    database: Database, event: str, *, to: str | None = None, customer: str | None = None
) -> Report[Inclusion]:
    """Prove an event, by its position or as stream@version. Raises InvalidValue."""
    with database.snapshot():
        tree = _Tree(database, customer)
        end = tree.size_of(to)
        position, stream, version, topic, state, known = _event(database, event)
        index = tree.index_of(position)
        if index is None or index >= end.size:
            msg = (
                f"expected an event of the first {end.size} {tree.of}, found {event}: see --to"
            )
            raise InvalidValue(msg)
        found = leaf(stream, version, topic, bytes(state))
        anchor, _, path = tree.climb(inclusion_path(index, end.size), end)
        if not proves_inclusion(found, index, anchor, path) or bytes(known) != found:
            msg = f"expected event {event} to be what was recorded, found other bytes: {_CURE}"
            raise IntegrityFailure(msg)
        row = Inclusion(
            kind="inclusion",
            anchor=str(anchor),
            index=index,
            path=[digest.hex() for digest in path],
            digest=found.hex(),
            stream=stream,
            version=version,
            topic=topic,
            state=b64encode(bytes(state)).decode(),
        )
        return Report(Inclusion, None, [row])


def prove_consistency(
    database: Database, first: str, *, to: str | None = None, customer: str | None = None
) -> Report[Consistency]:
    """Prove that a size is the beginning of a later one. Raises InvalidValue."""
    with database.snapshot():
        tree = _Tree(database, customer)
        end = tree.size_of(to)
        begun = tree.size_of(first, most=end.size)
        second, older, path = tree.climb(consistency_path(begun.size, end.size), end, begun)
        if not proves_consistency(older, second, path):
            msg = f"expected digests that make a tree, found that they do not: {_CURE}"
            raise IntegrityFailure(msg)
        hexadecimal = [digest.hex() for digest in path]
        row = Consistency("consistency", str(older), str(second), hexadecimal)
        return Report(Consistency, None, [row])


# --- the tree -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Size:
    """A size that was asked for, and the root that it must have, where one was given."""

    size: int
    root: bytes | None = None


class _Tree:
    """The digests of the ledger's events, or of one customer's, from what is stored of them."""

    def __init__(self, rows: Database, customer: str | None) -> None:
        self._rows = rows
        self._params = {"tree": customer or WHOLE, "whole": WHOLE}
        self.of = f"of {customer}" if customer else "of the ledger"
        ((self.size,),) = rows.execute(f"SELECT COUNT(*) {_IN_TREE}", **self._params)
        if customer and not self.size:
            msg = f"expected a customer of the ledger, found {customer!r}: it has no event"
            raise InvalidValue(msg)

    def size_of(self, text: str | None, *, most: int | None = None) -> _Size:
        """Read `SIZE` or `SIZE:ROOT`; without it, all events. Raises InvalidValue."""
        most = self.size if most is None else most
        if text is None:
            return _Size(most)
        anchor = Anchor.parse(text) if ":" in text else None
        if anchor is None and not re.fullmatch(r"[0-9]{1,18}", text):
            msg = f"expected SIZE or SIZE:ROOT, found {text!r}"
            raise InvalidValue(msg)
        size = anchor.size if anchor else int(text)
        if not 1 <= size <= most:
            msg = (
                f"expected a size from 1 to {most}, found {size}: there are no more events yet"
            )
            raise InvalidValue(msg)
        return _Size(size, anchor.root if anchor else None)

    def index_of(self, position: int) -> int | None:
        """Give the place of an event in the tree, from 0; None where it is not in it."""
        ((before, there),) = self._rows.execute(
            f"SELECT COUNT(*), COALESCE(MAX(position), 0) {_IN_TREE} AND position <= :position",
            position=position,
            **self._params,
        )
        return int(before) - 1 if there == position else None

    def climb(
        self, path: Sequence[Stretch], end: _Size, begun: _Size | None = None
    ) -> tuple[Anchor, Anchor, list[bytes]]:
        """Read the digests once; gives both anchors, and the roots of the path's stretches."""
        read = _Read(self._leaves(end.size), begun.size if begun else end.size)
        digests = roots_of(path, read)
        for _ in read:
            pass
        anchor, older = read.tree.anchor(), read.older or read.tree.anchor()
        for asked, found in ((end, anchor), (begun, older)):
            if asked and asked.root is not None and asked.root != found.root:
                msg = (
                    f"expected the root {asked.root.hex()} of {asked.size} events, found"
                    f" {found.root.hex()}: the anchor is of another tree, or {_CURE}"
                )
                raise IntegrityFailure(msg)
        return anchor, older, digests

    def _leaves(self, size: int) -> Iterator[bytes]:
        """Make the digests again from what is stored, none believed."""
        stored = self._rows.each(_STORED, size=size, **self._params)
        for position, stream, version, topic, state, known in stored:
            if topic is None or state is None:
                msg = f"expected event {position} of the log to be stored, found none: {_CURE}"
                raise IntegrityFailure(msg)
            found = leaf(stream, version, topic, bytes(state))
            if found != digest_of(known):
                msg = f"expected event {position} as recorded, found other bytes: {_CURE}"
                raise IntegrityFailure(msg)
            yield found


class _Read:
    """Leaves as they are read, and the tree that they make on the way."""

    def __init__(self, leaves: Iterable[bytes], older: int) -> None:
        self._leaves = iter(leaves)
        self._size = older
        self.tree = Frontier()
        self.older: Anchor | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        found = next(self._leaves)
        self.tree.add(found)
        if self.tree.size == self._size:
            self.older = self.tree.anchor()
        return found


def _event(rows: Rows, text: str) -> Row:
    """Look an event up by its position or as stream@version. Raises InvalidValue."""
    stream, at, version = text.rpartition("@")
    number = version if at else text
    found: Sequence[Row] = []
    if re.fullmatch(r"[0-9]{1,18}", number):
        where = "l.stream = :stream AND l.version = :number" if at else "l.position = :number"
        params = {"stream": stream} if at else {}
        found = rows.execute(f"{_EVENTS} WHERE {where}", number=int(number), **params)
    if not found:
        msg = f"expected an event, as its position or STREAM@VERSION, found no {text!r}"
        raise InvalidValue(msg)
    return found[0]


_IN_TREE: Final = "FROM event_log WHERE (:tree = :whole OR customer = :tree)"
_STORED: Final = """
    SELECT l.position, l.stream, l.version, s.topic, s.state, l.leaf
    FROM event_log l LEFT JOIN stored_events s
        ON s.originator_id = l.stream AND s.originator_version = l.version
    WHERE (:tree = :whole OR l.customer = :tree) ORDER BY l.position LIMIT :size
"""
_EVENTS: Final = """
    SELECT l.position, l.stream, l.version, s.topic, s.state, l.leaf
    FROM event_log l JOIN stored_events s
        ON s.originator_id = l.stream AND s.originator_version = l.version
"""
