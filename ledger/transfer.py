"""Transfers between two accounts of one customer: their states, and the decisions.

OVH's call returns nothing, names no transfer and lists none. So a request is recorded first,
then called once. What is neither confirmed nor refused is in doubt, and is never called again:
balances or a person settle it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ledger.account import Account
from ledger.credits import ZERO, Credits
from ledger.errors import Misuse, Refused, UnknownAccount
from ledger.events import (
    BalanceBefore,
    SettledBy,
    Stamp,
    TransferConfirmed,
    TransferEvent,
    TransferEvidence,
    TransferReceived,
    TransferRequested,
    TransferSent,
    TransferSettledLate,
    TransferUnknown,
    TransferVoided,
)
from ledger.settlement import shows_the_same
from ledger.transfer_states import Transfer, fold


class Impossible(Refused):
    """A transfer that is refused before OVH is asked."""


class InDoubt(Refused):
    """A transfer of one of the accounts is not settled: nobody could tell the two apart."""


class TooMuch(Refused):
    """More than the source owns, or than its quotas leave."""


class UnknownTransfer(Misuse):
    """No such transfer of this customer."""


@dataclass(slots=True)
class Transfers:
    """All transfers of one customer, by their ids."""

    customer: str
    version: int = 0
    all: dict[str, Transfer] = field(default_factory=dict)

    @property
    def latest_at(self) -> datetime | None:
        """When the last transfer was called."""
        return max((one.requested_at for one in self.all.values()), default=None)

    def in_doubt(self) -> Iterator[Transfer]:
        return (one for one in self.all.values() if one.is_in_doubt)

    def others_in_doubt(self, one: Transfer) -> bool:
        """Tell whether another transfer of one of its accounts is in doubt."""
        return any(
            other.id != one.id and (other.moves(one.source) or other.moves(one.target))
            for other in self.in_doubt()
        )

    def get(self, transfer: str) -> Transfer:
        """Raise UnknownTransfer for an id that was never requested."""
        if transfer not in self.all:
            msg = (
                f"expected a transfer of {self.customer}, found {transfer!r};"
                " see `sms-ledger transfer list`"
            )
            raise UnknownTransfer(msg)
        return self.all[transfer]


def evolve(transfers: Transfers, event: TransferEvent) -> None:
    """Apply the next event of the stream."""
    transfers.version += 1
    fold(transfers.all, transfers.customer, event)


# --- before the call -----------------------------------------------------------------------


def require_possible(
    transfers: Transfers, source: Account, target: Account, credits: Credits
) -> None:
    """Check all that can be told without asking OVH.

    Raises UnknownAccount, Impossible or InDoubt.
    """
    for account in (source, target):
        if account.customer is None:
            raise UnknownAccount(account.name)
    if source.name == target.name:
        msg = f"expected two accounts, found {source.name} as source and target: name another"
        raise Impossible(msg)
    if source.customer != target.customer:
        msg = (
            f"expected two accounts of one customer, found {source.name} of {source.customer}"
            f" and {target.name} of {target.customer}: nothing crosses customers; buy credits"
            f" for {target.name} instead"
        )
        raise Impossible(msg)
    if credits <= ZERO:
        msg = f"expected more than 0 credits to transfer, found {credits}: type how many"
        raise Impossible(msg)
    for account in (source, target):
        _require_open(account)
        require_settled(transfers, account)


def _require_open(account: Account) -> None:
    if account.closed_at is not None:
        msg = (
            f"expected an open account, found that {account.name} was closed on"
            f" {account.closed_at:%Y-%m-%d}; see `sms-ledger account list`"
        )
        raise Impossible(msg)


def require_settled(transfers: Transfers, account: Account) -> None:
    """Refuse what an account with a transfer in doubt should wait for. Raises InDoubt."""
    for one in transfers.in_doubt():
        if one.moves(account.name):
            msg = (
                f"expected no transfer of {account.name} in doubt, found {one.id} of"
                f" {one.credits} credits from {one.source} to {one.target}: type"
                f" `sms-ledger transfer resolve {one.id}` first"
            )
            raise InDoubt(msg)


def require_enough(source: Account, before: BalanceBefore, credits: Credits) -> None:
    """Check an amount against what OVH shows. Raises TooMuch."""
    left = Credits.from_ovh(Decimal(before.reading.credits_left))
    if credits <= left:
        return
    held = before.owned - left
    quotas = f", and {held} more that quotas hold and nobody can transfer" if held else ""
    msg = (
        f"expected at most what {source.name} has, found {credits} credits to transfer:"
        f" it has {left}{quotas}; transfer less, or buy credits"
    )
    raise TooMuch(msg)


def request(
    transfers: Transfers,
    source: Account,
    target: Account,
    credits: Credits,
    *,
    transfer: str,
    source_before: BalanceBefore,
    target_before: BalanceBefore,
    stamp: Stamp,
    at: datetime,
) -> tuple[TransferRequested, ...]:
    """Intend a transfer, to be called right after. Raises as the checks do."""
    if transfer in transfers.all:
        return ()  # recorded by a commit whose outcome was not known
    require_possible(transfers, source, target, credits)
    require_enough(source, source_before, credits)
    return (
        TransferRequested(
            **stamp.at(at),
            transfer=transfer,
            source_account=source.name,
            target_account=target.name,
            credits=credits,
            source_before=source_before,
            target_before=target_before,
        ),
    )


# --- after the call ------------------------------------------------------------------------


def confirm(
    one: Transfer,
    by: SettledBy,
    *,
    evidence: TransferEvidence | None = None,
    stamp: Stamp,
    at: datetime,
) -> tuple[TransferConfirmed | TransferSettledLate, ...]:
    """Say that a transfer took effect; one that was taken for void is reopened."""
    if one.status == "sent":
        return ()
    kind = TransferSettledLate if one.status == "voided" else TransferConfirmed
    return (kind(**stamp.at(at), transfer=one.id, by=by, evidence=evidence),)


def legs(one: Transfer, *, stamp: Stamp) -> tuple[TransferSent, TransferReceived]:
    """Give both legs of a transfer, at the time of its call; recorded in one save."""
    when = stamp.at(one.requested_at)
    return (
        TransferSent(**when, transfer=one.id, counter_account=one.target, credits=one.credits),
        TransferReceived(
            **when, transfer=one.id, counter_account=one.source, credits=one.credits
        ),
    )


def void(
    one: Transfer,
    by: SettledBy,
    *,
    answer: str | None = None,
    evidence: TransferEvidence | None = None,
    stamp: Stamp,
    at: datetime,
) -> tuple[TransferVoided, ...]:
    """Say that a transfer moved nothing. Raises Impossible for one that took effect."""
    if one.status == "sent":
        msg = (
            f"expected a transfer in doubt, found that {one.id} was sent and is in the books:"
            " transfer the credits back, or record an adjustment with `sms-ledger import`"
        )
        raise Impossible(msg)
    if one.status == "voided":
        return ()
    return (
        TransferVoided(
            **stamp.at(at), transfer=one.id, by=by, answer=answer, evidence=evidence
        ),
    )


def doubt(
    one: Transfer,
    *,
    answer: str | None = None,
    evidence: TransferEvidence | None = None,
    stamp: Stamp,
    at: datetime,
) -> tuple[TransferUnknown, ...]:
    """Say that the outcome is not known, again where both balances show something new.

    What came instead of an answer to the call itself, `answer`, reopens one that others took
    for void while it was called.
    """
    if one.status == "sent" or (one.status == "voided" and answer is None):
        return ()
    if one.status == "unknown" and (evidence is None or shows_the_same(one.evidence, evidence)):
        return ()
    return (
        TransferUnknown(
            **stamp.at(at),
            transfer=one.id,
            answer=answer or one.answer,
            evidence=evidence or one.evidence,
        ),
    )


def may_be_reopened(one: Transfer) -> bool:
    """Tell whether balances may still prove a void transfer to have taken effect.

    OVH's own refusal stands; so does what a person decided without having seen the balances.
    """
    return one.status == "voided" and one.by != "answer" and one.evidence is not None
