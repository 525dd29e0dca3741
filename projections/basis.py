"""On which basis a report stands: as the books were closed, or as everything happened.

On the posted basis, what was recorded late for a closed month stands in the first month that
was open. Without closed months both are the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final, Literal, get_args

from ledger.database import Rows
from ledger.names import periods_stream

Basis = Literal["posted", "happened"]
BASES: Final[tuple[Basis, ...]] = get_args(Basis)


def closed_customers(rows: Rows) -> dict[str, int]:
    """Give the customers with closed months, and where the last of these ends.

    The lots must know the whole log.
    """
    return dict(rows.execute("SELECT customer, ends_at_us FROM posted_customer"))


def posted_apart(rows: Rows, basis: Basis) -> frozenset[str]:
    """Give the customers of whom rows of their own are kept on a basis."""
    if basis == "happened":
        return frozenset()
    found = rows.execute("SELECT customer FROM posted_customer WHERE differs = 1")
    return frozenset(customer for (customer,) in found)


def ever_closed(rows: Rows, customers: Collection[str]) -> bool:
    """Tell whether any month of some customers was ever closed."""
    streams = {f"s{number}": periods_stream(one) for number, one in enumerate(customers)}
    return bool(streams) and bool(rows.execute(_EVER.format(", :".join(streams)), **streams))


_EVER: Final = "SELECT 1 FROM event_log WHERE stream IN (:{}) LIMIT 1"


def basis_notes(rows: Rows, customers: Iterable[str], basis: Basis) -> Iterator[str]:
    """Say on which basis a report of some customers stands, where months are closed."""
    closed = set(closed_customers(rows)).intersection(customers)
    if not closed:
        return
    if basis == "happened":
        yield "by when it happened, whatever was closed (--basis happened)"
    elif closed & posted_apart(rows, basis):
        yield (
            "as the months were closed: what was recorded late stands in the month that was"
            " open (--basis posted)"
        )
    else:
        yield "as the months were closed (--basis posted); nothing was recorded late"
