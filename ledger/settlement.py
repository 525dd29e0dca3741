"""What both balances show of a transfer whose outcome is not known.

Raw balances tell nothing: messages, purchases and recharges go on. So each account's credits
later are compared with those just before the call, less what the ledger recorded of the time
between. A transfer that took effect leaves −credits at its source and +credits at its target;
one that did not leaves nothing at either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from ledger.credits import MILLI_PER_CREDIT, Credits
from ledger.events import (
    LINE_KINDS,
    BalanceAfter,
    BalanceBefore,
    LedgerEvent,
    LinesNotBilled,
    Reading,
    TransferEvidence,
)
from ledger.movements import Movement, movements
from ledger.times import from_us

Verdict = Literal["sent", "void", "open"]

# OVH's times are whole seconds, and our idea of its clock may be a second off.
_CLOCK: Final = timedelta(seconds=3)

# A bill and its credits do not come at the same instant (how far apart, OVH does not say).
_DELIVERY: Final = timedelta(hours=1)

# Automatic recharges that may have come without their bill yet.
_MOST_RECHARGES: Final = 3

# Ways to put assumptions together; where there are more, nothing is told from them.
_MOST_SUMS: Final = 20_000

# Assumptions that a verdict may rest on; with many, everything fits.
_MOST_ASSUMED: Final = 2

_LINES: Final = frozenset[str](LINE_KINDS)
_LEGS: Final = frozenset[str](("transfer-out", "transfer-in"))
_BILLED: Final = frozenset[str](("purchase", "refund"))


class InFlight(NamedTuple):
    """A job whose credits have left and whose row is not there yet."""

    id: int
    at: datetime
    credits: Credits


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceLater:
    """An account at a quiet look: OVH's numbers, and what was recorded since the call.

    `jobs` are in flight, None where they may not be read; `recharge` is the amount of
    automatic recharge in force; `purchases` are those that were recorded before the call.
    """

    reading: Reading
    owned: Credits
    jobs: Sequence[InFlight] | None
    recorded: Sequence[LedgerEvent]
    recharge: int | None
    purchases: Sequence[tuple[datetime, Credits]]


# One account of a transfer: just before the call, and at a quiet look later.
Side = tuple[BalanceBefore, BalanceLater]


class Assumption(NamedTuple):
    """Something that may have moved the balance between the looks, or not."""

    milli: int
    text: str


# What must be assumed of the source, and of the target.
_Assumed = tuple[tuple[Assumption, ...], tuple[Assumption, ...]]
_NOTHING: Final[_Assumed] = ((), ())


@dataclass(frozen=True, slots=True)
class _Sum:
    """One account's sum, to which movements and assumptions are added."""

    recorded: int
    in_flight: int
    unexplained: int
    assumptions: dict[int, tuple[Assumption, ...]]

    def assumed_for(self, expected: int) -> tuple[Assumption, ...] | None:
        """Give the fewest assumptions with which `expected` moved; None: it cannot have."""
        return self.assumptions.get(self.unexplained - expected)


def judge(credits: Credits, source: Side, target: Side) -> tuple[Verdict, TransferEvidence]:
    """Tell whether a transfer took effect, `open` where both or neither can be.

    Only one of the two may fit, whatever is assumed of either side. Of what fits, one side must
    need no assumption, and the other must not be just what the contrary would leave there.
    """
    sums = _sum(*source), _sum(*target)
    verdict, assumed = _verdict(sums, credits.milli)
    if not (source[0].quiet and target[0].quiet):
        verdict, assumed = "open", _NOTHING
    return verdict, TransferEvidence(
        _after(source[1], sums[0], assumed[0]), _after(target[1], sums[1], assumed[1])
    )


def _verdict(sums: tuple[_Sum, _Sum], milli: int) -> tuple[Verdict, _Assumed]:
    sent, void = _agree(sums, -milli, milli), _agree(sums, 0, 0)
    if sent is not None and void is None and _is_sound(sums, sent, (0, 0)):
        return "sent", sent
    if void is not None and sent is None and _is_sound(sums, void, (-milli, milli)):
        return "void", void
    return "open", _NOTHING


def _agree(sums: tuple[_Sum, _Sum], source: int, target: int) -> _Assumed | None:
    """Give what must be assumed of each side if these amounts moved; None: they did not."""
    left, right = sums[0].assumed_for(source), sums[1].assumed_for(target)
    return None if left is None or right is None else (left, right)


def _is_sound(sums: tuple[_Sum, _Sum], assumed: _Assumed, contrary: tuple[int, int]) -> bool:
    """Tell whether what must be assumed is not too much."""
    if all(assumed) or max(map(len, assumed)) > _MOST_ASSUMED:
        return False
    return not any(
        used and told.unexplained == expected
        for told, used, expected in zip(sums, assumed, contrary, strict=True)
    )


def is_certain(evidence: TransferEvidence) -> bool:
    """Tell whether nothing had to be assumed."""
    return evidence.source.assumption is None and evidence.target.assumption is None


def shows_the_same(one: TransferEvidence | None, other: TransferEvidence | None) -> bool:
    """Tell whether two looks found the same movements that nothing explains."""
    return _unexplained(one) == _unexplained(other)


def _unexplained(evidence: TransferEvidence | None) -> tuple[Credits, Credits] | None:
    if evidence is None:
        return None
    return evidence.source.unexplained, evidence.target.unexplained


def _after(later: BalanceLater, told: _Sum, used: tuple[Assumption, ...]) -> BalanceAfter:
    return BalanceAfter(
        reading=later.reading,
        owned=later.owned,
        recorded=Credits(told.recorded),
        in_flight=Credits(told.in_flight),
        unexplained=Credits(told.unexplained),
        assumed=Credits(sum(one.milli for one in used)),
        assumption="; ".join(one.text for one in used) or None,
    )


def _sum(before: BalanceBefore, later: BalanceLater) -> _Sum:
    look = _Look(before, later)
    told = [look.take(move) for event in later.recorded for move in movements(event)]
    recorded = sum(certain for certain, _ in told)
    left = [look.take_job(job) for job in later.jobs or ()]
    in_flight = sum(certain for certain, _ in left)
    moved = later.owned - before.owned
    assumptions = [one for _, one in (*told, *left) if one is not None]
    return _Sum(
        recorded,
        in_flight,
        moved.milli - recorded + in_flight,
        _sums([*assumptions, *_others(before, later)]),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """Tells of each thing whether it moved the balance between the two readings."""

    before: BalanceBefore
    later: BalanceLater

    def take(self, move: Movement) -> tuple[int, Assumption | None]:
        """Give what certainly moved in between, and what may be otherwise."""
        at = from_us(move.at_us)
        first = self.before.reading.at
        if at > self.later.reading.at + _CLOCK:
            return 0, None
        if move.kind in _LINES:
            return self._line(move, at)
        if move.kind in _BILLED:
            return self._billed(move, at)
        name = f"{move.kind} {move.reference}"
        if at < first - _CLOCK:
            # A line's credits come back, a late transfer moves, at a time of its own.
            own_time = move.kind == "correction" or move.kind in _LEGS
            return 0, Assumption(move.milli, f"{name} moved since") if own_time else None
        if at <= first + _CLOCK and move.kind not in _LEGS:
            return move.milli, Assumption(-move.milli, f"{name} was there before")
        return move.milli, None

    def _line(self, move: Movement, at: datetime) -> tuple[int, Assumption | None]:
        """A row that appears late left the balance when it was sent."""
        first, in_flight = self.before.reading.at, self.before.in_flight_ids
        was_job = move.kind == "consumption" and move.reference in map(str, in_flight or ())
        if at < first - _CLOCK or was_job:
            return 0, None
        if in_flight is None and at <= first + _CLOCK:
            text = f"{move.kind} {move.reference} had left before"
            return move.milli, Assumption(-move.milli, text)
        return move.milli, None

    def _billed(self, move: Movement, at: datetime) -> tuple[int, Assumption | None]:
        """A bill line's credits may be delivered some time after its date."""
        first = self.before.reading.at
        if at < first - _CLOCK:
            return 0, _delivered_since(self.before, at, Credits(move.milli))
        if at <= first + _CLOCK:
            text = f"{move.kind} {move.reference} was there before"
            return move.milli, Assumption(-move.milli, text)
        if at >= self.later.reading.at - _DELIVERY:
            text = f"{move.kind} {move.reference} is not delivered yet"
            return move.milli, Assumption(-move.milli, text)
        return move.milli, None

    def take_job(self, job: InFlight) -> tuple[int, Assumption | None]:
        first, in_flight = self.before.reading.at, self.before.in_flight_ids
        if job.at < first - _CLOCK or job.id in (in_flight or ()):
            return 0, None
        if in_flight is None and job.at <= first + _CLOCK:
            text = f"job {job.id} had left before"
            return job.credits.milli, Assumption(-job.credits.milli, text)
        return job.credits.milli, None


def _delivered_since(
    before: BalanceBefore, at: datetime, credits: Credits
) -> Assumption | None:
    """Tell of a bill line dated before the call whether its credits may have come after it."""
    if at < before.reading.at - _DELIVERY:
        return None
    text = f"the {credits} credits billed at {at:%Y-%m-%d %H:%M} UTC were delivered since"
    return Assumption(credits.milli, text)


def _others(before: BalanceBefore, later: BalanceLater) -> Iterator[Assumption]:
    """Give what may have moved the balance without a movement in between."""
    for at, credits in later.purchases:
        found = _delivered_since(before, at, credits)
        if found is not None:
            yield found
    for event in later.recorded:
        if isinstance(event, LinesNotBilled) and event.spent:
            yield Assumption(event.spent.milli, "lines that are not billed came back")
    if later.recharge:
        text = f"a recharge of {later.recharge} credits is not billed yet"
        yield from [Assumption(later.recharge * MILLI_PER_CREDIT, text)] * _MOST_RECHARGES


def _sums(assumptions: Iterable[Assumption]) -> dict[int, tuple[Assumption, ...]]:
    """Give every sum that some of the assumptions come to, each by the fewest of them."""
    found: dict[int, tuple[Assumption, ...]] = {0: ()}
    for one in assumptions:
        for milli, used in list(found.items()):
            known = found.get(milli + one.milli)
            if known is None or len(known) > len(used) + 1:
                found[milli + one.milli] = (*used, one)
        if len(found) > _MOST_SUMS:
            return {}
    return found
