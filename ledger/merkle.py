"""What seals a log: Merkle trees as in RFC 6962, section 2.1, and a hash chain.

A tree is made of the digests of its leaves (`canonical.leaf`), in the order of the log. Its
root stands for every byte below it; SIZE:ROOT is an anchor, which somebody else keeps. Places
in a tree are counted from 0 here, as the RFC does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from ledger.errors import IntegrityFailure, InvalidValue

DIGEST_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()

_NODE_PREFIX: Final = b"\x01"
_GENESIS: Final = b"sms-ledger chain 1\n"
_ANCHOR = re.compile(r"(?P<size>0|[1-9][0-9]{0,17}):(?P<root>[0-9A-Fa-f]{64})")


class Anchor(NamedTuple):
    """A checkpoint without its time: how many leaves, and their root."""

    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> Anchor:
        """Read `SIZE:ROOT`, decimal and 64 hexadecimal digits. Raises InvalidValue."""
        read = _ANCHOR.fullmatch(text.strip())
        if read is None:
            msg = (
                "expected an anchor SIZE:ROOT as statements show it (a number, a colon, 64"
                f" hexadecimal digits), found {text[:90]!r}"
            )
            raise InvalidValue(msg)
        anchor = cls(int(read["size"]), bytes.fromhex(read["root"]))
        if anchor.size == 0 and anchor.root != EMPTY_ROOT:
            msg = f"expected the root {EMPTY_ROOT.hex()} of 0 events, found {text!r}"
            raise InvalidValue(msg)
        return anchor

    def __str__(self) -> str:
        return f"{self.size}:{self.root.hex()}"

    @property
    def short(self) -> str:
        """The beginning of it, where a person compares."""
        return f"{self.size}:{self.root.hex()[:12]}…"


class Expected(NamedTuple):
    """An anchor, and the tree that it is of: a customer's, or `""`, that of the ledger."""

    tree: str
    anchor: Anchor

    @classmethod
    def parse(cls, text: str) -> Expected:
        """Read `SIZE:ROOT`, or `CUSTOMER=SIZE:ROOT`. Raises InvalidValue."""
        customer, equals, anchor = text.rpartition("=")
        if equals and not customer.strip():
            msg = f"expected CUSTOMER=SIZE:ROOT, found {text[:90]!r}"
            raise InvalidValue(msg)
        return cls(customer.strip(), Anchor.parse(anchor))


def node(left: bytes, right: bytes) -> bytes:
    """Give the digest of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(_NODE_PREFIX + left + right).digest()


def digest_of(value: object) -> bytes:
    """Read a kept digest; bytes(5) would be five zeros. Raises IntegrityFailure."""
    if not isinstance(value, bytes | memoryview) or len(value) != DIGEST_BYTES:
        msg = (
            f"expected a digest of 32 bytes, found {value!r:.40}: run `sms-ledger audit verify`"
        )
        raise IntegrityFailure(msg)
    return bytes(value)


class Frontier:
    """A tree that grows: the roots of its full subtrees, the largest first; nothing else."""

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, state: bytes = b"") -> None:
        """Go on from a state that `state` gave. Raises ValueError where it does not fit."""
        if len(state) != size.bit_count() * DIGEST_BYTES:
            msg = f"expected the frontier of {size} leaves, found {len(state)} bytes"
            raise ValueError(msg)
        self.size = size
        self._peaks = [
            state[at : at + DIGEST_BYTES] for at in range(0, len(state), DIGEST_BYTES)
        ]

    def add(self, leaf: bytes) -> None:
        """Append a leaf, given as its digest."""
        peaks, filled = self._peaks, self.size
        while filled & 1:
            leaf = node(peaks.pop(), leaf)
            filled >>= 1
        peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        root = self._peaks[-1] if self._peaks else EMPTY_ROOT
        for peak in reversed(self._peaks[:-1]):
            root = node(peak, root)
        return root

    def state(self) -> bytes:
        return b"".join(self._peaks)

    def anchor(self) -> Anchor:
        return Anchor(self.size, self.root())


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Give the root of a whole tree."""
    tree = Frontier()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


# --- the chain ----------------------------------------------------------------------------


class Chain:
    r"""A digest over every leaf so far, in their order: SHA-256(the one before ‖ leaf).

    Before the first leaf stands SHA-256("sms-ledger chain 1\n" ‖ first leaf), so that the
    chains of two ledgers have nothing in common, not even their beginning.
    """

    __slots__ = ("digest",)

    def __init__(self, digest: bytes = b"") -> None:
        self.digest = digest

    def add(self, leaf: bytes) -> bytes:
        before = self.digest or sha256(_GENESIS + leaf).digest()
        self.digest = sha256(before + leaf).digest()
        return self.digest


# --- proofs -------------------------------------------------------------------------------

# A stretch of leaves, the end not in it, whose root is one digest of a proof.
Stretch = tuple[int, int]


def _left_size(size: int) -> int:
    """Give the leaves in the left half: the largest power of two below the size."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_path(index: int, size: int) -> list[Stretch]:
    """Give the stretches that prove the leaf at an index of a tree, the nearest first."""
    if not 0 <= index < size:
        msg = f"expected a leaf from 0 to {size - 1}, found {index}"
        raise ValueError(msg)
    path: list[Stretch] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _left_size(end - begin)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    return path[::-1]


def consistency_path(first: int, second: int) -> list[Stretch]:
    """Give the stretches that prove a tree to be the beginning of another one."""
    if not 0 <= first <= second:
        msg = f"expected a tree that is no larger than {second}, found {first}"
        raise ValueError(msg)
    if first in {0, second}:
        return []
    path: list[Stretch] = []
    begin, end, is_whole = 0, second, True
    while first != end:
        middle = begin + _left_size(end - begin)
        if first <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin, is_whole = middle, False
    if not is_whole:
        path.append((begin, end))
    return path[::-1]


def roots_of(path: Sequence[Stretch], leaves: Iterable[bytes]) -> list[bytes]:
    """Give the root of each stretch, from all leaves in their order, read once."""
    left: Iterator[bytes] = iter(leaves)
    read, found = 0, {}
    for begin, end in sorted(path):
        tree = Frontier()
        for leaf in left:
            if read >= begin:
                tree.add(leaf)
            read += 1
            if read == end:
                break
        if tree.size != end - begin:
            msg = f"expected {end} leaves, found {read}"
            raise ValueError(msg)
        found[begin, end] = tree.root()
    return [found[stretch] for stretch in path]


def proves_inclusion(leaf: bytes, index: int, tree: Anchor, path: Sequence[bytes]) -> bool:
    """Tell whether a path leads from a leaf to the root (RFC 9162, section 2.1.3.2)."""
    at, last, root = index, tree.size - 1, leaf
    if not 0 <= at <= last:
        return False
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            root = node(sibling, root)
            at, last = _risen(at, last)
        else:
            root = node(root, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and root == tree.root


def proves_consistency(first: Anchor, second: Anchor, path: Sequence[bytes]) -> bool:
    """Tell whether a tree is the beginning of another one (RFC 9162, section 2.1.4.2)."""
    if first.size == second.size:
        return first == second and not path
    if first.size == 0:
        return first.root == EMPTY_ROOT and not path
    if first.size > second.size:
        return False
    full = first.size & (first.size - 1) == 0
    digests = [first.root, *path] if full else list(path)
    if not digests:
        return False
    at, last = first.size - 1, second.size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = digests[0]
    for sibling in digests[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node(sibling, old), node(sibling, new)
            at, last = _risen(at, last)
        else:
            new = node(new, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old == first.root and new == second.root


def _risen(at: int, last: int) -> tuple[int, int]:
    """Go up where a subtree has no sibling to its right."""
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last
