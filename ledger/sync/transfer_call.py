"""The one call of a transfer, and what is recorded of how it ended.

A crash between two steps leaves it requested or unknown, and it is never called again.
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
)
from ledger.events import FromOvh, FromRule, Source, Stamp, TransferEvent
from ledger.ovh.gateway import Gateway
from ledger.service import Ledger, Work
from ledger.sync.settling import record
from ledger.transfer_states import Transfer

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


class TransferCall:
    """Calls one transfer that is recorded as requested, and records what came of it.

    `now` is OVH's clock.
    """

    def __init__(
        self,
        gateway: Gateway,
        ledger: Ledger,
        stamp: Callable[[Source], Stamp],
        now: Callable[[], datetime],
    ) -> None:
        self._gateway = gateway
        self._ledger = ledger
        self._stamp = stamp
        self._now = now

    def make(self, customer: str, wanted: Intention) -> Transfer:
        """Call, once. Raises NotCalled, NotTransferred, NotAllowed or NotKnown."""
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
