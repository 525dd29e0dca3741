"""The trees of RFC 6962 and the chain: known vectors, and the slow definition."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InvalidValue
from ledger.merkle import (
    EMPTY_ROOT,
    Anchor,
    Chain,
    Frontier,
    consistency_path,
    inclusion_path,
    proves_consistency,
    proves_inclusion,
    root_of,
    roots_of,
)

# The leaves and roots that implementations of Certificate Transparency share.
INPUTS = (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)  # fmt: skip
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
INCLUSIONS = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
}
CONSISTENCIES = {
    (1, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
LEAVES = [sha256(b"\x00" + bytes.fromhex(text)).digest() for text in INPUTS]


def slow_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + slow_root(leaves[:k]) + slow_root(leaves[k:])).digest()


def slow_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """The definition of RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*slow_path(m, leaves[:k]), slow_root(leaves[k:])]
    return [*slow_path(m - k, leaves[k:]), slow_root(leaves[:k])]


def slow_proof(m: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """The definition of RFC 6962, section 2.1.2."""
    if m == len(leaves):
        return [] if whole else [slow_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*slow_proof(m, leaves[:k], whole=whole), slow_root(leaves[k:])]
    return [*slow_proof(m - k, leaves[k:], whole=False), slow_root(leaves[:k])]


def some(count: int) -> list[bytes]:
    return [sha256(b"%d" % number).digest() for number in range(count)]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size):
    assert root_of(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize("place", INCLUSIONS)
def test_inclusion_paths_are_those_of_certificate_transparency(place):
    index, size = place
    path = roots_of(inclusion_path(index, size), LEAVES[:size])
    assert [digest.hex() for digest in path] == list(INCLUSIONS[place])


@pytest.mark.parametrize("place", CONSISTENCIES)
def test_consistency_proofs_are_those_of_certificate_transparency(place):
    first, second = place
    path = roots_of(consistency_path(first, second), LEAVES[:second])
    assert [digest.hex() for digest in path] == list(CONSISTENCIES[place])


def test_every_proof_of_small_trees_is_the_slow_one_and_holds():
    for size in range(1, 18):
        leaves = some(size)
        tree = Anchor(size, slow_root(leaves))
        assert root_of(leaves) == tree.root
        for index in range(size):
            path = roots_of(inclusion_path(index, size), leaves)
            assert path == slow_path(index, leaves)
            assert proves_inclusion(leaves[index], index, tree, path)
        for first in range(1, size + 1):
            begun = Anchor(first, slow_root(leaves[:first]))
            path = roots_of(consistency_path(first, size), leaves)
            assert path == slow_proof(first, leaves)
            assert proves_consistency(begun, tree, path)


def test_a_proof_of_another_place_or_tree_does_not_hold():
    for size in range(1, 12):
        leaves = some(size)
        tree = Anchor(size, root_of(leaves))
        for index in range(size):
            path = roots_of(inclusion_path(index, size), leaves)
            for other in (*range(-1, index), *range(index + 1, size + 1)):
                assert not proves_inclusion(leaves[index], other, tree, path)
            assert not proves_inclusion(leaves[index], index, tree, [*path, leaves[0]])
            if path:
                assert not proves_inclusion(leaves[index], index, tree, path[:-1])


@settings(max_examples=40, deadline=None)
@given(size=st.integers(1, 300), data=st.data())
def test_one_changed_bit_refuses_a_proof(size, data):
    leaves = some(size)
    first, index = data.draw(st.integers(1, size)), data.draw(st.integers(0, size - 1))
    begun, tree = Anchor(first, root_of(leaves[:first])), Anchor(size, root_of(leaves))
    inclusion = roots_of(inclusion_path(index, size), leaves)
    consistency = roots_of(consistency_path(first, size), leaves)
    assert proves_inclusion(leaves[index], index, tree, inclusion)
    assert proves_consistency(begun, tree, consistency)
    flipped = data.draw(st.integers(0, 255))
    if inclusion:
        at = data.draw(st.integers(0, len(inclusion) - 1))
        assert not proves_inclusion(leaves[index], index, tree, flip(inclusion, at, flipped))
    if consistency:
        at = data.draw(st.integers(0, len(consistency) - 1))
        assert not proves_consistency(begun, tree, flip(consistency, at, flipped))
    assert not proves_inclusion(flip([leaves[index]], 0, flipped)[0], index, tree, inclusion)
    assert not proves_consistency(
        Anchor(first, flip([begun.root], 0, flipped)[0]), tree, consistency
    )


def flip(digests: list[bytes], at: int, bit: int) -> list[bytes]:
    changed = bytearray(digests[at])
    changed[bit // 8] ^= 1 << bit % 8
    return [*digests[:at], bytes(changed), *digests[at + 1 :]]


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(0, 60), max_size=5))
def test_a_frontier_goes_on_from_its_state(sizes):
    leaves = some(sum(sizes))
    tree = Frontier()
    for size in sizes:
        tree = Frontier(tree.size, tree.state())
        for leaf in leaves[tree.size : tree.size + size]:
            tree.add(leaf)
    assert tree.anchor() == Anchor(len(leaves), slow_root(leaves))


def test_a_state_that_does_not_fit_its_size_is_refused():
    with pytest.raises(ValueError, match="frontier of 3 leaves"):
        Frontier(3, b"x" * 32)


def test_an_empty_tree_is_the_beginning_of_every_tree():
    assert proves_consistency(Anchor(0, EMPTY_ROOT), Anchor(3, root_of(some(3))), [])
    assert not proves_consistency(Anchor(0, b"x" * 32), Anchor(3, root_of(some(3))), [])


def test_a_tree_is_not_the_beginning_of_a_smaller_one():
    leaves = some(5)
    one, two = (Anchor(size, root_of(leaves[:size])) for size in (5, 3))
    assert not proves_consistency(one, two, [])
    assert not proves_consistency(two, one, [])


@pytest.mark.parametrize(("index", "size"), [(3, 3), (-1, 3), (0, 0)])
def test_a_leaf_that_is_not_there_has_no_path(index, size):
    with pytest.raises(ValueError, match="expected a leaf"):
        inclusion_path(index, size)


def test_a_larger_tree_is_no_beginning():
    with pytest.raises(ValueError, match="no larger than 3"):
        consistency_path(4, 3)


def test_roots_need_all_their_leaves():
    with pytest.raises(ValueError, match="expected 4 leaves, found 2"):
        roots_of([(2, 4)], some(2))


def test_the_chain_depends_on_every_leaf_and_their_order_from_the_first_on():
    first, second, third = some(3)
    genesis = sha256(b"sms-ledger chain 1\n" + first).digest()
    expected = sha256(sha256(genesis + first).digest() + second).digest()
    chain = Chain()
    chain.add(first)
    assert chain.add(second) == chain.digest == expected
    assert chain.add(third) != expected
    swapped = Chain()
    swapped.add(second)
    assert swapped.add(first) != expected
    assert Chain(expected).add(third) == chain.digest


def test_an_anchor_is_read_as_it_is_written():
    anchor = Anchor(7, bytes.fromhex(ROOTS[7]))
    assert str(anchor) == f"7:{ROOTS[7]}"
    assert Anchor.parse(str(anchor)) == Anchor.parse(f" 7:{ROOTS[7].upper()}\n") == anchor
    assert Anchor.parse(f"0:{ROOTS[0]}").root == EMPTY_ROOT


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "7", "7:", f":{ROOTS[7]}", f"07:{ROOTS[7]}", f"-7:{ROOTS[7]}",
        f"+7:{ROOTS[7]}",
        f"7:{ROOTS[7][:-1]}", f"7:{ROOTS[7]}0", f"7 :{ROOTS[7]}", f"7:{'g' * 64}",
        f"٧:{ROOTS[7]}", f"1e3:{ROOTS[7]}", f"{'9' * 19}:{ROOTS[7]}", f"0:{ROOTS[7]}",
    ],
)  # fmt: skip
def test_a_malformed_anchor_is_refused(text):
    with pytest.raises(InvalidValue, match="expected"):
        Anchor.parse(text)
