"""Events that another ledger stored, put in as they are: their bytes are not encoded anew.

The views are written by the code that always writes them, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ledger import totals
from ledger.database import Rows, Table
from ledger.events import LedgerEvent, LinesAttributed, PageRecorded
from ledger.pages import page_columns, user_columns

_STORED: Final = Table(
    "stored_events", ("originator_id", "originator_version"), ("topic", "state")
)


def insert(rows: Rows, recorded: Sequence[totals.Recorded]) -> None:
    """Put events at the end of the log, in their order. Raises IntegrityFailure.

    Their bodies are read first: what others stored is not believed by its headers.
    """
    for one in recorded:
        _prove(one.event)
    stored = [(one.stream, one.version, one.topic, one.state) for one in recorded]
    rows.insert(_STORED, stored)
    totals.write(rows, recorded)


def _prove(event: LedgerEvent) -> None:
    if isinstance(event, PageRecorded):
        page_columns(event)
    elif isinstance(event, LinesAttributed):
        user_columns(event)
