"""One account held against OVH: its drift, what is known, and the parts that it comes to.

`observed − ledger = Σ explained lines + residual`: a case that does not add up is told nowhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Literal

from ledger.credits import ZERO, Credits
from ledger.errors import IntegrityFailure
from ledger.events import BreakAccepted
from ledger.names import RESIDUAL, residual_reference
from ledger.times import from_us, to_us
from projections.books import Book
from projections.claims import PURCHASE, Facts
from projections.decisions import Decisions
from projections.drifts import Drift, Step
from projections.explanations import Claim, Explained, Explanation
from projections.foreign import Unexplained
from projections.observed import TIMING, of_jobs, of_quotas

FOREIGN: Final = "foreign transfer"
ACCEPTED: Final = "accepted"

PartStatus = Literal["open", "explained", "accepted"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the drift that a person may decide on: where it arose, what it is.

    `counter` is the account, and the reference there, of the other side of a transfer; `bill`
    the bill line of a purchase, where one is known.
    """

    kind: str
    break_kind: str
    reference: str
    credits: Credits
    status: PartStatus
    after_us: int
    at_us: int
    text: str
    counter: tuple[str, str] | None = None
    bill: str | None = None
    hints: tuple[str, ...] = ()


@dataclass(slots=True)
class Case:
    """One account: its drift, what was decided before, what is known, and what it comes to."""

    book: Book
    drift: Drift | None
    decided: Decisions
    known: Facts
    parts: list[Part] = field(default_factory=list)
    used: dict[tuple[str, str, str], list[Explanation]] = field(
        default_factory=lambda: defaultdict(list)
    )
    unexplained: list[Unexplained] = field(default_factory=list)

    @property
    def lines(self) -> list[Explanation]:
        """Give every line of the statement, those that explain nothing of it too."""
        if self.drift is None:
            return [claim.explains(ZERO) for claim in self.known.always_told(0)]
        return [*self._told(), *self._of_parts(), *of_jobs(self.drift), *of_quotas(self.drift)]

    @property
    def residual(self) -> Credits | None:
        """Give what nothing explains; None where the drift is not known."""
        if self.drift is None or self.drift.milli is None:
            return None
        return Credits(self.drift.milli) - _sum(self.lines)

    def require_sum(self) -> None:
        """Hold the parts against the lines: each explains once, and what is left is a part.

        Raises IntegrityFailure. Where nothing is concluded, there are no parts.
        """
        drift = self.drift
        if drift is None or drift.milli is None or drift.faults or not drift.seen.quiet:
            return
        timing = _sum(one for one in self.lines if one.kind == TIMING)
        left = _sum(one for one in self.parts if one.kind == RESIDUAL)
        told = _sum(self.parts) + timing
        if (told, left) != (Credits(drift.milli), self.residual):
            msg = (
                f"expected parts of {self.book.account} that come to its drift of"
                f" {Credits(drift.milli)} and leave {self.residual}, found {told} that leave"
                f" {left}: nothing is told of it; type `sms-ledger check --full`"
            )
            raise IntegrityFailure(msg)

    def _told(self) -> Iterator[Explanation]:
        at_us, told = self.drift.at_us if self.drift else 0, set()
        for claim in self.known.always_told(at_us):
            if claim.key not in told:
                told.add(claim.key)
                yield from self.used.get(claim.key) or [claim.explains(ZERO)]
        for key, lines in self.used.items():
            if key not in told:
                yield from lines

    def _of_parts(self) -> Iterator[Explanation]:
        for one in self.parts:
            if one.kind in {FOREIGN, ACCEPTED}:
                yield Explanation(one.kind, one.credits, one.text, one.reference)

    def finish(self, step: Step, explained: Explained) -> None:
        """Publish what explains a step, after the part that is named by its credits alone."""
        for (claim, credits), line in zip(explained.used, explained.lines, strict=True):
            self.used[claim.key].append(line)
            if claim.kind != TIMING:
                self.parts.append(self._explained(step, claim, credits, line))

    def _explained(self, step: Step, claim: Claim, credits: Credits, line: Explanation) -> Part:
        opened = next(
            (
                one
                for one in self.known.breaks
                if (one.reference, one.text) == (claim.reference, claim.text)
            ),
            None,
        )
        reference = self._free_reference(step, credits)
        key = (opened.kind, opened.reference) if opened else (RESIDUAL, reference)
        accepted = self.decided.accepted.get(key)
        return Part(
            kind=claim.kind,
            break_kind=key[0],
            reference=key[1],
            credits=credits,
            status="accepted" if accepted else "explained",
            after_us=step.after_us,
            at_us=step.at_us,
            text=f"{line.text}; {accepted_part(accepted).text}" if accepted else line.text,
            bill=claim.reference if claim.kind == PURCHASE else None,
        )

    def _free_reference(self, step: Step, credits: Credits) -> str:
        """Name a part as a residual is; others of as many credits are counted: `…+0.7:2`."""
        name = residual_reference(from_us(step.at_us), str(credits))
        taken = {part.reference for part in self.parts}
        taken |= {reference for _, reference in self.decided.adjusted}
        if name not in taken:
            return name
        return next(one for one in (f"{name}:{n}" for n in count(2)) if one not in taken)


def accepted_part(one: BreakAccepted) -> Part:
    why = f": {one.reason}" if one.reason else ""
    at_us = to_us(one.first_seen_at)
    return Part(
        kind=ACCEPTED,
        break_kind=one.kind,
        reference=one.reference,
        credits=one.credits or ZERO,
        status="accepted",
        after_us=at_us,
        at_us=at_us,
        text=f"accepted by {one.actor} on {one.recorded_at:%Y-%m-%d}{why}",
    )


def _sum(of: Iterable[Explanation] | Iterable[Part]) -> Credits:
    return sum((one.credits for one in of), ZERO)
