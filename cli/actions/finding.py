"""Finding the break that a person names: what stands is told by a report, read anew.

Every stream that the report reads of an account is held: whatever is recorded in one of them
meanwhile, by a `sync` for example, has the decision made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, TypeVar, cast

from ledger.breaks import Break, NotToBeBooked, require_undecided
from ledger.credits import ZERO, Credits
from ledger.database import Database
from ledger.errors import Misuse, Refused
from ledger.events import DecidedKind
from ledger.service import Work
from projections.breaks import BreakRow, list_breaks
from projections.reconciliation import CONCLUDED, Difference, Reconciliation, reconcile

T = TypeVar("T", Difference, BreakRow)

_STANDING: Final = ("open", "explained", "accepted")


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
class Found:
    """A break that stands, with the difference of the drift that it is, if it is one."""

    account: str
    one: Break
    difference: Difference | None

    @property
    def credits(self) -> Credits:
        return self.one.credits or ZERO


class Finder:
    """Finds the breaks of one attempt to decide."""

    def __init__(self, work: Work, database: Database, *, now: datetime) -> None:
        self._work = work
        self._database = database
        self._now = now

    def find(self, named: Named) -> Found:
        """Find a break that nobody decided on."""
        row = self._reconciled(named.account)
        open_ones = [one for one in row.differences if one.status != "accepted"]
        found = _one_of(open_ones, named)
        if found is not None:
            return Found(named.account, _of_difference(found), found)
        return self._find_elsewhere(row, named)

    def _find_elsewhere(self, row: Reconciliation, named: Named) -> Found:
        """Look among breaks that explain nothing, and those that were decided on."""
        known = self.listed(named)
        if known is not None:
            one = of_row(known)
            require_undecided(self._work.account(named.account), one)
            return Found(named.account, replace(one, credits=None), None)
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
        self._hold(account)
        rows = reconcile(self._database, [account], now=self._now).rows
        if not rows:
            msg = (
                f"expected an open account, found that {account} was closed: it is no longer"
                " compared with OVH"
            )
            raise NothingConcluded(msg)
        return rows[0]

    def listed(self, named: Named) -> BreakRow | None:
        """Find a break among all that there ever were, those that stand first."""
        self._hold(named.account)
        report = list_breaks(self._database, [named.account], now=self._now, closed=True)
        standing = [one for one in report.rows if one.status in _STANDING]
        return _one_of(standing, named) or _one_of(report.rows, named)

    def _hold(self, account: str) -> None:
        work = self._work
        work.hold(work.account(account), work.consumption(account), work.observations(account))

    def with_other_side(self, named: Named) -> Sequence[Found]:
        """Find a break; of a foreign transfer, both sides."""
        found = self.find(named)
        one = found.difference
        if one is None or one.counter_account is None or one.counter_break is None:
            return [found]
        return [found, self.find(Named(one.counter_account, one.counter_break))]

    def other_side(self, found: Found, other: str | None) -> Found:
        """Find the other side of a transfer: the one that is shown, or that a person names."""
        one = found.difference
        if other is not None:
            wanted = Named.parse(other) if "/" in other else self._opposite(found, other)
            return self.find(wanted)
        if one is None or one.counter_account is None or one.counter_break is None:
            msg = (
                f"expected the other side of a transfer of {found.account}/{found.one.id},"
                " found none that shows the opposite: name it by --with ACCOUNT/BREAK, or book"
                " it as adjustment"
            )
            raise NotToBeBooked(msg)
        return self.find(Named(one.counter_account, one.counter_break))

    def _opposite(self, found: Found, account: str) -> Named:
        wanted = -(found.one.credits or ZERO)
        for one in self._reconciled(account).differences:
            if one.credits == wanted and one.status != "accepted":
                return Named(account, one.break_id)
        msg = (
            f"expected {account} to show the opposite of {found.one.id}, found no difference"
            f" of {wanted} credits there: see `sms-ledger recon breaks {account}`"
        )
        raise NotToBeBooked(msg)


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


def of_row(row: BreakRow) -> Break:
    return Break(
        kind=cast(DecidedKind, row.break_kind),
        reference=row.reference,
        credits=row.credits,
        first_seen_at=row.first_seen.astimezone(UTC),
    )
