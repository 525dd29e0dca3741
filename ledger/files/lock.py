"""One import at a time into one ledger: a second one waits, and finds everything recorded."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ledger.errors import DatabaseUnusable

_SUFFIX: Final = ".import-lock"


@contextmanager
def import_lock(database: Path, *, waits: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a ledger; it dies with its process. `waits` is told of another holder.

    The file stays: removing it would let two programs hold two locks of one name.
    """
    path = database.resolve()
    lock = path.with_name(path.name + _SUFFIX)
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        msg = (
            f"expected to write {lock}, found that it cannot be written ({error.strerror}):"
            " check the rights of the ledger's folder"
        )
        raise DatabaseUnusable(msg) from error
    try:
        _wait_for(handle, waits)
        yield
    finally:
        os.close(handle)


def _wait_for(handle: int, waits: Callable[[], None]) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waits()
        fcntl.flock(handle, fcntl.LOCK_EX)
