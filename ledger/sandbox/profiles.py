"""Profiles: the sandbox's keys, written into an `ovh.conf` as a user would have them."""

import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ledger.sandbox.records import Credential

SECRET_MODE = 0o600


def names(name: str, count: int) -> list[str]:
    """Name one profile for each customer: NAME, NAME-2 and so on."""
    return [name if number == 1 else f"{name}-{number}" for number in range(1, count + 1)]


def write(path: Path, name: str, url: str, credentials: Iterable[Credential]) -> list[str]:
    """Put a section for each key into the file; what else is in it stays as it is."""
    keys = list(credentials)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    written = names(name, len(keys))
    for section, key in zip(written, keys, strict=True):
        text = _replaced(text, section, _section(section, url, key))
    if not re.search(r"(?m)^\[default\]\s*$", text):
        text = f"[default]\nendpoint = {name}\n\n{text}"
    _save(path, text)
    return written


def _section(name: str, url: str, key: Credential) -> str:
    return (
        f"[{name}]\n"
        f"endpoint_url = {url}\n"
        f"application_key = {key.application_key}\n"
        f"application_secret = {key.application_secret}\n"
        f"consumer_key = {key.consumer_key}\n"
        "requests_per_minute = 0\n"
    )


def _replaced(text: str, name: str, section: str) -> str:
    """Replace a section up to the next one's header, or add it at the end."""
    # Comments just above the next header belong to that header.
    pattern = rf"(?ms)^\[{re.escape(name)}\][ \t]*\n.*?(?=^(?:[#;][^\n]*\n)*\[|\Z)"
    if re.search(pattern, text):
        return re.sub(pattern, lambda _: section + "\n", text, count=1)
    gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
    return f"{text}{gap}{section}"


def _save(path: Path, text: str) -> None:
    """Write the file at once, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).chmod(SECRET_MODE)
    Path(temporary).replace(path)
