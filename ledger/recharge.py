"""Automatic recharge: other settings for it, and which purchases it made.

OVH marks no purchase as automatic. One is taken for it when all agrees: as many credits as the
settings say, billed soon after the balance fell to the threshold. What is not clear is left as
a purchase.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ledger.account import Account, RechargeSettings, attribute_purchase, see_recharge_settings
from ledger.credits import MILLI_PER_CREDIT, ZERO, Credits
from ledger.errors import Refused
from ledger.events import AccountEvent, FromRule, RechargeChangeRequested, Stamp
from ledger.recharge_rules import RechargeRules
from ledger.times import from_us

RULE: Final = FromRule("recharge-followed-threshold", 1)

# How long after the threshold a recharge may be billed: OVH does not say. What was bought by
# hand much later, because no recharge came, must not be taken for one.
SOON: Final = timedelta(hours=1)

_MICROSECOND: Final = timedelta(microseconds=1)


class NotOffered(Refused):
    """Settings that OVH does not offer."""


# --- other settings --------------------------------------------------------------------------


def check_settings(
    threshold: Credits, amount: int | None, *, rules: RechargeRules, smpp: bool
) -> None:
    """Refuse what OVH does not offer. Raises NotOffered."""
    if threshold < ZERO:
        msg = f"expected a threshold of 0 or more, found {threshold}: type another --threshold"
        raise NotOffered(msg)
    if amount is None:
        return
    if amount not in rules.amounts:
        offered = ", ".join(map(str, rules.amounts))
        msg = (
            f"expected one of the amounts that OVH offers ({offered}), found {amount}: type"
            f" another --amount, or --off ({rules.source})"
        )
        raise NotOffered(msg)
    if smpp and not rules.with_smpp:
        msg = (
            "expected an account without SMPP, found an SMPP account, which OVH never recharges"
            f" ({rules.source}): buy credits instead"
        )
        raise NotOffered(msg)


def request_change(
    account: Account,
    threshold: Credits,
    amount: int | None,
    *,
    seen: tuple[Credits, int | None],
    evidence: Stamp,
    stamp: Stamp,
    at: datetime,
) -> tuple[AccountEvent, ...]:
    """Record, before OVH is asked, what it shows now and what it will be asked for."""
    return (
        *see_recharge_settings(account, *seen, stamp=evidence, at=at),
        RechargeChangeRequested(**stamp.at(at), threshold=threshold, amount=amount),
    )


# --- purchases that it made ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Move:
    """A change of the balance; `purchase` names the bill's line where it is one."""

    at_us: int
    purchase: str
    milli: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A balance, in thousandths, and all that moved it from then on, in order of time."""

    balance: int
    moves: Sequence[Move]


@dataclass(frozen=True, slots=True)
class Fall:
    """Since when a balance was at or below the threshold, and what was left at a purchase."""

    since_us: int
    left: int


def fall_before(purchase: str, stretch: Stretch, threshold: int) -> Fall | None:
    """Find since when the balance was at or below the threshold just before a purchase.

    Another purchase that left it there counts as its beginning. None where the balance was
    above, or below from before the stretch on.
    """
    balance, since_us = stretch.balance, None
    for move in stretch.moves:
        if move.purchase == purchase:
            return None if since_us is None else Fall(since_us, balance)
        was_above = balance > threshold
        balance += move.milli
        if balance > threshold:
            since_us = None
        elif was_above or move.purchase:
            since_us = move.at_us
    return None


def in_question(
    account: Account, purchase: str, *, rules: RechargeRules
) -> list[RechargeSettings]:
    """Give the settings that may have made a purchase: seen last before, or first after it."""
    at, credits = account.known["purchase", purchase]
    times = [seen.at for seen in account.settings]
    place = bisect_right(times, at)
    return [
        seen
        for seen in account.settings[max(place - 1, 0) : place + 1]
        if seen.amount in rules.amounts and credits.milli == seen.amount * MILLI_PER_CREDIT
    ]


@dataclass(frozen=True, slots=True)
class Answer:
    """What says that a purchase answered a fall: settings that were seen, and the fall."""

    purchase: str
    seen: RechargeSettings
    fall: Fall


def answer(
    account: Account, purchase: str, stretch: Stretch, *, rules: RechargeRules
) -> Answer | None:
    """Tell whether a purchase answered a fall as automatic recharge does."""
    at, _ = account.known["purchase", purchase]
    for seen in in_question(account, purchase, rules=rules):
        fall = _fall(purchase, stretch, seen)
        if fall is None or at - from_us(fall.since_us) > SOON:
            continue
        if _has_rival(account, purchase, stretch, seen, fall):
            return None
        return Answer(purchase, seen, fall)
    return None


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """The order that a bill names, as OVH shows it.

    `shown` is None where orders may not be read, False where OVH knows none of that id.
    """

    id: int
    shown: bool | None
    placed_at: datetime | None = None


def attribute_recharge(
    account: Account, answer: Answer, order: OrderSeen | None, *, stamp: Stamp
) -> tuple[AccountEvent, ...]:
    """Take a purchase for an automatic recharge, once, unless it was ordered before the fall.

    OVH writes an order for what it recharges, too; none before the fall can be one.
    """
    at, _ = account.known["purchase", answer.purchase]
    if order and order.placed_at and order.placed_at < from_us(answer.fall.since_us):
        return ()
    return attribute_purchase(
        account,
        answer.purchase,
        "automatic",
        evidence=_evidence(answer.seen, answer.fall, at) + _order(order),
        stamp=Stamp(
            recorded_at=stamp.recorded_at,
            actor=stamp.actor,
            command_id=stamp.command_id,
            source=RULE,
        ),
        at=at,
    )


def _order(order: OrderSeen | None) -> str:
    if order is None:
        return "; the bill names no order"
    if order.shown is None:
        return f"; whether order {order.id} was ours is not known: orders were not read"
    if not order.shown:
        return f"; no order of ours: OVH shows no order {order.id}"
    when = f"of {_text(order.placed_at)}" if order.placed_at else "without a date"
    return f"; no order of ours before the fall: order {order.id} is {when}"


def _fall(purchase: str, stretch: Stretch, seen: RechargeSettings) -> Fall | None:
    """Find the fall below the threshold, else the one to it: OVH does not say which counts."""
    threshold = seen.threshold.milli
    below = fall_before(purchase, stretch, threshold - 1)
    return below or fall_before(purchase, stretch, threshold)


def _has_rival(
    account: Account, purchase: str, stretch: Stretch, seen: RechargeSettings, fall: Fall
) -> bool:
    """Tell whether another purchase of as many credits answers the same fall.

    One of the two was ordered, and nobody can tell which.
    """
    last_us = fall.since_us + SOON // _MICROSECOND
    same = [
        move.purchase
        for move in stretch.moves
        if move.purchase not in {"", purchase}
        and fall.since_us <= move.at_us <= last_us
        and account.known["purchase", move.purchase][1]
        == account.known["purchase", purchase][1]
    ]
    return any(_fall(one, stretch, seen) is None for one in same)


def _evidence(seen: RechargeSettings, fall: Fall, at: datetime) -> str:
    since = from_us(fall.since_us)
    when = "before" if seen.at <= at else "after"
    waited = int((at - since).total_seconds())
    return (
        f"automaticRecreditAmount {seen.amount} below {seen.threshold}, as OVH showed it at"
        f" {_text(seen.at)}, {when} the bill; the balance fell to the threshold at"
        f" {_text(since)} and was {Credits(fall.left)} before the bill, {waited} s later"
    )


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
