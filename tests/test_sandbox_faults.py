"""What goes wrong on the way, and how the official client sees it."""

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ovh
import ovh.client
import pytest
import requests

from ledger.sandbox import Knobs, World, moments, serving
from ledger.sandbox.faults import KINDS, Fault, Faults, noisy
from ledger.sandbox.server import Serving

NOW = moments.seconds("2026-11-20T10:00:00+01:00")
CUSTOMER, FIRST, SECOND = "ab12345-ovh", "sms-ab12345-1", "sms-ab12345-2"
ONE = f"/sms/{FIRST}"


@pytest.fixture(scope="module")
def running() -> Iterator[Serving]:
    with serving(World.from_scenario("small", 1, NOW), frozen=True) as served:
        yield served


@pytest.fixture
def served(running: Serving) -> Serving:
    running.do("clear-faults")
    running.requests.clear()
    return running


@pytest.fixture
def api(served: Serving) -> Any:
    return client(served)


def client(served: Serving) -> Any:
    key = served.credentials[CUSTOMER]
    ovh.client.ENDPOINTS["sandbox"] = served.url
    made = ovh.Client(
        "sandbox",
        application_key=key.application_key,
        application_secret=key.application_secret,
        consumer_key=key.consumer_key,
        timeout=5,
    )
    made._session.trust_env = False
    assert made.time_delta is not None  # asked now, so that no fault meets it
    return made


def raw(api: Any, path: str = ONE, **headers: str) -> Any:
    return api.raw_call("GET", path, None, True, headers=headers)


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_a_status_comes_in_the_older_form(served: Serving, api: Any, status: int) -> None:
    served.do("fault", match="GET /sms/*", kind="status", status=status)
    answer = raw(api)
    assert answer.status_code == status
    assert answer.json()["httpCode"].startswith(f"{status} ")
    assert "X-OVH-QUERYID" in answer.headers
    assert raw(api).status_code == 200


def test_a_429_says_when_to_come_back_only_if_asked(served: Serving, api: Any) -> None:
    served.do("fault", kind="status", status=429)
    assert "Retry-After" not in raw(api).headers
    served.do("fault", kind="status", status=429, retry_after=3)
    assert raw(api).headers["Retry-After"] == "3"


def test_rights_may_vanish(served: Serving, api: Any) -> None:
    served.do("fault", kind="iam")
    answer = raw(api)
    assert answer.status_code == 403
    assert answer.json()["details"]["unauthorizedActionsByIAM"] == "sms:apiovh:get"


@pytest.mark.parametrize("status", [408, 502, 503])
def test_a_front_server_answers_in_html(served: Serving, api: Any, status: int) -> None:
    served.do("fault", kind="html", status=status)
    answer = raw(api)
    assert answer.status_code == status
    assert answer.text.startswith(f"<html><body><h1>{status} ")
    served.do("fault", kind="html", status=status)
    with pytest.raises(ovh.InvalidResponse):
        api.get(ONE)


def test_an_empty_200_is_no_answer(served: Serving, api: Any) -> None:
    served.do("fault", kind="empty")
    answer = raw(api)
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_truncated_answer_is_shorter_than_it_said(served: Serving, api: Any) -> None:
    served.do("fault", kind="truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        raw(api)


def test_a_malformed_answer_breaks_off(served: Serving, api: Any) -> None:
    served.do("fault", kind="malformed")
    answer = raw(api)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.text)


@pytest.mark.parametrize(("kind", "body"), [("null", None), ("list", ["error"])])
def test_an_error_may_be_no_object(served: Serving, api: Any, kind: str, body: Any) -> None:
    served.do("fault", kind=kind, status=500)
    answer = raw(api)
    assert (answer.status_code, answer.json()) == (500, body)


def test_a_reset_comes_before_any_answer_and_nothing_is_done(served: Serving, api: Any) -> None:
    before = served.world.accounts[FIRST].milli
    served.do("fault", match=f"POST {ONE}/transferCredits", kind="reset")
    with pytest.raises(ovh.HTTPError) as caught:
        api.post(f"{ONE}/transferCredits", credits=1, smsAccountTarget=SECOND)
    assert isinstance(caught.value.args[1], requests.exceptions.ConnectionError)
    assert served.world.accounts[FIRST].milli == before


def test_an_answer_may_be_lost_after_the_deed(served: Serving, api: Any) -> None:
    before = served.world.accounts[FIRST].milli
    served.do("fault", match="POST *", kind="lost")
    with pytest.raises(ovh.HTTPError):
        api.post(f"{ONE}/transferCredits", credits=1, smsAccountTarget=SECOND)
    assert served.world.accounts[FIRST].milli == before - 1000


def test_an_answer_may_be_cut_in_the_middle(served: Serving, api: Any) -> None:
    served.do("fault", kind="cut")
    with pytest.raises(requests.exceptions.RequestException):
        raw(api)
    assert raw(api).status_code == 200


def test_an_answer_may_be_slow(served: Serving, api: Any) -> None:
    served.do("fault", kind="slow", seconds=0.2)
    began = time.monotonic()
    assert raw(api).status_code == 200
    assert time.monotonic() - began >= 0.2


def test_a_call_may_hang_and_nothing_is_done(served: Serving, api: Any) -> None:
    before = served.world.accounts[FIRST].milli
    served.do("fault", match="POST *", kind="hung", seconds=0.2)
    began = time.monotonic()
    with pytest.raises(ovh.HTTPError):
        api.post(f"{ONE}/transferCredits", credits=1, smsAccountTarget=SECOND)
    assert time.monotonic() - began >= 0.2
    assert served.world.accounts[FIRST].milli == before


def test_a_slow_answer_does_not_hold_up_the_others(served: Serving, api: Any) -> None:
    served.do("fault", kind="slow", seconds=3)
    api._timeout = 0.2
    with pytest.raises(requests.exceptions.Timeout):
        raw(api)
    api._timeout = 2
    assert raw(api).status_code == 200


def test_the_time_may_be_off(served: Serving) -> None:
    served.do("fault", match="GET /auth/time", kind="skew", seconds=100)
    key = served.credentials[CUSTOMER]
    skewed = ovh.Client(
        "sandbox",
        application_key=key.application_key,
        application_secret=key.application_secret,
        consumer_key=key.consumer_key,
    )
    skewed._session.trust_env = False
    with pytest.raises(ovh.BadParametersError, match="out of time"):
        skewed.get("/sms")
    skewed._time_delta = None
    assert FIRST in skewed.get("/sms")


def test_numbers_may_carry_the_noise_of_binary_floats(served: Serving, api: Any) -> None:
    account = served.world.accounts[FIRST]
    served.world.change(account, "test", 12_300 - account.milli)
    served.do("fault", kind="noise")
    assert '"creditsLeft":12.300000000000001' in raw(api).text
    assert '"creditsLeft":12.3,' in raw(api).text
    assert noisy(Decimal(0)) != 0


def test_numbers_may_be_truly_finer(served: Serving, api: Any) -> None:
    account = served.world.accounts[FIRST]
    served.world.change(account, "test", 1_000 - account.milli)
    served.do("fault", kind="finer")
    assert '"creditsLeft":1.0005' in raw(api).text


def test_one_item_of_a_batch_may_fail(served: Serving, api: Any) -> None:
    ids = api.get(f"{ONE}/outgoing")[:2]
    path = f"{ONE}/outgoing/{ids[0]},{ids[1]}"
    served.do("fault", kind="item", status=500)
    first, second = raw(api, path, **{"X-Ovh-Batch": ","}).json()
    assert first["value"] is None
    assert first["error"]["httpCode"] == "500 Internal Server Error"
    assert second["value"]["id"] == ids[1]


def test_a_fault_lets_some_pass_and_meets_so_many() -> None:
    faults = Faults(1)
    faults.add(Fault(match="GET /sms/*", after=1, times=2))
    met = [faults.take("GET", "/sms/a") is not None for _ in range(4)]
    assert met == [False, True, True, False]
    assert faults.take("POST", "/sms/a") is None


def test_a_fault_meets_its_method_and_path_only() -> None:
    fault = Fault(match="POST /sms/*/transferCredits")
    assert fault.meets("POST", "/sms/a/transferCredits")
    assert not fault.meets("POST", "/sms/a")
    assert not fault.meets("GET", "/sms/a/transferCredits")
    assert Fault().meets("DELETE", "/anything")


def test_random_faults_are_seeded() -> None:
    def drawn(seed: int) -> list[Any]:
        faults = Faults(seed, rate=0.5)
        return [
            one and (one.kind, one.status)
            for one in (faults.take("GET", "/x") for _ in range(40))
        ]

    assert drawn(1) == drawn(1) != drawn(2)
    assert any(drawn(1))
    assert not all(drawn(1))


def test_random_faults_come_by_a_knob() -> None:
    world = World.from_scenario("small", 1, NOW, Knobs(fault_rate=1.0))
    with serving(world, frozen=True) as served:
        answers = []
        for _ in range(6):
            try:
                answers.append(requests.get(f"{served.url}/auth/time", timeout=5).status_code)
            except requests.exceptions.RequestException:
                answers.append(0)
    assert any(answer in (0, 408, 429, 500, 502, 503) for answer in answers)


def test_every_kind_of_fault_is_explained() -> None:
    assert all(KINDS.values())
