"""The form of a dump: JSON lines; a header, the events, the rows beside them, the totals.

A line is told by its first key. What is stored of an event stands in it byte for byte, in
base64; nothing is encoded anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from ledger.errors import BadFile

FAMILY: Final = "sms-ledger-dump/"
FORMAT: Final = f"{FAMILY}1"

Value = int | str | None


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the dump is of; `private`: it holds the meanings of aliases, and labels."""

    format: str
    created_at: datetime
    schema: str
    events: int
    customers: list[str]
    whole: bool
    private: bool


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event in its place, with its digest in hexadecimal digits."""

    position: int
    stream: str
    version: int
    topic: str
    state: bytes
    leaf: str


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of a table that lies beside the log."""

    table: str
    row: dict[str, Value]


class Totals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last line: `sha256` is over all leaves in order, `lines` over all lines before."""

    end: bool
    events: int
    position: int
    rows: int
    sha256: str
    lines: str


Line = Header | Entry | Kept | Totals


class BadDump(BadFile):
    """A dump that cannot be believed; nothing of it was loaded."""

    def __init__(self, file: str, *, line: int, expected: str, found: str) -> None:
        super().__init__(file, line=line, expected=expected, found=found)
        self.args = (
            f"{file}: line {line}: expected {expected}, found {found};"
            " nothing was loaded: fetch the file again, or take the dump again",
        )


_encoder: Final = msgspec.json.Encoder()


class Digests:
    """What the totals of a dump say, counted line by line."""

    def __init__(self) -> None:
        self.events = 0
        self.rows = 0
        self._leaves = hashlib.sha256()
        self._lines = hashlib.sha256()

    def count(self, raw: bytes, line: Line) -> None:
        self._lines.update(raw)
        if isinstance(line, Entry):
            self.events += 1
            self._leaves.update(bytes.fromhex(line.leaf))
        elif isinstance(line, Kept):
            self.rows += 1

    def totals(self) -> Totals:
        return Totals(
            end=True,
            events=self.events,
            position=self.events,
            rows=self.rows,
            sha256=self._leaves.hexdigest(),
            lines=self._lines.hexdigest(),
        )


class Writer:
    """Writes the lines of a dump, and at the end its totals."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._digests = Digests()

    @property
    def events(self) -> int:
        return self._digests.events

    def add(self, line: Line) -> None:
        raw = _encoder.encode(line) + b"\n"
        self._digests.count(raw, line)
        self._write(raw)

    def finish(self) -> Totals:
        totals = self._digests.totals()
        self.add(totals)
        return totals


_KINDS: Final[tuple[tuple[bytes, msgspec.json.Decoder[Line]], ...]] = (
    (b'{"position":', msgspec.json.Decoder(Entry)),
    (b'{"table":', msgspec.json.Decoder(Kept)),
    (b'{"end":', msgspec.json.Decoder(Totals)),
    (b'{"format":', msgspec.json.Decoder(Header)),
)


def parse(raw: bytes) -> Line:
    """Read one line strictly. Raises ValueError."""
    for start, decoder in _KINDS:
        if raw.startswith(start):
            return decoder.decode(raw)
    msg = "a line of another kind"
    raise ValueError(msg)


class _Format(msgspec.Struct):
    format: str


def format_of(raw: bytes) -> str | None:
    """Give the format that a first line names; None where it names none."""
    try:
        return msgspec.json.decode(raw, type=_Format).format
    except ValueError:
        return None
