"""What makes the value of lots less than whole, told with the reports that show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ledger.credits import Credits
from projections.holdings import Holdings
from projections.lot_facts import OPENING


def remarks(found: Holdings) -> Iterator[str]:
    """Say which credits are of unknown cost, which are not covered, what was given back."""
    yield from _unknown(found)
    open: dict[str, int] = defaultdict(int)
    for drawn in found.uncovered:
        open[drawn.account] += drawn.milli
    for account, milli in open.items():
        yield (
            f"{account}: {Credits(milli)} credits left it before any lot came in to cover"
            " them; they are of unknown cost until one does"
        )
    for held in found.held:
        for drawn in held.drawn:
            if drawn.kind == "refund-beyond":
                yield (
                    f"{held.account}: the refund {drawn.reference} is larger than what was left"
                    f" of its bill; {Credits(drawn.milli)} credits were taken from lot"
                    f" {held.lot.lot}"
                )


def _unknown(found: Holdings) -> Iterator[str]:
    for held in found.held:
        lot = held.lot
        if lot.cost_cents is None and held.left:
            said = f"{held.account}: what {Credits(held.left)} credits of lot {lot.lot} cost"
            if lot.lot == OPENING:
                told = f"type `sms-ledger account opening {lot.account} --cost AMOUNT`"
                yield f"{said} is not known: {told}"
            else:
                yield f"{said} is not known: no document tells it"
