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

from ledger.errors import Misuse
from ledger.files.room import no_room

FileFormat = Literal["csv", "jsonl"]

STANDARD_INPUT: Final = "-"

_FORMATS: Final[dict[str, FileFormat]] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_CHUNK: Final = 1 << 20

# Far longer than any row: a file of another nature must not fill the memory.
LONGEST_LINE: Final = 1 << 20

BOM: Final = b"\xef\xbb\xbf"
UTF16_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


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
            raise no_room(error) from error
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
    start = origin.handle.read(_CHUNK).removeprefix(BOM).lstrip()
    origin.handle.seek(0)
    return "jsonl" if start.startswith(b"{") else "csv"
