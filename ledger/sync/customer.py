"""One synchronisation of one customer: balances, rows, bills, balances again, observations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from ledger import customer as customers
from ledger.aliases import Aliases
from ledger.database import Database
from ledger.errors import Misuse, OvhError, OvhNotFound, OvhRightMissing, UnknownAccount
from ledger.events import FromOvh, PaymentMethodSeen, Source, Stamp
from ledger.ovh.gateway import Gateway, Me
from ledger.service import Ledger, Work
from ledger.sync.account import Context, Notes, Progress
from ledger.sync.balance import AccountSync, Outcome
from ledger.sync.bills import Bills
from ledger.sync.calls import note_calls
from ledger.sync.memory import last_run
from ledger.sync.refunds import Refunds
from ledger.sync.settling import SETTLE_AFTER, Looks, Settled, settle, transfers_version
from ledger.times import local_day, zone, zone_of_subsidiary

# A bill may be dated before it is visible.
_BILLS_LATE: Final = timedelta(days=31)

# How far two looks may be out of step, for OVH tells its clock in whole seconds. Beyond a
# minute it is not our idea of the clock that is wrong.
CLOCK: Final = timedelta(minutes=1)
NEXT: Final = timedelta(microseconds=1)

# How often an account whose balance moves while it is read is read again.
_ROUNDS: Final = 3


@dataclass(slots=True)
class Result:
    """What a synchronisation came to, for a person and for the exit status.

    `missing` are open accounts of the ledger that OVH does not show any more, `transfers`
    those that were in doubt, or came to be known late.
    """

    customer: str
    outcomes: list[Outcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[OvhError] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    transfers: list[Settled] = field(default_factory=list)
    requests: int = 0


@dataclass(frozen=True, slots=True)
class Papers:
    """What tells of money, for all accounts of a customer."""

    bills: Bills
    refunds: Refunds


class CustomerSync:
    """Reads everything of one customer that the key may read."""

    def __init__(
        self,
        gateway: Gateway,
        ledger: Ledger,
        database: Database,
        *,
        stamp: Callable[[Source], Stamp],
        progress: Progress,
        dry_run: bool = False,
        settle_after: timedelta = SETTLE_AFTER,
    ) -> None:
        self._settle_after = settle_after
        self._gateway = gateway
        self._ledger = ledger
        self._database = database
        self._stamp = stamp
        self._progress = progress
        self._dry_run = dry_run
        self._notes = Notes()

    def run(self, wanted: Sequence[str] = ()) -> Result:
        """Synchronise these accounts, or all. Raises OvhError: nothing is concluded then."""
        offset = self._gateway.time() - datetime.now(UTC)
        me = self._me()
        services = list(self._gateway.services())
        chosen = _chosen(services, wanted)
        customer = self._customer(me, services)
        offset += self._behind(customer, offset)
        result = Result(customer)
        context = self._context(customer, me, offset)
        reading = [AccountSync(context, service) for service in chosen]
        since = transfers_version(self._ledger, customer)
        self._read(reading, result, context, services)
        if not wanted:
            result.missing += self._unlisted(customer, services)
            self._payment_methods(context)
        if not self._dry_run:
            known = {one.account: one.known for one in result.outcomes}
            result.transfers = settle(context, Looks(known, since), self._settle_after)
            note_calls(context, {name: one.seen for name, one in known.items() if one})
        result.notes = self._notes.texts
        result.requests = self._gateway.requests
        return result

    # --- the customer ----------------------------------------------------------------------

    def _me(self) -> Me | None:
        try:
            return self._gateway.me()
        except OvhRightMissing:
            return None
        finally:
            last = self._gateway.last
            self._customer_source = FromOvh(last.route, last.read_at, last.query_id)

    def _customer(self, me: Me | None, services: Sequence[str]) -> str:
        if me is not None:
            return me.nichandle
        if self._gateway.nichandle:
            return self._gateway.nichandle
        example = services[0] if services else "its accounts"
        msg = (
            f"expected to know which customer {example} belongs to, found that the key may not"
            " GET /me: add that rule to the key, or write `nichandle = ab12345-ovh` into the"
            f" section [{self._gateway.profile}] of ovh.conf"
        )
        raise Misuse(msg)

    def _context(self, customer: str, me: Me | None, offset: timedelta) -> Context:
        subsidiary = me.ovhSubsidiary if me else None
        now = datetime.now(UTC) + offset
        time_zone = self._registered_zone(customer) or zone_of_subsidiary(subsidiary)
        aliases = Aliases(self._database)
        context = Context(
            gateway=self._gateway,
            ledger=self._ledger,
            database=self._database,
            customer=customer,
            zone=zone(time_zone),
            stamp=self._stamp,
            now=lambda: datetime.now(UTC) + offset,
            keep_label=lambda kind, text: aliases.keep(customer, kind, text),
            notes=self._notes,
            progress=self._progress,
            dry_run=self._dry_run,
        )
        if not self._dry_run:
            self._register(context, subsidiary, time_zone, now)
        return context

    def _behind(self, customer: str, offset: timedelta) -> timedelta:
        """Tell by how much our idea of OVH's clock is behind a transfer that we made.

        OVH tells its time in whole seconds; what is read now was read after the transfer.
        """
        latest = self._ledger.work(lambda work: work.transfers(customer).latest_at)
        if latest is None:
            return timedelta()
        behind = latest - (datetime.now(UTC) + offset)
        return behind + NEXT if timedelta() <= behind < CLOCK else timedelta()

    def _registered_zone(self, customer: str) -> str | None:
        rows = self._database.execute(
            "SELECT time_zone FROM customer WHERE customer = :customer", customer=customer
        )
        return str(rows[0][0]) if rows else None

    def _register(
        self, context: Context, subsidiary: str | None, time_zone: str, at: datetime
    ) -> None:
        stamp = self._stamp(self._customer_source)

        def decide(work: Work) -> None:
            state = work.customer(context.customer)
            work.record(
                state,
                customers.register(
                    state, subsidiary=subsidiary, time_zone=time_zone, stamp=stamp, at=at
                ),
            )

        self._ledger.work(decide)

    def _payment_methods(self, context: Context) -> None:
        methods = self._notes.optional(
            self._gateway.payment_methods, None, what="payment methods"
        )
        if methods is None or self._dry_run:
            return
        seen = tuple(
            PaymentMethodSeen(m.paymentMethodId, m.paymentType, m.status, m.default)
            for m in sorted(methods, key=lambda method: method.paymentMethodId)
        )
        stamp = self._stamp(context.source())

        def decide(work: Work) -> None:
            state = work.customer(context.customer)
            work.record(
                state,
                customers.see_payment_methods(state, seen, stamp=stamp, at=context.now()),
            )

        self._ledger.work(decide)

    # --- the accounts ----------------------------------------------------------------------

    def _read(
        self,
        reading: list[AccountSync],
        result: Result,
        context: Context,
        services: Sequence[str],
    ) -> None:
        """Read all accounts; those that move meanwhile again, a few times."""
        told = (self._gateway, self._database, context.customer)
        papers = Papers(
            Bills(*told, services=services, note=self._notes.add),
            Refunds(*told, services=services, note=self._notes.add),
        )
        since = self._bills_since(context, services)
        waiting = self._each(reading, result, lambda account: account.start())
        self._notes.optional(lambda: papers.refunds.read(since), None, what="refunds")
        for _ in range(_ROUNDS):
            waiting = self._each(waiting, result, lambda account: account.read_rows())
            through = context.now()
            papers.bills.read(since)
            waiting = self._each(waiting, result, lambda account: account.finish())
            quiet = [account for account in waiting if account.quiet]
            self._conclude(quiet, papers, through, result)
            waiting = [account for account in waiting if not account.quiet]
            if not waiting:
                break
        self._conclude(waiting, papers, through, result)
        if not self._dry_run:
            papers.bills.remember()
            papers.refunds.remember()

    def _conclude(
        self, reading: list[AccountSync], papers: Papers, through: datetime, result: Result
    ) -> None:
        for account in reading:
            bills = papers.bills.of(account.service)
            refunds = papers.refunds.of(account.service)
            result.outcomes.append(account.conclude(bills, refunds, through))
            papers.bills.decided(bills)
            papers.refunds.decided(refunds)

    def _bills_since(self, context: Context, services: Sequence[str]) -> datetime | None:
        """Give where to list bills from; None, for all, once a day and for a new account."""
        today = local_day(context.now(), context.zone)
        runs = [last_run(self._database, service) for service in services]
        through = [
            run.coverage.bills
            for run in runs
            if run and run.coverage.bills and run.listed_whole_on == today
        ]
        if not through or len(through) < len(runs):
            return None
        return min(through) - _BILLS_LATE

    def _unlisted(self, customer: str, services: Sequence[str]) -> list[str]:
        """Give the open accounts that are not in OVH's list any more."""
        rows = self._database.execute(
            "SELECT account FROM account"
            " WHERE customer = :customer AND closed_at_us IS NULL ORDER BY account",
            customer=customer,
        )
        return [account for (account,) in rows if account not in services]

    def _each(
        self,
        reading: Iterable[AccountSync],
        result: Result,
        step: Callable[[AccountSync], None],
    ) -> list[AccountSync]:
        """Take a step for every account; one that OVH does not give is left out."""
        done = []
        for account in reading:
            try:
                step(account)
            except (OvhNotFound, OvhRightMissing) as error:
                result.failures.append(error)
            else:
                done.append(account)
        return done


def _chosen(services: Sequence[str], wanted: Sequence[str]) -> Sequence[str]:
    for name in wanted:
        if name not in services:
            raise UnknownAccount(name, tuple(services), where="OVH")
    return [service for service in services if not wanted or service in wanted]
