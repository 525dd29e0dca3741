"""A proof in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.merkle import Anchor
from projections.proofs import Consistency, Inclusion
from projections.words import many


def inclusion_sentences(proof: Inclusion) -> Iterator[str]:
    """Say which event is under which anchor, and by which digests."""
    size = Anchor.parse(proof.anchor).size
    yield f"event {proof.version} of {proof.stream} ({proof.topic})"
    yield f"is number {proof.index + 1} of the {many(size, 'event')} under {proof.anchor}"
    yield f"digest {proof.digest}"
    yield from _path(proof.path)


def consistency_sentences(proof: Consistency) -> Iterator[str]:
    """Say which anchor goes on from which, and by which digests."""
    yield f"the events under {proof.first}"
    yield f"are the first of those under {proof.second}"
    yield from _path(proof.path)


def _path(path: Sequence[str]) -> Iterator[str]:
    yield from (f"path   {digest}" for digest in path)
    yield "to have it verified elsewhere, type it again with -o proof.json; see `audit export`"
