"""A key for the ledger: asked for with the least rights, granted by the customer on a page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from ledger.errors import (
    OvhBadAnswer,
    OvhKeyRefused,
    OvhOverloaded,
    OvhRightMissing,
    OvhUnreachable,
)
from ledger.ovh.client import OvhClient, connect
from ledger.ovh.gateway import AccessRule, CredentialRequest
from ledger.ovh.profiles import Profile
from ledger.ovh.rights import Rule

# OVH's code for a key that nobody has granted yet, or whose time is over.
_NOT_YET: Final = "INVALID_CREDENTIAL"
_GONE: Final = "NOT_CREDENTIAL"


def request_key(profile: Profile, rules: Iterable[Rule]) -> CredentialRequest:
    """Ask OVH for a key with these rules. Raises OvhError."""
    with connect(profile) as client:
        return client.request_credential(
            AccessRule(method=rule.method, path=rule.path) for rule in rules
        )


def wait_for_consent(
    profile: Profile,
    *,
    timeout_s: int,
    every_s: int,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Look again and again until the customer has granted the key.

    Raises OvhKeyRefused where they refused it, or did not answer in time.
    """
    until = clock() + timeout_s
    with connect(profile) as client:
        while True:
            lost = None
            try:
                if _is_granted(client):
                    return
            except (OvhUnreachable, OvhOverloaded, OvhBadAnswer) as error:
                lost = error  # it may pass while the customer reads
            if clock() + every_s > until:
                raise lost or OvhKeyRefused(
                    f"expected the page to be answered within {timeout_s} s, found that it was"
                    " not, or that the key was refused: nothing was written, run login again"
                )
            sleep(every_s)


def _is_granted(client: OvhClient) -> bool:
    """Look once. Raises OvhKeyRefused where the key will never be granted."""
    try:
        status = client.credential().status
    except OvhRightMissing:
        return True  # it may not look at itself, but it is good
    except OvhKeyRefused as error:
        if error.code == _NOT_YET:
            return False
        if error.code == _GONE:
            raise _refused("refused") from None
        raise
    if status in {"refused", "expired"}:
        raise _refused(status)
    return status == "validated"


def _refused(how: str) -> OvhKeyRefused:
    return OvhKeyRefused(
        f"expected the customer to grant the key, found it {how}: nothing was written,"
        " run login again"
    )


def with_key(profile: Profile, asked: CredentialRequest) -> Profile:
    return replace(profile, consumer_key=asked.consumerKey)
