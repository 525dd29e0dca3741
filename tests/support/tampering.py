"""Tampering with a ledger's file, as somebody would who can write it, and knows the program.

Each of `KINDS` takes a connection and a source of chance, and changes something. What it makes
anew afterwards decides who can tell: nothing, the digests, or all seals (`reseal`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from random import Random
from typing import Any

from ledger.canonical import leaf
from ledger.merkle import Chain, Frontier

Tamper = Callable[[sqlite3.Connection, Random], None]


def disarmed(path: Any) -> sqlite3.Connection:
    """Open a file whose guards are gone."""
    connection = sqlite3.connect(path, isolation_level=None)
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    ).fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def events(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT position, stream, version, s.topic, s.state, customer, recorded_at_us"
        " FROM event_log JOIN stored_events s"
        " ON originator_id = stream AND originator_version = version ORDER BY position"
    ).fetchall()


def redigest(connection: sqlite3.Connection) -> None:
    """Make the digests anew, so that every event agrees with its own."""
    for position, stream, version, topic, state, *_ in events(connection):
        connection.execute(
            "UPDATE event_log SET leaf = ? WHERE position = ?",
            (leaf(stream, version, topic, state), position),
        )


def reseal(connection: sqlite3.Connection) -> None:
    """Make digests, chain and trees anew: the ledger agrees with itself as a whole."""
    redigest(connection)
    connection.execute("DELETE FROM event_chain")
    connection.execute("DELETE FROM tree_head")
    chain, trees, last = Chain(), {}, {}
    for position, stream, version, topic, state, customer, at_us in events(connection):
        digest = leaf(stream, version, topic, state)
        connection.execute(
            "INSERT INTO event_chain VALUES (?, ?)", (position, chain.add(digest))
        )
        for tree in ("",) if customer is None else ("", customer):
            trees.setdefault(tree, Frontier()).add(digest)
            last[tree] = at_us
    for name, tree in trees.items():
        connection.execute(
            "INSERT INTO tree_head VALUES (?, ?, ?, ?, ?)",
            (name, tree.size, tree.root(), tree.state(), last[name]),
        )


# --- what can be done ----------------------------------------------------------------------


def one_of(connection: sqlite3.Connection, chance: Random) -> tuple[Any, ...]:
    return chance.choice(events(connection))


def set_state(connection: sqlite3.Connection, event: tuple[Any, ...], state: bytes) -> None:
    connection.execute(
        "UPDATE stored_events SET state = ? WHERE originator_id = ? AND originator_version = ?",
        (state, event[1], event[2]),
    )


def flipped(data: bytes, chance: Random) -> bytes:
    at, changed = chance.randrange(len(data)), bytearray(data)
    changed[at] ^= 1 << chance.randrange(8)
    return bytes(changed)


def flip_a_bit(connection: sqlite3.Connection, chance: Random) -> None:
    event = one_of(connection, chance)
    set_state(connection, event, flipped(event[4], chance))


def flip_a_digest(connection: sqlite3.Connection, chance: Random) -> None:
    position, digest = chance.choice(
        connection.execute("SELECT position, leaf FROM event_log").fetchall()
    )
    connection.execute(
        "UPDATE event_log SET leaf = ? WHERE position = ?", (flipped(digest, chance), position)
    )


def edit(connection: sqlite3.Connection, chance: Random) -> None:
    """Change an event so that it can still be read: another actor."""
    event = one_of(connection, chance)
    header, newline, body = event[4].partition(b"\n")
    said = json.loads(header)
    said["actor"] = f"mallory-{chance.randrange(1000)}"
    set_state(connection, event, json.dumps(said).encode() + newline + body)


def drop(connection: sqlite3.Connection, chance: Random) -> None:
    """Remove an event and close the gap that it leaves, in the log and in its stream."""
    found = events(connection)
    event = chance.choice(found)
    last = max(version for _, stream, version, *_ in found if stream == event[1])
    for table, stream, version in _STREAMS:
        connection.execute(
            f"DELETE FROM {table} WHERE {stream} = ? AND {version} = ?", event[1:3]
        )
        for later in range(event[2] + 1, last + 1):
            connection.execute(
                f"UPDATE {table} SET {version} = ? WHERE {stream} = ? AND {version} = ?",
                (later - 1, event[1], later),
            )
    _renumber(connection)


def leave_a_hole(connection: sqlite3.Connection, chance: Random) -> None:
    table, stream, version = chance.choice(_STREAMS)
    event = one_of(connection, chance)
    connection.execute(f"DELETE FROM {table} WHERE {stream} = ? AND {version} = ?", event[1:3])


def double(connection: sqlite3.Connection, chance: Random) -> None:
    """Record an event again, at the end of its stream and of the log."""
    found = events(connection)
    event = chance.choice(found)
    last = max(version for _, stream, version, *_ in found if stream == event[1])
    connection.execute(
        "INSERT INTO stored_events (originator_id, originator_version, topic, state)"
        " VALUES (?, ?, ?, ?)",
        (event[1], last + 1, event[3], event[4]),
    )
    connection.execute(
        "INSERT INTO event_log SELECT ?, stream, ?, topic, customer, account, happened_at_us,"
        " recorded_at_us, ? FROM event_log WHERE position = ?",
        (len(found) + 1, last + 1, leaf(event[1], last + 1, event[3], event[4]), event[0]),
    )


def swap_places(connection: sqlite3.Connection, chance: Random) -> None:
    one, two = (event[0] for event in chance.sample(events(connection), 2))
    for before, after in ((one, 0), (two, one), (0, two)):
        connection.execute(
            "UPDATE event_log SET position = ? WHERE position = ?", (after, before)
        )


def swap_states(connection: sqlite3.Connection, chance: Random) -> None:
    one, two = chance.sample(events(connection), 2)
    set_state(connection, one, two[4])
    set_state(connection, two, one[4])


def cut_off(connection: sqlite3.Connection, chance: Random) -> None:
    found = events(connection)
    for event in found[-chance.randrange(1, len(found)) :]:
        for table, stream, version in _STREAMS:
            connection.execute(
                f"DELETE FROM {table} WHERE {stream} = ? AND {version} = ?", event[1:3]
            )


def change_the_log(connection: sqlite3.Connection, chance: Random) -> None:
    """Change what the log says beside its digests."""
    position = one_of(connection, chance)[0]
    column = chance.choice(
        ["topic", "customer", "account", "happened_at_us", "recorded_at_us", "version"]
    )
    connection.execute(
        f"UPDATE event_log SET {column} = {column} || '9' WHERE position = ?"
        if column in {"topic", "customer", "account"}
        else f"UPDATE event_log SET {column} = {column} + 1000 WHERE position = ?",
        (position,),
    )
    connection.execute(
        f"UPDATE event_log SET {column} = 'x' WHERE position = ? AND {column} IS NULL",
        (position,),
    )


def rename_a_stream(connection: sqlite3.Connection, chance: Random) -> None:
    name = one_of(connection, chance)[1]
    for table, stream, _ in _STREAMS:
        connection.execute(
            f"UPDATE {table} SET {stream} = {stream} || '9' WHERE {stream} = ?", (name,)
        )


def change_the_chain(connection: sqlite3.Connection, chance: Random) -> None:
    position = one_of(connection, chance)[0]
    connection.execute(
        chance.choice(
            [
                "UPDATE event_chain SET digest = zeroblob(32) WHERE position = ?",
                "DELETE FROM event_chain WHERE position = ?",
            ]
        ),
        (position,),
    )


def change_a_head(connection: sqlite3.Connection, chance: Random) -> None:
    tree = chance.choice(connection.execute("SELECT tree FROM tree_head").fetchall())
    connection.execute(
        chance.choice(
            [
                "UPDATE tree_head SET root = zeroblob(32) WHERE tree = ?",
                "UPDATE tree_head SET frontier = zeroblob(32) WHERE tree = ?",
                "UPDATE tree_head SET size = size + 1 WHERE tree = ?",
                "UPDATE tree_head SET recorded_at_us = 0 WHERE tree = ?",
                "DELETE FROM tree_head WHERE tree = ?",
            ]
        ),
        tree,
    )


def _fraction(connection: sqlite3.Connection, event: tuple[Any, ...]) -> None:
    for table, stream, version in _STREAMS:
        connection.execute(
            f"UPDATE {table} SET {version} = {version} + 0.5"
            f" WHERE {stream} = ? AND {version} = ?",
            event[1:3],
        )


def make_a_version_a_fraction(connection: sqlite3.Connection, chance: Random) -> None:
    """Leave a hole in a stream that its digits do not show: 2.5 was written as 2."""
    _fraction(connection, one_of(connection, chance))


_STREAMS = (
    ("stored_events", "originator_id", "originator_version"),
    ("event_log", "stream", "version"),
)


def _renumber(connection: sqlite3.Connection) -> None:
    positions = connection.execute("SELECT position FROM event_log ORDER BY 1").fetchall()
    for number, (position,) in enumerate(positions, 1):
        connection.execute(
            "UPDATE event_log SET position = ? WHERE position = ?", (number, position)
        )


# What changes events, and what changes only what is kept beside them.
OF_EVENTS: tuple[Tamper, ...] = (edit, drop, double, swap_places, swap_states, cut_off)
BESIDE: tuple[Tamper, ...] = (
    flip_a_bit, flip_a_digest, leave_a_hole, change_the_log, rename_a_stream,
    change_the_chain, change_a_head, make_a_version_a_fraction,
)  # fmt: skip
