"""A transfer in two phases: recorded as requested, called once, recorded as it ended.

Whatever happens between two steps, a crash included, leaves it requested or unknown, and it is
never called again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ledger import transfer as transfers
from ledger.credits import Credits
from ledger.database import Database
from ledger.errors import (
    UnknownAccount,
)
from ledger.events import (
    BalanceBefore,
    FromOperator,
    Reading,
    Source,
    Stamp,
)
from ledger.ovh.gateway import Gateway, SmsAccount
from ledger.service import Ledger, Work
from ledger.sync.account import Progress
from ledger.sync.balance import Known
from ledger.sync.customer import CLOCK, NEXT, CustomerSync, Result
from ledger.sync.memory import last_run
from ledger.sync.settling import moved_since, transfers_version
from ledger.sync.transfer_call import Intention, TransferCall
from ledger.transfer import InDoubt
from ledger.transfer_states import Transfer

# How often the accounts are read again until nothing moves between that and the call.
_ROUNDS: Final = 3


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
        call = TransferCall(self._gateway, self._ledger, self._stamp, self._now)
        return call.make(customer, wanted)

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
