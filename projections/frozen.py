"""What a close freezes of an account: its balance, what left it in the month, what is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple, cast

from ledger.calendars import Span, month_named
from ledger.credits import ZERO, Credits
from ledger.database import Database, Rows
from ledger.events import (
    AccountAtClose,
    DrawKind,
    DrawnAtClose,
    LotAtClose,
    LotStretch,
    PeriodClosed,
    PostedAs,
)
from ledger.lots import LotId, cost_of
from ledger.money import Money
from projections.basis import posted_apart
from projections.books import Book, books
from projections.holdings import Drawn, Held, Stretch, draws_of, holdings, lots_of
from projections.lot_facts import LotRow
from projections.past import posted_before

_FOREVER_US: Final = 2**62


class Figures(NamedTuple):
    """An account in a month, as a close holds it."""

    account: str
    balance: Credits | None
    drawn: tuple[DrawnAtClose, ...]
    left: tuple[LotAtClose, ...]


def figures(database: Database, of: Sequence[Book], month: Span) -> Iterator[Figures]:
    """Give the figures of accounts of one customer; lots must know the whole log."""
    customers = {book.customer for book in of}
    own = posted_apart(database, "posted")
    lots = lots_of(database, customers, own)
    found = holdings(database, of, [month.end_us] * len(of), "posted")
    by_account = {
        account: list(held) for account, held in groupby(found.held, attrgetter("account"))
    }
    for book in of:
        draws = _draws(database, book, month, posted=book.customer in own)
        yield Figures(
            book.account,
            posted_before(database, book, month.end_us),
            (*_drawn(draws, lots), *_changes(database, book, month)),
            tuple(_left(by_account.get(book.account, []))),
        )


def _draws(database: Database, book: Book, month: Span, *, posted: bool) -> Iterator[Drawn]:
    draws = draws_of(database, book.account, _FOREVER_US, month.start_us, posted=posted)
    return (drawn for drawn in draws if drawn.at_us < month.end_us)


# --- held against a close ---------------------------------------------------------------------


def unlike(database: Database, close: PeriodClosed, *, money: bool) -> Iterator[str]:
    """Say where the figures of a month are not as closed; `money` too, or credits alone.

    Lots must know the whole log. Money is that of the close only while nothing more is known.
    """
    said = {one.account: one for one in close.accounts}
    of = books(database, list(said))
    month = month_named(of[0].zone, close.month)
    for found in figures(database, of, month):
        for text in _unequal(said[found.account], found, money=money):
            yield f"{found.account}, {text}"


def _unequal(close: AccountAtClose, found: Figures, *, money: bool) -> Iterator[str]:
    said, is_now = dict(_told(close, money=money)), dict(_told(found, money=money))
    for what in dict.fromkeys([*said, *is_now]):
        before, now = said.get(what, "nothing"), is_now.get(what, "nothing")
        if before != now:
            yield f"{what}: expected {before}, as its close says, found {now}"


def _told(of: AccountAtClose | Figures, *, money: bool) -> Iterator[tuple[str, str]]:
    """Tell all figures by what they are of."""
    yield "balance", str(of.balance)
    gone: dict[str, Credits] = defaultdict(lambda: ZERO)
    for drawn in of.drawn:
        back = ", given back" if drawn.credits < ZERO else ""
        what = f"{drawn.kind} ({drawn.posted_as}{back})"
        if money:
            unvalued = f", {drawn.unvalued} of unknown cost" if drawn.unvalued else ""
            cost = f"{drawn.credits} for {drawn.net}, with VAT {drawn.cost}{unvalued}"
            yield f"{what} in {(drawn.cost or drawn.net or _NONE).currency}", cost
        elif drawn.credits:
            gone[what] += drawn.credits
    yield from ((what, str(credits)) for what, credits in gone.items())
    for lot in of.left:
        places = ", ".join(f"{one.credits} from {one.first} on" for one in lot.stretches)
        cost = f" for {lot.net}, with VAT {lot.cost}" if money else ""
        yield f"left of {lot.lot} of {lot.account}", f"{places}{cost}"


_NONE: Final = Money(Decimal(0), "XXX")


# --- what left --------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sum:
    """Thousandths, and cents of those whose cost is known."""

    milli: int = 0
    unvalued: int = 0
    net: int = 0
    cost: int = 0

    def add(self, drawn: Drawn, lot: LotRow | None) -> None:
        self.milli += drawn.milli
        if lot is None or lot.cost_cents is None:
            self.unvalued += drawn.milli
        else:
            self.cost += cost_of(lot.cost_cents, lot.milli, *drawn.stretch)
        if lot is not None and lot.net_cents is not None:
            self.net += cost_of(lot.net_cents, lot.milli, *drawn.stretch)


def _drawn(draws: Iterable[Drawn], lots: Mapping[LotId, LotRow]) -> Iterator[DrawnAtClose]:
    """Sum draws by kind and currency; what has none counts with the customer's only one.

    What late corrections gave back is told apart: it is negative.
    """
    currencies = {lot.currency for lot in lots.values() if lot.currency}
    default = currencies.pop() if len(currencies) == 1 else ""
    sums: dict[tuple[str, PostedAs, bool, str], _Sum] = defaultdict(_Sum)
    for drawn in draws:
        lot = None if drawn.lot is None else lots[drawn.lot]
        currency = (lot.currency if lot else None) or default
        posted_as: PostedAs = "late" if drawn.is_late else "current"
        sums[drawn.kind, posted_as, drawn.milli < 0, currency].add(drawn, lot)
    for (kind, posted_as, _, currency), of in sorted(sums.items()):
        yield DrawnAtClose(
            kind=cast(DrawKind, kind),
            posted_as=posted_as,
            credits=Credits(of.milli),
            unvalued=Credits(of.unvalued),
            net=_money(of.net, currency),
            cost=_money(of.cost, currency),
        )


def _changes(rows: Rows, book: Book, month: Span) -> Iterator[DrawnAtClose]:
    """Give what messages of earlier closed months turned out to have cost more, or less."""
    for currency, net, cost, unvalued in rows.execute(
        "SELECT currency, net_cents, cost_cents, unvalued_milli FROM posted_month"
        " WHERE month = :month AND account = :account AND stands_as = 'prior-period'"
        " ORDER BY currency",
        month=month.name,
        account=book.account,
    ):
        yield DrawnAtClose(
            kind="used",
            posted_as="prior-period",
            credits=ZERO,
            unvalued=Credits(unvalued),
            net=_money(net, currency),
            cost=_money(cost, currency),
        )


def _money(cents: int | None, currency: str | None) -> Money | None:
    if cents is None or not currency:
        return None
    return Money(Decimal(cents).scaleb(-2), currency)


# --- what is left -----------------------------------------------------------------------------


def _left(held: Iterable[Held]) -> Iterator[LotAtClose]:
    for one in held:
        if one.left:
            lot = one.lot
            yield LotAtClose(
                account=lot.account,
                lot=lot.lot,
                stretches=tuple(
                    LotStretch(Credits(first), Credits(milli))
                    for first, milli in remaining(one)
                ),
                net=_money(one.left_net, lot.currency),
                cost=_money(one.left_cost, lot.currency),
            )


def remaining(held: Held) -> Iterator[Stretch]:
    """Give the stretches of a lot that came to an account, and did not leave it again.

    One that was sent away may have come back: it came twice, and left once.
    """
    steps: dict[int, int] = defaultdict(int)
    for stretches, sign in ((held.came, 1), ([one.stretch for one in held.drawn], -1)):
        for first, milli in stretches:
            steps[first] += sign
            steps[first + milli] -= sign
    since, height = 0, 0
    for place, step in sorted(steps.items()):
        if step and height and not height + step:
            yield Stretch(since, place - since)
        if step and not height:
            since = place
        height += step
