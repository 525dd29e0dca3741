"""`export entries`: what happened to credits as entries of the customer's own books.

Month by month: invoices into prepaid expenses, consumption out of them, transfers between
accounts, refunds, adjustments. Every entry balances to the cent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, NamedTuple

from ledger.calendars import Span, month_of
from ledger.credits import Credits
from ledger.database import Database
from ledger.errors import InvalidValue
from ledger.events import ENTRY_ROLES, EntryRole
from ledger.lots import LotId
from projections.books import Book, books, log_position, notes, of_customers
from projections.entry_accounts import EntryAccounts
from projections.holdings import lots_of
from projections.lot_books import lots_caught_up
from projections.lot_facts import LotRow
from projections.lot_moves import Move, MoveKind, moves
from projections.moments import Period
from projections.report import OPTIONAL, Amount, Report
from projections.rounding import money


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A line of an entry: a `debit` or a `credit`.

    `entry` numbers the entries of a customer from 1 on; `code` and `label` are an account of
    its books, `account` is the SMS account that the line belongs to (analytic), empty where it
    is the whole document's. `piece` names the document: the invoice, or what stands for one.
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


class _Key(NamedTuple):
    """What makes one entry of several moves; the fields are the order of entries."""

    day: str
    kind: str
    piece: str
    currency: str


class _Leg(NamedTuple):
    """An account for a role, of an SMS account or of none."""

    role: EntryRole
    account: str


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
    database: Database, period: Period, customers: Sequence[str] = ()
) -> Report[EntryLine]:
    """Give the entries of a period of whole months. Raises InvalidValue."""
    with lots_caught_up(database):
        of = of_customers(books(database), customers)
        lots = lots_of(database, {book.customer for book in of})
        rows: list[EntryLine] = []
        said = notes(database, of)
        for customer in dict.fromkeys(book.customer for book in of):
            own = [book for book in of if book.customer == customer]
            made = _Entries(_months(period, own[0]))
            for book in own:
                made.take(database, book, lots)
            rows += made.lines(EntryAccounts(database, customer))
            said += made.notes()
        return Report(EntryLine, log_position(database), rows, said)


def _months(period: Period, book: Book) -> list[Span]:
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
    """Gathers the entries of a customer."""

    def __init__(self, months: Sequence[Span]) -> None:
        self._months = months
        self._legs: dict[_Key, dict[_Leg, int]] = defaultdict(lambda: defaultdict(int))
        self._unvalued: dict[tuple[str, str], int] = defaultdict(int)
        self._without_vat: dict[str, None] = {}

    def take(self, database: Database, book: Book, lots: Mapping[LotId, LotRow]) -> None:
        for month in self._months:
            last_day = (month.after - timedelta(days=1)).isoformat()
            for move in moves(database, book, lots, month.start_us, month.end_us):
                if move.cents is None:
                    self._unvalued[book.account, month.name] += abs(move.stretch.milli)
                    continue
                for leg, cents in _legs(move, move.cents):
                    self._legs[_key(move, last_day)][leg] += cents
                if _is_without_vat(move):
                    self._without_vat[_piece(move)] = None

    def notes(self) -> Iterator[str]:
        for piece in self._without_vat:
            yield f"the document {piece} tells no VAT: its entry has none"
        for (account, month), milli in self._unvalued.items():
            yield (
                f"{account}: movements of {Credits(milli)} credits in {month} are of unknown"
                " cost, and in no entry"
            )

    def lines(self, accounts: EntryAccounts) -> Iterator[EntryLine]:
        number = 0
        for key, legs in sorted(self._legs.items()):
            booked = sorted(
                ((leg, cents) for leg, cents in legs.items() if cents), key=_debits_first
            )
            number += bool(booked)
            chart = accounts.on(key.day)
            for leg, cents in booked:
                code, label = chart[leg.role]
                yield EntryLine(
                    customer=accounts.customer,
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
                )


def _debits_first(booked: tuple[_Leg, int]) -> tuple[bool, int, str]:
    leg, cents = booked
    return cents < 0, ENTRY_ROLES.index(leg.role), leg.account


# --- what a move is booked as ---------------------------------------------------------------


def _key(move: Move, last_day: str) -> _Key:
    """Tell which entry a move belongs to: a document's, a transfer's, or its account's."""
    day = last_day if move.kind in _AT_THE_END else move.day
    kind = "transfer" if move.kind in _TRANSFER else _PIECE.get(move.kind, move.kind)
    return _Key(day, kind, _piece(move), move.currency or "")


def _piece(move: Move) -> str:
    """Name the document: an invoice, a transfer, what else there is; or the account's month."""
    if move.kind in _AT_THE_END or move.kind == "opening":
        return f"{move.account} {move.day[:7]}"
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
    is_invoiced = move.drawn_as in _INVOICED and bool(move.cents)
    return is_invoiced and move.lot is not None and move.lot.vat_cents is None
