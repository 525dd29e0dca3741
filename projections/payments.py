"""Which lots paid for the entries of a register, and which came with them.

Draws are kept by segment. Inside one, entries draw in their order: single messages in the order
of time, messages grouped by kind one group after the other. What a correction gives back is
what was taken last.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ledger.calendars import day_of
from ledger.credits import Credits
from ledger.database import Rows
from ledger.draw_blocks import USED
from ledger.events import LINE_KINDS
from ledger.lots import LotId, cost_of
from projections.books import Book
from projections.holdings import Drawn, Stretch, arrivals_of, draws_of, lots_of
from projections.late_facts import ON_TIME, LateLines
from projections.lot_facts import LotRow
from projections.page_lines import lines_during
from projections.report import Amount
from projections.rounding import money
from projections.segments import OUT, SPENT, Entry

_CORRECTION: Final = "correction"
_FOREVER_US: Final = 2**62

# What the draws of a single movement are called.
_KINDS: Final = {"transfer-out": ("transfer",), "refund": ("refund", "refund-beyond")}


@dataclass(frozen=True, slots=True)
class Share:
    """Credits of a lot that paid for an entry, or came with it (negative: given back).

    Without a lot: of none, as long as no lot covers them.
    """

    lot: str | None
    bought_by: str | None
    bill: str | None
    credits: Credits
    cost: Amount | None
    currency: str | None


@dataclass(slots=True)
class _Queue:
    """The draws of a segment that are not told yet; what was told last; what was short."""

    left: deque[Drawn] = field(default_factory=deque)
    told: list[Drawn] = field(default_factory=list)
    short: int = 0
    # What late corrections gave back of closed months: negative.
    returned: deque[Drawn] = field(default_factory=deque)

    def put(self, drawn: Drawn) -> None:
        (self.returned if drawn.milli < 0 else self.left).append(drawn)

    def take_returned(self, milli: int) -> list[Drawn]:
        taken: list[Drawn] = []
        while milli and self.returned:
            drawn = self.returned.popleft()
            end, back = drawn.stretch
            if -back > milli:
                rest = Stretch(end - milli, back + milli)
                self.returned.appendleft(drawn._replace(stretch=rest))
                drawn = drawn._replace(stretch=Stretch(end, -milli))
            taken.append(drawn)
            milli += drawn.milli
        return taken

    def take(self, milli: int) -> list[Drawn]:
        taken: list[Drawn] = []
        while milli and self.left:
            drawn = self.left.popleft()
            first, whole = drawn.stretch
            if whole > milli:
                rest = Stretch(first + milli, whole - milli)
                self.left.appendleft(drawn._replace(stretch=rest))
                drawn = drawn._replace(stretch=Stretch(first, milli))
            taken.append(drawn)
            milli -= drawn.milli
        self.told += taken
        self.short += milli
        return taken

    def give_back(self, milli: int) -> list[Drawn]:
        known = min(milli, self.short)
        self.short -= known
        milli -= known
        back: list[Drawn] = []
        while milli and self.told:
            drawn = self.told.pop()
            first, whole = drawn.stretch
            if whole > milli:
                self.told.append(drawn._replace(stretch=Stretch(first, whole - milli)))
                drawn = drawn._replace(stretch=Stretch(first + whole - milli, milli))
            self.left.appendleft(drawn)
            back.append(drawn)
            milli -= drawn.milli
        return back


class Payments:
    """Tells of one account, entry by entry in their order, which lots they are of."""

    def __init__(
        self,
        rows: Rows,
        book: Book,
        start_us: int,
        late: LateLines = ON_TIME,
        *,
        posted: bool = False,
    ) -> None:
        """Read what is told from an instant on; `late` lines stand later, where `posted`."""
        customers = {book.customer}
        self._zone = book.zone
        self._late = late
        self._lots = lots_of(rows, customers, customers if posted else ())
        day_us = day_of(book.zone, start_us).start_us if start_us else 0
        day_us = max(day_us, book.opening_at_us or 0)
        self._came = _by_reference(rows, book.account, start_us, posted=posted)
        self._singles: dict[tuple[str, str], list[Drawn]] = defaultdict(list)
        self._queues: dict[int, _Queue] = defaultdict(_Queue)
        self._late_queues: dict[tuple[int, str], _Queue] = defaultdict(_Queue)
        for drawn in draws_of(rows, book.account, _FOREVER_US, day_us, posted=posted):
            if drawn.kind == USED and drawn.is_late:
                self._late_queues[drawn.at_us, drawn.day].put(drawn)
            elif drawn.kind == USED:
                self._queues[drawn.at_us].left.append(drawn)
            else:
                self._singles[drawn.kind, drawn.reference].append(drawn)
        self._ends = sorted(self._queues)
        self._pass_over(rows, book, day_us, start_us)

    def _pass_over(self, rows: Rows, book: Book, day_us: int, start_us: int) -> None:
        """Leave out what messages of the first day used before the first entry."""
        if day_us == start_us:
            return
        stretch = (day_us, start_us)
        lines = lines_during(rows, book.account, [stretch], without=self._late.stretches)
        used = [(line.at_us, SPENT, line.milli) for line in lines]
        corrected = [
            (at_us, OUT, milli)
            for position, at_us, milli in _corrections(rows, book, day_us, start_us)
            if position not in self._late.corrections
        ]
        for at_us, _, milli in sorted([*used, *corrected]):
            queue = self._queue(at_us)
            if milli > 0:
                queue.give_back(milli)
            else:
                queue.take(-milli)

    def _queue(self, at_us: int) -> _Queue:
        """Give the segment of a message: the first that ends then or later."""
        place = bisect_left(self._ends, at_us)
        return self._queues[self._ends[place]] if place < len(self._ends) else _Queue()

    def of(self, entry: Entry) -> tuple[Share, ...]:
        """Give the lots of the next entry, each once, in the order of their first credits."""
        if entry.kind in LINE_KINDS or entry.kind == _CORRECTION:
            if entry.late_us is not None:
                return self._late_shares(entry, entry.late_us)
            queue = self._queue(entry.at_us)
            if entry.milli > 0:
                back = queue.give_back(entry.milli)
                return self._shares([(one.lot, one.stretch) for one in back], sign=-1)
            taken = queue.take(-entry.milli)
            return self._shares([(one.lot, one.stretch) for one in taken])
        if entry.milli > 0:
            return self._shares(self._arrived(entry))
        kinds = _KINDS.get(entry.kind, (entry.kind,))
        found = [one for kind in kinds for one in self._singles[kind, entry.reference]]
        return self._shares([(one.lot, one.stretch) for one in found])

    def _late_shares(self, entry: Entry, happened_us: int) -> tuple[Share, ...]:
        queue = self._late_queues[entry.at_us, day_of(self._zone, happened_us).name]
        if entry.milli > 0:
            taken = queue.take_returned(entry.milli)
        else:
            taken = queue.take(-entry.milli)
        return self._shares([(one.lot, one.stretch) for one in taken])

    def _arrived(self, entry: Entry) -> list[tuple[LotId | None, Stretch]]:
        """Give what came: sent, or bought there under a name that the entry tells."""
        reference = entry.reference
        happened_us = entry.at_us if entry.late_us is None else entry.late_us
        names = {
            reference,
            f"{reference}+gift",
            f"{entry.kind.removesuffix('-in')}+{reference}",
        }
        found: list[tuple[LotId | None, Stretch]] = [
            (lot, stretch)
            for at_us, came_us, lot, stretch in self._came.get("", ())
            if (at_us, came_us) == (entry.at_us, happened_us)
            and (lot.name in names or entry.kind == "opening")
        ]
        if entry.kind == "transfer-in":
            found += [(lot, stretch) for *_, lot, stretch in self._came.get(reference, ())]
        return found

    def _shares(
        self, pieces: Sequence[tuple[LotId | None, Stretch]], *, sign: int = 1
    ) -> tuple[Share, ...]:
        together: dict[LotId | None, list[Stretch]] = defaultdict(list)
        for lot, stretch in pieces:
            together[lot].append(stretch)
        return tuple(self._share(lot, of, sign) for lot, of in together.items())

    def _share(self, lot: LotId | None, stretches: Sequence[Stretch], sign: int) -> Share:
        row: LotRow | None = None if lot is None else self._lots[lot]
        cents = None
        if row is not None and row.cost_cents is not None:
            whole, milli = row.cost_cents, row.milli
            cents = sign * sum(cost_of(whole, milli, *stretch) for stretch in stretches)
        return Share(
            lot=row and row.lot,
            bought_by=row and row.account,
            bill=row and row.bill,
            credits=Credits(sign * sum(stretch.milli for stretch in stretches)),
            cost=money(cents),
            currency=row and row.currency,
        )


def _corrections(
    rows: Rows, book: Book, start_us: int, end_us: int
) -> list[tuple[int, int, int]]:
    return [
        (position, at_us, milli)
        for position, at_us, milli in rows.execute(
            "SELECT position, at_us, milli FROM movement"
            " WHERE account = :account AND kind = :kind AND at_us >= :start AND at_us < :end",
            account=book.account,
            kind=_CORRECTION,
            start=start_us,
            end=end_us,
        )
    ]


_Came = dict[str, list[tuple[int, int, LotId, Stretch]]]


def _by_reference(rows: Rows, account: str, since_us: int, *, posted: bool) -> _Came:
    found: _Came = defaultdict(list)
    came = arrivals_of(rows, account, _FOREVER_US, since_us, posted=posted)
    for at_us, happened_us, reference, lot, stretch in came:
        found[reference].append((at_us, happened_us, lot, stretch))
    return found


def written(shares: Sequence[Share]) -> str:
    """Write shares for people: `880004478 183.9, 880004832 2.1`."""
    return ", ".join(f"{share.lot or '?'} {share.credits}" for share in shares)
