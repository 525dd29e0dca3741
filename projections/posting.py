"""In which month a fact stands that was recorded after its month was closed.

A close names the log position that its figures knew. A fact of that month, or of an earlier
one, that was recorded after it is late: it stands at the first instant of the first month that
is open, or whose close knew it. That follows from the closes that stand, and nothing else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from projections.periods import Close


class Opening(NamedTuple):
    """From when on an account is counted, as the event at a log position says."""

    position: int
    at_us: int
    milli: int


class LateStretch(NamedTuple):
    """Facts from an instant up to another one stand later: at `posted_us`."""

    start_us: int
    end_us: int
    posted_us: int


@dataclass(frozen=True, slots=True)
class Posting:
    """The ends of closed months, and the log positions that their closes knew; both grow."""

    ends: Sequence[int] = ()
    positions: Sequence[int] = ()

    @classmethod
    def of(cls, closed: Sequence[Close]) -> Posting:
        return cls([one.end_us for one in closed], [one.position for one in closed])

    def horizon(self, position: int) -> int:
        """Give the end of the last month whose close did not know a position; 0: none."""
        place = bisect_left(self.positions, position)
        return self.ends[place - 1] if place else 0

    def posted_us(self, at_us: int, position: int) -> int:
        """Say where a fact of an instant stands that was recorded at a position."""
        return max(at_us, self.horizon(position))


# Where no opening is known, everything counts.
_ALWAYS: Final = Opening(0, 0, 0)


@dataclass(frozen=True, slots=True)
class AccountPosting:
    """The same for an account, whose openings say from when on facts count.

    `openings` are in the order in which they were recorded. Where one counts facts that those
    before it did not, they are known from it on.
    """

    posting: Posting
    openings: Sequence[Opening] = field(default=())

    def known_at(self, at_us: int, position: int) -> int:
        """Give the log position from which on a fact counts."""
        for number, opening in enumerate(self.openings):
            if opening.at_us <= at_us:
                return max(position, opening.position) if number else position
        return position

    def posted_us(self, at_us: int, position: int) -> int:
        return self.posting.posted_us(at_us, self.known_at(at_us, position))

    def late(self, position: int) -> Iterator[LateStretch]:
        """Say of which stretches facts that were recorded at a position stand later."""
        end_us = self.posting.ends[-1] if self.posting.ends else 0
        for number, opening in enumerate(self.openings or [_ALWAYS]):
            known = max(position, opening.position) if number else position
            posted_us = self.posting.horizon(known)
            until_us = min(end_us, posted_us)
            if opening.at_us < until_us:
                yield LateStretch(opening.at_us, until_us, posted_us)
            end_us = min(end_us, opening.at_us)
