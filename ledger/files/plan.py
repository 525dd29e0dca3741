"""The plan: what a good file comes to, decided before anything is recorded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ledger.account import Opening
from ledger.credits import ZERO, Credits
from ledger.database import Database
from ledger.errors import BadFile, InvalidValue
from ledger.events import LINE_KINDS
from ledger.files.known import Seen, look
from ledger.files.parties import CustomerTotals, NamedAccount, Parties
from ledger.files.rows import Row
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


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """One account: `first` is its first movement in time, or its opening row.

    `before` is the opening that the plan was made for, `consumption_version` how far its
    lines were known.
    """

    named: NamedAccount
    first: Row
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


def check_rows(file: str, spool: Spool, parties: Parties) -> None:
    """Hold the rows of a sealed spool against each other. Raises BadFile."""
    found = spool.contradiction()
    if found is not None:
        one, again = found
        names = [account.name for account in parties.accounts.values()]
        raise BadFile(
            file,
            line=again.line,
            column="credits" if again.kind == "opening" else "id",
            expected=f"{_told(one, names)} as in line {one.line}",
            found=_told(again, names),
        )
    spool.drop_repeated()
    for totals in parties.customers.values():
        try:
            Credits(totals.gross_milli)
        except InvalidValue as error:
            raise BadFile(
                file,
                line=totals.first_line,
                column="credits",
                expected=f"credits of {totals.customer} within the ledger's bounds",
                found=f"more ({error})",
            ) from None


def _told(row: Row | Known, names: list[str]) -> str:
    """Say what a row or a fact is: `consumption 17 of 2026-…, credits 2, parts 1`."""
    said = row.said if isinstance(row, Row) else row.kind
    if said in {"transfer-out", "transfer-in"}:
        said = "transfer"
    credits = Credits(row.milli if said == "adjustment" else abs(row.milli))
    what = f"{said} {row.id}".strip()
    parts = "" if row.parts is None else f", parts {row.parts}"
    counter = row.counter if isinstance(row, Row) else None
    to = "" if counter is None else f", with {names[counter]}"
    return f"{what} of {from_us(row.at_us).isoformat()}, credits {credits}{parts}{to}"


class Planner:
    """Holds the rows against the ledger. Raises BadFile."""

    def __init__(
        self, file: str, sha256: str, database: Database, spool: Spool, parties: Parties
    ) -> None:
        self._file = file
        self._sha256 = sha256
        self._database = database
        self._spool = spool
        self._parties = parties

    def plan(self) -> list[CustomerPlan]:
        """Give what is to be recorded, customer by customer."""
        accounts = self._parties.accounts.values()
        for named in accounts:
            self._check_owner(named)
        seen = [look(self._database, self._spool, named, self._sha256) for named in accounts]
        self._check_payloads()
        plans = {name: CustomerPlan(totals) for name, totals in self._parties.customers.items()}
        for named, before in zip(accounts, seen, strict=True):
            plans[named.customer].accounts.append(self._account(named, before))
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

    def _check_payloads(self) -> None:
        found = self._spool.disagreement()
        if found is not None:
            row, known = found
            expected = f"{_told(known, [])} as the ledger has it"
            raise BadFile(
                self._file,
                line=row.line,
                column="id",
                expected=expected,
                found=_told(row._replace(counter=None), []),
            )
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

    def _account(self, named: NamedAccount, seen: Seen) -> AccountPlan:
        stated = self._spool.opening(named.number)
        first = self._spool.first(named.number)
        assert first is not None  # noqa: S101 (an account is named by a row)
        return AccountPlan(
            named=named,
            first=first,
            is_new=seen.account.customer is None,
            open=self._opening(named, seen, stated, first),
            before=seen.account.opening,
            consumption_version=seen.consumption_version,
        )

    def _opening(
        self, named: NamedAccount, seen: Seen, stated: Row | None, first: Row
    ) -> Open | None:
        """Decide from when on the account is counted, and from what balance."""
        before = seen.account.opening
        if stated is not None:
            return self._stated(named, before, stated)
        if before is None:
            at_us = first.at_us if seen.oldest_us is None else min(first.at_us, seen.oldest_us)
            return Open(from_us(at_us), ZERO, "assumed", first.line)
        new = self._spool.first_new_movement(named.number)
        if new is None or from_us(new.at_us) >= before.at:
            return None
        # An account that was only assumed to begin empty then began empty earlier.
        credits = ZERO if seen.empty else None
        return Open(from_us(new.at_us), credits, "assumed", new.line)

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
        for name, plan in plans.items():
            plan.openings = counted[name, "opening"]
            plan.movements = counted[name, "movement"]
            plan.lines = counted[name, "line"]
            plan.own = counted[name, "own"]


def _sort_of(kind: str) -> str:
    if kind in LINE_KINDS:
        return "line"
    return {"opening": "opening", "transfer-in": "second leg"}.get(kind, "movement")
