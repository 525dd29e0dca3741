"""How the ledger and OVH differ, account by account: what explains it, and what nothing does.

Accounts of one customer are looked at together, since credits move between them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from ledger.credits import ZERO, Credits
from ledger.database import Database, Rows
from ledger.events import BreakAccepted
from ledger.names import RESIDUAL, residual_reference
from ledger.tariff import Tariff
from ledger.times import from_us, to_us
from projections.books import Book
from projections.claims import PURCHASE, Facts, claims_on, facts
from projections.decisions import Decisions, decisions
from projections.drifts import Drift, Settled, Step, drift_of
from projections.explanations import (
    Claim,
    Explained,
    Explanation,
    Way,
    Ways,
    by_way,
    explain,
    ways,
)
from projections.foreign import Calls, Pair, Unexplained, calls_of, pairs
from projections.hints import hints
from projections.moments import Moment
from projections.observed import TIMING, of_jobs, of_quotas
from projections.tariffs import tariff

FOREIGN = "foreign transfer"
ACCEPTED = "accepted"

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
    steps: list[tuple[Step, Explained]] = field(default_factory=list)

    @property
    def lines(self) -> list[Explanation]:
        """Give every line of the statement, those that explain nothing of it too."""
        if self.drift is None:
            return [claim.explains(ZERO) for claim in self.known.always_told(0)]
        return [*self._told(), *self._of_parts(), *of_jobs(self.drift), *of_quotas(self.drift)]

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

    def residual(self, lines: Sequence[Explanation]) -> Credits | None:
        """Give what of the drift these lines do not explain; None where it is not known."""
        if self.drift is None or self.drift.milli is None:
            return None
        return Credits(self.drift.milli) - sum((line.credits for line in lines), ZERO)

    def take(self, explained: Explained) -> None:
        for (claim, _), line in zip(explained.used, explained.lines, strict=True):
            self.used[claim.key].append(line)


def cases(database: Database, of: Sequence[Book], as_of: Moment | None = None) -> list[Case]:
    """Look at all open accounts of some customers, as they are observed now, or at a moment."""
    found = [
        _case(database, book, as_of.end_us(book.zone) - 1 if as_of else None) for book in of
    ]
    by_customer: dict[str, list[Case]] = defaultdict(list)
    for case in found:
        by_customer[case.book.customer].append(case)
    for customer, some in by_customer.items():
        _pair(database, some, calls_of(database, customer))
    return found


def _case(database: Database, book: Book, until_us: int | None) -> Case:
    decided = decisions(database, book.account)
    settled = [
        Settled(to_us(one.first_seen_at), one.credits.milli)
        for one in decided.standing
        if one.credits is not None
    ]
    drift = drift_of(database, book, settled, until_us)
    at_us = drift.at_us if drift else book.known_through_us
    case = Case(book, drift, decided, facts(database, book, at_us, until_us))
    if drift is None:
        return case
    case.parts += map(_accepted, _standing(decided, drift.settled))
    for place, step in enumerate(drift.steps, start=1):
        _explain(database, case, step, last=place == len(drift.steps))
    return case


def _standing(decided: Decisions, settled: Sequence[Settled]) -> Iterator[BreakAccepted]:
    """Give what was accepted and still stands, each once: some may be as large as others."""
    left = Counter(settled)
    for one in decided.standing:
        seen = Settled(to_us(one.first_seen_at), (one.credits or ZERO).milli)
        if left[seen]:
            left[seen] -= 1
            yield one


def _accepted(one: BreakAccepted) -> Part:
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


# --- one account on its own --------------------------------------------------------------


def _explain(database: Database, case: Case, step: Step, *, last: bool) -> None:
    """Explain a step by what its own account has; else it may be half of a transfer."""
    claims = [
        one
        for one in claims_on(database, case.book, step, case.known, last=last)
        if one.key not in case.used
    ]
    found = ways(step.milli, claims)
    stands = _accepted_of(case, step, found)
    if stands is not None:
        way, accepted = stands
        case.parts.append(_accepted(accepted))
        _finish(case, step, by_way(found, way, ZERO))
        return
    documents = ways(step.milli, [one for one in claims if one.is_document])
    explained = explain(documents if found.too_many else found, step.milli)
    if explained.rest:
        documents.too_many |= found.too_many
        near = tuple(one.text for one in claims if one.kind == TIMING)
        case.unexplained.append(Unexplained(case.book.account, step, documents, near))
    else:
        _finish(case, step, explained)


def _accepted_of(case: Case, step: Step, found: Ways) -> tuple[Way, BreakAccepted] | None:
    """Find the accepted difference that a step leaves: exactly that one, as it was seen."""
    for one in case.decided.standing:
        if one.credits is not None and to_us(one.first_seen_at) == step.at_us:
            way = found.best(one.credits.milli)
            if way is not None:
                return way, one
    return None


def _finish(case: Case, step: Step, explained: Explained) -> None:
    """Publish what explains a step, after the part that is named by its credits alone."""
    case.take(explained)
    case.steps.append((step, explained))
    for (claim, credits), line in zip(explained.used, explained.lines, strict=True):
        if claim.kind != TIMING:
            case.parts.append(_explained_part(case, step, claim, credits, line))


def _explained_part(
    case: Case, step: Step, claim: Claim, credits: Credits, line: Explanation
) -> Part:
    opened = next(
        (
            one
            for one in case.known.breaks
            if (one.reference, one.text) == (claim.reference, claim.text)
        ),
        None,
    )
    reference = _free_reference(case, step, credits)
    key = (opened.kind, opened.reference) if opened else (RESIDUAL, reference)
    accepted = case.decided.accepted.get(key)
    return Part(
        kind=claim.kind,
        break_kind=key[0],
        reference=key[1],
        credits=credits,
        status="accepted" if accepted else "explained",
        after_us=step.after_us,
        at_us=step.at_us,
        text=f"{line.text}; {_accepted(accepted).text}" if accepted else line.text,
        bill=claim.reference if claim.kind == PURCHASE else None,
    )


def _free_reference(case: Case, step: Step, credits: Credits) -> str:
    """Name a part as a residual is; others of as many credits are counted: `…+0.7:2`."""
    name = residual_reference(from_us(step.at_us), str(credits))
    taken = {part.reference for part in case.parts}
    taken |= {reference for _, reference in case.decided.adjusted}
    if name not in taken:
        return name
    return next(one for one in (f"{name}:{n}" for n in count(2)) if one not in taken)


# --- accounts of one customer together ---------------------------------------------------


def _pair(database: Database, some: Sequence[Case], calls: Calls) -> None:
    by_account = {case.book.account: case for case in some}
    of = [one for case in some for one in case.unexplained]
    found, unclear = pairs(of, calls)
    for pair in found:
        for one, way, milli in (
            (pair.source, pair.source_way, -pair.milli),
            (pair.target, pair.target_way, pair.milli),
        ):
            case = by_account[one.account]
            case.parts.append(_leg(case, pair, one, Credits(milli), calls))
            _finish(case, one.step, by_way(one.ways, way, ZERO))
    for one in of:
        if not any(pair.touches(one) for pair in found):
            rivals = [pair for pair in unclear if pair.touches(one)]
            said = [
                *(_rival(pair, one) for pair in rivals),
                *_called(by_account, one, of, calls),
            ]
            _leave(database, by_account[one.account], one, said)
    for case in some:
        case.parts.sort(key=lambda part: (part.at_us, part.kind, part.reference))


def _leg(case: Case, pair: Pair, one: Unexplained, credits: Credits, calls: Calls) -> Part:
    other = pair.other(one)
    book, step = case.book, one.step
    called = ", ".join(f"{book.local(at):%H:%M:%S}" for at in calls.within(pair.source))
    text = (
        f"{Credits(pair.milli)} credits from {pair.source.account} to {pair.target.account},"
        " transferred in OVH's Control Panel or by another program between"
        f" {book.local(step.after_us):%Y-%m-%d %H:%M:%S} and"
        f" {book.local(step.at_us):%Y-%m-%d %H:%M:%S}: {other.account} shows the opposite"
    )
    if called:
        text += (
            f"; OVH's log of API calls has transferCredits of {pair.source.account} at {called}"
        )
    return Part(
        kind=FOREIGN,
        break_kind=RESIDUAL,
        reference=residual_reference(from_us(step.at_us), str(credits)),
        credits=credits,
        status="explained",
        after_us=step.after_us,
        at_us=step.at_us,
        text=text,
        counter=(other.account, residual_reference(from_us(other.step.at_us), str(-credits))),
    )


def _leave(database: Database, case: Case, one: Unexplained, said: Sequence[str]) -> None:
    """Leave what nothing explains to a person, with hints."""
    step, explained = one.step, explain(one.ways, one.step.milli)
    rest = explained.rest
    more = hints(database, case.book, step, rest.milli, _tariff(database, case.book))
    case.parts.append(
        Part(
            kind=RESIDUAL,
            break_kind=RESIDUAL,
            reference=residual_reference(from_us(step.at_us), str(rest)),
            credits=rest,
            status="open",
            after_us=step.after_us,
            at_us=step.at_us,
            text="nothing that is known explains it",
            hints=(*said, *_too_many(one.ways), *one.near, *more),
        )
    )
    _finish(case, step, explained)


def _too_many(found: Ways) -> Iterator[str]:
    if found.too_many:
        yield "so many things could explain it together that none is told: record what is known"


def _rival(pair: Pair, one: Unexplained) -> str:
    other = pair.other(one).account
    way = "to" if one is pair.source else "from"
    return (
        f"{other} shows the opposite in the same time: {Credits(pair.milli)} credits {way} it,"
        " but another account does so too, and nothing tells which it was"
    )


def _called(
    cases: Mapping[str, Case], one: Unexplained, of: Sequence[Unexplained], calls: Calls
) -> Iterator[str]:
    """Tell of a transfer that OVH's log has, though no two accounts show the same of it."""
    book = cases[one.account].book
    for at_us in calls.within(one):
        yield (
            f"OVH's log of API calls has transferCredits of {book.account} at"
            f" {book.local(at_us):%Y-%m-%d %H:%M:%S}, of credits that it does not tell"
        )
    for other in of:
        opposite = other.step.milli * one.step.milli < 0 and other.step.overlaps(one.step)
        if opposite and (calls.within(one) or calls.within(other)):
            left = Credits(one.step.milli + other.step.milli)
            yield (
                f"with {other.account}, which shows {Credits(other.step.milli)} in that time,"
                f" only {left} are left: a transfer between the two, and something else?"
            )


def _tariff(rows: Rows, book: Book) -> Tariff | None:
    for (subsidiary,) in rows.execute(
        "SELECT subsidiary FROM customer WHERE customer = :customer", customer=book.customer
    ):
        return tariff(rows, subsidiary) if subsidiary else None
    return None
