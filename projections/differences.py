"""How the ledger and OVH differ, account by account: what explains it, and what nothing does.

Accounts of one customer are looked at together, since credits move between them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from ledger.credits import ZERO
from ledger.database import Database
from ledger.events import BreakAccepted
from ledger.times import to_us
from projections.books import Book
from projections.cases import Case, accepted_part
from projections.claims import claims_on, facts
from projections.decisions import Decisions, decisions
from projections.drifts import Settled, Step, drift_of
from projections.explanations import Way, Ways, by_way, explain, ways
from projections.foreign import Unexplained, calls_of
from projections.moments import Moment
from projections.observed import TIMING
from projections.together import pair_up


def cases(database: Database, of: Sequence[Book], as_of: Moment | None = None) -> list[Case]:
    """Look at all open accounts of some customers, as they are observed now, or at a moment.

    Raises IntegrityFailure where a statement does not add up.
    """
    found = [
        _case(database, book, as_of.end_us(book.zone) - 1 if as_of else None) for book in of
    ]
    by_customer: dict[str, list[Case]] = defaultdict(list)
    for case in found:
        by_customer[case.book.customer].append(case)
    for customer, some in by_customer.items():
        pair_up(database, some, calls_of(database, customer))
    for case in found:
        case.require_sum()
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
    case.parts += map(accepted_part, _standing(decided, drift.settled))
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
        case.parts.append(accepted_part(accepted))
        case.finish(step, by_way(found, way, ZERO))
        return
    documents = ways(step.milli, [one for one in claims if one.is_document])
    explained = explain(documents if found.too_many else found, step.milli)
    if explained.rest:
        documents.too_many |= found.too_many
        near = tuple(one.text for one in claims if one.kind == TIMING)
        case.unexplained.append(Unexplained(case.book.account, step, documents, near))
    else:
        case.finish(step, explained)


def _accepted_of(case: Case, step: Step, found: Ways) -> tuple[Way, BreakAccepted] | None:
    """Find the accepted difference that a step leaves: exactly that one, as it was seen."""
    for one in case.decided.standing:
        if one.credits is not None and to_us(one.first_seen_at) == step.at_us:
            way = found.best(one.credits.milli)
            if way is not None:
                return way, one
    return None
