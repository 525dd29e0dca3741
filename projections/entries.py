"""`export entries`: what happened to credits as entries of the customer's own books.

Month by month: invoices into prepaid expenses, consumption out of them, transfers between
accounts, refunds, adjustments. Every entry balances to the cent. The entries of a closed month
stay: what they should have been, as is known since, is set right in the first open month.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, NamedTuple

from ledger.calendars import Span as Month
from ledger.calendars import day_of, month_of
from ledger.credits import Credits
from ledger.database import Database
from ledger.errors import InvalidValue
from ledger.events import ENTRY_ROLES, EntryRole
from projections.basis import Basis, basis_notes, posted_apart
from projections.books import Book, books, log_position, notes, of_customers
from projections.entry_accounts import Chart, EntryAccounts
from projections.holdings import lots_of
from projections.lot_books import lots_caught_up
from projections.lot_moves import PRIOR_PERIOD, Move, MoveKind, moves
from projections.moments import Period
from projections.report import OPTIONAL, Amount, Report
from projections.rounding import money
from projections.valuations import Valuation


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A line of an entry: a `debit` or a `credit`.

    `entry` numbers the entries of a customer from 1 on; `code` and `label` are an account of
    its books, `account` is the SMS account that the line belongs to (analytic), empty where it
    is the whole document's. `piece` names the document: the invoice, or what stands for one.
    What was recorded late for a closed month is booked on a `day` of the month `posted`;
    `happened_on` is when it happened.
    """

    customer: str
    entry: int
    day: date
    code: str
    label: str
    account: str
    piece: str
    kind: str
    debit: Amount | None = field(metadata=OPTIONAL)
    credit: Amount | None = field(metadata=OPTIONAL)
    currency: str
    happened_on: date | None
    posted: str | None


class _Key(NamedTuple):
    """What makes one entry of several moves; the fields are the order of entries.

    `late_day` is when it happened, where it stands in a later month.
    """

    day: str
    kind: str
    piece: str
    currency: str
    late_day: str = ""


class _Leg(NamedTuple):
    """An account for a role, of an SMS account or of none."""

    role: EntryRole
    account: str


_MONTH: Final = len("2026-10")

# Of these a month has one entry for each account, on its last day.
_AT_THE_END: Final = frozenset[MoveKind](("consumption", "covered"))

_INVOICED: Final = frozenset[MoveKind](("purchase", "recharge", "gift", "refund"))
_PIECE: Final[Mapping[MoveKind, str]] = {"recharge": "purchase", "gift": "purchase"}
_TRANSFER: Final = frozenset[MoveKind](("transfer-in", "transfer-out"))

# What stands against the cost of credits that came, or left.
_AGAINST: Final[Mapping[MoveKind, EntryRole]] = {
    "opening": "opening", "transfer-in": "suspense", "transfer-out": "suspense",
    "consumption": "expense", "adjustment": "adjustment", "write-off": "adjustment",
}  # fmt: skip

# Only these lines belong to an SMS account; the supplier's is that of the whole invoice.
_ANALYTIC: Final = frozenset[EntryRole](("prepaid", "expense", "adjustment", "opening"))


def entries(
    database: Database,
    period: Period,
    customers: Sequence[str] = (),
    basis: Basis = "posted",
) -> Report[EntryLine]:
    """Give the entries of a period of whole months. Raises InvalidValue."""
    with lots_caught_up(database):
        of = of_customers(books(database), customers)
        apart, names = posted_apart(database, basis), {book.customer for book in of}
        rows: list[EntryLine] = []
        said = [*notes(database, of), *basis_notes(database, names, basis)]
        for customer in dict.fromkeys(book.customer for book in of):
            own = [book for book in of if book.customer == customer]
            lots = lots_of(database, {customer}, apart)
            made = _Entries(
                database, own[0], period, Valuation(database, customer, lots, basis)
            )
            for book in own:
                made.take(book, posted=customer in apart)
            rows += made.lines()
            said += made.notes()
        return Report(EntryLine, log_position(database), rows, said)


def _months(period: Period, book: Book) -> list[Month]:
    """Give the months of a period, in the customer's time zone."""
    start_us, end_us = period.bounds(book.zone)
    if start_us is None or end_us is None:
        raise _no_months()
    found = [month_of(book.zone, start_us)]
    while found[-1].end_us < end_us:
        found.append(month_of(book.zone, found[-1].end_us))
    if found[0].start_us != start_us or found[-1].end_us != end_us:
        raise _no_months()
    return found


def _no_months() -> InvalidValue:
    return InvalidValue("expected whole months, found another period: type -p 2026-10")


class _Entries:
    """Gathers the entries of a customer, which `of` is an account of."""

    def __init__(self, rows: Database, of: Book, period: Period, valuation: Valuation) -> None:
        self._rows = rows
        self._of = of
        self._months = {
            month: next(valuation.spans(month.start_us, month.end_us))
            for month in _months(period, of)
        }
        self._legs: dict[_Key, dict[_Leg, int]] = defaultdict(lambda: defaultdict(int))
        self._unvalued: dict[tuple[str, str], int] = defaultdict(int)
        self._without_vat: dict[str, None] = {}
        self._positions = {
            month.name: one.known.position for month, one in self._months.items()
        }
        self._accounts: dict[int | None, EntryAccounts] = {}

    def take(self, book: Book, *, posted: bool) -> None:
        for month, span in self._months.items():
            last_day = _last_day(month)
            for move in moves(self._rows, book, span, posted=posted):
                if move.cents is not None:
                    key = _key(book, move, last_day)
                    for leg, cents in _legs(move, move.cents):
                        self._legs[key][leg] += cents
                    if _is_without_vat(move):
                        self._without_vat[key.piece] = None
                elif move.kind != PRIOR_PERIOD:
                    self._unvalued[book.account, month.name] += abs(move.stretch.milli)

    def notes(self) -> Iterator[str]:
        for piece in self._without_vat:
            yield f"the document {piece} tells no VAT: its entry has none"
        for (account, month), milli in self._unvalued.items():
            yield (
                f"{account}: movements of {Credits(milli)} credits in {month} are of unknown"
                " cost, and in no entry"
            )

    def lines(self) -> Iterator[EntryLine]:
        number = 0
        for key, legs in sorted(self._legs.items()):
            booked = sorted(
                ((leg, cents) for leg, cents in legs.items() if cents), key=_debits_first
            )
            number += bool(booked)
            chart = self._chart(key.day)
            for leg, cents in booked:
                code, label = chart[leg.role]
                yield EntryLine(
                    customer=self._of.customer,
                    entry=number,
                    day=date.fromisoformat(key.day),
                    code=code,
                    label=label,
                    account=leg.account,
                    piece=key.piece,
                    kind=key.kind,
                    debit=money(cents) if cents > 0 else None,
                    credit=money(-cents) if cents < 0 else None,
                    currency=key.currency,
                    happened_on=date.fromisoformat(key.late_day) if key.late_day else None,
                    posted=key.day[:_MONTH] if key.late_day else None,
                )

    def _chart(self, day: str) -> Chart:
        """Give the accounts that hold on a day, as the close of its month knew them."""
        position = self._positions[day[:_MONTH]]
        if position not in self._accounts:
            self._accounts[position] = EntryAccounts(self._rows, self._of.customer, position)
        return self._accounts[position].on(day)


def _last_day(month: Month) -> str:
    return (month.after - timedelta(days=1)).isoformat()


def _debits_first(booked: tuple[_Leg, int]) -> tuple[bool, int, str]:
    leg, cents = booked
    return cents < 0, ENTRY_ROLES.index(leg.role), leg.account


# --- what a move is booked as ---------------------------------------------------------------


def _key(book: Book, move: Move, last_day: str) -> _Key:
    """Tell which entry a move belongs to: a document's, a transfer's, or its account's."""
    day = last_day if move.kind in _AT_THE_END else move.day
    kind = "transfer" if move.kind in _TRANSFER else _PIECE.get(move.kind, move.kind)
    late_day = _late_day(book, move) if move.is_late else ""
    piece = _piece(move, late_day or move.day)
    return _Key(day, kind, piece, move.currency or "", late_day)


def _late_day(book: Book, move: Move) -> str:
    """Give when it happened; of messages the last day of their month, as if in time."""
    if move.kind in _AT_THE_END:
        return _last_day(month_of(book.zone, move.happened_us))
    return day_of(book.zone, move.happened_us).name


def _piece(move: Move, day: str) -> str:
    """Name the document: an invoice, a transfer, what else there is; or the account's month."""
    if move.kind in _AT_THE_END or move.kind == "opening":
        return f"{move.account} {day[:_MONTH]}"
    bill = move.lot.bill if move.lot and move.kind in _INVOICED else None
    return bill or move.reference


def _legs(move: Move, cents: int) -> Iterator[tuple[_Leg, int]]:
    yield _leg("prepaid", move), cents
    if move.drawn_as not in _INVOICED:
        yield _leg(_AGAINST[move.drawn_as], move), -cents
        return
    vat = _vat(move, cents)
    yield _leg("vat", move), vat
    yield _leg("supplier", move), -cents - vat


def _leg(role: EntryRole, move: Move) -> _Leg:
    return _Leg(role, move.account if role in _ANALYTIC else "")


def _vat(move: Move, cents: int) -> int:
    """Give the VAT that is got back: what of it is not in the cost already."""
    lot = move.lot
    vat, net = (move.part(lot.vat_cents), move.part(lot.net_cents)) if lot else (None, None)
    return 0 if vat is None or net is None else vat - (cents - net)


def _is_without_vat(move: Move) -> bool:
    is_invoiced = move.kind in {move.drawn_as, "covered"} and move.drawn_as in _INVOICED
    return (
        is_invoiced and bool(move.cents) and move.lot is not None and move.lot.vat_cents is None
    )
