"""Where a report goes: a file that has its name only when it is whole, or the output."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from cli.forms.parts import Unwritable


def write(text: str, file: Path | None, *, for_people: bool = False) -> None:
    """Write text to a file or to the output, in UTF-8. Raises Unwritable.

    What is `for_people` is written to the output as their terminal reads it.
    """
    with _told(file):
        if file is None:
            if not for_people:
                _speak_utf8()
            click.echo(text, nl=False)
        else:
            with _placed(file) as handle:
                handle.write(text.encode())


def _speak_utf8() -> None:
    """A form that programs read is the same in a pipe as in a file, whatever the terminal's."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


@contextmanager
def binary(file: Path | None) -> Iterator[BinaryIO]:
    """Give a file to write what is no text; whole, it goes to its place. Raises Unwritable."""
    if file is None and sys.stdout.isatty():
        msg = "expected a file for a workbook, found a terminal: type -o REPORT.xlsx"
        raise Unwritable(msg)
    import shutil
    from tempfile import TemporaryFile

    with _told(file), TemporaryFile() as whole:
        yield whole
        whole.seek(0)
        if file is None:
            shutil.copyfileobj(whole, sys.stdout.buffer)
        else:
            with _placed(file) as handle:
                shutil.copyfileobj(whole, handle)


@contextmanager
def _told(file: Path | None) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if file is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        where = file or "the output"
        msg = f"expected to write {where}, found that it cannot be ({error.strerror})"
        raise Unwritable(msg) from error


@contextmanager
def _placed(file: Path) -> Iterator[BinaryIO]:
    """Give the file; what is no ordinary one, such as a pipe, is written as it comes."""
    number = _open_already(file)
    if number is not None:
        with open(os.dup(number), "wb") as handle:
            yield handle
        return
    if file.exists() and not file.is_file():
        with file.open("wb") as handle:
            yield handle
        return
    from cli.endings import cleared_up
    from ledger.whole_file import replacing

    mode = file.stat().st_mode & 0o777 if file.exists() else 0o666 & ~_umask()
    with cleared_up(), replacing(file.resolve(), mode) as handle:
        yield handle


def _open_already(file: Path) -> int | None:
    """Give the handle that a name like /dev/stdout stands for.

    What it leads to is open, perhaps at the end of others' words: it is not to be replaced.
    """
    named = {"/dev/stdout": 1, "/dev/stderr": 2}.get(str(file))
    if named is None and file.parent == Path("/dev/fd") and file.name.isdecimal():
        return int(file.name)
    return named


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
