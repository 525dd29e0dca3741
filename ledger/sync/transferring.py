"""A transfer in two phases: recorded as requested, called once, recorded as it ended.

Whatever happens between two steps, a crash included, leaves it requested or unknown, and it is
never called again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from ledger import transfer as transfers
from ledger.credits import Credits
from ledger.database import Database
from ledger.errors import (
    DatabaseUnusable,
    IntegrityFailure,
    LedgerError,
    OvhClockOff,
    OvhError,
    OvhKeyRefused,
    OvhNotFound,
    OvhRefused,
    OvhRightMissing,
    Refused,
    UnknownAccount,
)
from ledger.events import (
    BalanceBefore,
    FromOperator,
    FromOvh,
    FromRule,
    Reading,
    Source,
    Stamp,
    TransferEvent,
)
from ledger.ovh.gateway import Gateway, SmsAccount
from ledger.service import Ledger, Work
from ledger.sync.account import Progress
from ledger.sync.balance import Known
from ledger.sync.customer import CLOCK, NEXT, CustomerSync, Result
from ledger.sync.memory import last_run
from ledger.sync.settling import moved_since, record, transfers_version
from ledger.transfer import InDoubt, Transfer

# How often the accounts are read again until nothing moves between that and the call.
_ROUNDS: Final = 3

# How long a request may wait for its call: far less than until balances settle it.
_CALL_WITHIN: Final = timedelta(minutes=1)

_ROUTE: Final = "/sms/{serviceName}/transferCredits"

# Answers that say that nothing was done.
_DEFINITE: Final = (OvhRefused, OvhNotFound, OvhRightMissing, OvhKeyRefused, OvhClockOff)

# What an error advises after its cause: to run a transfer again is no cure.
_ADVICE = re.compile(
    r"(; what was read|; check the|: wait |: check |: correct what).*?(?= \(OVH query|$)"
)


class NotTransferred(Refused):
    """OVH refused the transfer; it is recorded as voided."""


class NotCalled(Refused):
    """The transfer waited too long to be called, or others settled it before."""


class NotAllowed(OvhError):
    """The key may not transfer, or is not accepted; the transfer is recorded as voided."""


class NotKnown(OvhError):
    """Nobody knows whether the transfer was made."""


@dataclass(frozen=True, slots=True)
class Intention:
    """What is to be transferred; its id is ours, since OVH gives none."""

    id: str
    source: str
    target: str
    credits: Credits


@dataclass(frozen=True, slots=True)
class Preview:
    """Both accounts as OVH shows them now: what is left, and what quotas hold."""

    source: SmsAccount
    target: SmsAccount


class Transferring:
    """Makes one transfer.

    `stamp` is for what a person asks for, `observed` for what is read on the way.
    """

    def __init__(
        self,
        gateway: Gateway,
        ledger: Ledger,
        database: Database,
        *,
        stamp: Callable[[Source], Stamp],
        observed: Callable[[Source], Stamp],
    ) -> None:
        self._gateway = gateway
        self._ledger = ledger
        self._database = database
        self._stamp = stamp
        self._observed = observed
        self._now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def require_possible(self, wanted: Intention) -> str:
        """Check what needs no look at OVH; gives the customer. Raises as `transfer` does."""

        def decide(work: Work) -> str:
            source, target = work.account(wanted.source), work.account(wanted.target)
            for account in (source, target):
                if account.customer is None:
                    raise UnknownAccount(account.name, self._accounts())
            customer = source.customer or ""
            state = work.transfers(customer)
            transfers.require_possible(state, source, target, wanted.credits)
            return customer

        return self._ledger.work(decide)

    def preview(self, wanted: Intention) -> Preview:
        """Look at both accounts, recording nothing. Raises TooMuch, OvhError."""
        self._learn_time()
        shown = Preview(
            self._gateway.account(wanted.source), self._gateway.account(wanted.target)
        )
        before = _before(shown.source, self._now(), None, (0, 0))
        self._ledger.work(
            lambda work: transfers.require_enough(
                work.account(wanted.source), before, wanted.credits
            )
        )
        return shown

    def make(self, wanted: Intention, progress: Progress) -> Transfer:
        """Transfer. Raises NotTransferred, NotAllowed or NotKnown when it did not go well."""
        customer = self.require_possible(wanted)
        self._request(customer, wanted, progress)
        return self._call(customer, wanted)

    # --- before the call -------------------------------------------------------------------

    def _request(self, customer: str, wanted: Intention, progress: Progress) -> None:
        """Record both balances as they are just before the call, with what they hold.

        What they hold is not known where another transfer was under way meanwhile: then they
        are looked at again. Raises as `require_possible`, TooMuch and OvhError.
        """
        for left in reversed(range(_ROUNDS)):
            since = transfers_version(self._ledger, customer)
            befores = self._look_at_both(customer, wanted, progress)
            if left and not all(before.quiet for before in befores):
                continue
            other = self._record_request(customer, wanted, befores, since)
            if other is None:
                return
        msg = (
            f"expected no other transfer while {wanted.source} and {wanted.target} are read,"
            f" found {other}: nothing was called, nothing recorded; see what it was with"
            " `sms-ledger transfer list`"
        )
        raise InDoubt(msg)

    def _look_at_both(
        self, customer: str, wanted: Intention, progress: Progress
    ) -> tuple[BalanceBefore, BalanceBefore]:
        result = self._synchronise(customer, wanted, progress)
        known = {one.account: one.known for one in result.outcomes}
        self._learn_time()
        return (
            self._look(wanted.source, known.get(wanted.source)),
            self._look(wanted.target, known.get(wanted.target)),
        )

    def _record_request(
        self,
        customer: str,
        wanted: Intention,
        befores: tuple[BalanceBefore, BalanceBefore],
        since: int,
    ) -> str | None:
        """Record the request, or give the transfer that went on during the looks."""
        source, target = befores
        stamp = self._stamp(FromOperator())
        at = max(self._now(), source.reading.at + NEXT, target.reading.at + NEXT)

        def decide(work: Work) -> str | None:
            state = work.transfers(customer)
            requested = transfers.request(
                state,
                work.account(wanted.source),
                work.account(wanted.target),
                wanted.credits,
                transfer=wanted.id,
                source_before=source,
                target_before=target,
                stamp=stamp,
                at=at,
            )
            accounts = (wanted.source, wanted.target)
            other = moved_since(self._ledger, work, customer, since, accounts)
            if requested and other:
                return other
            work.record(state, requested)
            return None

        return self._ledger.work(decide)

    def _synchronise(self, customer: str, wanted: Intention, progress: Progress) -> Result:
        synchronisation = CustomerSync(
            self._gateway,
            self._ledger,
            self._database,
            stamp=self._observed,
            progress=progress,
        )
        result = synchronisation.run([wanted.source, wanted.target])
        if result.failures:
            raise result.failures[0]
        if result.customer != customer:
            msg = (
                f"expected a key of {customer}, found one of {result.customer}: name the"
                " profile of that customer with --profile"
            )
            raise transfers.Impossible(msg)
        return result

    def _look(self, service: str, known: Known | None) -> BalanceBefore:
        """Look at a balance: after the last look, whatever OVH's whole seconds make of it."""
        shown = self._gateway.account(service)
        at, last = self._now(), last_run(self._database, service)
        if last is not None and at <= last.read_at < at + CLOCK:
            at = last.read_at + NEXT
        versions = self._ledger.work(lambda work: _versions(work, service))
        return _before(shown, at, known, versions)

    def _learn_time(self) -> None:
        """Go by OVH's clock."""
        offset = self._gateway.time() - datetime.now(UTC)
        self._now = lambda: datetime.now(UTC) + offset

    def _accounts(self) -> tuple[str, ...]:
        rows = self._database.execute("SELECT account FROM account ORDER BY account")
        return tuple(account for (account,) in rows)

    # --- the call --------------------------------------------------------------------------

    def _require_fresh(self, customer: str, wanted: Intention) -> None:
        """Refuse to call what stood for long, or was settled by others. Raises NotCalled.

        A process may sleep between the record and the call: a laptop does, a stopped job.
        """
        one, now = self._find(customer, wanted), self._now()
        waited = now - one.requested_at
        if one.status == "requested" and waited <= _CALL_WITHIN:
            return
        cause = f"not called: {int(waited.total_seconds())} s went by since it was requested"
        stamp = self._stamp(FromRule("transfer-not-called", 1))
        with _told_if_not_recorded(wanted, "not called"):
            self._void(customer, wanted, cause, (stamp, now))
        status = self._find(customer, wanted).status
        advice = (
            "take it out of the books with `sms-ledger import`"
            if status == "sent"
            else "see `sms-ledger transfer list` before you request it anew"
        )
        msg = f"{cause}; nothing moved at OVH, and {wanted.id} stands as {status}: {advice}"
        raise NotCalled(msg)

    def _find(self, customer: str, wanted: Intention) -> Transfer:
        return self._ledger.work(lambda work: work.transfers(customer).get(wanted.id))

    def _call(self, customer: str, wanted: Intention) -> Transfer:
        self._require_fresh(customer, wanted)
        credits = Decimal(str(wanted.credits))
        try:
            self._gateway.transfer_credits(wanted.source, wanted.target, credits)
        except _DEFINITE as error:
            with _told_if_not_recorded(wanted, "refused"):
                answer = _ADVICE.sub("", str(error))
                self._void(customer, wanted, answer, self._answered())
            raise _refused(wanted, error) from error
        except OvhError as error:
            cause = _ADVICE.sub("", str(error))
            with _told_if_not_recorded(wanted, "called, with an outcome that nobody knows"):
                self._doubt(customer, wanted, cause)
            raise _unknown(wanted, cause) from error
        with _told_if_not_recorded(wanted, "made"):
            return self._confirm(customer, wanted)

    def _confirm(self, customer: str, wanted: Intention) -> Transfer:
        stamp, at = self._answered()

        def decide(work: Work) -> Transfer:
            one = work.transfers(customer).get(wanted.id)
            events = transfers.confirm(one, "answer", stamp=stamp, at=at)
            record(work, customer, one, events, stamp=stamp)
            return work.transfers(customer).get(wanted.id)

        return self._ledger.work(decide)

    def _void(
        self, customer: str, wanted: Intention, answer: str, known: tuple[Stamp, datetime]
    ) -> None:
        stamp, at = known

        def decide(work: Work) -> None:
            one = work.transfers(customer).get(wanted.id)
            if one.is_in_doubt:  # else balances or a person were faster
                events = transfers.void(one, "answer", answer=answer, stamp=stamp, at=at)
                record(work, customer, one, events, stamp=stamp)

        self._ledger.work(decide)

    def _doubt(self, customer: str, wanted: Intention, answer: str) -> None:
        stamp, at = self._stamp(FromOvh(_ROUTE, datetime.now(UTC), None)), self._now()

        def decide(work: Work) -> None:
            one = work.transfers(customer).get(wanted.id)
            events = transfers.doubt(one, answer=answer, stamp=stamp, at=at)
            record(work, customer, one, events, stamp=stamp)

        self._ledger.work(decide)

    def _answered(self) -> tuple[Stamp, datetime]:
        last = self._gateway.last
        stamp = self._stamp(FromOvh(last.route, last.read_at, last.query_id))
        return stamp, self._now()


def _versions(work: Work, service: str) -> tuple[int, int]:
    return work.account(service).version, work.consumption(service).version


def _before(
    account: SmsAccount, at: datetime, known: Known | None, versions: tuple[int, int]
) -> BalanceBefore:
    """Note a reading just before a call; it is quiet where it is what the lists go with.

    `versions` are those of the streams now, where nothing is known of the lists.
    """
    left, held = account.creditsLeft, account.creditsHoldByQuota
    reading = Reading(at, str(left), str(held))
    seen = known.seen if known else None
    same = seen is not None and _amounts(seen.after) == _amounts(reading)
    jobs = known.jobs if known else None
    return BalanceBefore(
        reading=reading,
        owned=Credits.from_ovh(left) + Credits.from_ovh(held),
        quiet=same and seen is not None and seen.quiet,
        version=known.version if known else versions[0],
        consumption_version=known.consumption_version if known else versions[1],
        in_flight_ids=None if jobs is None else tuple(job.id for job in jobs),
    )


def _amounts(reading: Reading) -> tuple[str, str]:
    return reading.credits_left, reading.credits_hold_by_quota


def _refused(wanted: Intention, error: OvhError) -> Refused | NotAllowed:
    msg = f"{error}; transfer {wanted.id} is voided, nothing moved"
    kind = NotTransferred if isinstance(error, OvhRefused | OvhNotFound) else NotAllowed
    return kind(msg)


def _unknown(wanted: Intention, cause: str) -> NotKnown:
    msg = (
        f"nobody knows whether the transfer was made ({cause}): do not repeat it; type"
        f" `sms-ledger transfer resolve {wanted.id}` in five minutes, when both balances tell"
    )
    return NotKnown(msg)


@contextmanager
def _told_if_not_recorded(wanted: Intention, outcome: str) -> Iterator[None]:
    """Say what became of a call where the ledger cannot keep it.

    Raises DatabaseUnusable, or IntegrityFailure where that is the cause.
    """
    try:
        yield
    except LedgerError as error:
        msg = (
            f"the transfer was {outcome}, which could not be recorded: do not repeat it; type"
            f" `sms-ledger transfer resolve {wanted.id}` when the ledger works again ({error})"
        )
        kind = IntegrityFailure if isinstance(error, IntegrityFailure) else DatabaseUnusable
        raise kind(msg) from error


def resolve_by_person(
    ledger: Ledger, customer: str, transfer: str, *, sent: bool, stamp: Stamp
) -> Transfer:
    """Settle a transfer as a person says. Raises UnknownTransfer, Impossible."""

    def decide(work: Work) -> Transfer:
        one = work.transfers(customer).get(transfer)
        at = stamp.recorded_at
        settled: tuple[TransferEvent, ...] = (
            transfers.confirm(one, "operator", evidence=one.evidence, stamp=stamp, at=at)
            if sent
            else transfers.void(one, "operator", evidence=one.evidence, stamp=stamp, at=at)
        )
        record(work, customer, one, settled, stamp=stamp)
        return work.transfers(customer).get(transfer)

    return ledger.work(decide)
