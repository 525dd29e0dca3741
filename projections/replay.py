"""An account's history lived through again with other settings of automatic recharge.

The rule: a recharge starts when something takes credits and leaves fewer than the threshold.
It comes after a delay, one at a time; where it leaves too little, the next one starts at once.
OVH documents no delay, and whether `fewer` includes `as many`: the sandbox's guess is taken.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import chain
from typing import NamedTuple

# Every change of a balance in order of time: microseconds, thousandths.
Change = tuple[int, int]


class Moves:
    """Changes that do not depend on the settings, kept in sixteen bytes each."""

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self._at, self._milli = array("q"), array("q")
        for at_us, milli in changes:
            self._at.append(at_us)
            self._milli.append(milli)

    def __iter__(self) -> Iterator[Change]:
        return zip(self._at, self._milli, strict=True)

    def __len__(self) -> int:
        return len(self._at)


class Settings(NamedTuple):
    """Below `threshold` thousandths, `amount` thousandths are bought; None: nothing is."""

    threshold: int
    amount: int | None


class Recharge(NamedTuple):
    """Credits that came, in thousandths, and what was left just before."""

    at_us: int
    milli: int
    left: int


@dataclass(slots=True)
class Gauge:
    """A balance as it moves: its lowest point, and the stretches at and below zero."""

    at_us: int
    balance: int
    lowest: int = field(init=False)
    lowest_at_us: int = field(init=False)
    dry: list[Change] = field(init=False, default_factory=list)
    below: list[Change] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.lowest, self.lowest_at_us = self.balance, self.at_us

    def move(self, at_us: int, milli: int) -> None:
        self.wait(at_us)
        self.balance += milli
        if self.balance < self.lowest:
            self.lowest, self.lowest_at_us = self.balance, at_us

    def wait(self, until_us: int) -> None:
        """Let time pass."""
        if self.balance <= 0 and until_us > self.at_us:
            _extend(self.dry, self.at_us, until_us)
            if self.balance < 0:
                _extend(self.below, self.at_us, until_us)
        self.at_us = until_us


def _extend(stretches: list[Change], start_us: int, end_us: int) -> None:
    if stretches and stretches[-1][1] == start_us:
        stretches[-1] = (stretches[-1][0], end_us)
    else:
        stretches.append((start_us, end_us))


@dataclass(frozen=True, slots=True)
class Replayed:
    """How it went: the recharges, and the balance from the beginning to the end."""

    recharges: Sequence[Recharge]
    gauge: Gauge

    @property
    def recharged(self) -> int:
        return sum(one.milli for one in self.recharges)


@dataclass(frozen=True, slots=True)
class Past:
    """A balance at an instant, and what moved it from then on, up to another."""

    start_us: int
    end_us: int
    opening: int
    moves: Moves
    recharges: Sequence[Change]


def replay(past: Past, settings: Settings, delay_us: int) -> Replayed:
    """Live through the past with these settings, and none of the recharges that came."""
    gauge = Gauge(past.start_us, past.opening)
    found: list[Recharge] = []
    due_us: int | None = None
    threshold, amount = settings
    for at_us, milli in chain(past.moves, [(past.end_us, 0)]):
        while amount and due_us is not None and due_us <= at_us and due_us < past.end_us:
            found.append(Recharge(due_us, amount, gauge.balance))
            gauge.move(due_us, amount)
            due_us = due_us + delay_us if gauge.balance < threshold else None
        gauge.move(at_us, milli)
        if milli < 0 and due_us is None and gauge.balance < threshold:
            due_us = at_us + delay_us
    return Replayed(found, gauge)


def as_it_happened(past: Past) -> Replayed:
    """Live through the past with the recharges that came."""
    gauge = Gauge(past.start_us, past.opening)
    found: list[Recharge] = []
    for at_us, milli, came in _together(past):
        if came:
            found.append(Recharge(at_us, milli, gauge.balance))
        gauge.move(at_us, milli)
    gauge.wait(past.end_us)
    return Replayed(found, gauge)


def waits(past: Past, threshold_at: Callable[[int], int | None]) -> list[int]:
    """Give how long each recharge came after the balance had fallen below the threshold.

    `threshold_at` gives the threshold in force at an instant. A recharge that answers no fall
    is left out.
    """
    found: list[int] = []
    balance, fell_us = past.opening, None
    for at_us, milli, came in _together(past):
        if came and fell_us is not None:
            found.append(at_us - fell_us)
            fell_us = None
        balance += milli
        threshold = threshold_at(at_us)
        if threshold is None or balance >= threshold:
            fell_us = None
        elif fell_us is None and (came or milli < 0):
            fell_us = at_us
    return sorted(found)


def _together(past: Past) -> Iterator[tuple[int, int, bool]]:
    """Give all changes in order; at one instant, recharges come first."""
    others = ((at_us, 1, milli) for at_us, milli in past.moves)
    came = ((at_us, 0, milli) for at_us, milli in past.recharges)
    for at_us, rank, milli in merge(others, came, key=_place):
        yield at_us, milli, rank == 0


def _place(change: tuple[int, int, int]) -> tuple[int, int]:
    return change[0], change[1]
