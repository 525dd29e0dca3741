"""Closing a month: its list and its figures are told by reports, the rest is a decision.

Both are read anew in every attempt, in one state of the ledger: who closes a month at the same
time is first or second, and the second is told so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

import msgspec

from ledger.breaks import Break, accept
from ledger.calendars import month_named
from ledger.credits import ZERO
from ledger.database import Database
from ledger.errors import Misuse
from ledger.events import AccountAtClose, DecidedKind, PeriodClosed, Stamp
from ledger.period import Known, Periods, close, reopen, require_next
from ledger.service import Ledger, Work
from projections.close_items import Item
from projections.closings import Closing, closing, named


class NothingToAccept(Misuse):
    """No item of a month's list is open by that name."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A month and its list as it was found; `closed` is the event, where nothing was open."""

    of: Closing
    items: list[Item]
    closed: PeriodClosed | None

    @property
    def open(self) -> list[Item]:
        return [item for item in self.items if item.status == "open"]


def look(
    database: Database,
    customer: str | None,
    month: str,
    *,
    accepting: Sequence[str] = (),
    now: datetime,
) -> Tried:
    """Go through a month's list, and record nothing. Raises InvalidValue, NothingToAccept."""
    found = closing(database, customer, month, now=now)
    return Tried(found, accepted(found, accepting), None)


def close_month(
    ledger: Ledger,
    database: Database,
    customer: str | None,
    month: str,
    *,
    accepting: Sequence[str] = (),
    stamp: Stamp,
    now: datetime,
) -> Tried:
    """Close a month whose list is done; what is accepted by name stands as it is.

    Raises NotToBeClosed, and as `look` does.
    """
    name, _ = named(database, customer)

    def attempt(work: Work) -> Tried:
        periods = work.periods(name)  # first: figures of other closes than these conflict
        found = closing(database, name, month, now=now)
        standing = Periods(name, closed=[one.event for one in found.closed])
        require_next(standing, found.month, at=found.now)
        items = accepted(found, accepting)
        if any(item.status == "open" for item in items):
            return Tried(found, items, None)
        _accept_breaks(work, items, stamp=stamp, now=now)
        (event,) = close(
            periods,
            found.month,
            _known(found),
            tuple(_with_accepted(found, items)),
            accepted=tuple(_let_stand(found, items)),
            stamp=stamp,
            at=found.now,
        )
        work.record(periods, [event])
        return Tried(found, items, event)

    return ledger.work(attempt)


def reopen_month(
    ledger: Ledger, database: Database, customer: str | None, month: str, *, stamp: Stamp,
    now: datetime,
) -> tuple[str, list[str]]:  # fmt: skip
    """Open a month and all later ones; gives the customer and the months.

    Raises NotClosed, InvalidValue, Misuse.
    """
    name, local = named(database, customer)
    month = month_named(local, month).name

    def attempt(work: Work) -> list[str]:
        periods = work.periods(name)
        months = [one.month for one in periods.closed if one.month >= month]
        work.record(periods, reopen(periods, month, stamp=stamp, at=now))
        return months

    return name, ledger.work(attempt)


def accepted(found: Closing, names: Sequence[str]) -> list[Item]:
    """Mark what is accepted by its name, or how a break begins. Raises NothingToAccept."""
    items = list(found.items)
    for name in names:
        matching = _matching(items, name)
        if not matching:
            known = ", ".join(dict.fromkeys(_acceptable(items))) or "none"
            msg = (
                f"expected something that is open in {found.month.name} of {found.customer},"
                f" found {name!r}: of these, one may be accepted: {known}"
            )
            raise NothingToAccept(msg)
        for place in matching:
            items[place] = replace(items[place], status="accepted", next=None)
    return items


def _acceptable(items: Sequence[Item]) -> Iterator[str]:
    return (item.accept_as for item in items if item.status == "open" and item.accept_as)


def _matching(items: Sequence[Item], name: str) -> list[int]:
    """Find what a name means: all of an account, or the one break that begins so."""
    open = [
        place for place, item in enumerate(items) if item.status == "open" and item.accept_as
    ]
    exact = [place for place in open if items[place].accept_as == name]
    if exact or "/" not in name:
        return exact
    begun = [place for place in open if str(items[place].accept_as).startswith(name)]
    if len(begun) > 1:
        some = ", ".join(str(items[place].accept_as) for place in begun[:3])
        msg = f"expected one break, found several that begin with {name}: type one of {some}"
        raise NothingToAccept(msg)
    return begun


def _accept_breaks(work: Work, items: Sequence[Item], *, stamp: Stamp, now: datetime) -> None:
    """Record what `recon accept` would have: the next month is not asked again."""
    for item in items:
        if item.status == "accepted" and item.found is not None:
            of = item.found
            one = Break(cast(DecidedKind, of.kind), of.reference, of.credits, of.first_seen_at)
            account = work.account(of.account)
            work.record(account, accept(account, one, owner=None, stamp=stamp, at=now))


def _with_accepted(found: Closing, items: Sequence[Item]) -> Iterator[AccountAtClose]:
    """Add the differences that are accepted now to those that were before."""
    for one in found.accounts:
        credits = [
            item.found.credits or ZERO
            for item in items
            if item.status == "accepted" and item.subject == "reconciled" and item.found
            if item.account == one.account
        ]
        yield msgspec.structs.replace(one, unexplained=sum(credits, one.unexplained))


def _let_stand(found: Closing, items: Sequence[Item]) -> Iterator[str]:
    """Name what the close lets stand, accepted now or before, each once."""
    now = (item.accept_as for item in items if item.status == "accepted" and item.accept_as)
    yield from sorted({*found.accepted, *now})


def _known(found: Closing) -> Known:
    whole, own = found.seals
    return Known(found.position, whole.root, own.size, own.root)
