"""OVH's rules of automatic recharge as people stated them, and when they are news."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from ledger.errors import Refused
from ledger.events import RechargeRulesStated, Stamp
from ledger.personal import impersonal
from ledger.recharge_rules import SHIPPED, RechargeRules, rules_on

_PAYMENT_TYPE = re.compile(r"[A-Z][A-Z0-9_]{1,39}")
_MOST_CREDITS: Final = 1_000_000  # what OVH sells at once
_MOST_MONTHS: Final = 120
_LONGEST_DOCUMENT: Final = 200


class NotRules(Refused):
    """Something that cannot be a rule of OVH's."""


@dataclass(slots=True)
class RuleBook:
    """The state of the stream `recharge/rules`: all that was stated, in its order."""

    version: int = 0
    stated: list[RechargeRules] = field(default_factory=list)

    def on(self, day: date) -> RechargeRules:
        return rules_on(day, self.stated)


def evolve(book: RuleBook, event: RechargeRulesStated) -> None:
    """Apply the next event of the stream."""
    book.version += 1
    book.stated.append(event.rules)


def state_rules(
    book: RuleBook, rules: RechargeRules, *, stamp: Stamp, at: datetime
) -> tuple[RechargeRulesStated, ...]:
    """Record rules unless just these are known from that day on.

    Raises NotRules, PersonalData.
    """
    _check(rules)
    if book.on(rules.since) == rules:
        return ()
    return (
        RechargeRulesStated(
            **stamp.at(at),
            since=rules.since.isoformat(),
            amounts=rules.amounts,
            payment_types=rules.payment_types,
            least_age_months=rules.least_age_months,
            with_smpp=rules.with_smpp,
            document=rules.source,
        ),
    )


def _check(rules: RechargeRules) -> None:
    if rules.since < SHIPPED[0].since:
        _refuse(f"a day from {SHIPPED[0].since} on", rules.since, "--since")
    if not rules.amounts or not all(0 < one <= _MOST_CREDITS for one in rules.amounts):
        found = ",".join(map(str, rules.amounts)) or "none"
        _refuse(f"amounts from 1 to {_MOST_CREDITS}", found, "--amounts")
    for one in rules.payment_types:
        if not _PAYMENT_TYPE.fullmatch(one):
            _refuse("OVH's word for a payment, like SEPA_DIRECT_DEBIT", one, "--payment-type")
    if not 0 <= rules.least_age_months <= _MOST_MONTHS:
        expected = f"from 0 to {_MOST_MONTHS} months"
        _refuse(expected, rules.least_age_months, "--least-age-months")
    if not 0 < len(rules.source) <= _LONGEST_DOCUMENT:
        expected = f"where OVH says so, in at most {_LONGEST_DOCUMENT} characters"
        _refuse(expected, f"{len(rules.source)} of them", "--document")
    impersonal(rules.source)


def _refuse(expected: str, found: object, option: str) -> None:
    msg = f"expected {expected}, found {found}: type another {option}"
    raise NotRules(msg)
