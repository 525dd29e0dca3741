"""Deciding on breaks: what stands is told by a report, what may be decided by the ledger.

The report is read anew in every attempt, so that nobody decides on a break that others have
booked meanwhile, or on another difference than the one that was named.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cli.actions.finding import Finder, Found, Named, of_row
from ledger.breaks import (
    Break,
    NotToBeBooked,
    accept,
    adjust,
    adjust_as_transfer,
    note,
)
from ledger.credits import ZERO
from ledger.database import Database
from ledger.events import BookedAs, Stamp
from ledger.period import require_open
from ledger.service import Ledger, Work

_FOREIGN: Final = "foreign transfer"
_PURCHASE: Final = "purchase not booked"
_RECHARGE: Final = "recharge not billed yet"


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided: on which breaks of which accounts, and as what they were booked."""

    breaks: tuple[tuple[str, Break], ...]
    booked_as: BookedAs | None = None


class Decisions:
    """Decides on breaks of one ledger, in the name of one person."""

    def __init__(
        self, ledger: Ledger, database: Database, *, stamp: Stamp, now: datetime
    ) -> None:
        self._ledger = ledger
        self._database = database
        self._stamp = stamp
        self._now = now

    def accept(self, named: Named, owner: str | None) -> Decided:
        """Let a break stand; both sides of a foreign transfer.

        Raises UnknownAccount, UnknownBreak, NothingConcluded, AlreadyDecided.
        """

        def attempt(work: Work) -> Decided:
            found = self._finder(work).with_other_side(named)
            for one in found:
                account = work.account(one.account)
                work.record(
                    account,
                    accept(account, one.one, owner=owner, stamp=self._stamp, at=self._now),
                )
            return Decided(tuple((one.account, one.one) for one in found))

        return self._ledger.work(attempt)

    def note(self, named: Named, owner: str | None) -> Decided:
        """Say who looks after a break, or note the stamp's reason. Raises as `accept`."""

        def attempt(work: Work) -> Decided:
            finder = self._finder(work)
            known = finder.listed(named)
            one = of_row(known) if known else finder.find(named).one
            event = note(one, owner=owner, stamp=self._stamp, at=self._now)
            work.record(work.account(named.account), [event])
            return Decided(((named.account, one),))

        return self._ledger.work(attempt)

    def adjust(
        self,
        named: Named,
        booked_as: BookedAs | None,
        *,
        bill: str | None = None,
        other: str | None = None,
    ) -> Decided:
        """Book a break, as what explains it where nothing is said. Raises NotToBeBooked too."""

        def attempt(work: Work) -> Decided:
            finder = self._finder(work)
            found = finder.find(named)
            wanted = booked_as or _booked_as(found)
            if wanted == "transfer":
                return self._transfer(work, found, finder.other_side(found, other))
            if other is not None:
                msg = "expected --with for a transfer only, found it with another --as"
                raise NotToBeBooked(msg)
            account, difference = work.account(found.account), found.difference
            _require_open(work, found)
            events = adjust(
                account,
                found.one,
                wanted,
                bill_detail_id=bill or (difference.bill if difference else None),
                booked_at=_booked_at(found),
                stamp=self._stamp,
                at=self._now,
            )
            work.record(account, events)
            return Decided(((found.account, found.one),), wanted)

        return self._ledger.work(attempt)

    def _finder(self, work: Work) -> Finder:
        return Finder(work, self._database, now=self._now)

    def _transfer(self, work: Work, one: Found, other: Found) -> Decided:
        _require_transfer(work, one, other)
        source, target = (one, other) if one.credits < ZERO else (other, one)
        out, into = work.account(source.account), work.account(target.account)
        _require_open(work, min(source, target, key=_booked_at))
        sent, received = adjust_as_transfer(
            (out, source.one),
            (into, target.one),
            booked_at=min(_booked_at(source), _booked_at(target)),
            stamp=self._stamp,
            at=self._now,
        )
        work.record(out, sent)
        work.record(into, received)
        return Decided(((source.account, source.one), (target.account, target.one)), "transfer")


def _require_transfer(work: Work, one: Found, other: Found) -> None:
    """Refuse what is no transfer between two accounts of one customer."""
    left, right = work.account(one.account), work.account(other.account)
    if left is right or left.customer != right.customer:
        msg = (
            f"expected two accounts of one customer, found {one.account} and {other.account}:"
            " nothing crosses customers"
        )
        raise NotToBeBooked(msg)
    if not one.credits or one.credits != -other.credits:
        msg = (
            f"expected equal and opposite credits, found {one.credits} of {one.account} and"
            f" {other.credits} of {other.account}: record the transfer with"
            " `sms-ledger import`, and what is left as it is"
        )
        raise NotToBeBooked(msg)


def _booked_as(found: Found) -> BookedAs:
    """Tell as what a break is booked where nobody says: as what explains it."""
    kind = found.difference.kind if found.difference else ""
    if kind == _RECHARGE:
        msg = (
            f"expected to be told how to book {found.account}/{found.one.id}, found a recharge"
            " whose bill `sync` will book when OVH shows it: wait for it, or type --as purchase"
            " --bill with its billDetailId"
        )
        raise NotToBeBooked(msg)
    if kind == _FOREIGN:
        return "transfer"
    return "purchase" if kind == _PURCHASE else "adjustment"


def _require_open(work: Work, found: Found) -> None:
    """Refuse to book something in a month that is closed. Raises MonthClosed."""
    customer = work.account(found.account).customer
    if customer is not None:
        periods = work.periods(customer)
        work.hold(periods)
        require_open(periods, _booked_at(found), f"{found.account}/{found.one.id}")


def _booked_at(found: Found) -> datetime:
    """Give when a break is booked: at the observation that showed it first."""
    return found.one.first_seen_at
