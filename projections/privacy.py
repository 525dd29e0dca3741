"""`privacy list`: what aliases stand for, as long as it was not erased."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.database import Rows
from projections.report import Report


@dataclass(frozen=True, slots=True)
class AliasRow:
    """A random word in the events, and the label of OVH that it stands for."""

    customer: str
    kind: str
    alias: str
    meaning: str


def list_aliases(rows: Rows) -> Report[AliasRow]:
    """Give all aliases by what they stand for. No event is read: there is no position."""
    found = rows.execute(
        "SELECT customer, kind, alias, meaning FROM alias ORDER BY customer, kind, meaning"
    )
    return Report(AliasRow, None, [AliasRow(*map(str, row)) for row in found])
