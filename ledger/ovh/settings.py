"""The values of a profile, checked one by one. All raise InvalidValue, none shows a key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from ledger.errors import InvalidValue

# What a header can carry: anything else comes from a slip of the clipboard.
_KEY = re.compile(r"[!-~]{1,512}")
_WHOLE = re.compile(r"[0-9]{1,6}")
_SECONDS = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,3})?")
_HOST = re.compile(r"[a-z0-9.-]+|[0-9a-f:.]+")
_PATH = re.compile(r"(?:/[A-Za-z0-9_-]+)*/(?:1\.0|v1)")
_PORTS: Final = {"http": 80, "https": 443}


def key_text(key: str, text: str, source: str) -> str:
    if not _KEY.fullmatch(text):
        msg = f"{source}: expected {key} in plain letters and digits, found spaces or others"
        raise InvalidValue(msg)
    return text


def endpoint_name(text: str, known: Sequence[str], source: str) -> str:
    if text not in known:
        msg = f"{source}: expected endpoint to be one of {', '.join(known)}; found {text!r}"
        raise InvalidValue(msg)
    return text


def rate(text: str, source: str) -> int:
    if not _WHOLE.fullmatch(text):
        msg = (
            f"{source}: expected requests_per_minute as a whole number, 0 for no limit;"
            f" found {text!r}"
        )
        raise InvalidValue(msg)
    return int(text)


def seconds(text: str, source: str) -> float:
    if not _SECONDS.fullmatch(text) or not float(text):
        msg = f"{source}: expected timeout_s as seconds above 0, like 60; found {text!r}"
        raise InvalidValue(msg)
    return float(text)


def endpoint_url(text: str, source: str) -> str:
    """The base of all routes, written as `requests` sends it, for that text is signed."""
    try:
        parts = urlsplit(text.strip().rstrip("/"))
        port = parts.port
    except ValueError:
        raise InvalidValue(_url_expected(source)) from None
    host = parts.hostname or ""
    if not _is_plain(parts, host):
        raise InvalidValue(_url_expected(source))
    if parts.scheme == "http" and not is_loopback(host):
        msg = (
            f"{source}: endpoint_url would send requests unencrypted to {host}:"
            " expected https://, or http:// on this machine only"
        )
        raise InvalidValue(msg)
    shown = f"[{host}]" if ":" in host else host
    where = shown if port in {None, _PORTS[parts.scheme]} else f"{shown}:{port}"
    return f"{parts.scheme}://{where}{parts.path}"


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_plain(parts: SplitResult, host: str) -> bool:
    """No user and password, nothing that would be rewritten on its way."""
    return (
        parts.scheme in _PORTS
        and bool(_HOST.fullmatch(host))
        and bool(_PATH.fullmatch(parts.path))
        and not (parts.username or parts.password or parts.query or parts.fragment)
    )


def _url_expected(source: str) -> str:
    # the text itself may hold a password
    return (
        f"{source}: expected endpoint_url like https://eu.api.ovh.com/1.0, found another form"
    )
