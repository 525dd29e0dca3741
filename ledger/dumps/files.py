"""The file of a dump: it has its name only when it is whole; gzip where its name says so."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

from ledger.dumps.form import BadDump
from ledger.errors import Refused
from ledger.whole_file import replacing

GZIP: Final = b"\x1f\x8b"
_ENDING: Final = ".gz"
_CHUNK: Final = 1 << 18
_LEVEL: Final = 6


@contextmanager
def written(path: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """Give a file that gets its name, in place of another if forced, when all went well.

    Only its owner can read it. Raises Refused.
    """
    path = path.resolve()
    _refuse(path, force=force)
    with ExitStack() as stack:
        try:
            part = stack.enter_context(replacing(path))
        except OSError as error:
            msg = (
                f"expected to write {path}, found that its folder cannot be written"
                f" ({error.strerror}): name another file"
            )
            raise Refused(msg) from error
        with _compressed(part) if path.suffix == _ENDING else _plain(part) as into:
            yield into
        _refuse(path, force=force)


def _refuse(path: Path, *, force: bool) -> None:
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "no ordinary file"
        msg = f"expected a file to write, found {path}, which is {what}: name another one"
        raise Refused(msg)
    if path.exists() and not force:
        msg = f"expected a new file, found {path}: name another one, or type --force"
        raise Refused(msg)


@contextmanager
def _compressed(part: BinaryIO) -> Iterator[IO[bytes]]:
    # Without name and time: equal ledgers make equal files.
    with gzip.GzipFile("", "wb", _LEVEL, part, mtime=0) as packed:
        yield cast("IO[bytes]", packed)


@contextmanager
def _plain(part: BinaryIO) -> Iterator[IO[bytes]]:
    yield part


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to read. Raises BadDump, Refused."""
    try:
        raw = open(path, "rb", _CHUNK)  # noqa: SIM115 (closed below)
    except OSError as error:
        msg = (
            f"expected a dump, found that {path} cannot be read ({error.strerror}):"
            " name a file that `sms-ledger dump` wrote, or - for standard input"
        )
        raise Refused(msg) from error
    with raw:
        yield unpacked(raw, str(path), must=path.suffix == _ENDING)


def unpacked(raw: IO[bytes], name: str, *, must: bool = False) -> IO[bytes]:
    """Read through gzip where the first bytes say so. Raises BadDump."""
    peek = getattr(raw, "peek", None)
    start = peek(len(GZIP))[: len(GZIP)] if peek else b""
    if start == GZIP:
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw, mode="rb"))
    if must:
        raise BadDump(
            name, line=1, expected="gzip, as its name ends in .gz", found="other bytes"
        )
    return raw
