"""The balance of one account: read before and after its rows, opened, observed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain

from msgspec.structs import replace

from ledger import account as accounts
from ledger import observation as observations
from ledger.account import Account
from ledger.credits import ZERO, Credits
from ledger.errors import OvhNotFound, TooFine
from ledger.events import (
    AccountEvent,
    BalanceObserved,
    CreditsPurchased,
    FromOvh,
    LedgerEvent,
    LinesNotBilled,
    LinesVanished,
    Reading,
    RefundSeen,
    Stamp,
)
from ledger.movements import movements
from ledger.ovh.gateway import Received, SmsAccount
from ledger.service import Work
from ledger.settlement import InFlight
from ledger.sync.account import AccountRows, Context, Rows
from ledger.sync.attributing import attribute_recharges
from ledger.sync.bills import BillLine, purchase
from ledger.sync.memory import SyncRun, keep_label, keep_run
from ledger.sync.opening import (
    Facts,
    events_since_last_observation,
    first_opening,
    held_already,
    reaches_back_to,
    recorded_since_last_observation,
    touches,
)
from ledger.sync.refunds import RefundLine, record_refund


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a synchronisation found of one account."""

    account: str
    opened: bool
    lines: int
    corrected: int
    purchases: int
    refunds: int
    vanished: int
    observed: Credits | None
    quiet: bool
    known: Known | None


@dataclass(frozen=True, slots=True)
class News:
    """How much of what tells of money was new."""

    purchases: int
    refunds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What OVH showed of an account, and up to which events the ledger knew it then."""

    seen: BalanceObserved
    jobs: Sequence[InFlight] | None
    version: int
    consumption_version: int


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the balance: when (OVH's clock), what, and the evidence of the answer."""

    at: datetime
    account: SmsAccount
    received: Received

    @property
    def amounts(self) -> tuple[object, ...]:
        return self.account.creditsLeft, self.account.creditsHoldByQuota

    @property
    def reading(self) -> Reading:
        left, held = self.account.creditsLeft, self.account.creditsHoldByQuota
        return Reading(self.at, str(left), str(held))

    @property
    def source(self) -> FromOvh:
        return FromOvh(self.received.route, self.received.read_at, self.received.query_id)


class AccountSync:
    """One account in one synchronisation: `start`, `read_rows`, `finish`, then `conclude`."""

    def __init__(self, context: Context, service: str) -> None:
        self.service = service
        self.quiet = False
        self._context = context
        self._rows_reader = AccountRows(context, service)
        self._rows = Rows()
        self._created_on: date | None = None
        self._before: Look | None = None
        self._after: Look | None = None
        self._is_new = False

    def start(self) -> None:
        """Read the balance, and enter the account into the ledger."""
        look = self._before = self._look()
        known = self._context.database.execute(
            "SELECT created_on FROM account WHERE account = :account", account=self.service
        )
        if known:
            self._created_on = date.fromisoformat(known[0][0]) if known[0][0] else None
            return
        self._is_new = True
        infos = self._context.notes.optional(
            lambda: self._context.gateway.service_infos(self.service),
            None,
            what="the age of accounts",
        )
        self._created_on = infos.creation if infos else None
        if not self._context.dry_run:
            self._open(look)

    def read_rows(self) -> None:
        self._rows = self._rows_reader.read()

    def finish(self) -> None:
        """Read the balance again; the account was quiet where both readings are equal."""
        before = self._before = self._after or self._before
        after = self._after = self._look()
        self.quiet = before is not None and before.amounts == after.amounts

    def conclude(
        self,
        bills: Sequence[BillLine],
        refunds: Sequence[RefundLine],
        bills_through: datetime | None,
    ) -> Outcome:
        """Record the opening, what was bought and given back, and the observation together."""
        before, after = self._before, self._after
        assert before is not None and after is not None  # noqa: S101, PT018 (start, finish)
        seen = self._observation(before, after, bills_through)
        new, known = News(len(bills), len(refunds)), None
        if not self._context.dry_run:
            new, known = self._context.ledger.work(
                lambda work: self._decide(work, seen, after, (bills, refunds))
            )
            if seen is not None:
                self._remember(seen, after.account)
            attribute_recharges(self._context, self.service)
        return Outcome(
            account=self.service,
            opened=self._is_new,
            lines=self._rows.new,
            corrected=self._rows.corrected,
            purchases=new.purchases,
            refunds=new.refunds,
            vanished=self._rows.vanished,
            observed=seen.owned if seen else None,
            quiet=self.quiet and seen is not None,
            known=known,
        )

    # --- reading ---------------------------------------------------------------------------

    def _look(self) -> Look:
        account = self._context.gateway.account(self.service)
        return Look(self._context.now(), account, self._context.gateway.last)

    def _observation(
        self, before: Look, after: Look, bills_through: datetime | None
    ) -> BalanceObserved | None:
        """Make the observation; None where OVH's numbers are finer than a thousandth."""
        account = after.account
        try:
            held = Credits.from_ovh(account.creditsHoldByQuota)
            owned = Credits.from_ovh(account.creditsLeft) + held
        except TooFine as error:
            self._context.notes.add(f"{self.service}: the balance is not observed: {error}")
            return None
        return BalanceObserved(
            **self._context.stamp(after.source).at(after.at),
            before=before.reading,
            after=after.reading,
            quiet=self.quiet,
            owned=owned,
            held=held,
            users_with_quota=account.userQuantityWithQuota,
            quota_left=self._quota_left(account, held),
            pending=self._rows.pending,
            status=account.status,
            channel=account.channel,
            smpp=account.smpp,
            coverage=replace(self._rows.coverage, bills=bills_through),
        )

    def _quota_left(self, account: SmsAccount, held: Credits) -> Credits | None:
        """Sum what the users' quotas still hold; the users are read only when that moved."""
        if not account.userQuantityWithQuota:
            return ZERO
        last = self._context.ledger.work(lambda work: work.observations(self.service).last)
        if last and (last.held, last.users_with_quota) == (held, account.userQuantityWithQuota):
            return last.quota_left
        try:
            return self._context.notes.optional(self._read_quotas, None, what="users' quotas")
        except TooFine as error:
            self._context.notes.add(f"{self.service}: users' quotas not summed: {error}")
            return None

    def _read_quotas(self) -> Credits:
        gateway, left = self._context.gateway, ZERO
        for login in gateway.users(self.service):
            try:
                quota = gateway.user_quota(self.service, login)
            except OvhNotFound:
                continue  # gone since the list was read
            if quota.quotaStatus == "active":
                left += Credits.from_ovh(quota.quotaLeft)
        return left

    # --- recording -------------------------------------------------------------------------

    def _open(self, look: Look) -> None:
        context = self._context
        stamp = context.stamp(look.source)
        created = self._created_on.isoformat() if self._created_on else None

        def decide(work: Work) -> None:
            account = work.account(self.service)
            events = accounts.open_account(
                account, context.customer, created_on=created, stamp=stamp, at=look.at
            )
            work.record(account, events)

        context.ledger.work(decide)

    def _decide(
        self,
        work: Work,
        seen: BalanceObserved | None,
        after: Look,
        papers: tuple[Sequence[BillLine], Sequence[RefundLine]],
    ) -> tuple[News, Known | None]:
        account = work.account(self.service)
        stamp = self._context.stamp(after.source)
        bills, refunds = papers
        events = self._purchases(account, bills)
        given_back = self._refunds(account, refunds)
        purchases = [event for event in events if isinstance(event, CreditsPurchased)]
        if seen is not None:
            work.consumption(self.service)  # its lines are looked at: they must not grow now
            facts = Facts(seen, self._rows.pending_ids, purchases)
            work.record(account, self._opening(account, facts, stamp))
        work.record(account, (*events, *given_back))
        work.record(account, _settings(account, after, stamp))
        if seen is not None:
            self._observe(work, seen, moved=bool(purchases or given_back))
        self._say_if_closed(account, moved=bool(purchases))
        return News(len(purchases), len(given_back)), self._known(work, seen)

    def _known(self, work: Work, seen: BalanceObserved | None) -> Known | None:
        if seen is None or self._rows.unread:
            return None
        return Known(
            seen=seen,
            jobs=self._rows.pending_jobs,
            version=work.account(self.service).version,
            consumption_version=work.consumption(self.service).version,
        )

    def _purchases(self, account: Account, bills: Sequence[BillLine]) -> list[AccountEvent]:
        """Decide on every bill line, oldest first; lines of one bill have one time."""
        ordered = sorted(bills, key=lambda line: (line.bill.date, line.detail.billDetailId))
        return [
            event
            for line in ordered
            for event in purchase(account, line, stamp=self._context.stamp(line.source))
        ]

    def _refunds(self, account: Account, refunds: Sequence[RefundLine]) -> list[AccountEvent]:
        ordered = sorted(refunds, key=lambda line: (line.refund.date, line.id))
        return [
            event
            for line in ordered
            for event in record_refund(account, line, stamp=self._context.stamp(line.source))
        ]

    def _opening(
        self, account: Account, facts: Facts, stamp: Stamp
    ) -> tuple[AccountEvent, ...]:
        """Open the balance where the account was quiet and read; restate what held more."""
        context = self._context
        if account.opening is None or account.opening.basis == "assumed":
            if not facts.seen.quiet or self._rows.unread:
                return ()
            return first_opening(
                account,
                facts,
                context.ledger.movements(self.service),
                created_at=reaches_back_to(
                    self._created_on, facts.seen.happened_at, context.zone
                ),
                stamp=stamp,
            )
        news = recorded_since_last_observation(context.database, self.service)
        if not touches(account, chain(news, (move for _, move in facts.bought()))):
            return ()
        restated = held_already(
            account, facts, context.ledger.movements(self.service), stamp=stamp
        )
        if restated:
            context.notes.add(f"{self.service}: what became known was in its opening: restated")
        return restated

    def _observe(self, work: Work, seen: BalanceObserved, *, moved: bool) -> None:
        context = self._context
        news = events_since_last_observation(context.database, self.service)
        state = work.observations(self.service)
        moved = moved or any(map(_is_news, news))
        work.record(state, observations.observe(state, seen, zone=context.zone, moved=moved))

    def _say_if_closed(self, account: Account, *, moved: bool) -> None:
        if account.closed_at is not None and (moved or self._rows.new):
            on = f"{account.closed_at:%Y-%m-%d}"
            self._context.notes.add(f"{self.service} was closed on {on}, but it moves at OVH")

    def _remember(self, seen: BalanceObserved, read: SmsAccount) -> None:
        context = self._context
        keep_label(context.database, self.service, read.description)
        run = SyncRun(
            read_at=seen.happened_at,
            coverage=seen.coverage,
            oldest_pending=seen.pending.oldest_at if seen.pending else None,
            listed_whole_on=self._rows_reader.listed_whole_on,
        )
        keep_run(context.database, self.service, run)


def _is_news(event: LedgerEvent) -> bool:
    """Tell whether an event makes equal numbers worth recording: reports tell of them then."""
    if isinstance(event, LinesNotBilled | LinesVanished | RefundSeen):
        return True
    return any(True for _ in movements(event))


def _settings(account: Account, look: Look, stamp: Stamp) -> tuple[AccountEvent, ...]:
    """Record the recharge settings; a threshold that is too fine is put before a person."""
    name = "creditThresholdForAutomaticRecredit"
    try:
        threshold = Credits.from_ovh(look.account.creditThresholdForAutomaticRecredit)
    except TooFine as error:
        return accounts.open_break(
            account,
            "too-fine",
            name,
            credits=None,
            text=f"{name}: {error}",
            stamp=stamp,
            at=look.at,
        )
    amount = look.account.automaticRecreditAmount
    return accounts.see_recharge_settings(account, threshold, amount, stamp=stamp, at=look.at)
