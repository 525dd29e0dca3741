"""The seals made again from stored bytes, held against the kept ones and against anchors.

What is kept in the database (the chain, the heads of the trees) tells where damage begins; only
an anchor that somebody else keeps tells that all of it was not made anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from ledger.database import Rows
from ledger.merkle import EMPTY_ROOT, Anchor, Chain, Expected, Frontier
from ledger.names import WHOLE

Fault = tuple[str, str]


@dataclass(slots=True)
class Held:
    """What was expected of a tree, and whether it came to it."""

    tree: str
    anchor: Anchor
    holds: bool


@dataclass(slots=True)
class _Tree:
    grown: Frontier = field(default_factory=Frontier)
    recorded_at_us: int = 0


class Resealing:
    """Takes the leaves of all events in the order of the log."""

    def __init__(self, anchors: Iterable[Expected] = ()) -> None:
        self.held = [Held(*one, one.anchor == (0, EMPTY_ROOT)) for one in anchors]
        self.faults: list[Fault] = []
        self.last_us: dict[int, int] = {}
        self._chain = Chain()
        self._is_chained = True
        self._trees = {WHOLE: _Tree()}
        self._expected: defaultdict[tuple[str, int], list[Held]] = defaultdict(list)
        for one in self.held:
            self._expected[one.tree, one.anchor.size].append(one)

    @property
    def reached(self) -> Anchor:
        """The anchor that the stored bytes come to."""
        return self._trees[WHOLE].grown.anchor()

    def size_of(self, name: str) -> int:
        """Count the events of a tree."""
        return self._trees[name].grown.size if name in self._trees else 0

    def add(
        self,
        position: int,
        customer: str | None,
        leaf: bytes,
        *,
        recorded_at_us: int,
        link: bytes | None,
    ) -> None:
        """Seal an event again; `link` is what the kept chain says there."""
        found = self._chain.add(leaf)
        if self._is_chained and found != link:
            self._is_chained = False  # every later link differs too
            self.faults.append((f"position {position}", _unchained(link, found)))
        self._grow(WHOLE, leaf, recorded_at_us)
        if customer is not None:
            self._grow(customer, leaf, recorded_at_us)

    def _grow(self, name: str, leaf: bytes, recorded_at_us: int) -> None:
        tree = self._trees.get(name)
        if tree is None:
            tree = self._trees[name] = _Tree()
        tree.grown.add(leaf)
        tree.recorded_at_us = recorded_at_us
        expected = self._expected.get((name, tree.grown.size))
        if expected:
            if name == WHOLE:
                self.last_us[tree.grown.size] = recorded_at_us
            found = tree.grown.anchor()
            for one in expected:
                one.holds = one.anchor == found

    def kept_faults(self, rows: Rows) -> Iterator[Fault]:
        """Say where the kept seals differ; call it when all leaves were taken."""
        yield from self.faults
        size = self._trees[WHOLE].grown.size
        ((links, last),) = rows.execute(
            "SELECT COUNT(*), COALESCE(MAX(position), 0) FROM event_chain"
        )
        if last > size:
            yield (
                "log",
                (
                    f"expected {last} events, as many as the chain has links, found {size}: the"
                    " log was cut off"
                ),
            )
        elif links != last:
            yield "log", f"expected {last} links of the chain, found {links}"
        heads = {name: kept for name, *kept in rows.execute(_HEADS)}
        for name in sorted({*heads, *self._trees}):
            yield from _differing(name, heads.get(name), self._trees.get(name, _Tree()))


def _unchained(link: bytes | None, found: bytes) -> str:
    expected = "none" if link is None else _hex(link)
    return (
        f"expected the link {expected} of the chain, found {found.hex()}: from here on this is"
        " not the log that was sealed"
    )


def _differing(name: str, kept: list[object] | None, tree: _Tree) -> Iterator[Fault]:
    """Hold the kept head of a tree against what the leaves come to."""
    subject = f"tree of {name}" if name else "tree of the ledger"
    grown = tree.grown
    found = [grown.size, grown.root(), tree.recorded_at_us, grown.state()]
    if grown.size and kept is None:
        yield subject, f"expected the head of a tree of {grown.size} events, found none"
    elif kept is not None and kept != found:
        yield subject, f"expected the head {_shown(kept)}, found that it is {_shown(found)}"


def _shown(head: list[object]) -> str:
    size, root, recorded_at_us, _ = head
    return f"{size}:{_hex(root)} of {recorded_at_us} µs"


def _hex(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else repr(value)


_HEADS: Final = "SELECT tree, size, root, recorded_at_us, frontier FROM tree_head"
