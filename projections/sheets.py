"""`sheet`: what an accountant books at a period's end, account by account, with its documents.

Opening credits and their cost, all that came and went, closing credits and their cost: line by
line they add up, in credits and to the cent, and the closing costs are the prepaid value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from ledger.credits import Credits
from ledger.database import Database
from ledger.errors import InvalidValue
from projections.books import Book, books, log_position, notes, of_customers
from projections.cases import Case
from projections.differences import cases
from projections.holdings import Holdings, holdings, lots_of
from projections.lot_books import lots_caught_up
from projections.lot_facts import LotRow
from projections.lot_moves import MOVE_KINDS, Move, moves
from projections.moments import Moment, Period
from projections.remarks import remarks
from projections.report import OPTIONAL, Amount, Report
from projections.rounding import money
from projections.values import Value, value_of

BROUGHT_FORWARD: Final = "brought-forward"
CLOSING: Final = "closing"

# Of these a period has too many for a line each, or none by itself has a document.
_TOGETHER: Final = ("opening", "consumption", "covered")
_BOUGHT: Final = ("purchase", "recharge", "gift")


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One line of an account's sheet: a balance, or what came (went: negative) as one thing.

    `value` is what the credits cost, `net` and `vat` are what the invoice says of those that
    were bought; `unvalued` credits are of unknown cost. A `covered` line has no credits: they
    were spent below zero before the period, and are paid by a lot in it.
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
) -> Sheet:
    """Give the sheet of a period of whole days. Raises UnknownAccount, InvalidValue."""
    last_day = _last_day(period)
    with lots_caught_up(database):
        known = books(database)
        of = of_customers(books(database, accounts), customers)
        bounds = [_bounds(period, book) for book in of]
        opening = holdings(database, of, [start for start, _ in bounds])
        closing = holdings(database, of, [end for _, end in bounds])
        lots = lots_of(database, {book.customer for book in of})
        only = _only_currencies(known, lots.values())
        lines: list[SheetLine] = []
        for book, (start, end) in zip(of, bounds, strict=True):
            moved = moves(database, book, lots, start, end)
            ends = (_Balance(start, book, opening), _Balance(end - 1, book, closing))
            lines += _lines(book, *ends, moved, only[book.customer])
        position = log_position(database)
        return Sheet(
            Report(SheetLine, position, lines, [*notes(database, of), *remarks(closing)]),
            Report(Value, position, list(_left(of, closing))),
            Report(SheetCheck, position, list(_checks(database, known, of, last_day))),
        )


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


class _Balance:
    """What an account holds at one instant."""

    def __init__(self, at_us: int, book: Book, found: Holdings) -> None:
        self.at_us = at_us
        self._held = [one for one in found.held if one.account == book.account and one.left]
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


def _only_currencies(of: Sequence[Book], lots: Iterable[LotRow]) -> dict[str, str | None]:
    """Give the currency of each customer that buys in one alone."""
    owners = {book.account: book.customer for book in of}
    found: dict[str, set[str]] = {book.customer: set() for book in of}
    for lot in lots:
        if lot.currency:
            found[owners[lot.account]].add(lot.currency)
    return {
        customer: next(iter(names)) if len(names) == 1 else None
        for customer, names in found.items()
    }


def _lines(
    book: Book, opening: _Balance, closing: _Balance, moved: Iterable[Move], only: str | None
) -> Iterator[SheetLine]:
    yield from _balance_lines(book, BROUGHT_FORWARD, opening, only)
    for key, of in sorted(_by_line(moved, only).items(), key=lambda item: item[0][:4]):
        for currency, found in of.items():
            yield _line(book, key, currency, found)
    yield from _balance_lines(book, CLOSING, closing, only)


def _balance_lines(
    book: Book, kind: str, balance: _Balance, only: str | None
) -> Iterator[SheetLine]:
    found = balance.sums(only)
    for currency in sorted(found, key=str):
        yield _line(book, _Key(0, balance.at_us, kind, "", None), currency, found[currency])


def _by_line(moved: Iterable[Move], only: str | None) -> dict[_Key, dict[str | None, _Sum]]:
    found: dict[_Key, dict[str | None, _Sum]] = defaultdict(lambda: defaultdict(_Sum))
    for key, of in _grouped(moved).items():
        for move in of:
            sums = found[key][move.currency or only]
            sums.add(move.milli, move.cents, move.unvalued_milli)
            if move.lot is not None and move.kind in _BOUGHT:
                sums.net = move.part(move.lot.net_cents)
                sums.vat = move.part(move.lot.vat_cents)
    return found


def _grouped(moved: Iterable[Move]) -> dict[_Key, list[Move]]:
    """Put moves together that are one line: a lot, a transfer, a refund, all of a kind."""
    groups: dict[tuple[str, str], list[Move]] = defaultdict(list)
    for move in moved:
        groups[move.kind, "" if move.kind in _TOGETHER else move.reference].append(move)
    return {_key(kind, reference, of): of for (kind, reference), of in groups.items()}


def _key(kind: str, reference: str, of: Sequence[Move]) -> _Key:
    bills = {move.lot.bill if move.lot else None for move in of}
    bill = bills.pop() if len(bills) == 1 and kind in (*_BOUGHT, "refund") else None
    at_us = max(move.at_us for move in of)
    return _Key(MOVE_KINDS.index(kind), at_us, kind, reference, bill)


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
            None, None, total.value, currency, Credits(total.unvalued),
        )
        for (customer, currency), (last, total) in sums.items()
    ]  # fmt: skip


def _cents(amount: Amount | None) -> int | None:
    return None if amount is None else int(amount.replace(".", ""))
