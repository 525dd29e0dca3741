"""What the messages of an account cost in a month: the draws of its lots, summed up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ledger.database import Row
from ledger.lots import Draw, LotId, Piece, cost_of
from projections.lot_facts import LotRow

_MONTH = len("2026-10")


@dataclass(slots=True)
class MonthCost:
    """Net and cost in cents of one currency; `unvalued` thousandths are of unknown cost."""

    net: int = 0
    cost: int = 0
    unvalued: int = 0

    def add(self, lot: LotRow, piece: Piece) -> None:
        if lot.net_cents is not None:
            self.net += cost_of(lot.net_cents, lot.milli, piece.first, piece.milli)
        if lot.cost_cents is None:
            self.unvalued += piece.milli
        else:
            self.cost += cost_of(lot.cost_cents, lot.milli, piece.first, piece.milli)


def month_rows(lots: Mapping[LotId, LotRow], draws: Iterable[Draw]) -> list[Row]:
    """Give the rows of `lot_month` of a customer: by month, account and currency.

    What cost nothing, or not known what, counts with the currency in which the customer buys:
    with none (empty) where that is several.
    """
    currencies = {lot.currency for lot in lots.values() if lot.currency}
    default = currencies.pop() if len(currencies) == 1 else ""
    found: dict[tuple[str, str, str], MonthCost] = defaultdict(MonthCost)
    for draw in draws:
        if draw.kind == "used":
            key = (draw.day[:_MONTH], draw.account)
            for piece, _ in draw.parts:
                lot = lots[piece.lot]
                found[*key, lot.currency or default].add(lot, piece)
            if draw.uncovered:
                found[*key, default].unvalued += draw.uncovered
    return [(*key, of.net, of.cost, of.unvalued) for key, of in sorted(found.items())]
