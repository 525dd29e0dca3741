"""Interleaved rounds: each round runs every contender once, beginning with another one.

What a machine does beside the benchmark falls on all contenders of a round alike, so a ratio is
taken within each round; its median is what counts. How much one and the same contender varied
tells how far its absolute figures can be believed.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.commands import Ran


class Figures(NamedTuple):
    """The median over the rounds, the smallest and the largest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figures:
        return cls(statistics.median(values), min(values), max(values))


@dataclass(slots=True)
class Contender:
    """Something that is timed: `run` prepares, gives what it took, and checks.

    `lines` is what one run works through; `rounds` limits how often it takes part. Of commands
    the processor's time is kept too, which others on the machine disturb less.
    """

    name: str
    run: Callable[[], float | Ran]
    lines: int = 1
    rounds: int | None = None
    seconds: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def keep(self, took: float | Ran) -> None:
        if isinstance(took, Ran):
            self.cpu_s.append(took.cpu_s)
            took = took.seconds
        self.seconds.append(took)

    @property
    def took(self) -> Figures:
        return Figures.of(self.seconds)

    @property
    def variation(self) -> float:
        """How far the slowest run was from the fastest, in parts of the median."""
        took = self.took
        return (took.high - took.low) / took.median

    def lines_per_s(self) -> Figures:
        return Figures.of([self.lines / seconds for seconds in self.seconds])


def interleave(contenders: Sequence[Contender], rounds: int) -> None:
    """Run the rounds; each contender keeps its seconds, in the order of the rounds."""
    for number in range(rounds):
        start = number % len(contenders)
        for contender in (*contenders[start:], *contenders[:start]):
            if contender.rounds is None or number < contender.rounds:
                _say(f"round {number + 1}/{rounds}: {contender.name}")
                contender.keep(contender.run())
    _say("")


def faster(one: Contender, other: Contender) -> Figures:
    """Tell how many times as many lines a second one did as the other, round by round."""
    return _ratios(other.seconds, one.seconds, scale=one.lines / other.lines)


def thriftier(one: Contender, other: Contender) -> Figures:
    """Tell how many times as many lines one did in a second of the processor, likewise."""
    return _ratios(other.cpu_s, one.cpu_s, scale=one.lines / other.lines)


def longer(one: Contender, other: Contender) -> Figures:
    """Tell how many times as long one took as the other, round by round."""
    return _ratios(one.seconds, other.seconds)


def _ratios(over: Sequence[float], under: Sequence[float], *, scale: float = 1) -> Figures:
    """Divide round by round; one of them may have taken part in fewer."""
    pairs = zip(over, under, strict=False)
    return Figures.of([scale * above / below for above, below in pairs])


def _say(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)
