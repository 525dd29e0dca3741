"""Breaks: what a person decides on a difference between OVH and the ledger.

Accepted, it stands as it is; adjusted, it is booked. Both name the very credits that were seen:
a difference of others is another break. Nothing is decided twice, nor by a rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never

from ledger.account import Account, record_once
from ledger.credits import ZERO, Credits
from ledger.errors import InvalidValue, Refused
from ledger.events import (
    AccountEvent,
    BookedAs,
    BreakAccepted,
    BreakAdjusted,
    BreakNoted,
    CreditsAdjusted,
    CreditsPurchased,
    DecidedKind,
    Stamp,
    TransferReceived,
    TransferSent,
)
from ledger.names import break_name, may_be_kept
from ledger.personal import impersonal

# What concerns one account; a transfer is booked on two together.
BookedAlone = Literal["adjustment", "gift", "purchase"]


class AlreadyDecided(Refused):
    """A person decided on this break before."""


class NotToBeBooked(Refused):
    """A break that holds no such movement."""


@dataclass(frozen=True, slots=True)
class Break:
    """A difference as it was first seen; no credits: it moves none."""

    kind: DecidedKind
    reference: str
    credits: Credits | None
    first_seen_at: datetime

    @property
    def id(self) -> str:
        """What a person types: one word."""
        return break_name(self.kind, self.reference)


def owner_name(text: str) -> str:
    """Check who looks after a break: a short name, never an address or a number."""
    if not may_be_kept(impersonal(text)):
        msg = (
            "expected an owner like anna or finance-team (32 letters, digits, `.`, `_` or `-`;"
            f" no long number), found {text!r}"
        )
        raise InvalidValue(msg)
    return text


def require_undecided(account: Account, one: Break) -> None:
    """Raise AlreadyDecided."""
    known = account.decided.get((one.kind, one.reference))
    if known is None:
        return
    what = "accepted" if isinstance(known, BreakAccepted) else f"booked as {known.booked_as}"
    msg = (
        f"expected a break that nobody decided on, found that {account.name}/{one.id} was"
        f" {what} by {known.actor} on {known.recorded_at:%Y-%m-%d}: see"
        f" `sms-ledger recon breaks {account.name} --all`"
    )
    raise AlreadyDecided(msg)


def accept(
    account: Account, one: Break, *, owner: str | None, stamp: Stamp, at: datetime
) -> tuple[BreakAccepted, ...]:
    """Let a break stand. Raises AlreadyDecided."""
    require_undecided(account, one)
    return (
        BreakAccepted(
            **stamp.at(at),
            kind=one.kind,
            reference=one.reference,
            credits=one.credits,
            first_seen_at=one.first_seen_at,
            owner=owner,
        ),
    )


def note(one: Break, *, owner: str | None, stamp: Stamp, at: datetime) -> BreakNoted:
    """Say who looks after a break, or what is known of it."""
    return BreakNoted(
        **stamp.at(at),
        kind=one.kind,
        reference=one.reference,
        credits=one.credits,
        first_seen_at=one.first_seen_at,
        owner=owner,
    )


def adjust(
    account: Account,
    one: Break,
    booked_as: BookedAlone,
    *,
    bill_detail_id: str | None = None,
    booked_at: datetime,
    stamp: Stamp,
    at: datetime,
) -> tuple[AccountEvent, ...]:
    """Book a break of one account, at `booked_at`. Raises AlreadyDecided, NotToBeBooked."""
    require_undecided(account, one)
    credits = _credits_of(account, one)
    movement: CreditsAdjusted | CreditsPurchased
    match booked_as:
        case "adjustment" | "gift":
            if booked_as == "gift":
                _require_positive(account, one, booked_as)
            movement = CreditsAdjusted(
                **stamp.at(booked_at),
                adjustment_id=f"break-{one.id}",
                kind=booked_as,
                credits=credits,
            )
            key = movement.adjustment_id
        case "purchase":
            _require_positive(account, one, booked_as)
            movement = _purchase(account, one, bill_detail_id, stamp=stamp, at=booked_at)
            key = movement.bill_detail_id
        case _:
            assert_never(booked_as)
    recorded = record_once(account, movement)
    return (*recorded, _adjusted(one, credits, booked_as, key, stamp=stamp, at=at))


def adjust_as_transfer(
    source: tuple[Account, Break],
    target: tuple[Account, Break],
    *,
    booked_at: datetime,
    stamp: Stamp,
    at: datetime,
) -> tuple[tuple[AccountEvent, ...], tuple[AccountEvent, ...]]:
    """Book two breaks as one transfer: what goes to the source's stream, and to the target's.

    Raises AlreadyDecided.
    """
    for account, one in (source, target):
        require_undecided(account, one)
    moved = _credits_of(*target)
    transfer = f"break-{source[0].name}-{source[1].id}"
    when = stamp.at(booked_at)
    sent = TransferSent(
        **when, transfer=transfer, counter_account=target[0].name, credits=moved
    )
    received = TransferReceived(
        **when, transfer=transfer, counter_account=source[0].name, credits=moved
    )
    return (
        (sent, _adjusted(source[1], -moved, "transfer", transfer, stamp=stamp, at=at)),
        (received, _adjusted(target[1], moved, "transfer", transfer, stamp=stamp, at=at)),
    )


def _adjusted(
    one: Break, credits: Credits, booked_as: BookedAs, key: str, *, stamp: Stamp, at: datetime
) -> BreakAdjusted:
    return BreakAdjusted(
        **stamp.at(at),
        kind=one.kind,
        reference=one.reference,
        credits=credits,
        first_seen_at=one.first_seen_at,
        booked_as=booked_as,
        movement=key,
    )


def _credits_of(account: Account, one: Break) -> Credits:
    if not one.credits:
        msg = (
            f"expected a break that moves credits, found that {account.name}/{one.id} explains"
            " none of the difference: type `sms-ledger recon accept` with a --reason"
        )
        raise NotToBeBooked(msg)
    return one.credits


def _require_positive(account: Account, one: Break, booked_as: BookedAs) -> None:
    if one.credits is None or one.credits <= ZERO:
        msg = (
            f"expected credits that came in to be booked as {booked_as}, found {one.credits} of"
            f" {account.name}/{one.id}: book them as adjustment or transfer"
        )
        raise NotToBeBooked(msg)


def _purchase(
    account: Account, one: Break, bill_detail_id: str | None, *, stamp: Stamp, at: datetime
) -> CreditsPurchased:
    """Give a purchase by the bill line's key, so that the bill itself is not booked again."""
    if bill_detail_id is None:
        msg = (
            f"expected the bill line by which {account.name}/{one.id} was bought, found none:"
            " type --bill with its billDetailId (else `sync` would book its bill again), or"
            " wait until `sync` reads the bill"
        )
        raise NotToBeBooked(msg)
    if ("purchase", bill_detail_id) in account.known:
        msg = (
            f"expected a bill line that is not booked, found {bill_detail_id} in"
            f" {account.name}: book {one.id} as adjustment, or name another --bill"
        )
        raise NotToBeBooked(msg)
    return CreditsPurchased(
        **stamp.at(at),
        bill_detail_id=bill_detail_id,
        bill_id=None,
        order_id=None,
        description=None,
        quantity=None,
        unit_price=None,
        total_price=None,
        tax=None,
        bill_net=None,
        bill_tax=None,
        bill_gross=None,
        credits=_credits_of(account, one),
        gift_credits=ZERO,
        read_by="operator",
    )
