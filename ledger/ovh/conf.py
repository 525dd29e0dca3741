"""`ovh.conf`: where it lives, and its sections as written.

A section is taken whole from the last file that has it. The `ovh` library merges keys of
several files and of the environment; then a planted `./ovh.conf` could send the secrets of
`~/.ovh.conf` to a host of its choice.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from configparser import Error as ConfigError
from configparser import RawConfigParser
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ledger.errors import NoCredentials, UnsafeSecrets

SECRET_KEYS: Final = frozenset({"application_secret", "consumer_key", "client_secret"})

# Reading gives the secrets away, writing lets others choose where they are sent.
_OTHERS_MAY: Final = 0o066


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One `[name]` of one file."""

    name: str
    file: Path
    values: Mapping[str, str] = field(repr=False)  # keys among them
    safe: bool

    def check_safe(self) -> None:
        """Refuse secrets that others can read. Raises UnsafeSecrets."""
        if not self.safe:
            msg = (
                f"{self.file} holds secrets that other users of this machine can read or"
                f" change: run `chmod 600 {self.file}`"
            )
            raise UnsafeSecrets(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conf:
    """All sections of all files, the last file's version of each."""

    sections: Mapping[str, Section]
    read: tuple[Path, ...]
    closed: tuple[Path, ...]  # files that are there and may not be read


def ovh_files(
    environ: Mapping[str, str] | None = None, *, config: Path | None = None
) -> tuple[Path, ...]:
    """The files that users of `ovh` know, later ones overriding earlier ones.

    `config`, or else `SMS_LEDGER_OVH_CONFIG`, comes last and must exist.
    """
    environ = os.environ if environ is None else environ
    home = Path(environ.get("HOME") or Path.home())
    usual = (Path("/etc/ovh.conf"), home / ".ovh.conf", Path("ovh.conf"))
    named = environ.get("SMS_LEDGER_OVH_CONFIG")
    if config is None and not named:
        return usual
    asked = (config or Path(named or "")).expanduser()
    if not asked.is_file():
        msg = f"expected OVH credentials in {asked}, found no such file: correct the path"
        raise NoCredentials(msg)
    return (*usual, asked)


def read_conf(files: Iterable[Path]) -> Conf:
    """Read the files that exist; one that may not be opened is passed over, as `ovh` does."""
    sections: dict[str, Section] = {}
    read: list[Path] = []
    closed: list[Path] = []
    for file in files:
        try:
            text, mode = _text(file)
        except FileNotFoundError:
            continue
        except OSError:
            closed.append(file)
            continue
        read.append(file)
        sections.update(_sections(file, text, mode))
    return Conf(sections=sections, read=tuple(read), closed=tuple(closed))


def _text(file: Path) -> tuple[str, int]:
    """Text and mode of one and the same open file."""
    with file.open("rb") as stream:
        mode = os.fstat(stream.fileno()).st_mode
        try:
            return stream.read().decode("utf-8-sig"), mode
        except UnicodeDecodeError:
            msg = f"expected a text file of sections in {file}, found other bytes: rewrite it"
            raise NoCredentials(msg) from None


def read_sections(file: Path, text: str) -> dict[str, dict[str, str]]:
    """Read the sections of a file's text. Raises NoCredentials, which quotes nothing of it."""
    parser = RawConfigParser(default_section="\0")  # `[DEFAULT]` is not spread over the others
    try:
        parser.read_string(text)
    except ConfigError as error:
        # configparser quotes the line, which may be a secret
        msg = f"expected `key = value` lines under [sections], found {_fault(error)} of {file}"
        raise NoCredentials(msg) from None
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _sections(file: Path, text: str, mode: int) -> dict[str, Section]:
    found = read_sections(file, text)
    secret = any(SECRET_KEYS & values.keys() for values in found.values())
    safe = not (secret and mode & _OTHERS_MAY)
    return {
        name: Section(name=name, file=file, values=values, safe=safe)
        for name, values in found.items()
    }


def _fault(error: ConfigError) -> str:
    lines = [number for number, _ in getattr(error, "errors", ())]
    number = lines[0] if lines else getattr(error, "lineno", None)
    return f"something else in line {number}" if number else "something else in a line"
