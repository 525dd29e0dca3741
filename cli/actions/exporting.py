"""An export as a folder: the events, and the program that verifies them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Final

from ledger.errors import Refused

EVENTS: Final = "events.jsonl"
VERIFIER: Final = "verify.py"


def write_export(folder: Path, lines: Iterable[bytes]) -> None:
    """Write a new folder, which has its name only when it is whole. Raises Refused."""
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        msg = f"expected a new folder, found {folder}: name another one with -o"
        raise Refused(msg)
    try:
        part = Path(tempfile.mkdtemp(".part", f".{folder.name}.", folder.parent))
    except OSError as error:
        msg = (
            f"expected to write {folder}, found that its folder cannot be written"
            f" ({error.strerror}): name another one with -o"
        )
        raise Refused(msg) from error
    try:
        _fill(part, lines)
        os.replace(part, folder)
    except OSError as error:
        msg = f"expected to write {folder}, found that it cannot be ({error.strerror})"
        raise Refused(msg) from error
    finally:
        with suppress(FileNotFoundError):
            shutil.rmtree(part)


def _fill(part: Path, lines: Iterable[bytes]) -> None:
    with open(part / EVENTS, "wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    (part / VERIFIER).write_bytes(files("cli").joinpath("verifier.py").read_bytes())
