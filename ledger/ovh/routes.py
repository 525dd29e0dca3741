"""Routes: the path and query that are signed, and the words they are shown with.

The library signs the text that it is given, `requests` sends a normalised form of it. So parts
are quoted here as `requests` would leave them, or refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode

from ledger.errors import InvalidValue

_HOLE = re.compile(r"\{(\w+)\}")
_LONGEST_PART: Final = 256
_BATCH_SEPARATOR: Final = ","

# These name a service or a document; the others (login …) may name a person.
_SHOWN: Final = frozenset({"serviceName", "billId"})


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` is OVH's own, `target` what goes over the wire, `shown` what a person reads."""

    pattern: str
    target: str
    shown: str

    @property
    def rule(self) -> str:
        """The path of the access rule that grants this route."""
        return _HOLE.sub("*", self.pattern)


def route(pattern: str, /, **parts: str | int) -> Route:
    """Fill the holes of a pattern. Raises InvalidValue for a part that no URL can carry."""
    return Route(
        pattern=pattern,
        target=_HOLE.sub(lambda hole: _quoted(str(parts[hole[1]])), pattern),
        shown=_HOLE.sub(lambda hole: _legible(hole, parts), pattern),
    )


def batch(pattern: str, /, ids: tuple[str, ...], **parts: str | int) -> Route:
    """Many rows of one list in one route: `ids` fill the last hole, separated by commas."""
    listed = route(pattern.rpartition("/")[0], **parts)
    joined = _BATCH_SEPARATOR.join(_quoted(one) for one in ids)
    return Route(pattern=pattern, target=f"{listed.target}/{joined}", shown=f"{listed.shown}/…")


def with_query(at: Route, **query: str | int | None) -> Route:
    """The route with its filters; `_` in a name stands for OVH's point. None is left out."""
    given = {key.replace("_", "."): value for key, value in query.items() if value is not None}
    if not given:
        return at
    return Route(at.pattern, f"{at.target}?{urlencode(given)}", at.shown)


def from_text(moment: datetime | None) -> str | None:
    """A lower bound in whole seconds."""
    return None if moment is None else _utc(moment).isoformat(timespec="seconds")


def to_text(moment: datetime | None) -> str | None:
    """An upper bound in whole seconds, the next one where a part of a second is left."""
    if moment is None:
        return None
    rest = timedelta(seconds=1) if moment.microsecond else timedelta()
    return (_utc(moment) + rest).isoformat(timespec="seconds")


def _utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        msg = f"expected a time with its offset, found {moment.isoformat()}"
        raise InvalidValue(msg)
    return moment.astimezone(UTC)


def _quoted(part: str) -> str:
    if part in {"", ".", ".."} or len(part) > _LONGEST_PART or not part.isprintable():
        msg = f"expected a name or id that OVH can have given, found {part[:40]!r}"
        raise InvalidValue(msg)
    return quote(part, safe="")


def _legible(hole: re.Match[str], parts: dict[str, str | int]) -> str:
    return str(parts[hole[1]]) if hole[1] in _SHOWN else hole[0]
