"""Automatic recharge at OVH: what it shows now, and other settings for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from ledger.account import see_recharge_settings
from ledger.credits import Credits
from ledger.errors import (
    OvhClockOff,
    OvhError,
    OvhKeyRefused,
    OvhNotFound,
    OvhRefused,
    OvhRightMissing,
    Refused,
)
from ledger.events import FromOvh
from ledger.recharge import check_settings, request_change
from ledger.recharge_rules import Facts, RechargeRules
from projections.recharges import Shown

if TYPE_CHECKING:
    from ledger.events import Source, Stamp
    from ledger.ovh.gateway import Gateway, SmsAccount
    from ledger.service import Ledger, Work

T = TypeVar("T")
Settings = tuple[Credits, int | None]


class SettingsMoved(Refused):
    """OVH's settings are no longer those that the change was planned from."""


# These say that nothing was changed; after any other error nobody knows.
_DEFINITE = (OvhRefused, OvhNotFound, OvhRightMissing, OvhKeyRefused, OvhClockOff)


def look(gateway: Gateway, account: str, *, at: datetime) -> Shown:
    """Ask OVH what it shows; rights that are optional may be missing. Raises OvhError."""
    found = gateway.account(account)
    infos = _optional(lambda: gateway.service_infos(account))
    methods = _optional(gateway.payment_methods)
    threshold, amount = settings_of(found)
    return Shown(
        seen_at=at,
        threshold=threshold,
        amount=amount,
        facts=Facts(
            created_on=infos.creation if infos else None,
            smpp=found.smpp,
            methods=None if methods is None else [(m.paymentType, m.status) for m in methods],
        ),
    )


def settings_of(found: SmsAccount) -> Settings:
    """Raises TooFine."""
    threshold = Credits.from_ovh(found.creditThresholdForAutomaticRecredit)
    return threshold, found.automaticRecreditAmount


def _optional(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except OvhRightMissing:
        return None


@dataclass(frozen=True, slots=True)
class Change:
    """A change that OVH may be asked for: what it shows now, and what shall be."""

    account: str
    now: Shown
    threshold: Credits
    amount: int | None

    @property
    def wanted(self) -> Settings:
        return self.threshold, self.amount

    @property
    def is_none(self) -> bool:
        return self.wanted == (self.now.threshold, self.now.amount)


def plan(
    now: Shown,
    account: str,
    *,
    threshold: Credits | None,
    amount: int | None,
    off: bool,
    rules: RechargeRules,
) -> Change:
    """Make a change of what is stated; what is not, stays. Raises NotOffered."""
    change = Change(
        account,
        now,
        now.threshold if threshold is None else threshold,
        None if off else now.amount if amount is None else amount,
    )
    check_settings(*change.wanted, rules=rules, smpp=bool(now.facts.smpp))
    return change


def check_unmoved(change: Change, gateway: Gateway) -> None:
    """Look again, for OVH is sent both settings: others may have changed them meanwhile.

    Raises SettingsMoved or OvhError.
    """
    found = settings_of(gateway.account(change.account))
    expected = (change.now.threshold, change.now.amount)
    if found != expected:
        msg = (
            f"expected {settings_text(expected)} at OVH still, found that it was changed to"
            f" {settings_text(found)} meanwhile: nothing was asked for, type it again"
        )
        raise SettingsMoved(msg)


def settings_text(settings: Settings) -> str:
    threshold, amount = settings
    return f"{amount} credits below {threshold}" if amount else f"off (threshold {threshold})"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a change: what OVH shows afterwards, and what it said to the change.

    `shown` is None where OVH could not be read again, for the reason `unread`.
    """

    shown: Settings | None
    error: OvhError | None
    unread: OvhError | None

    @property
    def is_refused(self) -> bool:
        """Whether OVH said that it changed nothing."""
        return isinstance(self.error, _DEFINITE)


def carry_out(
    change: Change,
    gateway: Gateway,
    ledger: Ledger,
    *,
    stamp: Callable[[Source], Stamp],
    asked: Stamp,
    clock: Callable[[], datetime],
) -> Outcome:
    """Record the request, ask OVH once, read what it shows, record that as it is."""
    evidence = stamp(_source(gateway))
    before = (change.now.threshold, change.now.amount)

    def request(work: Work) -> None:
        state = work.account(change.account)
        events = request_change(
            state, *change.wanted, seen=before, evidence=evidence, stamp=asked, at=clock()
        )
        work.record(state, events)

    ledger.work(request)
    error = _ask(gateway, change)
    try:
        shown = settings_of(gateway.account(change.account))
    except OvhError as unread:
        return Outcome(None, error, unread)
    evidence, at = stamp(_source(gateway)), clock()

    def see(work: Work) -> None:
        state = work.account(change.account)
        seen = see_recharge_settings(state, *shown, stamp=evidence, at=at, always=True)
        work.record(state, seen)

    ledger.work(see)
    return Outcome(shown, error, None)


def _ask(gateway: Gateway, change: Change) -> OvhError | None:
    threshold = Decimal(str(change.threshold))
    try:
        gateway.set_recharge(change.account, threshold=threshold, amount=change.amount)
    except OvhError as error:
        return error
    return None


def _source(gateway: Gateway) -> FromOvh:
    last = gateway.last
    return FromOvh(last.route, last.read_at, last.query_id)
