"""Checkpoints: size, root and time of a tree, which every report shows.

Who keeps a report keeps an anchor: `audit verify --expect SIZE:ROOT` holds the ledger to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledger.database import Row, Rows
from ledger.errors import IntegrityFailure
from ledger.names import WHOLE
from ledger.times import from_us


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How many events a tree holds, their root (hexadecimal), when the last was recorded.

    `customer`: whose events; None for all of the ledger.
    """

    customer: str | None
    size: int
    root: str
    recorded_at: datetime

    def __str__(self) -> str:
        return f"{self.size}:{self.root}"


def checkpoints(rows: Rows, position: int, *, account: str | None = None) -> list[Checkpoint]:
    """Give the checkpoint of the ledger at a position, and that of an account's customer.

    A root belongs to its size for ever, so that this is right whatever was recorded since.
    """
    if not position:
        return []
    heads = rows.execute(_HEADS, whole=WHOLE, account=account or WHOLE)
    is_whole = all(isinstance(root, bytes) for _, _, root, _ in heads)  # else it is damaged
    if is_whole and any(tree == WHOLE and size == position for tree, size, *_ in heads):
        return sorted(map(_checkpoint, heads), key=lambda one: one.customer or WHOLE)
    trees = (WHOLE,) if account is None else (WHOLE, _customer_of(rows, account))
    return [one for tree in trees for one in _past(rows, tree, position)]


def _checkpoint(head: Row) -> Checkpoint:
    tree, size, root, recorded_at_us = head
    try:
        return Checkpoint(tree or None, size, bytes(root).hex(), from_us(recorded_at_us))
    except (TypeError, ValueError, OverflowError) as error:
        msg = f"expected the head of a tree, found {error}: run `sms-ledger audit verify`"
        raise IntegrityFailure(msg) from error


def _past(rows: Rows, tree: str, position: int) -> Iterator[Checkpoint]:
    """Compute a head of the past from the digests in the log: 50,000 take some 0.1 s."""
    from ledger.merkle import Frontier, digest_of  # noqa: PLC0415 (start-up is felt)

    grown = Frontier()
    found = rows.execute(_LEAVES, tree=tree, whole=WHOLE, position=position)
    for leaf, _ in found:
        grown.add(digest_of(leaf))
    if found:
        yield _checkpoint((tree, grown.size, grown.root(), found[-1][1]))


def _customer_of(rows: Rows, account: str) -> str:
    ((customer,),) = rows.execute(
        "SELECT customer FROM account WHERE account = :account", account=account
    )
    return str(customer)


_HEADS: Final = """
    SELECT tree, size, root, recorded_at_us FROM tree_head WHERE tree = :whole
        OR tree = (SELECT customer FROM account WHERE account = :account)
"""
_LEAVES: Final = """
    SELECT leaf, recorded_at_us FROM event_log
    WHERE position <= :position AND (:tree = :whole OR customer = :tree) ORDER BY position
"""
