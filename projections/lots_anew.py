"""All lots made again, customers side by side: they are independent of each other.

Every process reads through a connection of its own. That all of them read one state of the
ledger is told by the log: where it moved meanwhile, one process reads everything.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from typing import Final, NamedTuple

from ledger.database import Address, Database, connect
from projections.batch import caught_up, position_of
from projections.books import log_position
from projections.lot_books import Made, concerned, draw_all, make
from projections.lot_drawing import Drawn
from projections.movement_index import MOVEMENT_INDEX
from projections.page_sums import Run

# Enough to keep two processes busy to the end; each opens the ledger once.
_PORTIONS: Final = 4


class Portion(NamedTuple):
    """Some customers of the ledger at an address, as it is at a position of its log."""

    address: Address
    position: int
    customers: list[str]


class _Moved(Exception):
    """Something was recorded since, or the ledger cannot be read a second time."""


def make_anew(database: Database, run: Run) -> Made:
    """Find what all lots come to, from the first event on."""
    with caught_up(MOVEMENT_INDEX, database):
        position = log_position(database)
        portions = [
            Portion(database.address, position, customers) for customers in _dealt(database)
        ]
    if len(portions) > 1:
        try:
            found = [drawn for some in run(draw_portion, portions) for drawn in some]
            return Made(0, position, found)
        except _Moved:
            pass
    with caught_up(MOVEMENT_INDEX, database):
        return make(database, 0)


def draw_portion(portion: Portion) -> list[Drawn]:
    """Draw the lots of some customers, in any process."""
    with closing(connect(portion.address, read_only=True)) as database, database.snapshot():
        known = {log_position(database), position_of(MOVEMENT_INDEX, database)}
        if known != {portion.position}:
            raise _Moved
        return draw_all(database, portion.customers, Made(0, portion.position))


def _dealt(database: Database) -> list[list[str]]:
    """Deal customers out into portions of much the same work, the largest customer first."""
    events: dict[str, int] = dict(database.execute(_EVENTS))
    portions: defaultdict[int, list[str]] = defaultdict(list)
    work = dict.fromkeys(range(_PORTIONS), 0)
    for customer in sorted(concerned(database, 0), key=lambda one: -events[one]):
        least = min(work, key=lambda portion: work[portion])
        portions[least].append(customer)
        work[least] += events[customer]
    return list(portions.values())


_EVENTS: Final = """
    SELECT customer, COUNT(*) FROM event_log WHERE customer IS NOT NULL GROUP BY customer
"""
