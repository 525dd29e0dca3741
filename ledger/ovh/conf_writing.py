"""One section written into an `ovh.conf`: the rest of the file stays as its owner wrote it."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from ledger.errors import Misuse
from ledger.ovh.conf import read_sections

_MODE: Final = 0o600
_HEADER = re.compile(r"\[(?P<name>[^\]]+)\]")
_COMMENT: Final = ("#", ";")
_KEY = re.compile(r"(?P<key>[^:=\s]+)\s*[:=]")


def check_writable(file: Path) -> None:
    """Refuse a file that cannot be written, or is no `ovh.conf`, before anything is asked."""
    place = _resolved(file)
    if not os.access(place.parent, os.W_OK) or place.is_dir():
        raise _unwritable(file, "it is a folder" if place.is_dir() else "the folder is closed")
    read_sections(file, _text(place))


def try_section(
    file: Path, name: str, values: Mapping[str, str], *, without: Collection[str] = ()
) -> None:
    """Refuse what `write_section` would refuse, and write nothing. Raises the same."""
    before = _text(_resolved(file))
    _check(file, before, edited(before, name, values, without=without), name, values)


def write_section(
    file: Path, name: str, values: Mapping[str, str], *, without: Collection[str] = ()
) -> None:
    """Put these values into section `[name]`, which loses the keys `without`.

    Everything else in the file stays, comments too. It is replaced at once by a file that
    only its owner can read. Raises Misuse or NoCredentials.
    """
    place = _resolved(file)
    before = _text(place)
    text = edited(before, name, values, without=without)
    _check(file, before, text, name, values)
    _replace(file, place, text)


def edited(
    text: str, name: str, values: Mapping[str, str], *, without: Collection[str] = ()
) -> str:
    """Give the file's text with these values in the section, which may be new."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines()
    written = [f"{key} = {value}" for key, value in values.items()]
    start = next((at for at, line in enumerate(lines) if _name(line) == name), None)
    if start is None:
        gap = [""] if lines and lines[-1].strip() else []
        return end.join([*lines, *gap, f"[{name}]", *written, ""])
    after = next((at for at in range(start + 1, len(lines)) if _name(lines[at])), len(lines))
    kept = list(_without(lines[start + 1 : after], {*values, *without}))
    return end.join([*lines[: start + 1], *written, *kept, *lines[after:], ""])


def _without(lines: list[str], keys: Collection[str]) -> Iterator[str]:
    """Leave out the lines of these keys, with what continues them."""
    dropping = False
    for line in lines:
        is_comment = line.lstrip().startswith(_COMMENT)
        continues = line[:1].isspace() and bool(line.strip()) and not is_comment
        if not continues:
            key = None if is_comment else _KEY.match(line)
            dropping = bool(key and key["key"].lower() in keys)
        if not dropping:
            yield line


def _name(line: str) -> str | None:
    header = _HEADER.match(line)
    return header["name"] if header else None


def _check(file: Path, before: str, after: str, name: str, values: Mapping[str, str]) -> None:
    """Be sure that the new text says what it should, and of other sections what it said."""
    expected, found = read_sections(file, before), read_sections(file, after)
    others = {one: section for one, section in found.items() if one != name}
    expected.pop(name, None)
    if others != expected or not values.items() <= found.get(name, {}).items():
        raise _unwritable(file, "its form is not understood")


def _resolved(file: Path) -> Path:
    """Follow links: the file behind them is replaced, not they."""
    place = file.expanduser().resolve()
    if not place.parent.is_dir():
        raise _unwritable(file, "there is no such folder")
    return place


def _text(place: Path) -> str:
    try:
        return place.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise _unwritable(place, "it cannot be read as text") from error


def _replace(file: Path, place: Path, text: str) -> None:
    temporary = None
    try:
        # `mkstemp` makes files that only their owner can read
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(_MODE)
        Path(temporary).replace(place)
        temporary = None
    except OSError as error:
        raise _unwritable(file, error.strerror or str(error)) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _unwritable(file: Path, why: str) -> Misuse:
    msg = f"expected to write the profile to {file}, found that it cannot be ({why})"
    return Misuse(f"{msg}: name another file with --file")
