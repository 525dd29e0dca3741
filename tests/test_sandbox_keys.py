"""Keys and tokens of the sandbox: asked for, granted or refused on a page, fetched, spent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from ledger.sandbox import World, moments, serving
from ledger.sandbox.action import CannotDo
from ledger.sandbox.server import Serving

NOW = moments.seconds("2026-11-20T10:00:00+01:00")
RULES = [{"method": "GET", "path": "/sms"}]


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with serving(World.from_scenario("default", 1, NOW, messages=60), frozen=True) as running:
        yield running


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def requested(served: Serving, http: requests.Session) -> dict[str, Any]:
    """Ask for a key, as an application does."""
    known = served.credentials["ab12345-ovh"].application_key
    answer = http.post(
        f"{served.url}/auth/credential",
        json={"accessRules": RULES, "redirection": None},
        headers={"X-Ovh-Application": known},
        timeout=5,
    )
    assert answer.ok, answer.text
    return answer.json()


def test_a_key_belongs_to_who_opened_its_page(served, http):
    key = requested(served, http)
    told = served.do("validate", customer="cd67890-ovh", expires_in="1d")
    assert told == {"page": "validated for cd67890-ovh", "rules": ["GET /sms"]}
    granted = served.world.credentials[key["consumerKey"]]
    assert (granted.status, granted.expires_at) == ("validated", NOW + 86_400)


def test_a_page_is_answered_once(served, http):
    page = requested(served, http)["validationUrl"]
    assert http.get(f"{page}&answer=refuse", timeout=5).text == "refused by ab12345-ovh\n"
    assert http.get(page, timeout=5).status_code == 404


@pytest.mark.parametrize("wrong", [{"token": "none"}, {"customer": "zz1-ovh"}])
def test_what_nobody_waits_for_cannot_be_validated(served, http, wrong):
    requested(served, http)
    with pytest.raises(CannotDo):
        served.do("validate", **wrong)


def token(served: Serving, http: requests.Session, **wrong: Any) -> requests.Response:
    made = served.do("service-account", customer="cd67890-ovh", rules="GET /sms")
    keys = {**made, **wrong}
    return http.post(
        served.url.replace("/1.0", "/auth/oauth2/token"),
        auth=(keys["client_id"], keys["client_secret"]),
        data={"grant_type": keys.get("grant_type", "client_credentials"), "scope": "all"},
        timeout=5,
    )


def get(served: Serving, http: requests.Session, path: str, bearer: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {bearer}"}
    return http.get(f"{served.url}{path}", headers=headers, timeout=5)


def test_a_token_calls_what_its_policy_grants_and_ends(served, http):
    bearer = token(served, http).json()["access_token"]
    assert get(served, http, "/sms", bearer).json() == ["sms-cd67890-1", "sms-cd67890-2"]
    refused = get(served, http, "/me", bearer)
    assert (refused.status_code, refused.json()["class"]) == (403, "Client::Forbidden")
    assert get(served, http, "/auth/currentCredential", bearer).status_code == 403
    details = get(served, http, "/auth/details", bearer).json()
    assert (details["account"], details["method"]) == (
        "cd67890-ovh",
        "oauth2_client_credentials",
    )
    assert details["allowedRoutes"] is None
    served.do("advance", by="1h")
    assert get(served, http, "/sms", bearer).status_code == 401


@pytest.mark.parametrize(
    ("wrong", "status"), [({"client_secret": "no"}, 401), ({"grant_type": "password"}, 400)]
)
def test_a_wrong_secret_or_grant_gets_no_token(served, http, wrong, status):
    assert token(served, http, **wrong).status_code == status


def test_a_service_account_is_no_application(served, http):
    made = served.do("service-account")
    answer = http.post(
        f"{served.url}/auth/credential",
        json={"accessRules": RULES},
        headers={"X-Ovh-Application": str(made["client_id"])},
        timeout=5,
    )
    assert answer.status_code == 403
