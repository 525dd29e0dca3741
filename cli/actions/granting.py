"""Making a profile: where it stands, which keys it begins with, and its finished section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ledger.errors import Misuse, Refused
from ledger.ovh.conf import Section, ovh_files, read_conf
from ledger.ovh.conf_writing import check_writable, try_section, write_section
from ledger.ovh.profiles import (
    APPLICATION,
    DEFAULT_ENDPOINT,
    ENDPOINTS,
    KEYS,
    OAUTH2,
    Profile,
    load_profile,
    profile_in_the_making,
)

_CONFIG: Final = "SMS_LEDGER_OVH_CONFIG"


@dataclass(frozen=True, slots=True)
class Draft:
    """A profile before it is written; `present` is its section as it is, if there is one."""

    name: str
    file: Path
    present: Section | None
    given: Mapping[str, str] = field(repr=False)  # keys may be among them
    environ: Mapping[str, str] = field(repr=False)

    def known(self, key: str) -> str | None:
        """Give a value that was given, or that the section holds already."""
        held = self.present.values if self.present else {}
        return self.given.get(key) or held.get(key) or None

    def secret_of(self, public: str, secret: str) -> str | None:
        """Give the secret that the section holds for this key. Raises UnsafeSecrets."""
        if self.present is None:
            return None
        held = self.present.values
        if self.given.get(public, held.get(public)) != held.get(public):
            return None  # it belongs to another key
        self.present.check_safe()
        return held.get(secret) or None

    def profile(self, keys: Mapping[str, str]) -> Profile:
        """Give the profile with these keys, to call OVH with. Raises InvalidValue."""
        held = self.present.values if self.present else {}
        settings = {key: text for key, text in held.items() if key not in KEYS}
        values = {**settings, **self.given, **keys}
        return profile_in_the_making(self.name, f"[{self.name}]", values, self.environ)

    def check_customer(self, customer: str) -> None:
        """Refuse a key that was granted by another customer than the profile's."""
        expected = self.known("nichandle")
        if expected not in {None, customer}:
            msg = (
                f"expected {expected} to grant the key of {self.name}, found {customer}:"
                " nothing was written; log in as the other customer, or name another profile"
            )
            raise Refused(msg)

    def write(self, keys: Mapping[str, str]) -> str | None:
        """Write the section at once; gives a note where it will not be found."""
        write_section(self.file, self.name, self._values(keys), without=KEYS)
        return self._not_found()

    def check_writable(self) -> None:
        """Refuse a section that could not be written, before a key is granted that is lost."""
        check_writable(self.file)
        for kind in (APPLICATION, OAUTH2):
            values = self._values(dict.fromkeys(kind, "x"))
            try_section(self.file, self.name, values, without=KEYS)

    def _values(self, keys: Mapping[str, str]) -> dict[str, str]:
        return {**{k: v for k, v in self.given.items() if k not in KEYS}, **keys}

    def _not_found(self) -> str | None:
        place = self.file.expanduser()
        try:
            source = load_profile(self.name, environ=self.environ).source
        except (Misuse, Refused):
            source = ""
        if source.endswith(str(place)) or Path(source.rpartition(" of ")[2]).resolve() == (
            place.resolve()
        ):
            return None
        return f"this file is not the one that is read: type `export {_CONFIG}={place}`"


def draft(
    name: str | None, file: Path | None, given: Mapping[str, str], environ: Mapping[str, str]
) -> Draft:
    """Find where a profile stands, or shall stand. Raises Misuse or NoCredentials.

    Unless it is named, `./ovh.conf` is passed over: whoever planted it would say where the
    secrets go that are typed now.
    """
    name = name or given.get("endpoint") or DEFAULT_ENDPOINT
    asked = file or _asked(environ)
    usual = {key: text for key, text in environ.items() if key != _CONFIG}
    own = [one for one in ovh_files(usual) if one.is_absolute()]  # not what a folder holds
    sections = read_conf([asked] if asked else own).sections
    present = sections.get(name)
    place = asked or (present.file if present else own[-1])
    made = Draft(name, place, present, _without_own(name, given), environ)
    made.check_writable()
    return made


def _asked(environ: Mapping[str, str]) -> Path | None:
    named = environ.get(_CONFIG)
    return Path(named).expanduser() if named else None


def _without_own(name: str, given: Mapping[str, str]) -> dict[str, str]:
    """Leave out an endpoint that the section's name says already."""
    own = name if name in ENDPOINTS else DEFAULT_ENDPOINT
    return {k: v for k, v in given.items() if (k, v) != ("endpoint", own)}


def secret_from(variable: str, environ: Mapping[str, str]) -> str:
    """Give a secret out of the environment. Raises Misuse."""
    text = environ.get(variable, "")
    if not text:
        msg = f"expected a secret in the variable {variable}, found none: set it, or correct it"
        raise Misuse(msg)
    return text


def names(accounts: Sequence[str]) -> tuple[str, ...]:
    """Give account names that a rule can hold. Raises Misuse."""
    for name in accounts:
        if "/" in name or "*" in name or not name.isprintable() or not name:
            msg = f"expected an account like sms-ab12345-1, found {name!r}"
            raise Misuse(msg)
    return tuple(dict.fromkeys(accounts))
