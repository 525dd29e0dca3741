"""Where the rows come from: a file or standard input, read twice and found the same."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Final, Literal

from ledger.database import explain
from ledger.errors import BadFile, Misuse, Refused

FileFormat = Literal["csv", "jsonl"]

STANDARD_INPUT: Final = "-"

_FORMATS: Final[dict[str, FileFormat]] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_CHUNK: Final = 1 << 20

# Far longer than any row: a file of another nature must not fill the memory.
_LONGEST_LINE: Final = 1 << 20

_BOM: Final = b"\xef\xbb\xbf"
_UTF16_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Origin:
    """An open file with its name for people, its size and the digest of its bytes."""

    name: str
    handle: IO[bytes]
    size: int
    sha256: str


@contextmanager
def open_origin(path: str) -> Iterator[Origin]:
    """Open a file; what cannot be read twice is copied first. Raises Misuse."""
    name = "standard input" if path == STANDARD_INPUT else path
    with _open(path) as handle, _seekable(handle) as whole:
        try:
            sha256 = _digest(whole)
            size = whole.seek(0, os.SEEK_END)
        except OSError as error:
            raise _unreadable(name, error) from error
        whole.seek(0)
        yield Origin(name, whole, size, sha256)


@contextmanager
def _open(path: str) -> Iterator[IO[bytes]]:
    if path == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    try:
        handle = open(path, "rb")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise _unreadable(path, error) from error
    with handle:
        yield handle


def _unreadable(name: str, error: OSError) -> Misuse:
    msg = (
        f"expected a file to import, found that {name} cannot be read ({error.strerror});"
        " name a CSV or JSONL file, or - for standard input"
    )
    return Misuse(msg)


@contextmanager
def _seekable(handle: IO[bytes]) -> Iterator[IO[bytes]]:
    """Copy a pipe to a temporary file that has no name: nobody else can open it."""
    if handle is not sys.stdin.buffer and handle.seekable():
        yield handle
        return
    with tempfile.TemporaryFile() as copy:
        try:
            shutil.copyfileobj(handle, copy, _CHUNK)
        except OSError as error:
            raise explain(error, Path(tempfile.gettempdir())) from error
        copy.seek(0)
        yield copy


def _digest(handle: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in iter(partial(handle.read, _CHUNK), b""):
        digest.update(chunk)
    return digest.hexdigest()


def format_of(origin: Origin, path: str) -> FileFormat:
    """Tell the format by the extension, else by the first character: JSON begins with {."""
    known = _FORMATS.get(Path(path).suffix.lower())
    if known is not None:
        return known
    start = origin.handle.read(_CHUNK).removeprefix(_BOM).lstrip()
    origin.handle.seek(0)
    return "jsonl" if start.startswith(b"{") else "csv"


class Lines:
    """The physical lines of an origin as text; `number` is that of the line given last."""

    def __init__(self, origin: Origin) -> None:
        self.number = 0
        self.read_bytes = 0
        self._origin = origin
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[str]:
        """Give the lines with their ends. Raises BadFile."""
        for raw in iter(partial(self._origin.handle.readline, _LONGEST_LINE), b""):
            self.number += 1
            self.read_bytes += len(raw)
            self._digest.update(raw)
            yield self._text(raw.removeprefix(_BOM) if self.number == 1 else raw)
        if self._digest.hexdigest() != self._origin.sha256:
            msg = (
                f"expected {self._origin.name} to stay as it is while it is read, found that it"
                " changed: nothing was recorded, import it again when it is written whole"
            )
            raise Refused(msg)

    def _text(self, raw: bytes) -> str:
        if len(raw) >= _LONGEST_LINE:
            raise self.bad("a line of text", f"one of more than {_LONGEST_LINE} bytes")
        if raw.startswith(_UTF16_BOMS) and self.number == 1:
            raise self.bad("UTF-8", "UTF-16: save the file as UTF-8")
        if b"\0" in raw:
            raise self.bad("text", "a NUL byte: is it a text file?")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            found = f"byte 0x{raw[error.start]:02x}: save the file as UTF-8"
            raise self.bad("UTF-8", found) from None

    def bad(self, expected: str, found: str) -> BadFile:
        """Make the refusal of the line given last."""
        return BadFile(self._origin.name, line=self.number, expected=expected, found=found)
