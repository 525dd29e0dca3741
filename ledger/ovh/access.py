"""Who a profile is at OVH, what it may do there, and until when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from ledger.errors import OvhNotFound, OvhRefused, OvhRightMissing
from ledger.ovh.client import OvhClient
from ledger.ovh.gateway import AccessRule, AuthDetails, Credential
from ledger.ovh.rights import Feature, Judged, Need, Rule, Standing, judge, needs

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """`expires_at`: None where it has no end, or none that OVH tells; `now` by OVH's clock."""

    customer: str | None
    is_service_account: bool
    expires_at: datetime | None
    now: datetime
    rules: tuple[Judged, ...]


def look(
    client: OvhClient, *, features: Iterable[Feature] = (), accounts: Sequence[str] = ()
) -> Access:
    """Ask OVH who we are. Raises OvhError where the keys are not accepted.

    Where OVH lists no rules, as for a service account, each call that reads is tried.
    """
    now = client.time()
    is_service_account = client.is_service_account
    credential = None if is_service_account else _or_none(client.credential)
    details = None if credential else _or_none(client.auth_details)
    granted = _granted(credential, details)
    services = accounts or _or_none(client.services) or ()
    return Access(
        customer=_customer(client, details),
        is_service_account=is_service_account,
        expires_at=credential.expiration if credential else None,
        now=now,
        rules=tuple(
            _tried(client, now, services)
            if granted is None
            else judge(granted, features=features, services=services)
        ),
    )


def _granted(credential: Credential | None, details: AuthDetails | None) -> list[Rule] | None:
    routes = credential.rules if credential else details.allowedRoutes if details else None
    return None if routes is None else [_rule(one) for one in routes]


def _rule(rule: AccessRule) -> Rule:
    return Rule(rule.path, rule.method)


def _customer(client: OvhClient, details: AuthDetails | None) -> str | None:
    me = _or_none(client.me)
    if me is not None:
        return me.nichandle
    return details.account if details else client.nichandle


def _or_none(call: Callable[[], T]) -> T | None:
    """Make a call that may not be granted, or not exist for this kind of access."""
    try:
        return call()
    except (OvhRightMissing, OvhNotFound, OvhRefused):
        return None


def _tried(client: OvhClient, now: datetime, services: Sequence[str]) -> list[Judged]:
    """Make each call that reads a list: it is granted, or OVH says no."""
    calls = _calls(client, now) | (_calls_on(client, services[0], now) if services else {})
    found = []
    for need in needs():
        if need.pattern not in calls:
            continue
        try:
            calls[need.pattern]()
        except OvhRightMissing:
            found.append(_judged(need, "missing" if need.required else "optional"))
        except OvhNotFound:
            continue
        else:
            found.append(_judged(need, "needed"))
    return found


def _calls(client: OvhClient, now: datetime) -> dict[str, Callable[[], object]]:
    return {
        "/me": client.me,
        "/me/bill": lambda: client.bill_ids(since=now),
        "/me/bill/{billId}": lambda: _newest_bill(client),
        "/me/refund": lambda: client.refund_ids(since=now),
        "/me/payment/method": client.payment_methods,
        "/sms": client.services,
    }


def _calls_on(
    client: OvhClient, service: str, now: datetime
) -> dict[str, Callable[[], object]]:
    sms = "/sms/{serviceName}"
    return {
        sms: lambda: client.account(service),
        f"{sms}/serviceInfos": lambda: client.service_infos(service),
        f"{sms}/outgoing": lambda: client.outgoing_ids(service, since=now),
        f"{sms}/incoming": lambda: client.incoming_ids(service, since=now),
        f"{sms}/jobs": lambda: client.job_ids(service),
        f"{sms}/hlr": lambda: client.hlr_ids(service),
        f"{sms}/users": lambda: client.users(service),
    }


def _newest_bill(client: OvhClient) -> None:
    for bill_id in list(client.bill_ids())[-1:]:
        client.bill(bill_id)
        client.bill_details(bill_id)


def _judged(need: Need, standing: Standing) -> Judged:
    (rule,) = need.rules()
    text = need.what if standing == "needed" else f"{need.what} (IAM: {need.action})"
    return Judged(rule.method, rule.path, standing, text)
