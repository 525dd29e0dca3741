"""Accounts of one customer together: what each leaves may be one half of a transfer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ledger.credits import ZERO, Credits
from ledger.database import Database, Rows
from ledger.names import RESIDUAL, residual_reference
from ledger.tariff import Tariff
from ledger.times import from_us
from projections.books import Book
from projections.cases import FOREIGN, Case, Part
from projections.explanations import Ways, by_way, explain
from projections.foreign import Calls, Pair, Unexplained, pairs
from projections.hints import hints
from projections.tariffs import tariff


def pair_up(database: Database, some: Sequence[Case], calls: Calls) -> None:
    """Find the transfers among some cases of one customer; leave the rest to a person."""
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
            case.finish(one.step, by_way(one.ways, way, ZERO))
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
    case.finish(step, explained)


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
