"""Rights: which calls the ledger makes, which access rules grant them, and what a key lacks.

An access rule is a method and a path in which `*` stands for anything, slashes included: so
`GET /sms/*` grants all below an account, but not `GET /sms` itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Feature = Literal["transfers", "recharge", "quotes", "logs"]
FEATURES: Final[tuple[Feature, ...]] = ("transfers", "recharge", "quotes", "logs")

Standing = Literal[
    "needed", "transfers", "recharge", "quotes", "logs", "more", "missing", "optional"
]

_SERVICE: Final = "{serviceName}"
_HOLE = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One access rule, as OVH writes it."""

    path: str
    method: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def covers(self, other: Rule) -> bool:
        """Tell whether it grants all that the other one grants.

        A star of the other one is a text that could be anything, so only a star takes it.
        """
        pattern = ".*".join(re.escape(part) for part in self.path.split("*"))
        same = self.method == other.method
        return same and re.fullmatch(pattern, other.path, re.DOTALL) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One call of the ledger: what for, whether nothing works without it, IAM's name for it."""

    pattern: str
    what: str
    action: str
    method: str = "GET"
    required: bool = False
    feature: Feature | None = None

    def rules(self, services: Sequence[str] = ()) -> list[Rule]:
        """Give the rules that grant it: for all accounts, or for the named ones."""
        of = services if services and _SERVICE in self.pattern else ("*",)
        paths = (_HOLE.sub("*", self.pattern.replace(_SERVICE, name)) for name in of)
        return [Rule(path, self.method) for path in paths]


_SMS: Final = f"/sms/{_SERVICE}"
_METHODS: Final = "/me/payment/method"


def _list(
    pattern: str, hole: str, what: str, action: str, *, required: bool = False
) -> list[Need]:
    """Give the two calls that read a list of ids, and each of its rows."""
    return [
        Need(pattern=one, what=what, action=action, required=required)
        for one in (pattern, f"{pattern}/{{{hole}}}")
    ]


# OVH's names of actions are those of its API description (`x-iam-actions`).
NEEDS: Final = (
    # of a key only: a service account has no such credential
    Need(pattern="/auth/currentCredential", what="what the key may do, until when", action=""),
    Need(pattern="/me", what="which customer it is, where", action="account:apiovh:me/get"),
    *_list("/me/bill", "billId", "bills", "account:apiovh:me/bill/get", required=True),
    *_list(
        "/me/bill/{billId}/details",
        "billDetailId",
        "the lines of bills",
        "account:apiovh:me/bill/details/get",
        required=True,
    ),
    *_list("/me/refund", "refundId", "refunds", "account:apiovh:me/refund/get"),
    *_list(
        "/me/refund/{refundId}/details",
        "refundDetailId",
        "the lines of refunds",
        "account:apiovh:me/refund/details/get",
    ),
    Need(
        pattern="/me/order/{orderId}",
        what="orders: whether a recharge was one",
        action="account:apiovh:me/order/get",
    ),
    *_list(
        _METHODS,
        "paymentMethodId",
        "payment methods: automatic recharge needs one",
        "account:apiovh:me/payment/method/get",
    ),
    Need(pattern="/sms", what="the SMS accounts", action="sms:apiovh:get", required=True),
    Need(pattern=_SMS, what="balances and settings", action="sms:apiovh:get", required=True),
    Need(
        pattern=f"{_SMS}/serviceInfos",
        what="the age of accounts",
        action="sms:apiovh:serviceInfos/get",
    ),
    *_list(f"{_SMS}/outgoing", "id", "sent messages", "sms:apiovh:outgoing/get", required=True),
    *_list(f"{_SMS}/incoming", "id", "replies", "sms:apiovh:incoming/get", required=True),
    *_list(f"{_SMS}/jobs", "id", "pending jobs", "sms:apiovh:jobs/get"),
    *_list(f"{_SMS}/hlr", "id", "HLR lookups", "sms:apiovh:hlr/get"),
    *_list(f"{_SMS}/users", "login", "users' quotas", "sms:apiovh:users/get"),
    Need(
        method="POST",
        pattern=f"{_SMS}/transferCredits",
        what="move credits between accounts",
        action="sms:apiovh:transferCredits",
        feature="transfers",
    ),
    Need(
        method="PUT",
        pattern=_SMS,
        what="change the automatic recharge",
        action="sms:apiovh:put",
        feature="recharge",
    ),
    Need(
        method="POST",
        pattern="/sms/estimate",
        what="how OVH counts a text",
        action="account:apiovh:sms/estimate",
        feature="quotes",
    ),
    Need(
        pattern="/order/sms/{serviceName}/credits",
        what="what OVH would ask for credits",
        action="account:apiovh:order/sms/credits/get",
        feature="quotes",
    ),
    *(
        Need(
            pattern=pattern,
            what="the log of API calls: transfers that were made elsewhere",
            action="account:apiovh:me/api/logs/self/get",
            feature="logs",
        )
        for pattern in ("/me/api/logs/self", "/me/api/logs/self/{logId}")
    ),
)


def needs(features: Iterable[Feature] = ()) -> list[Need]:
    """Give the calls of the ledger that only reads, and of these features."""
    wanted = {None, *features}
    return [need for need in NEEDS if need.feature in wanted]


def rules_for(
    features: Iterable[Feature] = (), services: Sequence[str] = ()
) -> list[tuple[Rule, str]]:
    """Give the fewest rules that grant what the ledger does, each with what it is for.

    With `services`, they reach no other account.
    """
    return _fewest((rule, need) for need in needs(features) for rule in need.rules(services))


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule and how it stands: see `judge`."""

    method: str
    path: str
    standing: Standing
    text: str


def judge(
    granted: Sequence[Rule], *, features: Iterable[Feature] = (), services: Sequence[str] = ()
) -> list[Judged]:
    """Hold what a key may do against what the ledger does.

    A granted rule is `needed`, of use for a feature, or `more` than any call of ours needs. A
    rule that is lacking is `missing`, or `optional` where the ledger works without it.
    """
    return [
        *(_granted(rule) for rule in sorted(granted)),
        *_lacking(granted, needs(features), services),
    ]


def _granted(rule: Rule) -> Judged:
    for feature in (None, *FEATURES):
        own = [need for need in NEEDS if need.feature == feature]
        if any(one.covers(rule) for need in own for one in need.rules()):
            used = (need.what for need in own if _grants(rule, need))
            return Judged(rule.method, rule.path, feature or "needed", _joined(used))
    return Judged(rule.method, rule.path, "more", _excess(rule))


def _grants(rule: Rule, need: Need) -> bool:
    return any(rule.covers(one) or one.covers(rule) for one in need.rules())


def _excess(rule: Rule) -> str:
    used = [need for need in NEEDS if any(rule.covers(one) for one in need.rules())]
    if not used:
        return "the ledger makes no such call"
    return "also grants what the ledger never does"


def _lacking(
    granted: Sequence[Rule], of: Iterable[Need], services: Sequence[str]
) -> list[Judged]:
    lacking: list[tuple[Rule, Need]] = []
    for need in of:
        rules = need.rules(services)
        without = [rule for rule in rules if not _is_covered(rule, granted)]
        everywhere = need.rules() if len(without) == len(rules) else without
        lacking += [(rule, need) for rule in everywhere]
    required = {rule for rule, need in lacking if need.required or need.feature}
    return [
        Judged(
            rule.method,
            rule.path,
            "missing" if any(rule.covers(one) for one in required) else "optional",
            what,
        )
        for rule, what in _fewest(lacking)
    ]


def _is_covered(rule: Rule, granted: Iterable[Rule]) -> bool:
    return any(one.covers(rule) for one in granted)


def _fewest(rules: Iterable[tuple[Rule, Need]]) -> list[tuple[Rule, str]]:
    """Leave out every rule that another one of them covers; that one is for both."""
    pairs = list(rules)
    different = dict.fromkeys(rule for rule, _ in pairs)
    return [
        (rule, _joined(need.what for other, need in pairs if rule.covers(other)))
        for rule in different
        if not any(one != rule and one.covers(rule) for one in different)
    ]


def _joined(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))
