"""The items of the list that is gone through before a month is closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ledger.calendars import Span
from ledger.credits import Credits
from projections.report import NESTED

Subject = Literal[
    "over", "in order", "imports", "transfers", "opening", "covered", "reconciled", "break"
]
Status = Literal["done", "open", "accepted"]


@dataclass(frozen=True, slots=True)
class Found:
    """A break that stands: what it names, how many credits, when it was first seen (UTC)."""

    account: str
    break_id: str
    kind: str
    reference: str
    credits: Credits | None
    first_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the list; `next` says what to do where it is open.

    `accept_as` is the name by which an open one may be accepted, `found` the break that it is.
    """

    customer: str
    month: str
    subject: Subject
    account: str | None
    status: Status
    text: str
    next: str | None = None
    accept_as: str | None = None
    found: Found | None = field(default=None, metadata=NESTED)


class Items:
    """Gathers the items of a month of one customer."""

    def __init__(self, customer: str, month: Span) -> None:
        self.month = month
        self.all: list[Item] = []
        self._customer = customer

    def say(
        self,
        subject: Subject,
        text: str,
        next: str | None = None,
        *,
        account: str | None = None,
        accept_as: str | None = None,
        found: Found | None = None,
    ) -> None:
        """Add an item, which is open where something is to be done."""
        status: Status = "done" if next is None else "open"
        self.all.append(
            Item(
                self._customer, self.month.name, subject, account, status, text, next,
                accept_as, found,
            )
        )  # fmt: skip
