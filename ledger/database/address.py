"""Where a ledger lies: a SQLite file is named by its path, PostgreSQL by its address."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from ledger.errors import Misuse

_POSTGRES = ("postgresql://", "postgres://")


@dataclass(frozen=True, slots=True, repr=False)
class PostgresAddress:
    """A libpq address; what it leaves out comes from PGPASSWORD, .pgpass, a service file."""

    conninfo: str

    def __str__(self) -> str:
        """Leave out the password and the options: an address is shown, and may be logged."""
        if not self.is_readable:
            return "postgresql://…"
        parts = urlsplit(self.conninfo)
        user, at, host = parts.netloc.rpartition("@")
        netloc = f"{user.partition(':')[0]}{at}{host}"
        return urlunsplit((parts.scheme, netloc, parts.path, "", ""))

    __repr__ = __str__

    @property
    def is_readable(self) -> bool:
        """Tell whether it is clear which part is the password.

        One with a bare `/`, `?` or `#` in it would pass for a host or a database.
        """
        try:
            parts = urlsplit(self.conninfo)
        except ValueError:
            return False
        return "@" in parts.netloc or "@" not in self.conninfo


Address = Path | PostgresAddress


def parse_address(url: str) -> Address:
    """Read a `--database`: a path, `sqlite:///…` or `postgresql://…`. Raises Misuse."""
    if url.startswith(_POSTGRES):
        return PostgresAddress(url)
    path = url.removeprefix("sqlite:///")
    if "://" in path:
        # Not shown whole: an address may hold a password.
        scheme = path.partition("://")[0]
        msg = (
            f"expected a file, sqlite:///FILE or postgresql://… as database, found {scheme}://…:"
            " correct --database"
        )
        raise Misuse(msg)
    return Path(path).expanduser()
