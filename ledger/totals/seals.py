"""The seals of the log: its hash chain and the heads of its trees, carried on event by event.

They are a cache of what the digests in the log come to, so that a report shows its checkpoint
at once; `audit verify` never believes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ledger.database import Row, Rows, Table
from ledger.errors import IntegrityFailure
from ledger.merkle import Chain, Frontier, digest_of
from ledger.names import WHOLE

_CHAIN: Final = Table("event_chain", ("position",), ("digest",))
_HEAD: Final = Table(
    "tree_head",
    ("tree",),
    ("size", "root", "frontier", "recorded_at_us"),
    "ON CONFLICT (tree) DO UPDATE SET size = excluded.size, root = excluded.root,"
    " frontier = excluded.frontier, recorded_at_us = excluded.recorded_at_us",
)


class Seals:
    """Goes on where the last event left the chain and the trees, and writes them together."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._chain: Chain | None = None
        self._links: list[Row] = []
        self._trees: dict[str, Frontier] = {}
        self._grown: dict[str, int] = {}

    def look_ahead(self, position: int, customers: Iterable[str | None]) -> None:
        """Read what to go on from at a position. Raises IntegrityFailure."""
        if self._chain is None:
            self._chain = self._chain_before(position)
        for customer in customers:
            self._tree(customer or WHOLE)

    def add(
        self, position: int, customer: str | None, leaf: bytes, *, recorded_at_us: int
    ) -> None:
        """Seal the event at a position. Raises IntegrityFailure."""
        if self._chain is None:
            self._chain = self._chain_before(position)
        self._links.append((position, self._chain.add(leaf)))
        for tree in (WHOLE,) if customer is None else (WHOLE, customer):
            self._tree(tree).add(leaf)
            self._grown[tree] = recorded_at_us

    def flush(self) -> None:
        if self._links:
            self._rows.insert(_CHAIN, self._links)
            self._rows.insert(_HEAD, [self._head(tree) for tree in self._grown])
            self._links, self._grown = [], {}

    def _head(self, tree: str) -> Row:
        grown = self._trees[tree]
        return tree, grown.size, grown.root(), grown.state(), self._grown[tree]

    def _chain_before(self, position: int) -> Chain:
        found = self._rows.execute(
            "SELECT digest FROM event_chain WHERE position = :before", before=position - 1
        )
        sealed = self._tree(WHOLE).size
        if sealed != position - 1 or bool(found) != (position > 1):
            msg = (
                f"expected a seal over the {position - 1} events of the log, found one over"
                f" {sealed}: run `sms-ledger audit verify`; a dump of this ledger, loaded into"
                " a new one, is sealed anew"
            )
            raise IntegrityFailure(msg)
        return Chain(digest_of(found[0][0])) if found else Chain()

    def _tree(self, tree: str) -> Frontier:
        known = self._trees.get(tree)
        if known is None:
            known = self._trees[tree] = self._load(tree)
        return known

    def _load(self, tree: str) -> Frontier:
        for size, state in self._rows.execute(
            "SELECT size, frontier FROM tree_head WHERE tree = :tree", tree=tree
        ):
            try:
                return Frontier(size, memoryview(state).tobytes())
            except (TypeError, ValueError) as error:
                msg = (
                    f"expected the head of a tree, found {error}: run `sms-ledger audit verify`"
                )
                raise IntegrityFailure(msg) from error
        return Frontier()
