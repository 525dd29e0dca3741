"""An SMS account: its state, and the decisions about it.

Facts from OVH are recorded even where they make a balance negative; only what we start may be
refused. `evolve` applies an event to the state without judging, so that a rule never runs on
replay. Decisions leave the state as it is and give the events to record.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, assert_never

from ledger.credits import ZERO, Credits
from ledger.errors import InvalidValue, Refused
from ledger.events import (
    AccountClosed,
    AccountEvent,
    AccountOpened,
    BalanceOpened,
    Basis,
    BillLineSeen,
    BreakAccepted,
    BreakAdjusted,
    BreakKind,
    BreakNoted,
    BreakOpened,
    CreditsAdjusted,
    CreditsPurchased,
    CreditsRefunded,
    Derivation,
    OpeningCostStated,
    OpeningRestated,
    PurchaseAttributed,
    RechargeChangeRequested,
    RechargeSettingsSeen,
    RefundSeen,
    Stamp,
    TransferReceived,
    TransferSent,
)
from ledger.money import Money

# A movement's natural key, and the payload that the same key must come with again.
Key = tuple[str, str]
Payload = tuple[datetime, Credits]


# Which part of OVH's bill told the credits of a purchase.
_OVHS_OWN = ("quantity", "description")


class KeyConflict(Refused):
    """The same natural key came with another payload."""

    def __init__(self, key: Key, *, known: Payload, found: Payload) -> None:
        self.key = key
        self.known = known
        self.found = found
        super().__init__(
            f"{key[0]} {key[1]} is recorded with {known[1]} credits of {known[0].isoformat()},"
            f" found {found[1]} credits of {found[0].isoformat()}"
        )


class AlreadyClosed(Refused):
    """The account left the books before."""


class CreditsLeft(Refused):
    """An account with credits is closed only when they are written off."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What was owned at T0, how that is known, and the version of the event that says so."""

    at: datetime
    credits: Credits
    version: int
    basis: Basis
    derivation: Derivation | None


@dataclass(frozen=True, slots=True)
class RechargeSettings:
    """The recharge settings that OVH showed at a moment; no amount: off."""

    at: datetime
    threshold: Credits
    amount: int | None


@dataclass(slots=True)
class Account:
    """The state of one account, as its stream tells it (consumption has its own stream).

    `billed` are the purchases that were read from OVH's bills, with the order of each,
    `by_hand` those that a person booked by their bill line, without its price or time,
    `unpriced` all that were recorded without a price, `bill_lines` the lines of bills that were
    seen beside their purchase, `refunds` the lines of refunds that were seen, `settings` all
    recharge settings that were seen, in order of time; `recharge` those that were recorded
    last; `decided` tells what a person made of which breaks, `opening_cost` what was stated
    last of the opening's credits that no bill covers.
    """

    name: str
    version: int = 0
    customer: str | None = None
    closed_at: datetime | None = None
    opening: Opening | None = None
    settings: list[RechargeSettings] = field(default_factory=list)
    recharge: tuple[Credits, int | None] | None = None
    known: dict[Key, Payload] = field(default_factory=dict)
    billed: dict[str, int | None] = field(default_factory=dict)
    by_hand: set[str] = field(default_factory=set)
    unpriced: set[str] = field(default_factory=set)
    bill_lines: set[str] = field(default_factory=set)
    attributed: set[str] = field(default_factory=set)
    refunds: dict[str, tuple[datetime, Money]] = field(default_factory=dict)
    breaks: set[tuple[str, str]] = field(default_factory=set)
    decided: dict[tuple[str, str], BreakAccepted | BreakAdjusted] = field(default_factory=dict)
    opening_cost: tuple[datetime, Credits, Money] | None = None


def _at(seen: RechargeSettings) -> datetime:
    return seen.at


def evolve(account: Account, event: AccountEvent) -> None:
    """Apply the next event of the account's stream."""
    account.version += 1
    match event:
        case AccountOpened():
            account.customer = event.customer
        case AccountClosed():
            account.closed_at = event.happened_at
        case BalanceOpened() | OpeningRestated():
            account.opening = Opening(
                event.happened_at,
                event.credits,
                account.version,
                event.basis,
                event.derivation,
            )
        case (
            CreditsPurchased()
            | CreditsRefunded()
            | CreditsAdjusted()
            | TransferSent()
            | TransferReceived()
        ):
            _move(account, event)
        case PurchaseAttributed():
            account.attributed.add(event.bill_detail_id)
        case RechargeSettingsSeen():
            seen = RechargeSettings(event.happened_at, event.threshold, event.amount)
            # OVH's clock may have been ahead: what is recorded later was seen earlier then
            insort(account.settings, seen, key=_at)
            account.recharge = event.threshold, event.amount
        case BillLineSeen() | RefundSeen():
            _see(account, event)
        case OpeningCostStated():
            account.opening_cost = (event.happened_at, event.credits, event.cost)
        case BreakOpened():
            account.breaks.add((event.kind, event.reference))
        case BreakAccepted() | BreakAdjusted():
            account.decided[event.kind, event.reference] = event
        case RechargeChangeRequested() | BreakNoted():
            pass  # what came of a request is seen; a note is for people
        case _:
            assert_never(event)


Recorded = (
    CreditsPurchased | CreditsRefunded | CreditsAdjusted | TransferSent | TransferReceived
)


def _see(account: Account, event: BillLineSeen | RefundSeen) -> None:
    if isinstance(event, BillLineSeen):
        account.bill_lines.add(event.bill_detail_id)
    else:
        account.refunds[event.refund_detail_id] = event.happened_at, event.total_price


def _move(account: Account, event: Recorded) -> None:
    account.known[key_of(event)] = payload_of(event)
    if isinstance(event, CreditsPurchased):
        _buy(account, event)


def _buy(account: Account, event: CreditsPurchased) -> None:
    if event.read_by in _OVHS_OWN:
        account.billed[event.bill_detail_id] = event.order_id
    if event.read_by == "operator":
        account.by_hand.add(event.bill_detail_id)
    if event.total_price is None:
        account.unpriced.add(event.bill_detail_id)


def key_of(event: Recorded) -> Key:
    """Give the natural key by which a movement is recorded once."""
    match event:
        case CreditsPurchased():
            return ("purchase", event.bill_detail_id)
        case CreditsRefunded():
            return ("refund", event.refund_id)
        case CreditsAdjusted():
            return (event.kind, event.adjustment_id)
        case TransferSent():
            return ("transfer-out", event.transfer)
        case TransferReceived():
            return ("transfer-in", event.transfer)
        case _:
            assert_never(event)


def payload_of(event: Recorded) -> Payload:
    """Give what the same key must come with again."""
    if isinstance(event, CreditsPurchased):
        return (event.happened_at, event.credits + event.gift_credits)
    return (event.happened_at, event.credits)


def record_once(account: Account, event: Recorded) -> tuple[AccountEvent, ...]:
    """Record a movement unless its key is known. Raises KeyConflict on another payload."""
    key, found = key_of(event), payload_of(event)
    known = account.known.get(key)
    if known is None:
        return (event,)
    if known != found:
        raise KeyConflict(key, known=known, found=found)
    return ()


def open_account(
    account: Account, customer: str, *, created_on: str | None, stamp: Stamp, at: datetime
) -> tuple[AccountEvent, ...]:
    """Enter an account into the ledger; one that is there already stays as it is."""
    if account.customer is not None:
        if account.customer != customer:
            msg = (
                f"account {account.name} belongs to customer {account.customer}, found it under"
                f" {customer}: nothing crosses customers; use another --database for {customer}"
            )
            raise Refused(msg)
        return ()
    return (
        AccountOpened(
            **stamp.at(at), customer=customer, account=account.name, created_on=created_on
        ),
    )


def open_balance(
    account: Account,
    credits: Credits,
    *,
    basis: Basis,
    derivation: Derivation | None = None,
    stamp: Stamp,
    at: datetime,
) -> tuple[AccountEvent, ...]:
    """Assert the credits owned at T0 = `at`, once; another opening is a restatement."""
    if account.opening is not None:
        return ()
    return (BalanceOpened(**stamp.at(at), credits=credits, basis=basis, derivation=derivation),)


def restate_opening(
    account: Account,
    credits: Credits,
    *,
    moved: Credits,
    basis: Basis,
    derivation: Derivation | None = None,
    stamp: Stamp,
    at: datetime,
) -> tuple[AccountEvent, ...]:
    """Let another opening hold, at an earlier T0 or at the same one.

    `moved` is what moved from the new T0 until just before the previous one. A difference that
    no observation explains becomes a break, unless the previous opening was only assumed.
    """
    opening = account.opening
    if opening is None or at > opening.at or (at, credits) == (opening.at, opening.credits):
        return ()
    difference = credits + moved - opening.credits
    restated = OpeningRestated(
        **stamp.at(at),
        target_version=opening.version,
        credits=credits,
        basis=basis,
        derivation=derivation,
        previous_at=opening.at,
        previous=opening.credits,
        difference=difference,
    )
    if not difference or derivation is not None or opening.basis == "assumed":
        return (restated,)
    text = (
        f"the opening of {at.isoformat()} and what moved since give {credits + moved} credits"
        f" at {opening.at.isoformat()}, where {opening.credits} were opened"
    )
    return (
        restated,
        *open_break(
            account,
            "opening-difference",
            opening.at.isoformat(),
            credits=difference,
            text=text,
            stamp=stamp,
            at=opening.at,
        ),
    )


def state_opening_cost(
    account: Account, credits: Credits, cost: Money, *, stamp: Stamp
) -> tuple[AccountEvent, ...]:
    """Say what the credits of the opening cost that no bill before it covers.

    Raises Refused where there are none, InvalidValue for less than nothing.
    """
    opening = account.opening
    if opening is None or credits <= ZERO:
        found = "no opening" if opening is None else "bills that cover all of it, or none left"
        msg = (
            f"expected credits of the opening of {account.name} whose cost is not known, found"
            f" {found}: see `sms-ledger lots {account.name}`"
        )
        raise Refused(msg)
    if cost.amount < 0 or cost.amount != round(cost.amount, 2):
        msg = f"expected a cost of zero or more in whole cents, found {cost}"
        raise InvalidValue(msg)
    if account.opening_cost == (opening.at, credits, cost):
        return ()
    return (OpeningCostStated(**stamp.at(opening.at), credits=credits, cost=cost),)


def attribute_purchase(
    account: Account,
    bill_detail_id: str,
    origin: Literal["ordered", "automatic"],
    *,
    evidence: str,
    stamp: Stamp,
    at: datetime,
) -> tuple[AccountEvent, ...]:
    """Say whether a purchase was ordered or made by automatic recharge, once."""
    if bill_detail_id in account.attributed:
        return ()
    return (
        PurchaseAttributed(
            **stamp.at(at), bill_detail_id=bill_detail_id, origin=origin, evidence=evidence
        ),
    )


def see_bill_line(account: Account, event: BillLineSeen) -> tuple[AccountEvent, ...]:
    """Record the figures of a bill line once, where no purchase holds them."""
    is_bought = ("purchase", event.bill_detail_id) in account.known
    if event.bill_detail_id in account.bill_lines:
        return ()
    if is_bought and event.bill_detail_id not in account.unpriced:
        return ()
    return (event,)


def see_refund(account: Account, event: RefundSeen) -> tuple[AccountEvent, ...]:
    """Record a refund once; one that came with other money before is put before a person."""
    found = event.happened_at, event.total_price
    known = account.refunds.get(event.refund_detail_id)
    if known is None:
        return (event,)
    if known == found:
        return ()
    text = (
        f"refund {event.refund_id}: line {event.refund_detail_id} is recorded with {known[1]}"
        f" of {known[0].isoformat()}, found {found[1]} of {found[0].isoformat()}"
    )
    return open_break(
        account,
        "purchase-conflict",
        event.refund_detail_id,
        credits=None,
        text=text,
        stamp=Stamp(
            recorded_at=event.recorded_at,
            actor=event.actor,
            command_id=event.command_id,
            source=event.source,
        ),
        at=event.happened_at,
    )


def see_recharge_settings(
    account: Account,
    threshold: Credits,
    amount: int | None,
    *,
    stamp: Stamp,
    at: datetime,
    always: bool = False,
) -> tuple[AccountEvent, ...]:
    """Record OVH's recharge settings where they differ from those seen last, or `always`."""
    if account.recharge == (threshold, amount) and not always:
        return ()
    return (RechargeSettingsSeen(**stamp.at(at), threshold=threshold, amount=amount),)


def open_break(
    account: Account,
    kind: BreakKind,
    reference: str,
    *,
    credits: Credits | None,
    text: str,
    stamp: Stamp,
    at: datetime,
) -> tuple[AccountEvent, ...]:
    """Put something before a person, once per reference."""
    if (kind, reference) in account.breaks:
        return ()
    return (
        BreakOpened(**stamp.at(at), kind=kind, reference=reference, credits=credits, text=text),
    )


def close_account(
    account: Account, balance: Credits, *, write_off: bool, stamp: Stamp, at: datetime
) -> tuple[AccountEvent, ...]:
    """Take an account out of the books. Raises AlreadyClosed or CreditsLeft."""
    if account.closed_at is not None:
        msg = (
            f"account {account.name} was closed on {account.closed_at:%Y-%m-%d};"
            " see `sms-ledger account show`"
        )
        raise AlreadyClosed(msg)
    if balance and not write_off:
        found = (
            f"still has {balance} credits: transfer them first"
            if balance > ZERO
            else f"is {-balance} credits below zero: see `sms-ledger recon run`"
        )
        msg = (
            f"account {account.name} {found}, or type"
            f" `sms-ledger account close {account.name} --write-off`"
        )
        raise CreditsLeft(msg)
    closed = AccountClosed(**stamp.at(at), written_off=balance)
    if balance == ZERO:
        return (closed,)
    adjustment = CreditsAdjusted(
        **stamp.at(at), adjustment_id=stamp.command_id, kind="write-off", credits=-balance
    )
    return (adjustment, closed)
