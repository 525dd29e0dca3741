"""What can explain a difference between OVH and the ledger, and how much of it each thing does.

A claim is what a thing could explain; which claims do, is told from the difference itself: the
fewest that leave nothing of it, documents before coincidences. Where several do equally well,
that is said. Where none do, only documents explain, as far as they bring the rest nearer to 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from ledger.credits import ZERO, Credits

# Rests that are looked at; with more, everything could be explained somehow.
_MOST_RESTS: Final = 5_000

# Ways to one rest that are kept: what is chosen, and what else it could be.
_MOST_WAYS: Final = 3


@dataclass(frozen=True, slots=True)
class Explanation:
    """A part of the drift with its cause. `credits` is what it explains, signed."""

    kind: str
    credits: Credits
    text: str
    reference: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What could explain `credits` of a difference, or one of `others` instead of them.

    All of them or none, unless `in_parts`. `is_document`: OVH or the ledger says so itself.
    `unit`: what one such thing explains, where several may have come. `key` is what explains
    only once: `id` tells things that are worded alike apart.
    """

    kind: str
    credits: Credits
    text: str
    reference: str = ""
    in_parts: bool = False
    others: tuple[Credits, ...] = ()
    is_document: bool = False
    unit: Credits | None = None
    id: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind, self.reference, self.id or self.text

    @property
    def options(self) -> Iterator[int]:
        """Give what it may explain, in thousandths."""
        return (one.milli for one in (self.credits, *self.others) if one)

    def things(self, part: int) -> int:
        """Count what must have come to explain a part."""
        return abs(part // self.unit.milli) if self.unit else 1

    def nearest(self, rest: int) -> int:
        """Give what of it brings a rest nearest to 0, or 0.

        What is one stated number may be more than the rest: something else went the other way.
        Of several readings, or recharges that are only inferred, one may be so by a tenth at
        most: else some reading fits any rest, and what is left has the wrong sign.
        """
        is_inferred = bool(self.others) or self.unit is not None
        most = abs(rest) * 11 // 10 if is_inferred else 2 * abs(rest) - 1
        fitting = (one for one in self.options if one * rest > 0 and abs(one) <= most)
        return min(fitting, key=lambda option: abs(rest - option), default=0)

    def explains(self, credits: Credits) -> Explanation:
        return Explanation(self.kind, credits, self.text, self.reference)


# Which claims explain how much, by their places.
Way = tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Ways:
    """Every rest that some of the claims leave of a difference, with the best ways to it.

    `too_many`: they leave so many that none is told.
    """

    claims: Sequence[Claim]
    by_rest: dict[int, list[Way]] = field(default_factory=dict)
    too_many: bool = False

    def cost(self, way: Way) -> tuple[int, int]:
        """Few things are better than many, documents than coincidences."""
        used = [(self.claims[place], part) for place, part in way]
        return (
            sum(claim.things(part) for claim, part in used),
            sum(not claim.is_document for claim, _ in used),
        )

    def add(self, rest: int, way: Way) -> None:
        known = self.by_rest.setdefault(rest, [way])
        if way in known:
            return
        if self.cost(way) < self.cost(known[0]):
            self.by_rest[rest] = [way]
        elif self.cost(way) == self.cost(known[0]) and len(known) < _MOST_WAYS:
            known.append(way)

    def known(self) -> list[tuple[int, tuple[Way, ...]]]:
        """Give the rests with their ways as they are now, to go on from."""
        return [(rest, tuple(some)) for rest, some in self.by_rest.items()]

    def best(self, rest: int) -> Way | None:
        known = self.by_rest.get(rest)
        return known[0] if known else None


def ways(milli: int, claims: Sequence[Claim]) -> Ways:
    """Give what the claims can leave of a difference, all taken together."""
    found = Ways(claims, {milli: [()]})
    for place, claim in enumerate(claims):
        for rest, known in found.known():
            for way, option in product(known, claim.options):
                found.add(rest - option, (*way, (place, option)))
        if len(found.by_rest) > _MOST_RESTS:
            return Ways(claims, {milli: [()]}, too_many=True)
    for rest, known in found.known():
        for way, (place, claim) in product(known, enumerate(claims)):
            unused = all(used != place for used, _ in way)
            if claim.in_parts and unused and _is_part(rest, claim.credits.milli):
                found.add(0, (*way, (place, rest)))
    return found


def _is_part(rest: int, whole: int) -> bool:
    return rest * whole > 0 and abs(rest) < abs(whole)


@dataclass(frozen=True, slots=True)
class Explained:
    """What explains a difference, and what is left; `instead` would explain it as well."""

    used: tuple[tuple[Claim, Credits], ...]
    rest: Credits
    instead: tuple[tuple[Claim, ...], ...] = ()

    @property
    def lines(self) -> Iterator[Explanation]:
        for claim, credits in self.used:
            line = claim.explains(credits)
            yield Explanation(line.kind, credits, line.text + self._otherwise, line.reference)

    @property
    def _otherwise(self) -> str:
        """Say what else it could be: nothing is chosen in silence."""
        if not self.instead:
            return ""
        others = (
            " and ".join(f"{one.kind} {one.reference}".rstrip() for one in way)
            for way in self.instead
        )
        return f"; it could as well be {' or '.join(others)}"


def explain(found: Ways, milli: int) -> Explained:
    """Choose what explains a difference."""
    exact = found.by_rest.get(0)
    if exact is None:
        return _by_documents(found.claims, milli)
    return by_way(found, exact[0], ZERO, exact[1:])


def by_way(found: Ways, way: Way, rest: Credits, instead: Iterable[Way] = ()) -> Explained:
    """Explain a difference in a given way."""
    used = tuple((found.claims[place], Credits(part)) for place, part in way)
    others = (_but(found.claims, way, other) for other in instead)
    return Explained(used, rest, tuple(one for one in others if one))


def _but(claims: Sequence[Claim], way: Way, other: Way) -> tuple[Claim, ...]:
    """Give what another way uses instead; none where it is worded alike."""
    mine, others = {place for place, _ in way}, {place for place, _ in other}
    used, instead = (
        [claims[place] for place in sorted(some)] for some in (mine - others, others - mine)
    )
    alike = [one.text for one in used] == [one.text for one in instead]
    return () if alike else tuple(instead)


def _by_documents(claims: Sequence[Claim], milli: int) -> Explained:
    used: list[tuple[Claim, Credits]] = []
    for claim in claims:
        part = claim.nearest(milli) if claim.is_document else 0
        if part:
            used.append((claim, Credits(part)))
            milli -= part
    return Explained(tuple(used), Credits(milli))
