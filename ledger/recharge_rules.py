"""OVH's rules of automatic recharge, with the days from which they hold.

OVH changes them, and tells so in its guides and its panel only: each version states its source.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from ledger.times import months_before

ConditionName = Literal["payment", "age", "channel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RechargeRules:
    """What holds from `since` on, until the next version.

    `amounts`: what may be bought, in credits. `payment_types`: one of them must be VALID.
    `least_age_months`: of the service. `with_smpp`: whether SMPP accounts may be recharged.
    """

    since: date
    amounts: tuple[int, ...]
    payment_types: tuple[str, ...]
    least_age_months: int
    with_smpp: bool
    source: str


# BANK_ACCOUNT is the older name of the same.
_SEPA: Final = ("SEPA_DIRECT_DEBIT", "BANK_ACCOUNT")
_SEVEN: Final = (100, 200, 250, 500, 1_000, 5_000, 10_000)

SHIPPED: Final = (
    RechargeRules(
        since=date(2020, 1, 1),
        amounts=(100, 200, 250, 500, 1_000),
        payment_types=_SEPA,
        least_age_months=0,
        with_smpp=True,
        source="OVH's guide of 2020",
    ),
    RechargeRules(
        since=date(2022, 8, 5),
        amounts=_SEVEN,
        payment_types=_SEPA,
        least_age_months=0,
        with_smpp=True,
        source="OVH's guide of 2022-08-05 and its API description",
    ),
    RechargeRules(
        since=date(2023, 2, 9),
        amounts=_SEVEN,
        payment_types=_SEPA,
        least_age_months=2,
        with_smpp=True,
        source="OVH's guides of 2023-02-09",
    ),
    RechargeRules(
        since=date(2025, 3, 1),
        amounts=_SEVEN,
        payment_types=_SEPA,
        least_age_months=2,
        with_smpp=False,
        source="OVH's panel of 2025-03",
    ),
)


def versions(stated: Iterable[RechargeRules] = ()) -> list[RechargeRules]:
    """Give all rules in order of time: the shipped ones, and those that were stated.

    What was stated last of a day counts, before what is shipped.
    """
    found = {one.since: one for one in (*SHIPPED, *stated)}
    return [found[since] for since in sorted(found)]


def rules_on(day: date, stated: Iterable[RechargeRules] = ()) -> RechargeRules:
    """Give the rules of a day; before the first of them, the first."""
    known = versions(stated)
    return next((one for one in reversed(known) if one.since <= day), known[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the conditions are judged by; None where it is not known.

    `methods`: type and status of each of the customer's payment methods.
    """

    created_on: date | None
    smpp: bool | None
    methods: Sequence[tuple[str, str]] | None


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of automatic recharge; None for `holds`: not known."""

    condition: ConditionName
    holds: bool | None
    text: str


def conditions(rules: RechargeRules, facts: Facts, day: date) -> tuple[Condition, ...]:
    """Judge whether automatic recharge can work at all on that day."""
    return _payment(rules, facts), _age(rules, facts, day), _channel(rules, facts)


def _payment(rules: RechargeRules, facts: Facts) -> Condition:
    sepa = rules.payment_types == _SEPA
    wanted = f"a valid {'SEPA direct debit' if sepa else ' or '.join(rules.payment_types)}"
    if facts.methods is None:
        return Condition("payment", None, f"{wanted} is needed; payment methods were not read")
    found = [status for kind, status in facts.methods if kind in rules.payment_types]
    if "VALID" in found:
        return Condition("payment", True, f"{wanted} is there")
    other = f"it is {found[0]}" if found else "there is none"
    return Condition("payment", False, f"{wanted} is needed, {other}")


def _age(rules: RechargeRules, facts: Facts, day: date) -> Condition:
    wanted = f"the service must be {rules.least_age_months} months old"
    if facts.created_on is None:
        return Condition("age", None, f"{wanted}; its age was not read")
    old_enough = facts.created_on <= months_before(day, rules.least_age_months)
    return Condition("age", old_enough, f"{wanted}; it is of {facts.created_on:%Y-%m-%d}")


def _channel(rules: RechargeRules, facts: Facts) -> Condition:
    if facts.smpp is None:
        return Condition("channel", None, "no SMPP account; its kind was not read")
    holds = rules.with_smpp or not facts.smpp
    kind = "an SMPP account" if facts.smpp else "no SMPP account"
    return Condition("channel", holds, kind if holds else f"{kind}: OVH never recharges it")
