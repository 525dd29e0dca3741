"""Deciding on breaks: what stands is told by a report, what may be decided by the ledger.

The report is read anew in every attempt, so that nobody decides on a break that others have
booked meanwhile, or on another difference than the one that was named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, TypeVar, cast

from ledger.breaks import (
    Break,
    NotToBeBooked,
    accept,
    adjust,
    adjust_as_transfer,
    note,
    require_undecided,
)
from ledger.credits import ZERO, Credits
from ledger.database import Database
from ledger.errors import Misuse, Refused
from ledger.events import BookedAs, DecidedKind, Stamp
from ledger.period import require_open
from ledger.service import Ledger, Work
from projections.breaks import BreakRow, list_breaks
from projections.reconciliation import CONCLUDED, Difference, Reconciliation, reconcile

T = TypeVar("T", Difference, BreakRow)

_STANDING: Final = ("open", "explained", "accepted")
_FOREIGN: Final = "foreign transfer"
_PURCHASE: Final = "purchase not booked"
_RECHARGE: Final = "recharge not billed yet"


class UnknownBreak(Misuse):
    """No such break stands."""


class NothingConcluded(Refused):
    """The last observation tells nothing that could be decided on."""


@dataclass(frozen=True, slots=True)
class Named:
    """A break as a person names it: the account, and its id or the beginning of it."""

    account: str
    id: str

    @classmethod
    def parse(cls, text: str) -> Named:
        """Read `ACCOUNT/BREAK`. Raises UnknownBreak."""
        account, slash, id = text.partition("/")
        if not (account and slash and id):
            msg = (
                "expected ACCOUNT/BREAK like sms-ab12345-1/20261031T170000Z-12.5, found"
                f" {text!r}: `sms-ledger recon breaks` lists them"
            )
            raise UnknownBreak(msg)
        return cls(account, id)


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided: on which breaks of which accounts, and as what they were booked."""

    breaks: tuple[tuple[str, Break], ...]
    booked_as: BookedAs | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """A break that stands, with the difference of the drift that it is, if it is one."""

    account: str
    one: Break
    difference: Difference | None


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
            found = self._with_other_side(work, named)
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
            known = self._listed(named)
            one = _of_row(known) if known else self._find(work, named).one
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
            found = self._find(work, named)
            wanted = booked_as or _booked_as(found)
            if wanted == "transfer":
                return self._transfer(work, found, self._other(work, found, other))
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

    # --- finding -------------------------------------------------------------------------

    def _find(self, work: Work, named: Named) -> _Found:
        """Find a break that nobody decided on."""
        row = self._reconciled(named.account)
        open_ones = [one for one in row.differences if one.status != "accepted"]
        found = _one_of(open_ones, named)
        if found is not None:
            return _Found(named.account, _of_difference(found), found)
        return self._find_elsewhere(work, row, named)

    def _find_elsewhere(self, work: Work, row: Reconciliation, named: Named) -> _Found:
        """Look among breaks that explain nothing, and those that were decided on."""
        known = self._listed(named)
        if known is not None:
            one = _of_row(known)
            require_undecided(work.account(named.account), one)
            return _Found(named.account, replace(one, credits=None), None)
        if row.status not in CONCLUDED:
            msg = (
                f"expected an observation of {named.account} to decide by, found that it is"
                f" {row.status}: type `sms-ledger sync {named.account}` first"
            )
            raise NothingConcluded(msg)
        standing = ", ".join(one.break_id for one in row.differences) or "none"
        msg = (
            f"expected a break of {named.account}, found {named.id!r} where these stand:"
            f" {standing}; see `sms-ledger recon breaks {named.account} --all`"
        )
        raise UnknownBreak(msg)

    def _reconciled(self, account: str) -> Reconciliation:
        rows = reconcile(self._database, [account], now=self._now).rows
        if not rows:
            msg = (
                f"expected an open account, found that {account} was closed: it is no longer"
                " compared with OVH"
            )
            raise NothingConcluded(msg)
        return rows[0]

    def _listed(self, named: Named) -> BreakRow | None:
        report = list_breaks(self._database, [named.account], now=self._now, closed=True)
        standing = [one for one in report.rows if one.status in _STANDING]
        return _one_of(standing, named) or _one_of(report.rows, named)

    # --- two accounts --------------------------------------------------------------------

    def _with_other_side(self, work: Work, named: Named) -> Sequence[_Found]:
        found = self._find(work, named)
        one = found.difference
        if one is None or one.counter_account is None or one.counter_break is None:
            return [found]
        return [found, self._find(work, Named(one.counter_account, one.counter_break))]

    def _other(self, work: Work, found: _Found, other: str | None) -> _Found:
        """Find the other side of a transfer: the one that is shown, or that a person names."""
        one = found.difference
        if other is not None:
            wanted = Named.parse(other) if "/" in other else self._opposite(found, other)
            return self._find(work, wanted)
        if one is None or one.counter_account is None or one.counter_break is None:
            msg = (
                f"expected the other side of a transfer of {found.account}/{found.one.id},"
                " found none that shows the opposite: name it by --with ACCOUNT/BREAK, or book"
                " it as adjustment"
            )
            raise NotToBeBooked(msg)
        return self._find(work, Named(one.counter_account, one.counter_break))

    def _opposite(self, found: _Found, account: str) -> Named:
        wanted = -(found.one.credits or ZERO)
        for one in self._reconciled(account).differences:
            if one.credits == wanted and one.status != "accepted":
                return Named(account, one.break_id)
        msg = (
            f"expected {account} to show the opposite of {found.one.id}, found no difference"
            f" of {wanted} credits there: see `sms-ledger recon breaks {account}`"
        )
        raise NotToBeBooked(msg)

    def _transfer(self, work: Work, one: _Found, other: _Found) -> Decided:
        _require_transfer(work, one, other)
        source, target = (one, other) if _credits(one) < ZERO else (other, one)
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


def _require_transfer(work: Work, one: _Found, other: _Found) -> None:
    """Refuse what is no transfer between two accounts of one customer."""
    left, right = work.account(one.account), work.account(other.account)
    if left is right or left.customer != right.customer:
        msg = (
            f"expected two accounts of one customer, found {one.account} and {other.account}:"
            " nothing crosses customers"
        )
        raise NotToBeBooked(msg)
    if not _credits(one) or _credits(one) != -_credits(other):
        msg = (
            f"expected equal and opposite credits, found {_credits(one)} of {one.account} and"
            f" {_credits(other)} of {other.account}: record the transfer with"
            " `sms-ledger import`, and what is left as it is"
        )
        raise NotToBeBooked(msg)


def _credits(one: _Found) -> Credits:
    return one.one.credits or ZERO


def _matching(of: Sequence[T], id: str) -> list[T]:
    """Give the break of an id, or those whose ids begin so."""
    exact = [one for one in of if one.break_id == id]
    return exact or [one for one in of if one.break_id.startswith(id)]


def _one_of(of: Sequence[T], named: Named) -> T | None:
    """Give the one break that is named, if any. Raises UnknownBreak where several are."""
    matching = _matching(of, named.id)
    if len(matching) > 1:
        ids = ", ".join(one.break_id for one in matching[:3])
        msg = f"expected one break of {named.account}, found several: type one of {ids}"
        raise UnknownBreak(msg)
    return matching[0] if matching else None


def _of_difference(one: Difference) -> Break:
    return Break(
        kind=cast(DecidedKind, one.break_kind),
        reference=one.reference,
        credits=one.credits,
        first_seen_at=one.first_seen.astimezone(UTC),
    )


def _of_row(row: BreakRow) -> Break:
    return Break(
        kind=cast(DecidedKind, row.break_kind),
        reference=row.reference,
        credits=row.credits,
        first_seen_at=row.first_seen.astimezone(UTC),
    )


def _booked_as(found: _Found) -> BookedAs:
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


def _require_open(work: Work, found: _Found) -> None:
    """Refuse to book something in a month that is closed. Raises MonthClosed."""
    customer = work.account(found.account).customer
    if customer is not None:
        require_open(
            work.periods(customer), _booked_at(found), f"{found.account}/{found.one.id}"
        )


def _booked_at(found: _Found) -> datetime:
    """Give when a break is booked: at the observation that showed it first."""
    return found.one.first_seen_at
