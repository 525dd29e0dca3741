"""Who calls, and may they: application key, consumer key, time, signature, rules."""

import hashlib
import hmac
import re

from ledger.sandbox import tokens
from ledger.sandbox.clock import Clock
from ledger.sandbox.exchange import Request
from ledger.sandbox.records import Credential, Rule
from ledger.sandbox.refusals import KeyRefused, NotGranted, bad_signature, out_of_time
from ledger.sandbox.world import World

APPLICATION, CONSUMER = "x-ovh-application", "x-ovh-consumer"
TIMESTAMP, SIGNATURE = "x-ovh-timestamp", "x-ovh-signature"
CURRENT = "/auth/currentCredential"


def signed(
    *, secret: str, consumer_key: str, method: str, url: str, body: bytes, timestamp: str
) -> str:
    """Sign a request as OVH asks for it: `$1$` and a SHA-1 over all of it."""
    parts = (secret, consumer_key, method, url)
    whole = b"+".join([*(part.encode() for part in parts), body, timestamp.encode()])
    digest = hashlib.sha1(whole)  # noqa: S324 - OVH's scheme
    return f"$1${digest.hexdigest()}"


def authenticate(world: World, clock: Clock, request: Request) -> Credential:
    """Check a request in the order of the real service; the rules come later."""
    bearer = request.headers.get("authorization", "")
    if tokens.is_bearer(bearer):
        return tokens.authenticate(world, bearer)
    form = world.knobs.refused_key_body
    application = request.headers.get(APPLICATION, "")
    known(world, application)
    credential = world.credentials.get(request.headers.get(CONSUMER, ""))
    wanted = credential is not None and credential.application_key == application
    if credential is None or not wanted or credential.is_service:
        raise KeyRefused("This credential does not exist", code="NOT_CREDENTIAL", form=form)
    if credential.expires_at is not None and credential.expires_at <= world.now:
        credential.status = "expired"
    told = world.knobs.unvalidated_key == "shown" and request.path == CURRENT
    if credential.status != "validated" and not told:
        message = "This credential is not valid"
        raise KeyRefused(message, code="INVALID_CREDENTIAL", form=form)
    timestamp = request.headers.get(TIMESTAMP, "")
    if not in_time(world, clock, timestamp):
        raise out_of_time()
    expected = signed(
        secret=credential.application_secret,
        consumer_key=credential.consumer_key,
        method=request.method,
        url=request.url,
        body=request.body,
        timestamp=timestamp,
    )
    if not hmac.compare_digest(expected, request.headers.get(SIGNATURE, "")):
        raise bad_signature()
    return credential


def known(world: World, application_key: str) -> Credential:
    """Find any key of an application; an unknown application is refused."""
    for credential in world.credentials.values():
        if credential.application_key == application_key and not credential.is_service:
            return credential
    raise KeyRefused(
        "This application key is invalid",
        code="INVALID_KEY",
        form=world.knobs.refused_key_body,
    )


def in_time(world: World, clock: Clock, timestamp: str) -> bool:
    """Check a timestamp; where the world stands still, honest clocks have gone on."""
    if not timestamp.isascii() or not timestamp.isdigit():
        return False
    window = world.knobs.time_window_s
    return clock.now - window <= int(timestamp) <= clock.latest + window


def check_rules(world: World, credential: Credential, method: str, path: str, act: str) -> None:
    """Refuse a call that no rule of the key grants."""
    if credential.is_service and path.startswith("/auth/"):
        return
    if not any(grants(rule, method, path) for rule in credential.rules):
        raise NotGranted(form=world.knobs.refused_rights_body, action=act)


def grants(rule: Rule, method: str, path: str) -> bool:
    """Tell whether a rule covers a call: `/sms/*` does not cover `/sms`."""
    pattern = ".*".join(re.escape(part) for part in rule.path.split("*"))
    return rule.method == method and re.fullmatch(pattern, path) is not None
