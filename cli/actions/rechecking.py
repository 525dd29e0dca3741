"""Closes held against what the ledger was when they were made, in a ledger made of it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ledger.database import Database
from ledger.dumps.beginning import copy_beginning
from ledger.events import PeriodClosed
from projections.checkpoints import checkpoints
from projections.frozen import unlike
from projections.integrity import Finding
from projections.lot_books import lots_caught_up
from projections.periods import closes


def standing(source: Database) -> list[PeriodClosed]:
    """Give the closes that stand, of all customers, in the order of what they knew."""
    customers = source.execute("SELECT customer FROM customer")
    found = [one.event for (customer,) in customers for one in closes(source, customer)]
    return sorted(found, key=lambda event: event.position)


def recheck(
    source: Database,
    into: Database,
    of: Sequence[PeriodClosed],
    *,
    advance: Callable[[int], None],
) -> Iterator[Finding]:
    """Hold closes, in the order of what they knew, against the figures of then.

    `into` is an empty ledger, which grows along; the caller holds one state of the source.
    """
    after = 0
    for event in of:
        copy_beginning(source, into, event.position, after=after, advance=advance)
        after = event.position
        for text in _differences(into, event):
            yield Finding("integrity", f"{event.customer} {event.month}", text)


def _differences(then: Database, event: PeriodClosed) -> Iterator[str]:
    with lots_caught_up(then):
        yield from unlike(then, event, money=True)
        yield from _unsealed(then, event)


def _unsealed(then: Database, event: PeriodClosed) -> Iterator[str]:
    """Hold the checkpoints of a close against the events that it knew."""
    whole, own = checkpoints(then, event.position, account=event.accounts[0].account)
    for name, said, found in (
        ("the ledger", f"{event.position}:{event.root}", str(whole)),
        (event.customer, f"{event.customer_size}:{event.customer_root}", str(own)),
    ):
        if said != found:
            yield f"checkpoint of {name}: expected {said}, as its close says, found {found}"
