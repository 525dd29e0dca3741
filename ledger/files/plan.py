"""The plan: what a good file comes to, decided before anything is recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, NoReturn

from ledger.account import Opening
from ledger.credits import ZERO, Credits
from ledger.database import Database
from ledger.errors import BadFile, InvalidValue
from ledger.events import LINE_KINDS, LineKind
from ledger.files.chunks import LineRow
from ledger.files.known import Seen, look
from ledger.files.line_spool import LineSpool
from ledger.files.parties import CustomerTotals, NamedAccount, Parties
from ledger.files.rows import Row
from ledger.files.settling import Settled, settle
from ledger.files.spool import Known, Spool
from ledger.times import from_us


@dataclass(frozen=True, slots=True)
class Open:
    """The balance of an account is opened, or its opening moved back.

    `credits` is None where a restated opening is computed so that no balance changes.
    """

    at: datetime
    credits: Credits | None
    basis: Literal["stated", "assumed"]
    line: int


class Place(NamedTuple):
    """Where a row stands in time, and in the file."""

    at_us: int
    line: int


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """One account: `first` is its first movement in time, or its opening row.

    `before` is the opening that the plan was made for, `consumption_version` how far its
    `lines` were known.
    """

    named: NamedAccount
    first: Place
    lines: list[Settled]
    is_new: bool
    open: Open | None
    before: Opening | None
    consumption_version: int


@dataclass(slots=True)
class CustomerPlan:
    """One customer's part of the file: how many rows will be recorded, and as what."""

    totals: CustomerTotals
    accounts: list[AccountPlan] = field(default_factory=list)
    openings: int = 0
    movements: int = 0
    lines: int = 0
    own: int = 0

    @property
    def name(self) -> str:
        return self.totals.customer

    @property
    def new(self) -> int:
        return self.openings + self.movements + self.lines

    @property
    def recorded(self) -> int:
        """Of the file's rows, those that came into the ledger by it, in whichever run."""
        return self.new + self.own


class Read(NamedTuple):
    """A file as it was read: its facts, its lines, and whom they are about."""

    file: str
    sha256: str
    facts: Spool
    lines: LineSpool
    parties: Parties


def check_rows(read: Read, settled: Iterable[Settled]) -> None:
    """Hold the rows of a file against each other. Raises BadFile."""
    found = _first(
        read.facts.contradiction,
        *(_rows(one.group.account, one.group.kind, one.contradiction) for one in settled),
    )
    if found is not None:
        again, one = found
        names = [account.name for account in read.parties.accounts.values()]
        raise BadFile(
            read.file,
            line=again.line,
            column="credits" if again.kind == "opening" else "id",
            expected=f"{_told(one, names)} as in line {one.line}",
            found=_told(again, names),
        )
    for totals in read.parties.customers.values():
        try:
            Credits(totals.gross_milli)
        except InvalidValue as error:
            raise BadFile(
                read.file,
                line=totals.first_line,
                column="credits",
                expected=f"credits of {totals.customer} within the ledger's bounds",
                found=f"more ({error})",
            ) from None


def _first(*found: tuple[Row, Row] | None) -> tuple[Row, Row] | None:
    """Choose what stands first in the file."""
    return min((one for one in found if one), key=lambda one: one[0].line, default=None)


def _rows(
    account: int, kind: LineKind, found: tuple[LineRow, LineRow] | None
) -> tuple[Row, Row] | None:
    """Give lines as the rows that they stand for."""
    if found is None:
        return None
    row, against = (
        Row(one.line, account, kind, kind, one.id, one.at_us, -one.milli, one.parts)
        for one in found
    )
    return row, against


def _told(row: Row | Known, names: list[str]) -> str:
    """Say what a row or a fact is: `consumption 17 of 2026-…, credits 2, parts 1`."""
    said = row.said if isinstance(row, Row) else row.kind
    if said in {"transfer-out", "transfer-in"}:
        said = "transfer"
    credits = Credits(row.milli if said == "adjustment" else abs(row.milli))
    what = f"{said} {row.id}".strip()
    parts = counter = None
    if isinstance(row, Row):
        parts, counter = row.parts, row.counter
    told = f"{what} of {from_us(row.at_us).isoformat()}, credits {credits}"
    told += "" if parts is None else f", parts {parts}"
    return told + ("" if counter is None else f", with {names[counter]}")


class Planner:
    """Holds the rows against the ledger. Raises BadFile."""

    def __init__(self, read: Read, database: Database) -> None:
        self._read = read
        self._file = read.file
        self._database = database
        self._spool = read.facts
        self._parties = read.parties

    def plan(self) -> list[CustomerPlan]:
        """Give what is to be recorded, customer by customer."""
        accounts = self._parties.accounts.values()
        for named in accounts:
            self._check_owner(named)
        firsts = [self._first_place(named) for named in accounts]
        seen = [
            look(self._database, self._spool, self._read.lines, named, self._read.sha256)
            for named in accounts
        ]
        settled = settle_all(self._read.lines)
        check_rows(self._read, settled)
        self._check_payloads(settled)
        plans = {name: CustomerPlan(totals) for name, totals in self._parties.customers.items()}
        for named, first, before in zip(accounts, firsts, seen, strict=True):
            own = [one for one in settled if one.group.account == named.number]
            plans[named.customer].accounts.append(self._account(named, first, before, own))
        self._count(plans)
        return list(plans.values())

    def _check_owner(self, named: NamedAccount) -> None:
        for (owner,) in self._database.execute(
            "SELECT customer FROM account WHERE account = :account", account=named.name
        ):
            if owner != named.customer:
                raise BadFile(
                    self._file,
                    line=named.line,
                    column="customer",
                    expected=f"{owner}, to whom {named.name} belongs in the ledger",
                    found=named.customer,
                )

    def _check_payloads(self, settled: Iterable[Settled]) -> None:
        found = _first(
            *(_rows(one.group.account, one.group.kind, one.disagreement) for one in settled)
        )
        facts = self._spool.disagreement()
        if facts is not None and (found is None or facts[0].line < found[0].line):
            self._refuse(*facts)
        if found is not None:
            self._refuse(*found)
        half = self._spool.half_known_transfer()
        if half is not None:
            expected = f"transfer {half.id} between the accounts that the ledger has it with"
            raise BadFile(
                self._file,
                line=half.line,
                column="counter_account",
                expected=expected,
                found="another account",
            )

    def _refuse(self, row: Row, known: Row | Known) -> NoReturn:
        raise BadFile(
            self._file,
            line=row.line,
            column="id",
            expected=f"{_told(known, [])} as the ledger has it",
            found=_told(row._replace(counter=None), []),
        )

    def _first_place(self, named: NamedAccount) -> Place:
        """Find an account's first row, in time."""
        fact = self._spool.first(named.number)
        places = [Place(fact.at_us, fact.line)] if fact is not None else []
        for group, found in self._read.lines.groups.items():
            if group.account == named.number:
                places += [Place(one.first_at_us, one.first_at_line) for one in found]
        return min(places)  # an account is named by a row

    def _account(
        self, named: NamedAccount, first: Place, seen: Seen, lines: list[Settled]
    ) -> AccountPlan:
        stated = self._spool.opening(named.number)
        return AccountPlan(
            named=named,
            first=first,
            lines=lines,
            is_new=seen.account.customer is None,
            open=self._opening(named, seen, stated, first, lines),
            before=seen.account.opening,
            consumption_version=seen.consumption_version,
        )

    def _opening(
        self,
        named: NamedAccount,
        seen: Seen,
        stated: Row | None,
        first: Place,
        lines: list[Settled],
    ) -> Open | None:
        """Decide from when on the account is counted, and from what balance."""
        before = seen.account.opening
        if stated is not None:
            return self._stated(named, before, stated)
        if before is None:
            at_us = first.at_us if seen.oldest_us is None else min(first.at_us, seen.oldest_us)
            return Open(from_us(at_us), ZERO, "assumed", first.line)
        new = self._first_new(named, lines)
        if new is None or from_us(new.at_us) >= before.at:
            return None
        # An account that was only assumed to begin empty then began empty earlier.
        credits = ZERO if seen.empty else None
        return Open(from_us(new.at_us), credits, "assumed", new.line)

    def _first_new(self, named: NamedAccount, lines: list[Settled]) -> Place | None:
        """Find the first movement to be recorded, in time."""
        fact = self._spool.first_new_movement(named.number)
        places = [Place(fact.at_us, fact.line)] if fact is not None else []
        for settled in lines:
            places += [Place(one.first_at_us, one.first_at_line) for one in settled.new]
        return min(places, default=None)

    def _stated(self, named: NamedAccount, before: Opening | None, row: Row) -> Open | None:
        if self._spool.knows_opening(named.number):
            return None
        at, credits = from_us(row.at_us), Credits(row.milli)
        if before is not None and at >= before.at:
            raise BadFile(
                self._file,
                line=row.line,
                column="happened_at" if at > before.at else "credits",
                expected=f"an opening before {before.at.isoformat()}, when {named.name} opened"
                f" with {before.credits} credits in the ledger",
                found=f"{credits} credits of {at.isoformat()}: leave this row out",
            )
        return Open(at, credits, "stated", row.line)

    def _count(self, plans: dict[str, CustomerPlan]) -> None:
        customers = [named.customer for named in self._parties.accounts.values()]
        counted: Counter[tuple[str, str]] = Counter()
        for account, kind, count in self._spool.count():
            counted[customers[account], _sort_of(kind)] += count
        for account, count in self._spool.count_own():
            counted[customers[account], "own"] += count
        for plan in plans.values():
            for settled in (one for account in plan.accounts for one in account.lines):
                counted[plan.name, "line"] += settled.count
                counted[plan.name, "own"] += settled.own
        for name, plan in plans.items():
            plan.openings = counted[name, "opening"]
            plan.movements = counted[name, "movement"]
            plan.lines = counted[name, "line"]
            plan.own = counted[name, "own"]


def _sort_of(kind: str) -> str:
    return {"opening": "opening", "transfer-in": "second leg"}.get(kind, "movement")


def settle_all(lines: LineSpool) -> list[Settled]:
    """Settle the lines of all groups, account by account and kind by kind."""
    order = {kind: place for place, kind in enumerate(LINE_KINDS)}
    groups = sorted(lines.groups, key=lambda one: (one.account, order[one.kind], one.texts))
    return [settle(lines, group) for group in groups]
