"""A file that gets its name, in place of another, only when it is whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

OWNER_ONLY: Final = 0o600
_CHUNK: Final = 1 << 18

# So much of a name tells whose part a file is, and leaves room: a name is as long as it may be.
_RECOGNIZED: Final = 40


@contextmanager
def replacing(path: Path, mode: int = OWNER_ONLY) -> Iterator[BinaryIO]:
    """Give a file beside `path`, which takes its place when all went well. Raises OSError."""
    begins = f".{path.name[:_RECOGNIZED]}."
    handle, name = tempfile.mkstemp(".part", begins, path.parent)
    try:
        with open(handle, "wb", _CHUNK) as part:
            yield part
            part.flush()
            os.fchmod(part.fileno(), mode)
            os.fsync(part.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a crash, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
