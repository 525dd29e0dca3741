"""The projection behind registers: single movements by time, and which pages span which time.

`movement` holds every movement that is not a line of a page, those before T0 too: the reader
leaves them out. A purchase that OVH's automatic recharge made is shown as `recharge`.
"""

from __future__ import annotations

from typing import Final

from ledger.database import Database, Row
from ledger.events import PageRecorded, PurchaseAttributed
from ledger.movements import movements
from ledger.times import to_us
from projections.batch import Projection
from projections.counted import Openings
from projections.log import Logged
from projections.tables import MOVEMENT, PAGE_SPAN, REGISTER

# Rows in memory.
_AT_MOST: Final = 20_000


class MovementFold:
    """Gathers rows of both tables, and inserts them together."""

    def __init__(self, database: Database, _openings: Openings) -> None:
        self._database = database
        self._movements: list[Row] = []
        self._spans: list[Row] = []
        # Where purchases stand among the movements.
        self._purchases: dict[tuple[str, str], int] = {}

    def add(self, logged: Logged) -> None:
        match logged.event:
            case PageRecorded() as page:
                self._spans.append(_span(logged, page))
            case PurchaseAttributed(origin="automatic", bill_detail_id=bill_detail_id):
                self._call_recharge(logged.account, bill_detail_id)
            case _:
                self._add_singles(logged)
        if len(self._movements) + len(self._spans) > _AT_MOST:
            self.finish()

    def finish(self) -> None:
        self._database.insert(MOVEMENT, self._movements)
        self._database.insert(PAGE_SPAN, self._spans)
        self._movements, self._spans, self._purchases = [], [], {}

    def _add_singles(self, logged: Logged) -> None:
        recorded_us = to_us(logged.event.recorded_at)
        for one in movements(logged.event):
            if one.kind == "purchase":
                self._purchases[logged.account, one.reference] = len(self._movements)
            self._movements.append(
                (logged.position, logged.account, one.at_us, recorded_us, one.kind, one.milli,
                 one.reference)
            )  # fmt: skip

    def _call_recharge(self, account: str, bill_detail_id: str) -> None:
        place = self._purchases.get((account, bill_detail_id))
        if place is not None:
            *before, _, milli, reference = self._movements[place]
            self._movements[place] = (*before, "recharge", milli, reference)
            return
        self._database.execute(
            "UPDATE movement SET kind = 'recharge'"
            " WHERE account = :account AND kind = 'purchase' AND reference = :reference",
            account=account,
            reference=bill_detail_id,
        )


def _span(logged: Logged, page: PageRecorded) -> Row:
    return (
        logged.account,
        logged.version,
        page.kind,
        to_us(page.first_at),
        to_us(page.last_at),
        to_us(page.recorded_at),
    )


MOVEMENT_INDEX: Final = Projection("register", REGISTER, MovementFold)
