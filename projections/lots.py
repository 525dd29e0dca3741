"""`lots`: every lot with what it cost, what is left of it where, and who drew it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.calendars import month_of
from ledger.credits import Credits
from ledger.database import Database
from ledger.lots import BEFORE_THE_BOOKS, LotId, cost_of
from projections.basis import Basis, basis_notes, posted_apart
from projections.books import Book, books, log_position, notes
from projections.holdings import Drawn, Held, Holdings, holdings, lots_of
from projections.lot_books import lots_caught_up
from projections.lot_facts import LotRow
from projections.moments import Moment
from projections.remarks import remarks
from projections.report import Amount, Report
from projections.rounding import money


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot as one account holds it: `credits` of it came here, `left` are here still.

    `net`, `vat` and `cost` are theirs, `left_…` those of what is left; `cost` is the net with
    the VAT that is not got back. None: not known. A lot of another account came by a transfer.
    `position` is that of its event in the log. Without a `lot` stand credits that were spent
    below zero, which none has paid for yet.
    """

    customer: str
    account: str
    lot: str | None
    kind: str
    bought_at: datetime | None
    bought_by: str
    bill: str | None
    credits: Credits
    left: Credits
    net: Amount | None
    left_net: Amount | None
    vat: Amount | None
    cost: Amount | None
    left_cost: Amount | None
    currency: str | None
    position: int | None


@dataclass(frozen=True, slots=True)
class LotDraw:
    """Who drew a lot: credits that left an account at a day, as what, and what they cost.

    `used` are messages of one stretch of a day; other kinds have a reference. What was recorded
    late, for a closed month, stands in the month `posted`. Credits that were given back are
    negative.
    """

    customer: str
    account: str
    lot: str | None
    bought_by: str | None
    happened_at: datetime
    kind: str
    reference: str
    credits: Credits
    cost: Amount | None
    currency: str | None
    posted: str | None


def lots(
    database: Database,
    accounts: Sequence[str] = (),
    moment: Moment | None = None,
    basis: Basis = "posted",
    *,
    only_left: bool = False,
) -> Report[Lot]:
    """Give the lots of the named accounts, or all, at a moment. Raises UnknownAccount."""
    with lots_caught_up(database):
        of = books(database, accounts)
        found = holdings(database, of, _ends(of, moment), basis)
        rows = [row for book in of for row in _rows(book, found)]
        if only_left:
            rows = [row for row in rows if row.left]
        said = [
            *notes(database, of),
            *basis_notes(database, {book.customer for book in of}, basis),
            *remarks(found),
        ]
        return Report(Lot, log_position(database), rows, said)


def _ends(of: Sequence[Book], moment: Moment | None) -> list[int | None]:
    return [None if moment is None else moment.end_us(book.zone) for book in of]


def _rows(book: Book, found: Holdings) -> Iterator[Lot]:
    for held in found.held:
        if held.account == book.account:
            yield _row(book, held)
    open = sum(drawn.milli for drawn in found.uncovered if drawn.account == book.account)
    if open:
        yield Lot(
            book.customer, book.account, None, "uncovered", None, book.account, None,
            Credits(0), Credits(-open), None, None, None, None, None, None, None,
        )  # fmt: skip


def _row(book: Book, held: Held) -> Lot:
    lot = held.lot
    known = lot.bought_at_us != BEFORE_THE_BOOKS
    return Lot(
        customer=book.customer,
        account=book.account,
        lot=lot.lot,
        kind=lot.kind,
        bought_at=book.local(lot.bought_at_us) if known else None,
        bought_by=lot.account,
        bill=lot.bill,
        credits=Credits(held.milli),
        left=Credits(held.left),
        net=money(held.worth(lot.net_cents)),
        left_net=money(held.left_net),
        vat=money(held.worth(lot.vat_cents)),
        cost=money(held.worth(lot.cost_cents)),
        left_cost=money(held.left_cost),
        currency=lot.currency,
        position=lot.position,
    )


def draws(
    database: Database,
    accounts: Sequence[str] = (),
    moment: Moment | None = None,
    basis: Basis = "posted",
    *,
    lot: str | None = None,
) -> Report[LotDraw]:
    """Give who drew the lots, in order of time; of one `lot` alone, whoever holds it."""
    with lots_caught_up(database):
        of = books(database, accounts)
        found = holdings(database, of, _ends(of, moment), basis)
        drawn = [*found.uncovered, *(one for held in found.held for one in held.drawn)]
        own = posted_apart(database, basis)
        known = lots_of(database, {book.customer for book in of}, own)
        wanted = [
            one for one in drawn if lot is None or (one.lot is not None and one.lot.name == lot)
        ]
        by_account = {book.account: book for book in of}
        rows = [
            _draw(by_account[one.account], one, known) for one in sorted(wanted, key=_by_time)
        ]
        said = [
            *notes(database, of),
            *basis_notes(database, {book.customer for book in of}, basis),
            *remarks(found),
        ]
        return Report(LotDraw, log_position(database), rows, said)


def _by_time(drawn: Drawn) -> tuple[int, int, str, str]:
    return drawn.at_us, drawn.happened_us, drawn.account, drawn.kind


def _draw(book: Book, drawn: Drawn, known: dict[LotId, LotRow]) -> LotDraw:
    lot = None if drawn.lot is None else known[drawn.lot]
    cents = None
    if lot is not None and lot.cost_cents is not None:
        cents = cost_of(lot.cost_cents, lot.milli, *drawn.stretch)
    return LotDraw(
        customer=book.customer,
        account=book.account,
        lot=lot and lot.lot,
        bought_by=lot and lot.account,
        happened_at=book.local(drawn.happened_us),
        kind=drawn.kind,
        reference=drawn.reference,
        credits=Credits(drawn.milli),
        cost=money(cents),
        currency=lot and lot.currency,
        posted=month_of(book.zone, drawn.at_us).name if drawn.is_late else None,
    )
