"""What a close freezes of an account: its balance, what left it in the month, what is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple, cast

from ledger.calendars import Span
from ledger.credits import Credits
from ledger.database import Database
from ledger.events import DrawKind, DrawnAtClose, LotAtClose, LotStretch, PostedAs
from ledger.lots import LotId, cost_of
from ledger.money import Money
from projections.books import Book
from projections.holdings import Drawn, Held, Stretch, draws_of, holdings, lots_of
from projections.lot_facts import LotRow
from projections.past import balance_before

_FOREVER_US: Final = 2**62


class Figures(NamedTuple):
    """An account in a month, as a close holds it."""

    account: str
    balance: Credits | None
    drawn: tuple[DrawnAtClose, ...]
    left: tuple[LotAtClose, ...]


def figures(database: Database, of: Sequence[Book], month: Span) -> Iterator[Figures]:
    """Give the figures of accounts of one customer; lots must know the whole log."""
    lots = lots_of(database, {book.customer for book in of})
    found = holdings(database, of, [month.end_us] * len(of))
    by_account = {
        account: list(held) for account, held in groupby(found.held, attrgetter("account"))
    }
    for book in of:
        yield Figures(
            book.account,
            balance_before(database, book, month.end_us),
            tuple(_drawn(_draws(database, book, month), lots)),
            tuple(_left(by_account.get(book.account, []))),
        )


def _draws(database: Database, book: Book, month: Span) -> Iterator[Drawn]:
    for drawn in draws_of(database, book.account, _FOREVER_US, month.start_us):
        if drawn.at_us < month.end_us:
            yield drawn


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
    """Sum draws by kind and currency; what has none counts with the customer's only one."""
    currencies = {lot.currency for lot in lots.values() if lot.currency}
    default = currencies.pop() if len(currencies) == 1 else ""
    sums: dict[tuple[str, PostedAs, str], _Sum] = defaultdict(_Sum)
    for drawn in draws:
        lot = None if drawn.lot is None else lots[drawn.lot]
        currency = (lot.currency if lot else None) or default
        sums[drawn.kind, "current", currency].add(drawn, lot)
    for (kind, posted_as, currency), of in sorted(sums.items()):
        yield DrawnAtClose(
            kind=cast(DrawKind, kind),
            posted_as=posted_as,
            credits=Credits(of.milli),
            unvalued=Credits(of.unvalued),
            net=_money(of.net, currency),
            cost=_money(of.cost, currency),
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
                net=_money(one.left_worth(lot.net_cents), lot.currency),
                cost=_money(one.left_worth(lot.cost_cents), lot.currency),
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
