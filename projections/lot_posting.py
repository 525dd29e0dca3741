"""What happens to lots on the posted basis: what is late, where it stands.

Openings are those that the closes knew. Where another one became known since, the first month
whose close knew it, or the open one, has the change: credits that came in with it, less those
that were there already. With movements that it lets count, which are late too, that comes to
nothing, if the history is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final, NamedTuple

from ledger.lots import Bought, Item, Left, LotId, Piece, Sent
from ledger.times import to_us
from projections.lot_facts import AccountFacts, Facts, LotRow, Opened, opened
from projections.posting import AccountPosting, Opening, Posting

RESTATED: Final = "opening+restated"

_ALL: Final = 2**62


class OpeningChange(NamedTuple):
    """What an opening turned out to be more, or less, and where that stands.

    All of it, where no close knew any opening.
    """

    account: str
    opening: Opening
    posted_us: int
    milli: int


@dataclass(slots=True)
class Posted:
    """The items of a customer as they stand, and its lots, those of earlier openings too."""

    accounts: Mapping[str, AccountPosting]
    lots: dict[LotId, LotRow]
    items: list[Item] = field(default_factory=list)
    changes: list[OpeningChange] = field(default_factory=list)

    @property
    def is_late(self) -> bool:
        """Tell whether anything stands elsewhere than where it happened."""
        return bool(self.changes) or any(item.late_us is not None for item in self.items)


def posted(known: Facts, posting: Posting) -> Posted:
    """Put what happened to the lots of a customer where it stands."""
    accounts = {
        name: AccountPosting(posting, account.openings)
        for name, account in known.accounts.items()
    }
    found = Posted(accounts, dict(known.lots))
    there: dict[str, list[Piece]] = {}
    for name, account in known.accounts.items():
        there[name] = _Openings(known, account, found).post()
    for item in known.items:
        if known.openings.get(item.account) is not item:
            _post(found, item, there[item.account])
    return found


def _post(found: Posted, item: Item, there: Sequence[Piece]) -> None:
    posted_us = found.accounts[item.account].posted_us(item.at_us, item.position)
    match item:
        case Sent(counted=True):
            _post_transfer(found, item, posted_us)
        case Bought():
            # an earlier opening may have brought some of them
            pieces = tuple(_without(item.pieces, there))
            found.items.append(_late(replace(item, pieces=pieces), posted_us))
        case _:
            found.items.append(_late(item, posted_us))


def _post_transfer(found: Posted, item: Sent, posted_us: int) -> None:
    """Take the legs of a transfer apart where a close knew only one of them."""
    come_us = found.accounts[item.target].posted_us(item.at_us, item.position)
    if come_us == posted_us:
        found.items.append(_late(item, posted_us))
        return
    found.items.append(_late(replace(item, counted=False), posted_us))
    lot = LotRow(
        item.target, f"transfer+{item.reference}", "transfer", item.at_us, item.position,
        item.milli,
    )  # fmt: skip
    found.lots[lot.id] = lot
    came = Bought(
        at_us=item.at_us,
        position=item.position,
        account=item.target,
        pieces=(lot.piece,),
        day=item.day,
    )
    found.items.append(_late(came, come_us))


def _late(item: Item, posted_us: int) -> Item:
    if posted_us == item.at_us:
        return item
    return replace(item, at_us=posted_us, late_us=item.at_us)


# --- openings -------------------------------------------------------------------------------


class _Openings:
    """The openings of an account, one after the other as closes knew them."""

    def __init__(self, known: Facts, account: AccountFacts, found: Posted) -> None:
        self._known = known
        self._account = account
        self._found = found
        self._posting = found.accounts[account.name].posting

    def post(self) -> list[Piece]:
        """Post them; gives the pieces that the first ones brought."""
        there: list[Piece] = []
        before: Opened | None = None
        for through, horizon_us in self._steps():
            now = opened(self._known, self._account, through)
            if now is None:
                continue
            for lot in now.lots.values():
                self._keep(lot)
            posted_us = max(now.item.at_us, horizon_us)
            if before is None:
                self._found.items.append(_late(now.item, posted_us))
                there += now.item.pieces
                if posted_us > now.item.at_us:
                    self._add(now.opening, posted_us, now.opening.milli)
            elif (now.opening[1:], now.item.pieces) != (before.opening[1:], before.item.pieces):
                there += self._change(before, now, there, posted_us)
            before = now
        return there

    def _steps(self) -> Iterator[tuple[int, int]]:
        """Give log positions with something new about the opening between them, and ends."""
        positions = [*self._posting.positions, _ALL]
        latest = max((opening.at_us for opening in self._account.openings), default=0)
        told = [
            position
            for position, event in self._account.events
            if to_us(event.happened_at) <= latest
        ]
        yield positions[0], 0
        for end_us, (after, through) in zip(
            self._posting.ends, pairwise(positions), strict=True
        ):
            if any(after < position <= through for position in told):
                yield through, end_us

    def _keep(self, lot: LotRow) -> None:
        """Keep what any opening was of; the longest of what no bill covers."""
        other = self._found.lots.get(lot.id)
        if other is None:
            self._found.lots[lot.id] = lot
        elif other.milli < lot.milli:
            self._found.lots[lot.id] = other._replace(
                milli=lot.milli, net_cents=None, cost_cents=None, currency=None
            )

    def _change(
        self, before: Opened, now: Opened, there: Sequence[Piece], posted_us: int
    ) -> list[Piece]:
        """Post what came in with another opening, and what leaves for it."""
        name, at_us = self._account.name, now.item.at_us
        pieces = list(_without(now.item.pieces, there))
        overlap = sum(
            piece.milli - sum(rest.milli for rest in _without([piece], there))
            for piece in self._bought_between(now, before)
        )
        more = now.opening.milli - before.opening.milli
        leaves = sum(piece.milli for piece in pieces) - overlap - more
        if leaves < 0:
            pieces.append(self._unknown(now.opening.position, -leaves))
        come = replace(now.item, pieces=tuple(pieces), owed=0)
        self._found.items.append(_late(come, posted_us))
        if leaves > 0:
            left = Left(
                at_us=at_us,
                position=now.opening.position,
                account=name,
                kind="opening",
                reference="",
                milli=leaves,
                day=now.item.day,
            )
            self._found.items.append(_late(left, posted_us))
        if now.opening[1:] != before.opening[1:]:
            self._add(now.opening, posted_us, more)
        return pieces

    def _add(self, opening: Opening, posted_us: int, milli: int) -> None:
        change = OpeningChange(self._account.name, opening, posted_us, milli)
        self._found.changes.append(change)

    def _bought_between(self, now: Opened, before: Opened) -> Iterator[Piece]:
        for item in self._known.items:
            if (
                isinstance(item, Bought)
                and item.account == self._account.name
                and now.opening.at_us <= item.at_us < before.opening.at_us
                and item is not self._known.openings.get(item.account)
            ):
                yield from item.pieces

    def _unknown(self, position: int, milli: int) -> Piece:
        lot = LotRow(self._account.name, RESTATED, "opening", 0, position, milli)
        self._found.lots[lot.id] = lot
        return lot.piece


def _without(pieces: Sequence[Piece], there: Sequence[Piece]) -> Iterator[Piece]:
    """Leave out of some pieces those credits that others are."""
    for piece in pieces:
        rest = [piece]
        for other in there:
            if other.lot == piece.lot:
                rest = [part for one in rest for part in _apart(one, other)]
        yield from rest


def _apart(piece: Piece, other: Piece) -> Iterator[Piece]:
    end, other_end = piece.first + piece.milli, other.first + other.milli
    before = min(end, other.first) - piece.first
    after = end - max(piece.first, other_end)
    if before > 0:
        yield piece._replace(milli=before)
    if after > 0:
        yield piece._replace(first=end - after, milli=after)
