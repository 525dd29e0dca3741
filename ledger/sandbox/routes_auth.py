"""What /auth answers: the time, the key in use, and requests for a new key."""

from typing import Any

from ledger.sandbox import models_me, validating
from ledger.sandbox.amounts import Json
from ledger.sandbox.operations import (
    ANYTHING,
    VOID,
    Call,
    Operation,
    Parameter,
    Void,
    get,
    required,
)
from ledger.sandbox.records import Credential, Rule
from ledger.sandbox.refusals import BadRequest, NotGranted

HTTP_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")


def show_time(call: Call) -> int:
    return call.world.now


def _credential(call: Call) -> Credential:
    if call.credential is None:
        raise LookupError("this call needs a key")
    return call.credential


def show_credential(call: Call) -> Json:
    credential = _credential(call)
    if credential.is_service:
        raise NotGranted(form="iam", action="account:apiovh:auth/currentCredential/get")
    return models_me.credential(call.world, credential)


def show_details(call: Call) -> Json:
    nichandle, credential = call.customer.nichandle, _credential(call)
    service = credential.is_service
    who = f"credential:{nichandle}/oauth2-{credential.application_key}"
    return {
        "account": nichandle,
        "allowedRoutes": None if service else models_me.rules(credential),
        "description": None,
        "identities": [f"urn:v1:eu:identity:{who if service else f'account:{nichandle}'}"],
        "method": "oauth2_client_credentials" if service else "account",
        "roles": None,
        "user": None,
    }


def log_out(call: Call) -> Void:
    _credential(call).status = "expired"
    return VOID


def request_key(call: Call) -> Json:
    """Hand out a key that waits until its page is opened."""
    rules = tuple(Rule(rule["method"], rule["path"]) for rule in call.body["accessRules"])
    granted = call.world.grant(
        call.customer.nichandle,
        rules,
        status="pendingValidation",
        application=_credential(call),
    )
    if call.world.knobs.validation == "at-once":
        validating.answer(call.world, granted)
    return {
        "consumerKey": granted.consumer_key,
        "state": granted.status,
        "validationUrl": f"{call.origin}/sandbox/validate?credentialToken={granted.token}",
    }


def access_rules(value: Any) -> list[dict[str, str]]:
    """Read the rules asked for: a list of method and path."""
    if not isinstance(value, list) or not value:
        raise BadRequest("[accessRules] must be a list of rules")
    for rule in value:
        if rule["method"] not in HTTP_METHODS or not rule["path"].startswith("/"):
            raise ValueError(rule)
    return value


OPERATIONS = [
    Operation(method="GET", path="/auth/time", answer=show_time, auth=False),
    get("/auth/currentCredential", show_credential),
    get("/auth/details", show_details),
    Operation(method="POST", path="/auth/logout", answer=log_out),
    Operation(
        method="POST",
        path="/auth/credential",
        answer=request_key,
        body={
            "accessRules": required(Parameter(access_rules)),
            "allowedIPs": ANYTHING,
            "redirection": ANYTHING,
        },
        auth=False,
    ),
]
