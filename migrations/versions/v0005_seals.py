"""The seals of the log: a hash chain over every event, and the heads of its Merkle trees.

What is recorded already is sealed here from the digests in the log; `audit verify` recomputes
them from the events. Chain and trees are defined for ever (docs/concepts/proof.md).
"""

from __future__ import annotations

from collections import defaultdict
from itertools import islice

from alembic import op
from sqlalchemy import text

from ledger.merkle import Chain, Frontier

revision = "0005"
down_revision = "0004"

_AT_ONCE = 1000

_TABLES = (
    # For each position, a digest over all leaves up to it.
    """CREATE TABLE event_chain (
        position BIGINT NOT NULL PRIMARY KEY,
        digest BLOB NOT NULL) WITHOUT ROWID""",
    # The tree of each customer, and under an empty name that of the ledger: its size, root and
    # frontier, and when its last event was recorded.
    """CREATE TABLE tree_head (
        tree TEXT NOT NULL PRIMARY KEY,
        size BIGINT NOT NULL,
        root BLOB NOT NULL,
        frontier BLOB NOT NULL,
        recorded_at_us BIGINT NOT NULL) WITHOUT ROWID""",
)


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    for table in _TABLES:
        op.execute(_on_postgres(table) if postgres else table)
    _seal()


def _on_postgres(table: str) -> str:
    return table.replace(" BLOB ", " BYTEA ").removesuffix(" WITHOUT ROWID")


def _seal() -> None:
    bind = op.get_bind()
    chain, last_us = Chain(), {}
    trees: defaultdict[str, Frontier] = defaultdict(Frontier)
    log = iter(
        bind.execute(
            text("SELECT position, customer, leaf, recorded_at_us FROM event_log ORDER BY 1")
        )
    )
    while some := list(islice(log, _AT_ONCE)):
        links = []
        for position, customer, leaf, recorded_at_us in some:
            links.append({"position": position, "digest": chain.add(bytes(leaf))})
            for tree in ("",) if customer is None else ("", customer):
                trees[tree].add(bytes(leaf))
                last_us[tree] = recorded_at_us
        bind.execute(text("INSERT INTO event_chain VALUES (:position, :digest)"), links)
    for name, tree in trees.items():
        bind.execute(
            text("INSERT INTO tree_head VALUES (:tree, :size, :root, :frontier, :at_us)"),
            {
                "tree": name,
                "size": tree.size,
                "root": tree.root(),
                "frontier": tree.state(),
                "at_us": last_us[name],
            },
        )
