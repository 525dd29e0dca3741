"""Which user sent which lines: told by events of their own."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import lt
from typing import Any

from msgspec import Struct

from ledger.errors import IntegrityFailure
from ledger.events import LineKind, LinesAttributed, Stamp
from ledger.pages.body import USERS, UsersBody, digest, opened, packed, readable, require
from ledger.pages.columns import LineId, Texts, indexed, order, settled
from ledger.times import from_us


class PackedUsers(Struct, frozen=True, gc=False):
    """An attribution without its envelope: of how many lines, and the body."""

    count: int
    body: bytes


def pack_users(ids: Sequence[LineId], users: Texts) -> PackedUsers:
    """Pack the users (logins or their aliases) of lines that are ordered by id.

    Raises ValueError where ids do not rise, or not every line has a user.
    """
    ids = list(ids)
    require(len(ids) == len(users.index), f"a user for each of {len(ids)} lines")
    require(_rise(ids), "ids that rise")
    users = settled(users)
    require(None not in users.values, "a user for each line")
    return PackedUsers(len(ids), packed(UsersBody(ids, users)))


def _rise(ids: list[Any]) -> bool:
    """Tell whether each id comes after the one before: numbers by size, then texts."""
    texts = bisect_left(ids, True, key=lambda one: isinstance(one, str))
    try:
        return all(all(map(lt, part, part[1:])) for part in (ids[:texts], ids[texts:]))
    except TypeError:  # a number after a text
        return False


def attributed_page(
    kind: LineKind, users: PackedUsers, *, stamp: Stamp, at_us: int
) -> LinesAttributed:
    """Make the event that records who sent some lines."""
    return LinesAttributed(
        **stamp.at(from_us(at_us)),
        kind=kind,
        count=users.count,
        body_sha256=digest(users.body),
        body=users.body,
    )


def attribute(
    kind: LineKind, users: Sequence[tuple[LineId, str]], *, stamp: Stamp, at_us: int
) -> LinesAttributed:
    """Record which user (a login or its alias) sent which lines."""
    ordered = sorted(users, key=lambda pair: order(pair[0]))
    packed_users = pack_users([pair[0] for pair in ordered], indexed([p[1] for p in ordered]))
    return attributed_page(kind, packed_users, stamp=stamp, at_us=at_us)


def user_columns(event: LinesAttributed) -> tuple[list[LineId], Texts]:
    """Read which user sent which lines, ordered by id. Raises IntegrityFailure."""
    with readable():
        body = opened(event, USERS)
        ids, users = body.id, body.user
        require(len(ids) == len(users.index), "a user for each line")
        require(max(users.index, default=-1) < len(users.values), "users that are there")
    if len(ids) != event.count:
        msg = f"expected the users of {event.count} lines, found {len(ids)}"
        raise IntegrityFailure(msg)
    return ids, users


def attributed(event: LinesAttributed) -> dict[LineId, str]:
    """Read which user sent which lines. Raises IntegrityFailure."""
    ids, users = user_columns(event)
    names: Iterable[Any] = map(users.values.__getitem__, users.index)
    found = dict(zip(ids, names, strict=True))
    if len(found) != event.count:
        msg = f"expected the users of {event.count} lines, found {len(found)}"
        raise IntegrityFailure(msg)
    return found
