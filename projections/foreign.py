"""Foreign transfers: equal and opposite steps of two accounts of one customer, in one window.

Nobody tells of a transfer that was made in OVH's Control Panel or by another program. What two
accounts show together does; OVH's log of API calls says at most from which account.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.database import Rows
from ledger.events import ApiCallsSeen
from ledger.names import customer_stream
from ledger.times import to_us
from projections.drifts import CLOCK_US, Step
from projections.explanations import Way, Ways
from projections.stream_events import stream_events
from projections.transfer_states import transfer_states

# A call of ours is logged about when it was requested.
_OURS_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Unexplained:
    """A step that its own account does not explain, with what documents leave of it.

    Coincidences beside a transfer would explain a loss away: the rows `near` the observation
    are told to a person.
    """

    account: str
    step: Step
    ways: Ways
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """A transfer of `milli` thousandths, and what else explains of both steps."""

    source: Unexplained
    target: Unexplained
    milli: int
    source_way: Way
    target_way: Way
    is_called: bool

    @property
    def cost(self) -> tuple[int, bool]:
        """The less else must explain, the better; then what OVH's API log tells of."""
        things, _ = self.source.ways.cost(self.source_way)
        others, _ = self.target.ways.cost(self.target_way)
        return things + others, not self.is_called

    def touches(self, one: Unexplained) -> bool:
        return one is self.source or one is self.target

    def other(self, one: Unexplained) -> Unexplained:
        return self.target if one is self.source else self.source


@dataclass(frozen=True, slots=True)
class Calls:
    """When `transferCredits` was called for an account, as OVH's API log tells."""

    at_us_by_source: dict[str, tuple[int, ...]]

    def within(self, one: Unexplained) -> list[int]:
        step, known = one.step, self.at_us_by_source.get(one.account, ())
        return [
            at_us
            for at_us in known
            if step.after_us - CLOCK_US <= at_us <= step.at_us + CLOCK_US
        ]


def calls_of(rows: Rows, customer: str) -> Calls:
    """Read what OVH's API log told of a customer's transfers, without those that we made."""
    ours = [(one.source, to_us(one.requested_at)) for one in transfer_states(rows, customer)]
    found: dict[str, list[int]] = {}
    for event in stream_events(rows, customer_stream(customer), ApiCallsSeen):
        for call in event.calls:
            at_us = to_us(call.at)
            if not any(call.account == one and abs(at_us - at) < _OURS_US for one, at in ours):
                found.setdefault(call.account, []).append(at_us)
    return Calls({account: tuple(sorted(times)) for account, times in found.items()})


def pairs(of: Sequence[Unexplained], calls: Calls) -> tuple[list[Pair], list[Pair]]:
    """Give the transfers that the steps of one customer show, and those that are ambiguous.

    Ambiguous is what could as well be another one.
    """
    possible = sorted(_possible(of, calls), key=lambda pair: pair.cost)
    found: list[Pair] = []
    unclear: list[Pair] = []
    while possible:
        best = possible[0]
        rivals = [one for one in possible if one.cost == best.cost and _clash(one, best)]
        (unclear if len(rivals) > 1 else found).extend(rivals)
        taken = rivals if len(rivals) > 1 else [best]
        possible = [one for one in possible if not any(_clash(one, other) for other in taken)]
    return found, unclear


def _clash(one: Pair, other: Pair) -> bool:
    return one.touches(other.source) or one.touches(other.target)


def _possible(of: Sequence[Unexplained], calls: Calls) -> Iterable[Pair]:
    for source in of:
        for target in of:
            if source.account == target.account or not source.step.overlaps(target.step):
                continue
            for rest in source.ways.by_rest:
                out, into = source.ways.best(rest), target.ways.best(-rest)
                if rest < 0 and out is not None and into is not None:
                    called = bool(calls.within(source))
                    yield Pair(source, target, -rest, out, into, is_called=called)
