"""A profile: with which key, and how, one customer of OVH is read.

It comes whole from one section of one `ovh.conf`, or whole from the environment; keys of two
places are never mixed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from ledger.errors import InvalidValue, NoCredentials
from ledger.ovh.conf import Conf, Section, ovh_files, read_conf
from ledger.ovh.settings import endpoint_name, endpoint_url, key_text, rate, seconds

DEFAULT_ENDPOINT: Final = "ovh-eu"
ENDPOINTS: Final = (
    "ovh-eu",
    "ovh-us",
    "ovh-ca",
    "kimsufi-eu",
    "kimsufi-ca",
    "soyoustart-eu",
    "soyoustart-ca",
)
WITH_TOKENS: Final = ("ovh-eu", "ovh-us", "ovh-ca")  # where service accounts exist
APPLICATION: Final = ("application_key", "application_secret", "consumer_key")
OAUTH2: Final = ("client_id", "client_secret")
KEYS: Final[tuple[str, ...]] = (*APPLICATION, *OAUTH2)
_SETTINGS: Final = (
    "endpoint",
    "endpoint_url",
    "requests_per_minute",
    "nichandle",
    "timeout_s",
)
_KNOWN: Final = (*_SETTINGS, *KEYS)
_ENVIRONMENT: Final = "environment"
_NEVER_MIXED: Final = "keys of two places are never mixed, state all here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One customer's key and how to use it. Its repr shows no key."""

    name: str
    source: str
    endpoint: str = DEFAULT_ENDPOINT
    endpoint_url: str | None = None
    application_key: str | None = field(default=None, repr=False)
    application_secret: str | None = field(default=None, repr=False)
    consumer_key: str | None = field(default=None, repr=False)
    client_id: str | None = field(default=None, repr=False)
    client_secret: str | None = field(default=None, repr=False)
    requests_per_minute: int = 60
    nichandle: str | None = None
    timeout_s: float = 60.0

    @property
    def keys(self) -> tuple[str, ...]:
        """All that must never be shown."""
        return tuple(text for key in KEYS if (text := getattr(self, key)))


def load_profile(
    name: str | None,
    *,
    environ: Mapping[str, str] | None = None,
    files: Iterable[Path] | None = None,
) -> Profile:
    """The profile of that name, else the environment's, else the default one of the files.

    Raises NoCredentials, InvalidValue or UnsafeSecrets.
    """
    environ = os.environ if environ is None else environ
    given = {} if name is not None else _from_environment(environ)
    if given:
        return _profile(_ENVIRONMENT, "the OVH_* variables", given, environ)
    conf = read_conf(ovh_files(environ) if files is None else files)
    section = _section(conf, name or _default(conf, environ))
    section.check_safe()
    return _profile(
        section.name, f"[{section.name}] of {section.file}", section.values, environ
    )


def list_profiles(
    *, environ: Mapping[str, str] | None = None, files: Iterable[Path] | None = None
) -> list[str]:
    """The sections that hold keys, in the order of the files."""
    return _named(read_conf(ovh_files(environ) if files is None else files))


def _named(conf: Conf) -> list[str]:
    keys = {*APPLICATION, *OAUTH2}
    return [name for name, section in conf.sections.items() if keys & section.values.keys()]


def _default(conf: Conf, environ: Mapping[str, str]) -> str:
    chosen = environ.get("OVH_ENDPOINT")
    if not chosen and "default" in conf.sections:
        chosen = conf.sections["default"].values.get("endpoint")
    if chosen:
        return chosen
    profiles = _named(conf)
    if len(profiles) == 1:
        return profiles[0]
    if not profiles:
        raise NoCredentials(_nothing(conf))
    msg = (
        f"expected one OVH profile, found {', '.join(profiles)}: choose with `--profile NAME`,"
        " or state `endpoint = NAME` under [default]"
    )
    raise NoCredentials(msg)


def _section(conf: Conf, name: str) -> Section:
    if name in conf.sections:
        return conf.sections[name]
    profiles = _named(conf)
    if not profiles:
        raise NoCredentials(_nothing(conf, name))
    msg = f"expected the OVH profile {name!r}, found {', '.join(profiles)}: choose one of these"
    raise NoCredentials(msg)


def _nothing(conf: Conf, name: str | None = None) -> str:
    what = f"the OVH profile {name!r}" if name else "an OVH profile"
    found = f"no section with keys in {_list(conf.read)}" if conf.read else "no ovh.conf"
    closed = f" (and may not read {_list(conf.closed)})" if conf.closed else ""
    return (
        f"expected {what}, found {found}{closed}: run `sms-ledger login`, write the"
        " keys to ~/.ovh.conf, or set OVH_APPLICATION_KEY,"
        " OVH_APPLICATION_SECRET and OVH_CONSUMER_KEY"
    )


def _list(files: tuple[Path, ...]) -> str:
    return ", ".join(str(file) for file in files)


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Keys of the environment and their endpoint; an endpoint alone chooses a section."""
    given = {
        key: environ[variable]
        for key in ("endpoint", *APPLICATION, *OAUTH2)
        if environ.get(variable := f"OVH_{key.upper()}")
    }
    return given if given.keys() - {"endpoint"} else {}


def profile_in_the_making(
    name: str, source: str, values: Mapping[str, str], environ: Mapping[str, str]
) -> Profile:
    """A profile as far as its values go: keys may still be missing. Raises InvalidValue."""
    given = {key: text for key, text in values.items() if text}
    keys: dict[str, str] = {k: key_text(k, given[k], source) for k in KEYS if k in given}
    return _with_keys(name, source, given, keys, environ)


def _profile(
    name: str, source: str, values: Mapping[str, str], environ: Mapping[str, str]
) -> Profile:
    given = {key: text for key, text in values.items() if text}
    _check_known(source, values)
    return _with_keys(name, source, given, _keys(source, given), environ)


def _with_keys(
    name: str,
    source: str,
    given: Mapping[str, str],
    keys: dict[str, str],
    environ: Mapping[str, str],
) -> Profile:
    _check_known(source, given)
    own = name if name in ENDPOINTS else DEFAULT_ENDPOINT
    url = environ.get("SMS_LEDGER_OVH_URL") or given.get("endpoint_url")
    known = WITH_TOKENS if "client_id" in keys and not url else ENDPOINTS
    return Profile(
        name=name,
        source=source,
        endpoint=endpoint_name(given.get("endpoint", own), known, source),
        endpoint_url=endpoint_url(url, source) if url else None,
        requests_per_minute=rate(given.get("requests_per_minute", "60"), source),
        nichandle=given.get("nichandle"),
        timeout_s=seconds(given.get("timeout_s", "60"), source),
        **keys,
    )


def _check_known(source: str, values: Mapping[str, str]) -> None:
    for key in values:
        if key not in _KNOWN:
            nearest = get_close_matches(key, _KNOWN, n=1, cutoff=0)[0]
            msg = f"{source}: unknown key {key!r}: expected one like {nearest!r}; correct it"
            raise InvalidValue(msg)


def _keys(source: str, given: Mapping[str, str]) -> dict[str, str]:
    """All keys of one kind. Raises NoCredentials when some are missing or both kinds given."""
    kinds = [kind for kind in (APPLICATION, OAUTH2) if given.keys() & set(kind)]
    if len(kinds) != 1:
        found = "keys of both kinds" if kinds else f"none: {_NEVER_MIXED}"
        msg = (
            f"{source}: expected {_written(source, APPLICATION)},"
            f" or {_written(source, OAUTH2)}; found {found}"
        )
        raise NoCredentials(msg)
    missing = tuple(key for key in kinds[0] if key not in given)
    if missing:
        msg = (
            f"{source}: expected {_written(source, kinds[0])}; missing"
            f" {_written(source, missing)}: {_NEVER_MIXED}"
        )
        raise NoCredentials(msg)
    return {key: key_text(key, given[key], source) for key in kinds[0]}


def _written(source: str, keys: tuple[str, ...]) -> str:
    in_file = source.startswith("[")
    return ", ".join(key if in_file else f"OVH_{key.upper()}" for key in keys)
