"""`sheet`: what an accountant books at a period's end, account by account, with its documents.

Opening credits and their cost, all that came and went, closing credits and their cost: line by
line they add up, in credits and to the cent, and the closing costs are the prepaid value. A
closed month keeps its sheet: what became known since is in the sheet of the month it is posted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Final, NamedTuple

from ledger.calendars import month_of
from ledger.credits import Credits
from ledger.database import Database
from ledger.errors import InvalidValue
from projections.basis import Basis, basis_notes, posted_apart
from projections.books import Book, books, log_position, notes, of_customers
from projections.cases import Case
from projections.differences import cases
from projections.holdings import Holdings, holdings, lots_of
from projections.lot_books import lots_caught_up
from projections.lot_moves import MOVE_KINDS, PRIOR_PERIOD, Move, MoveKind, moves
from projections.moments import Moment, Period
from projections.remarks import remarks
from projections.report import OPTIONAL, Amount, Report
from projections.rounding import money
from projections.valuations import Lots, Span, Valuation
from projections.values import Value, value_of

BROUGHT_FORWARD: Final = "brought-forward"
CLOSING: Final = "closing"

# Of these a period has too many for a line each, or none by itself has a document.
_TOGETHER: Final = (PRIOR_PERIOD, "opening", "consumption", "covered")
_BOUGHT: Final = ("purchase", "recharge", "gift")


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One line of an account's sheet: a balance, or what came (went: negative) as one thing.

    `value` is what the credits cost, `net` and `vat` are what the invoice says of those that
    were bought; `unvalued` credits are of unknown cost. A `covered` line has no credits: they
    were spent below zero before the period, and are paid by a lot in it. Nor has a line
    `prior-period`: what the credits of a closed month turned out to have cost more, or less.
    What was recorded late for a closed month stands in the month `posted`.
    """

    customer: str
    account: str
    kind: str
    happened_at: datetime
    reference: str
    bill: str | None
    credits: Credits
    net: Amount | None = field(metadata=OPTIONAL)
    vat: Amount | None = field(metadata=OPTIONAL)
    value: Amount | None
    currency: str | None
    unvalued: Credits
    posted: str | None


@dataclass(frozen=True, slots=True)
class SheetCheck:
    """How an account stood against OVH's word, at the last look before the end.

    `residual` is what of the drift nothing explains. None: OVH was not looked at, or the
    account has left the books.
    """

    customer: str
    account: str
    observed_at: datetime | None
    drift: Credits | None
    residual: Credits | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The lines, the lots that are left, and the checks, of one state of the ledger."""

    lines: Report[SheetLine]
    lots: Report[Value]
    checks: Report[SheetCheck]


def sheet(
    database: Database,
    period: Period,
    accounts: Sequence[str] = (),
    customers: Sequence[str] = (),
    basis: Basis = "posted",
) -> Sheet:
    """Give the sheet of a period of whole days. Raises UnknownAccount, InvalidValue."""
    last_day = _last_day(period)
    with lots_caught_up(database):
        known = books(database)
        of = of_customers(books(database, accounts), customers)
        own = posted_apart(database, basis)
        spans = _spans(database, period, of, basis)
        if not accounts:
            of = [book for book in of if _was_known(book, spans[book.customer])]
        opening = holdings(database, of, [spans[one.customer][0].start_us for one in of], basis)
        closing = holdings(database, of, [spans[one.customer][-1].end_us for one in of], basis)
        lines: list[SheetLine] = []
        for book in of:
            wanted, posted = spans[book.customer], book.customer in own
            ends = (
                _Balance(wanted[0].start_us, book, opening, wanted[0].at_start.lots),
                _Balance(wanted[-1].end_us - 1, book, closing, wanted[-1].known.lots),
            )
            moved = chain.from_iterable(
                moves(database, book, span, posted=posted) for span in wanted
            )
            lines += _lines(book, *ends, moved, wanted[-1].known.only)
        position, names = log_position(database), {book.customer for book in of}
        said = [*notes(database, of), *basis_notes(database, names, basis), *remarks(closing)]
        return Sheet(
            Report(SheetLine, position, lines, said),
            Report(Value, position, list(_left(of, closing))),
            Report(SheetCheck, position, list(_checks(database, known, of, last_day))),
        )


def _spans(
    database: Database, period: Period, of: Sequence[Book], basis: Basis
) -> dict[str, list[Span]]:
    """Cut the period of each customer where its closed months end."""
    own = posted_apart(database, basis)
    found: dict[str, list[Span]] = {}
    for book in of:
        if book.customer not in found:
            lots = lots_of(database, {book.customer}, own)
            valuation = Valuation(database, book.customer, lots, basis)
            found[book.customer] = list(valuation.spans(*_bounds(period, book)))
    return found


def _was_known(book: Book, spans: Sequence[Span]) -> bool:
    """Tell whether the close of the last of some months knew an account."""
    accounts = spans[-1].known.accounts
    return accounts is None or book.account in accounts


def _last_day(period: Period) -> Moment:
    last_day = period.last_day
    if last_day is None:
        msg = "expected a period with a first and a last day: type -p 2026-10"
        raise InvalidValue(msg)
    return last_day


def _bounds(period: Period, book: Book) -> tuple[int, int]:
    start_us, end_us = period.bounds(book.zone)
    return start_us or 0, end_us or 0


# --- lines ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sum:
    """Credits of one currency and their cost, as they add up; None: no part of it is known."""

    milli: int = 0
    cents: int = 0
    unvalued: int = 0
    net: int | None = None
    vat: int | None = None

    def add(self, milli: int, cents: int | None, unvalued: int) -> None:
        self.milli += milli
        self.cents += cents or 0
        self.unvalued += unvalued

    @property
    def is_something(self) -> bool:
        return bool(self.milli or self.cents or self.unvalued)

    @property
    def value(self) -> Amount | None:
        is_unknown = self.unvalued and self.unvalued == self.milli and not self.cents
        return None if is_unknown else money(self.cents)


class _Key(NamedTuple):
    """What makes one line of several moves; the fields are the order of lines."""

    order: int
    at_us: int
    kind: str
    reference: str
    bill: str | None
    posted: str = ""


class _Balance:
    """What an account holds at one instant, of lots as they were known."""

    def __init__(self, at_us: int, book: Book, found: Holdings, lots: Lots) -> None:
        self.at_us = at_us
        self._held = [one for one in found.held if one.account == book.account and one.left]
        for held in self._held:
            held.lot = lots[held.lot.id]
        self._owed = sum(
            drawn.milli for drawn in found.uncovered if drawn.account == book.account
        )

    def sums(self, only: str | None) -> Mapping[str | None, _Sum]:
        """Add it up by currency; what has none counts with the only one of the customer."""
        found: dict[str | None, _Sum] = defaultdict(_Sum)
        for held in self._held:
            cents = held.left_cost
            unvalued = held.left if cents is None else 0
            found[held.lot.currency or only].add(held.left, cents, unvalued)
        if self._owed or not found:
            found[only].add(-self._owed, None, -self._owed)
        return found


def _lines(
    book: Book, opening: _Balance, closing: _Balance, moved: Iterable[Move], only: str | None
) -> Iterator[SheetLine]:
    yield from _balance_lines(book, BROUGHT_FORWARD, opening, only)
    for key, of in sorted(_by_line(book, moved, only).items(), key=_place):
        for currency, found in of.items():
            if key.kind != PRIOR_PERIOD or found.is_something:
                yield _line(book, key, currency, found)
    yield from _balance_lines(book, CLOSING, closing, only)


def _place(line: tuple[_Key, object]) -> tuple[object, ...]:
    key, _ = line
    return key.order, key.posted, key.at_us, key.kind, key.reference


def _balance_lines(
    book: Book, kind: str, balance: _Balance, only: str | None
) -> Iterator[SheetLine]:
    found = balance.sums(only)
    for currency in sorted(found, key=str):
        yield _line(book, _Key(0, balance.at_us, kind, "", None), currency, found[currency])


def _by_line(
    book: Book, moved: Iterable[Move], only: str | None
) -> dict[_Key, dict[str | None, _Sum]]:
    found: dict[_Key, dict[str | None, _Sum]] = defaultdict(lambda: defaultdict(_Sum))
    for key, of in _grouped(book, moved).items():
        for move in of:
            sums = found[key][move.currency or only]
            sums.add(move.milli, move.cents, move.unvalued_milli)
            if move.lot is not None and move.kind in _BOUGHT:
                sums.net = move.part(move.lot.net_cents)
                sums.vat = move.part(move.lot.vat_cents)
    return found


def _grouped(book: Book, moved: Iterable[Move]) -> dict[_Key, list[Move]]:
    """Put moves together that are one line: a lot, a transfer, a refund, all of a kind.

    What is late is apart.
    """
    groups: dict[tuple[MoveKind, str, str], list[Move]] = defaultdict(list)
    for move in moved:
        reference = "" if move.kind in _TOGETHER else move.reference
        posted = month_of(book.zone, move.at_us).name if move.is_late else ""
        groups[move.kind, reference, posted].append(move)
    return {_key(of, reference, posted): of for (_, reference, posted), of in groups.items()}


def _key(of: Sequence[Move], reference: str, posted: str) -> _Key:
    kind = of[0].kind
    bills = {move.lot.bill if move.lot else None for move in of}
    bill = bills.pop() if len(bills) == 1 and kind in (*_BOUGHT, "refund") else None
    at_us = max(move.happened_us for move in of)
    return _Key(MOVE_KINDS.index(kind), at_us, kind, reference, bill, posted)


def _line(book: Book, key: _Key, currency: str | None, found: _Sum) -> SheetLine:
    return SheetLine(
        customer=book.customer,
        account=book.account,
        kind=key.kind,
        happened_at=book.local(key.at_us),
        reference=key.reference,
        bill=key.bill,
        credits=Credits(found.milli),
        net=money(found.net),
        vat=money(found.vat),
        value=found.value,
        currency=currency,
        unvalued=Credits(found.unvalued),
        posted=key.posted or None,
    )


# --- what is left, and how it stands against OVH --------------------------------------------


def _left(of: Sequence[Book], closing: Holdings) -> Iterator[Value]:
    for book in of:
        for held in closing.held:
            if held.account == book.account and held.left:
                yield value_of(book, held)


def _checks(
    database: Database, known: Sequence[Book], of: Sequence[Book], last_day: Moment
) -> Iterator[SheetCheck]:
    """Look at all accounts of a customer together: credits move between them."""
    customers = {book.customer for book in of}
    together = [one for one in known if one.customer in customers and one.closed_at_us is None]
    found = {case.book.account: case for case in cases(database, together, last_day)}
    for book in of:
        yield _check(book, found.get(book.account))


def _check(book: Book, case: Case | None) -> SheetCheck:
    drift = case.drift if case else None
    return SheetCheck(
        customer=book.customer,
        account=book.account,
        observed_at=book.local(drift.at_us) if drift else None,
        drift=None if drift is None or drift.milli is None else Credits(drift.milli),
        residual=case.residual if case else None,
    )


# --- totals ---------------------------------------------------------------------------------


def totals(found: Report[SheetLine]) -> list[SheetLine]:
    """Give what each customer has at the end, by currency: the figures of its balance sheet."""
    sums: dict[tuple[str, str | None], tuple[SheetLine, _Sum]] = {}
    for line in found.rows:
        if line.kind == CLOSING:
            _, total = sums.setdefault((line.customer, line.currency), (line, _Sum()))
            total.add(line.credits.milli, _cents(line.value), line.unvalued.milli)
    return [
        SheetLine(
            customer, "total", CLOSING, last.happened_at, "", None, Credits(total.milli),
            None, None, total.value, currency, Credits(total.unvalued), None,
        )
        for (customer, currency), (last, total) in sums.items()
    ]  # fmt: skip


def _cents(amount: Amount | None) -> int | None:
    return None if amount is None else int(amount.replace(".", ""))
