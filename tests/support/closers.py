"""Closes months of a drawn ledger without asking whether their lists are done."""

from __future__ import annotations

from contextlib import closing as closed_at_last
from datetime import UTC, datetime

from books import Books
from msgspec import structs

from ledger.calendars import month_named
from ledger.events import PeriodClosed
from ledger.period import Known, close, reopen
from ledger.service import Ledger, Work
from projections.closings import closing

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def close_month(books: Books, month: str) -> PeriodClosed:
    """Close a month of the customer that was drawn last."""
    name, stamp = books.customer, books.stamp()
    with Ledger(books.address) as ledger, closed_at_last(books.database()) as database:

        def attempt(work: Work) -> PeriodClosed:
            found = closing(database, name, month, now=NOW)
            whole, own = found.seals
            known = Known(found.position, whole.root, own.size, own.root)
            periods = work.periods(name)
            (event,) = close(
                periods, month_named(books.zone, month), known, found.accounts,
                accepted=(), stamp=stamp, at=NOW,
            )  # fmt: skip
            work.record(periods, [event])
            return event

        return ledger.work(attempt)


def reopen_month(books: Books, month: str) -> None:
    stamp = structs.replace(books.stamp(), reason="to be told again")

    def attempt(work: Work) -> None:
        periods = work.periods(books.customer)
        work.record(periods, reopen(periods, month, stamp=stamp, at=NOW))

    with Ledger(books.address) as ledger:
        ledger.work(attempt)
