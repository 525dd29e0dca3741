"""Who may call: keys, time, signature and rules, over real HTTP with OVH's own client."""

from collections.abc import Iterator
from typing import Any

import ovh
import ovh.client
import pytest

from ledger.sandbox import Knobs, World, moments, serving
from ledger.sandbox.auth import grants, signed
from ledger.sandbox.clock import Clock
from ledger.sandbox.records import Credential, Rule
from ledger.sandbox.server import Serving

NOW = moments.seconds("2026-11-20T10:00:00+01:00")
CUSTOMER, ACCOUNT = "ab12345-ovh", "sms-ab12345-1"

# Published with OVH's client, in its own tests.
SECRET, KEY = "9ufkBmLaTQ9nz5yMUlg79taH0GNnzDjk", "5mBuy6SUQcRw2ZUxg0cG68BoDKpED4KY"
VECTORS = [
    ("GET", "/1.0/auth", b"", "$1$e9556054b6309771395efa467c22e627407461ad"),
    ("POST", "/1.0/auth", b'{"a":"b","c":"d"}', "$1$ec2fb5c7a81f64723c77d2e5b609ae6f58a84fc1"),
    ("PUT", "/1.0/auth", b'{"a":"b","c":"d"}', "$1$8a75a9e7c8e7296c9dbeda6a2a735eb6bd58ec4b"),
    ("DELETE", "/1.0/auth", b"", "$1$a1eecd00b3b02b6cf5708b84b9ff42059a950d85"),
    ("GET", "/1.0/call", b"", "$1$7f2db49253edfc41891023fcd1a54cf61db05fbb"),
    ("GET", "/v1/call", b"", "$1$e6e7906d385eb28adcbfbe6b66c1528a42d741ad"),
    ("GET", "/v2/call", b"", "$1$bb63b132a6f84ad5433d0c534d48d3f7c3804285"),
]


@pytest.fixture
def served() -> Iterator[Serving]:
    with serving(World.from_scenario("default", 1, NOW, messages=60), frozen=True) as running:
        yield running


def client(served: Serving, key: Credential | None = None, **changed: str) -> Any:
    key = key or served.credentials[CUSTOMER]
    ovh.client.ENDPOINTS["sandbox"] = served.url
    keys = {
        "application_key": key.application_key,
        "application_secret": key.application_secret,
        "consumer_key": key.consumer_key,
    }
    made = ovh.Client("sandbox", **(keys | changed))
    made._session.trust_env = False
    return made


def refusal(caught: pytest.ExceptionInfo[ovh.APIError]) -> dict[str, Any]:
    body: dict[str, Any] = caught.value.response.json()
    return body


@pytest.mark.parametrize(("method", "path", "body", "signature"), VECTORS)
def test_a_signature_is_what_ovh_publishes(
    method: str, path: str, body: bytes, signature: str
) -> None:
    url = f"https://eu.api.ovh.com{path}"
    found = signed(
        secret=SECRET, consumer_key=KEY, method=method, url=url, body=body,
        timestamp="1457018875",
    )  # fmt: skip
    assert found == signature


def test_the_official_client_is_understood_under_both_versions(served: Serving) -> None:
    api = client(served)
    assert api.get("/sms") == ["sms-ab12345-1", "sms-ab12345-2", "sms-ab12345-3"]
    assert api.get("/v1/sms") == api.get("/sms")


def test_what_is_signed_is_the_address_as_it_was_received(served: Serving) -> None:
    rows = client(served).get(
        f"/sms/{ACCOUNT}/outgoing",
        **{"creationDatetime.from": "2026-11-19T00:00:00+01:00", "tag": "no such/é tag"},
    )
    assert rows == []


def test_a_body_is_signed_byte_for_byte(served: Serving) -> None:
    report = client(served).post(
        f"/sms/{ACCOUNT}/jobs",
        message="perché è così",
        receivers=["+393471234567"],
        sender="ROSSI",
    )
    assert report["totalCreditsRemoved"] == 0.7


def test_the_time_is_an_integer_that_anyone_may_ask(served: Serving) -> None:
    answer = client(served).raw_call("GET", "/auth/time", None, False)
    assert answer.text == str(NOW)
    assert answer.headers["X-OVH-QUERYID"].startswith("EU.ext-")


def test_a_wrong_secret_is_an_invalid_signature(served: Serving) -> None:
    with pytest.raises(ovh.BadParametersError) as caught:
        client(served, application_secret="wrong").get("/sms")
    assert refusal(caught) == {
        "errorCode": "INVALID_SIGNATURE",
        "httpCode": "400 Bad Request",
        "message": "Invalid signature",
    }


def test_an_unknown_application_is_refused_first(served: Serving) -> None:
    with pytest.raises(ovh.InvalidKey) as caught:
        client(served, application_key="nobody", consumer_key="nobody").get("/sms")
    assert refusal(caught)["message"] == "This application key is invalid"


def test_an_unknown_consumer_key_is_refused_before_the_signature(served: Serving) -> None:
    with pytest.raises(ovh.NotCredential) as caught:
        client(served, consumer_key="nobody", application_secret="wrong").get("/sms")
    assert refusal(caught)["httpCode"] == "403 Forbidden"


def test_another_applications_key_does_not_exist(served: Serving) -> None:
    other = served.credentials["cd67890-ovh"]
    with pytest.raises(ovh.NotCredential):
        client(served, consumer_key=other.consumer_key).get("/sms")


@pytest.mark.parametrize(
    ("status", "expires_at"), [("pendingValidation", None), ("validated", NOW)]
)
def test_a_pending_or_expired_key_is_not_valid(
    served: Serving, status: str, expires_at: int | None
) -> None:
    key = served.world.grant(CUSTOMER, status=status, expires_at=expires_at)
    with pytest.raises(ovh.InvalidCredential) as caught:
        client(served, key).get("/sms")
    assert refusal(caught)["message"] == "This credential is not valid"


def test_a_clock_that_is_off_is_out_of_time(served: Serving) -> None:
    api = client(served)
    api._time_delta = api.time_delta + 31
    with pytest.raises(ovh.BadParametersError) as caught:
        api.get("/sms")
    assert refusal(caught)["errorCode"] == "QUERY_TIME_OUT"


def test_time_is_checked_before_the_signature(served: Serving) -> None:
    api = client(served, application_secret="wrong")
    api._time_delta = api.time_delta - 31
    with pytest.raises(ovh.BadParametersError) as caught:
        api.get("/sms")
    assert refusal(caught)["message"] == "Query out of time"


def test_rights_that_are_missing_are_refused_in_the_modern_form(served: Serving) -> None:
    key = served.world.grant(CUSTOMER, (Rule("GET", "/sms/*"),))
    with pytest.raises(ovh.APIError) as caught:
        client(served, key).get("/sms")
    assert caught.value.response.status_code == 403
    assert refusal(caught) == {
        "class": "Client::Forbidden",
        "message": "User not granted for this request",
        "details": {
            "unauthorizedActionsByAuthentication": "",
            "unauthorizedActionsByIAM": "sms:apiovh:get",
        },
    }
    assert client(served, key).get(f"/sms/{ACCOUNT}")["name"] == ACCOUNT


def test_rights_can_be_refused_in_the_older_form() -> None:
    knobs = Knobs(refused_rights_body="legacy")
    with serving(World.from_scenario("small", 1, NOW, knobs), frozen=True) as served:
        key = served.world.grant(CUSTOMER, (Rule("GET", "/sms"),))
        with pytest.raises(ovh.NotGrantedCall) as caught:
            client(served, key).get("/me")
    assert refusal(caught)["message"] == "This call has not been granted"


def test_keys_can_be_refused_in_the_modern_form() -> None:
    knobs = Knobs(refused_key_body="iam")
    with (
        serving(World.from_scenario("small", 1, NOW, knobs), frozen=True) as served,
        pytest.raises(ovh.APIError) as caught,
    ):
        client(served, consumer_key="nobody").get("/me")
    assert refusal(caught)["class"] == "Client::Forbidden"


@pytest.mark.parametrize(
    ("rule", "path", "granted"),
    [
        ("/sms", "/sms", True),
        ("/sms/*", "/sms", False),
        ("/sms/*", "/sms/a/outgoing/1", True),
        ("/sms", "/sms/", False),
        ("/sms/*/outgoing", "/sms/a/outgoing", True),
        ("/sms/*/outgoing", "/sms/a/outgoing/1", False),
        ("/*", "/me", True),
    ],
)
def test_a_rule_covers_its_pattern_and_nothing_else(
    rule: str, path: str, granted: bool
) -> None:
    assert grants(Rule("GET", rule), "GET", path) is granted
    assert not grants(Rule("GET", rule), "POST", path)


@pytest.mark.parametrize("name", ["sms-xx00000-1", "sms-cd67890-1"])
def test_an_unknown_or_foreign_service_does_not_exist(served: Serving, name: str) -> None:
    with pytest.raises(ovh.ResourceNotFoundError) as caught:
        client(served).get(f"/sms/{name}")
    assert refusal(caught) == {
        "class": "Client::NotFound",
        "message": "This service does not exist",
    }


def test_a_foreign_service_is_refused_before_its_parameters(served: Serving) -> None:
    with pytest.raises(ovh.ResourceNotFoundError):
        client(served).get("/sms/sms-cd67890-1/outgoing", strange="1")


def test_a_parameter_that_is_not_described_is_refused(served: Serving) -> None:
    with pytest.raises(ovh.BadParametersError) as caught:
        client(served).get("/me/bill", limit=10)
    assert refusal(caught)["message"] == "Received not described parameters"


def test_a_trailing_slash_is_another_path(served: Serving) -> None:
    with pytest.raises(ovh.ResourceNotFoundError):
        client(served).get("/sms/")


def test_a_frozen_world_accepts_clocks_that_went_on() -> None:
    real = [0.0]
    clock = Clock(NOW, frozen=True, monotonic=lambda: real[0])
    real[0] = 500.0
    assert (clock.now, clock.latest) == (NOW, NOW + 500)
    clock.advance(60)
    assert (clock.now, clock.latest) == (NOW + 60, NOW + 560)


def test_a_ticking_world_goes_with_real_time() -> None:
    real = [0.0]
    clock = Clock(NOW, monotonic=lambda: real[0])
    real[0] = 5.0
    assert clock.now == clock.latest == NOW + 5


def test_a_new_key_waits_until_its_page_is_opened(served: Serving) -> None:
    api = client(served)
    asked = api.new_consumer_key_request()
    asked.add_rules(["GET"], "/sms")
    answer = asked.request()
    assert answer["state"] == "pendingValidation"
    with pytest.raises(ovh.InvalidCredential):
        api.get("/sms")
    api._session.get(answer["validationUrl"], timeout=5).raise_for_status()
    assert ACCOUNT in api.get("/sms")


def test_the_key_in_use_is_shown(served: Serving) -> None:
    key = served.world.grant(CUSTOMER, (Rule("GET", "/auth/*"),), expires_at=NOW + 60)
    shown = client(served, key).get("/auth/currentCredential")
    assert shown["rules"] == [{"method": "GET", "path": "/auth/*"}]
    assert shown["expiration"] == "2026-11-20T10:01:00+01:00"
    assert client(served, key).get("/auth/details")["account"] == CUSTOMER


def test_more_than_a_minutes_share_is_too_many() -> None:
    knobs = Knobs(requests_per_minute=2, retry_after_s=7)
    with serving(World.from_scenario("small", 1, NOW, knobs), frozen=True) as served:
        api = client(served)
        api.get("/sms")
        api.get("/sms")
        with pytest.raises(ovh.APIError) as caught:
            api.get("/sms")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "7"
