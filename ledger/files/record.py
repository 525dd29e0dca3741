"""Recording a good file, in transactions of bounded size.

Everything is decided on natural keys: a run that was cut off is completed by the next run of
the same file, which finds what is there already and goes on with the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec
from msgspec.structs import replace

from ledger import account as accounts
from ledger import customer as customers
from ledger.account import Account
from ledger.aliases import Aliases
from ledger.credits import Credits
from ledger.database import Database
from ledger.events import AccountEvent, FromFile, Stamp
from ledger.files.crew import Crew
from ledger.files.facts import change_of, legs_of
from ledger.files.known import moved
from ledger.files.lines import LineRecorder, LineRecording, batches, changed_meanwhile
from ledger.files.plan import AccountPlan, CustomerPlan, Open, Read
from ledger.files.rows import Row
from ledger.service import Ledger, Work
from ledger.times import from_us, to_us

# How much one transaction records: long enough to be fast, short enough to let others in.
_ACCOUNTS_AT_ONCE: Final = 50
_MOVEMENTS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Recording:
    """What was read, and what it is recorded with."""

    ledger: Ledger
    database: Database
    read: Read
    crew: Crew


class Recorder:
    """Records what is planned for one file."""

    def __init__(
        self,
        recording: Recording,
        plans: Sequence[CustomerPlan],
        *,
        stamp: Stamp,
        time_zone: str,
        progress: Callable[[int], None],
    ) -> None:
        self._recording = recording
        self._ledger = recording.ledger
        self._database = recording.database
        self._spool = recording.read.facts
        self._sha256 = recording.read.sha256
        self._plans = plans
        self._stamp = stamp
        self._time_zone = time_zone
        self._progress = progress
        self._accounts = sorted(
            (account for plan in plans for account in plan.accounts),
            key=lambda account: account.named.number,
        )
        self._names = [account.named.name for account in self._accounts]

    def run(self) -> None:
        self._ledger.work(self._start)
        for batch in batches(self._accounts, _ACCOUNTS_AT_ONCE):
            self._ledger.work(partial(self._open_all, plans=batch))
        for rows in batches(self._spool.movements(), _MOVEMENTS_AT_ONCE):
            self._ledger.work(partial(self._record_all, rows=rows))
            self._progress(len(rows))
        for rows in batches(self._spool.known_recharges(), _MOVEMENTS_AT_ONCE):
            self._ledger.work(partial(self._attribute_all, rows=rows))
        lines = LineRecording(
            self._ledger,
            Aliases(self._database),
            self._recording.read.lines,
            self._recording.crew,
            stamped=self._from,
            progress=self._progress,
        )
        LineRecorder(lines, self._accounts).run()
        self._ledger.work(self._complete)

    def _from(self, first_line: int, last_line: int) -> Stamp:
        """Give the envelope of what stood in these lines of the file."""
        return msgspec.structs.replace(
            self._stamp, source=FromFile(self._sha256, first_line, last_line)
        )

    # --- customers ---------------------------------------------------------------------

    def _start(self, work: Work) -> None:
        for plan in self._plans:
            customer = work.customer(plan.name)
            first = min(account.first for account in plan.accounts)
            work.record(
                customer,
                customers.register(
                    customer,
                    subsidiary=None,
                    time_zone=self._time_zone,
                    stamp=self._from(first.line, first.line),
                    at=from_us(first.at_us),
                ),
            )
            work.record(
                customer,
                customers.start_import(
                    customer,
                    self._sha256,
                    rows=plan.totals.rows,
                    total=Credits(plan.totals.total_milli),
                    stamp=self._from(plan.totals.first_line, plan.totals.last_line),
                    at=self._stamp.recorded_at,
                ),
            )

    def _complete(self, work: Work) -> None:
        for plan in self._plans:
            customer = work.customer(plan.name)
            work.record(
                customer,
                customers.complete_import(
                    customer,
                    self._sha256,
                    rows=plan.totals.rows,
                    recorded=plan.recorded,
                    total=Credits(plan.totals.total_milli),
                    stamp=self._from(plan.totals.first_line, plan.totals.last_line),
                    at=self._stamp.recorded_at,
                ),
            )

    # --- accounts ----------------------------------------------------------------------

    def _open_all(self, work: Work, plans: Iterable[AccountPlan]) -> None:
        for plan in plans:
            account = work.account(plan.named.name)
            first = plan.first
            work.record(
                account,
                accounts.open_account(
                    account,
                    plan.named.customer,
                    created_on=None,
                    stamp=self._from(first.line, first.line),
                    at=from_us(first.at_us),
                ),
            )
            if plan.open is not None:
                self._open_balance(work, account, plan, plan.open)

    def _open_balance(
        self, work: Work, account: Account, plan: AccountPlan, open: Open
    ) -> None:
        if account.opening is not None and account.opening.at == open.at:
            return  # this decision runs again after a commit that did succeed
        if account.opening != plan.before:
            raise changed_meanwhile(plan.named.name)
        stamp = self._from(open.line, open.line)
        if account.opening is None:
            credits = open.credits or Credits(0)
            opened = accounts.open_balance(
                account, credits, basis=open.basis, stamp=stamp, at=open.at
            )
        else:
            opened = self._restate(account, account.opening, plan, open, stamp=stamp)
        work.record(account, opened)

    def _restate(
        self,
        account: Account,
        before: accounts.Opening,
        plan: AccountPlan,
        open: Open,
        *,
        stamp: Stamp,
    ) -> tuple[AccountEvent, ...]:
        """Move the opening back: to what the file states, else so that nothing later changes.

        What followed from an observation still follows from it, over a longer stretch. Nobody
        owns less than nothing: where that would come out, spending is missing, and the opening
        stays where it is.
        """
        between = self._moved(plan, open, until_us=to_us(before.at))
        restate = partial(
            accounts.restate_opening, account, moved=between, stamp=stamp, at=open.at
        )
        if open.credits is not None:
            return restate(open.credits, basis=open.basis)
        credits = before.credits - between
        if credits < Credits(0):
            return ()  # history with holes: recorded, and not counted
        derivation = before.derivation
        if derivation is not None:
            derivation = replace(derivation, moved=derivation.moved + between)
        return restate(credits, basis=before.basis, derivation=derivation)

    def _moved(self, plan: AccountPlan, open: Open, *, until_us: int) -> Credits:
        """Sum what moved between the new and the previous opening: known and to record."""
        from_us = to_us(open.at)
        milli = moved(self._database, plan.named.name, from_us, until_us)
        milli += self._spool.moved(plan.named.number, from_us, until_us)
        lines = self._recording.read.lines
        for stored in (one for settled in plan.lines for one in settled.new):
            milli -= lines.spent(stored, from_us, until_us)
        return Credits(milli)

    # --- movements ---------------------------------------------------------------------

    def _record_all(self, work: Work, rows: Iterable[Row]) -> None:
        for row in rows:
            if row.kind == "transfer-out" and row.counter is not None:
                self._transfer(work, row, row.counter)
            else:
                self._record(work, row)

    def _record(self, work: Work, row: Row) -> None:
        account = work.account(self._names[row.account])
        event = change_of(row, self._from(row.line, row.line))
        work.record(account, accounts.record_once(account, event))
        if row.said == "recharge":
            self._attribute(work, row)

    def _transfer(self, work: Work, row: Row, counter: int) -> None:
        source, target = self._names[row.account], self._names[counter]
        sent, received = legs_of(row, source, target, self._from(row.line, row.line))
        for account, leg in ((work.account(source), sent), (work.account(target), received)):
            work.record(account, accounts.record_once(account, leg))

    def _attribute_all(self, work: Work, rows: Iterable[Row]) -> None:
        for row in rows:
            self._attribute(work, row)

    def _attribute(self, work: Work, row: Row) -> None:
        account = work.account(self._names[row.account])
        attributed = accounts.attribute_purchase(
            account,
            str(row.id),
            "automatic",
            evidence="the file calls it a recharge",
            stamp=self._from(row.line, row.line),
            at=from_us(row.at_us),
        )
        work.record(account, attributed)
