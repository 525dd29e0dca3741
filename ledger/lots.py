"""Lots: credits that were bought together, and who draws them, oldest first.

The order of lots is total: when they were bought, their position in the log, their name, and
of one lot the credits from its first to its last. Credits are numbered within their lot, in
thousandths: a `Piece` is a stretch of them. What a piece costs follows from its lot alone, as
the difference of two rounded prefixes (`cost_of`): however a lot is divided, among draws,
accounts and months, the parts add up to its invoice to the cent.

At one instant lots come in, then messages are paid, then credits leave; where an account sends
credits at the instant at which another sends some to it, the sender is first.

What is drawn without a lot (a balance below zero) is of unknown cost until a later lot covers
it: lots that come in pay the oldest such draw first. Credits that are sent on without being
there are a lot of their own at the receiver, bought when they were sent; it costs what covers
them at the sender.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from ledger.events import DrawKind

# Where an instant's items stand: lots in, messages, credits out.
IN: Final = 0
SPENT: Final = 1
OUT: Final = 2

# What messages are told to have used that they gave back.
RETURNED: Final = "returned"

# When credits were bought of which only the opening tells: before all others.
BEFORE_THE_BOOKS: Final = 0


class LotId(NamedTuple):
    """The account that bought the lot, and its name there."""

    account: str
    name: str


class Piece(NamedTuple):
    """Credits of a lot that were bought one after the other; the fields are their order."""

    bought_us: int
    position: int
    lot: LotId
    first: int
    milli: int


class Part(NamedTuple):
    """A piece that paid for something; `covered_us` is when, where that was afterwards."""

    piece: Piece
    covered_us: int | None


@dataclass(slots=True, eq=False)
class Draw:
    """Credits that left an account, and the pieces that they were; `uncovered` are of none.

    `happened_us` is before `at_us` where the draw stands later. Of the `uncovered` ones,
    `forgiven` were given back before any lot covered them. Of its last credits, `returned` were
    given back: a draw of their own tells it, whose pieces are negative.
    """

    account: str
    at_us: int
    happened_us: int
    kind: DrawKind
    reference: str
    day: str
    parts: list[Part] = field(default_factory=list)
    uncovered: int = 0
    forgiven: int = 0
    returned: int = 0

    @property
    def milli(self) -> int:
        """Give how many thousandths left; what was given back is negative."""
        return sum(part.piece.milli for part in self.parts) + self.uncovered + self.forgiven


class Arrival(NamedTuple):
    """A piece that came to an account: bought there, or sent by `reference`."""

    account: str
    at_us: int
    happened_us: int
    reference: str
    piece: Piece


# --- what happens ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that happens to the lots of an account at an instant.

    `late_us` is when it did, where it was recorded late and counts at `at_us` therefore.
    """

    at_us: int
    position: int
    account: str
    rank: int
    late_us: int | None = None

    @property
    def happened_us(self) -> int:
        return self.at_us if self.late_us is None else self.late_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought(Item):
    """Pieces come in; `owed` were owned less than nothing at an opening."""

    pieces: tuple[Piece, ...]
    owed: int = 0
    day: str = ""
    rank: int = IN


@dataclass(frozen=True, slots=True, kw_only=True)
class Used(Item):
    """Messages of one segment; `at_us` is the last one's.

    What late corrections of a day give back is negative.
    """

    milli: int
    day: str
    position: int = 0
    rank: int = SPENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Left(Item):
    """Credits leave: of the bill that is named as long as the account has of them."""

    kind: DrawKind
    reference: str
    milli: int
    day: str
    bill: str | None = None
    rank: int = OUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(Item):
    """Credits go to another account; `counted`: its books had begun by then."""

    reference: str
    milli: int
    day: str
    target: str
    counted: bool
    rank: int = OUT


def in_order(items: Iterable[Item]) -> Iterator[Item]:
    """Give items in the order in which they count; at an instant, late ones are first."""
    for _, same in groupby(sorted(items, key=_place), lambda item: _place(item)[:2]):
        instant = list(same)
        if any(isinstance(item, Sent) for item in instant):
            yield from _senders_first(instant)
        else:
            yield from instant


def _place(item: Item) -> tuple[int, bool, int, int, int, str]:
    on_time = item.late_us is None
    return item.at_us, on_time, item.rank, item.late_us or 0, item.position, item.account


def _senders_first(instant: Sequence[Item]) -> Iterator[Item]:
    """Order the items of an instant by who sends to whom; a circle begins by name."""
    yield from (item for item in instant if item.rank == IN)
    waiting: dict[str, list[Item]] = {}
    for item in sorted(instant, key=attrgetter("account")):
        if item.rank != IN:
            waiting.setdefault(item.account, []).append(item)
    while waiting:
        awaited = {
            item.target
            for account, items in waiting.items()
            for item in items
            if isinstance(item, Sent) and item.target != account
        }
        ready = next((account for account in waiting if account not in awaited), None)
        first = next(iter(waiting)) if ready is None else ready
        yield from waiting.pop(first)


# --- first in, first out --------------------------------------------------------------------


@dataclass(slots=True)
class _Stock:
    """What one account has: pieces in their order, and draws that are uncovered."""

    pieces: list[Piece] = field(default_factory=list)
    owed: deque[Draw] = field(default_factory=deque)


@dataclass(slots=True)
class Fifo:
    """The lots of all accounts of a customer, as items go by.

    `bills` tells which bill a lot is of; `sent_open` are the lots of credits that were sent
    without being there, with the draw that they are of.
    """

    bills: dict[LotId, str] = field(default_factory=dict)
    draws: list[Draw] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    sent_open: dict[LotId, tuple[Piece, Draw]] = field(default_factory=dict)
    _stocks: defaultdict[str, _Stock] = field(default_factory=lambda: defaultdict(_Stock))

    def run(self, items: Iterable[Item]) -> None:
        for item in in_order(items):
            self.take(item)

    def take(self, item: Item) -> None:
        match item:
            case Bought():
                for piece in item.pieces:
                    self._receive(item, item.account, "", piece)
                if item.owed:
                    self._draw(item, "opening", "", item.owed, item.day)
            case Used() if item.milli < 0:
                self._give_back(item)
            case Used():
                self._draw(item, "used", "", item.milli, item.day)
            case Left():
                self._leave(item)
            case Sent():
                self._send(item)
            case _:
                msg = f"expected an item of lots, found {item}"
                raise TypeError(msg)

    def left(self, account: str) -> list[Piece]:
        """Give what an account has, in its order."""
        return list(self._stocks[account].pieces)

    def _draw(self, item: Item, kind: DrawKind, reference: str, milli: int, day: str) -> Draw:
        draw = _new_draw(item, kind, reference, day)
        stock = self._stocks[item.account]
        pieces = stock.pieces
        whole = 0
        while milli and whole < len(pieces):
            piece = pieces[whole]
            if piece.milli <= milli:
                whole += 1
                taken = piece
            else:
                taken, pieces[whole] = _divided(piece, milli)
            draw.parts.append(Part(taken, None))
            milli -= taken.milli
        del pieces[:whole]
        if milli:
            draw.uncovered = milli
            stock.owed.append(draw)
        self.draws.append(draw)
        return draw

    def _give_back(self, item: Used) -> None:
        """Undo the last of what messages of a day had used; it comes back all at once."""
        back = _new_draw(item, "used", RETURNED, item.day)
        owed, milli = self._stocks[item.account].owed, -item.milli
        pieces: list[Piece] = []
        for draw in reversed(self._used_on(item.account, item.day)):
            forgiven = min(draw.uncovered, milli)
            draw.uncovered -= forgiven
            draw.forgiven += forgiven
            back.forgiven -= forgiven
            milli -= forgiven
            if forgiven and not draw.uncovered:
                owed.remove(draw)
            for piece in _last(draw, milli):
                draw.returned += piece.milli
                milli -= piece.milli
                end = piece.first + piece.milli
                back.parts.append(Part(piece._replace(first=end, milli=-piece.milli), None))
                pieces.append(piece)
        self.draws.append(back)
        for piece in sorted(pieces):
            self._put(item.account, item.at_us, piece)

    def _used_on(self, account: str, day: str) -> list[Draw]:
        return [
            draw
            for draw in self.draws
            if draw.day == day and draw.account == account and draw.kind == "used"
        ]

    def _leave(self, item: Left) -> None:
        milli = item.milli
        if item.bill is not None:
            milli = self._draw_of_bill(item, item.bill)
        if milli:
            beyond = item.bill is not None and item.kind == "refund"
            kind: DrawKind = "refund-beyond" if beyond else item.kind
            self._draw(item, kind, item.reference, milli, item.day)

    def _draw_of_bill(self, item: Left, bill: str) -> int:
        """Take the last credits of a bill's lots; gives how many there were not."""
        draw = _new_draw(item, item.kind, item.reference, item.day)
        pieces, milli = self._stocks[item.account].pieces, item.milli
        for place in reversed(range(len(pieces))):
            piece = pieces[place]
            if milli and self.bills.get(piece.lot) == bill:
                if piece.milli <= milli:
                    taken = pieces.pop(place)
                else:
                    pieces[place], taken = _divided(piece, piece.milli - milli)
                draw.parts.append(Part(taken, None))
                milli -= taken.milli
        if draw.parts:
            self.draws.append(draw)
        return milli

    def _send(self, item: Sent) -> None:
        draw = self._draw(item, "transfer", item.reference, item.milli, item.day)
        if not item.counted:
            return
        uncovered = draw.uncovered
        for part in list(draw.parts):
            self._receive(item, item.target, item.reference, part.piece)
        if uncovered:
            lot = LotId(item.target, f"transfer+{item.reference}")
            piece = Piece(item.happened_us, item.position, lot, 0, uncovered)
            self.sent_open[lot] = (piece, draw)
            self._receive(item, item.target, item.reference, piece)

    def _receive(self, item: Item, account: str, reference: str, piece: Piece) -> None:
        if piece.milli:
            self.arrivals.append(
                Arrival(account, item.at_us, item.happened_us, reference, piece)
            )
            self._put(account, item.at_us, piece)

    def _put(self, account: str, at_us: int, piece: Piece) -> None:
        """Put a piece to those that an account has, after it covered what is owed."""
        stock = self._stocks[account]
        while stock.owed:
            draw = stock.owed[0]
            if piece.milli <= draw.uncovered:
                covering, rest = piece, None
            else:
                covering, rest = _divided(piece, draw.uncovered)
            draw.parts.append(Part(covering, at_us))
            draw.uncovered -= covering.milli
            if not draw.uncovered:
                stock.owed.popleft()
            if rest is None:
                return
            piece = rest
        insort(stock.pieces, piece)


def _new_draw(item: Item, kind: DrawKind, reference: str, day: str) -> Draw:
    return Draw(item.account, item.at_us, item.happened_us, kind, reference, day)


def _last(draw: Draw, milli: int) -> Iterator[Piece]:
    """Give the last credits of a draw that were not given back yet, the very last first."""
    passed_over = draw.returned
    for piece, _ in reversed(draw.parts):
        kept = piece.milli - min(passed_over, piece.milli)
        passed_over -= piece.milli - kept
        taken = min(kept, milli)
        milli -= taken
        if taken:
            yield piece._replace(first=piece.first + kept - taken, milli=taken)


def _divided(piece: Piece, milli: int) -> tuple[Piece, Piece]:
    bought_us, position, lot, first, whole = piece
    return (
        Piece(bought_us, position, lot, first, milli),
        Piece(bought_us, position, lot, first + milli, whole - milli),
    )


# --- what an account began with --------------------------------------------------------------


def opening_pieces(
    background: Sequence[Piece], milli: int, rest: Piece
) -> tuple[tuple[Piece, ...], int]:
    """Say which credits an opening balance is: of the latest lots before it, backwards.

    Gives their last credits, in order; and how many no lot covers: those of `rest`, which
    come first, since they are older.
    """
    pieces: list[Piece] = []
    for piece in sorted(background, reverse=True):
        if milli <= 0:
            break
        taken = min(piece.milli, milli)
        pieces.append(piece._replace(first=piece.first + piece.milli - taken, milli=taken))
        milli -= taken
    uncovered = max(milli, 0)
    if uncovered:
        pieces.append(rest._replace(milli=uncovered))
    return tuple(reversed(pieces)), uncovered


# --- money ----------------------------------------------------------------------------------


def cost_through(cents: int, lot_milli: int, milli: int) -> int:
    """Give what the first so many thousandths of a lot cost, in cents, halves up."""
    return (2 * cents * milli + lot_milli) // (2 * lot_milli)


def cost_of(cents: int, lot_milli: int, first: int, milli: int) -> int:
    """Give what a stretch of a lot costs in cents; stretches that make it up add up to all.

    142 messages of 0.7 credits from a pack of 100 credits for 4.20 cost 4.17, and leave 0.6
    credits of 0.03.
    """
    through = cost_through(cents, lot_milli, first + milli)
    return through - cost_through(cents, lot_milli, first)


def shared(cents: int, weights: Sequence[int]) -> list[int]:
    """Share an amount in proportion to weights, by largest remainder; ties go to the first.

    The parts add up to the amount. Weights are signed; without any sum the first has it all.
    """
    total = sum(weights)
    if not cents or not total:
        return [cents, *([0] * (len(weights) - 1))] if weights else []
    if total < 0:
        return shared(cents, [-weight for weight in weights])
    exact = [divmod(cents * weight, total) for weight in weights]
    parts = [whole for whole, _ in exact]
    by_rest = sorted(range(len(weights)), key=lambda place: (-exact[place][1], place))
    for place in by_rest[: cents - sum(parts)]:
        parts[place] += 1
    return parts
