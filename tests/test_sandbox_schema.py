"""Every answer has the form that OVH describes, where its description is at hand."""

import json
import re
import uuid
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import ovh
import ovh.client
import pytest

from ledger.sandbox import World, moments, serving
from ledger.sandbox.operations import action
from ledger.sandbox.routes import OPERATIONS
from ledger.sandbox.server import Serving

SCHEMA = Path(__file__).parents[2] / "shared" / "ovh" / "schema.json"
pytestmark = pytest.mark.skipif(not SCHEMA.exists(), reason="OVH's description is not here")

NOW = moments.seconds("2026-11-20T10:00:00+01:00")
CUSTOMER, ACCOUNT, TARGET = "ab12345-ovh", "sms-ab12345-1", "sms-ab12345-2"


class Description:
    """OVH's own description of its API, as a checker of values."""

    def __init__(self) -> None:
        whole = json.loads(SCHEMA.read_text(encoding="utf-8"))
        self.models: dict[str, Any] = whole["models"]
        self.endpoints = {(one["method"], one["path"]): one for one in whole["endpoints"]}

    def faults(self, kind: str, value: Any, where: str = "") -> Iterator[str]:
        """Tell everything in which a value differs from its type."""
        if kind.endswith("[]"):
            if not isinstance(value, list):
                yield f"{where}: {value!r} is no list"
                return
            for number, item in enumerate(value):
                yield from self.faults(kind[:-2], item, f"{where}[{number}]")
        elif kind.startswith("map["):
            if not isinstance(value, dict):
                yield f"{where}: {value!r} is no map"
        elif kind in self.models:
            yield from self._model(kind, value, where)
        elif not SIMPLE[kind.rpartition(":")[2]](value):
            yield f"{where}: {value!r} is no {kind}"

    def _model(self, kind: str, value: Any, where: str) -> Iterator[str]:
        model = self.models[kind]
        if "enum" in model:
            if value not in model["enum"]:
                yield f"{where}: {value!r} is not one of {kind}"
            return
        if not isinstance(value, dict):
            yield f"{where}: {value!r} is no {kind}"
            return
        fields = model["fields"]
        extra = value.keys() - fields.keys() - EXTRA.get(kind, set())
        yield from (f"{where}.{name}: not in {kind}" for name in sorted(extra))
        for name, field in fields.items():
            if name not in value:
                yield f"{where}.{name}: missing"
            elif value[name] is None:
                if not field["nullable"]:
                    yield f"{where}.{name}: null"
            else:
                yield from self.faults(field["type"], value[name], f"{where}.{name}")


def _is(parse: Any) -> Any:
    def check(value: Any) -> bool:
        try:
            parse(value)
        except (ValueError, TypeError, AttributeError):
            return False
        return True

    return check


def _is_long(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


SIMPLE: dict[str, Any] = {
    "string": _is_text,
    "text": _is_text,
    "password": _is_text,
    "ip": _is(lambda v: [int(part) for part in v.split(".")]),
    "phoneNumber": lambda v: bool(re.fullmatch(r"\+\d+", v)),
    "long": _is_long,
    "double": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "datetime": _is(lambda v: datetime.fromisoformat(v).utcoffset().total_seconds()),
    "date": _is(date.fromisoformat),
    "uuid": _is(uuid.UUID),
    "void": lambda v: v is None,
}
# /me and /order show one field more than the description of /sms has (api facts, 2.8).
EXTRA = {"order.Price": {"priceInUcents"}, "order.LongPrice": {"priceInUcents"}}


@pytest.fixture(scope="module")
def described() -> Description:
    return Description()


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with serving(World.from_scenario("busy", 3, NOW), frozen=True) as running:
        running.do("refund", account=ACCOUNT, credits=0)
        running.do("set-alert", account=TARGET, user="webshop", threshold=5)
        yield running


@pytest.fixture(scope="module")
def api(served: Serving) -> Any:
    key = served.credentials[CUSTOMER]
    ovh.client.ENDPOINTS["sandbox"] = served.url
    made = ovh.Client(
        "sandbox",
        application_key=key.application_key,
        application_secret=key.application_secret,
        consumer_key=key.consumer_key,
    )
    made._session.trust_env = False
    return made


QUERIES = {
    "/sms/ptts": {"ptt": 4},
    "/sms/rates/destinations": {"country": "it", "billingCountry": "it"},
    "/sms/rates/packs": {"country": "in"},
    "/sms/{serviceName}/seeOffers": {
        "countryCurrencyPrice": "it", "countryDestination": "it", "quantity": 100,
    },
    "/order/sms/{serviceName}/credits": {"quantity": 500},
}  # fmt: skip

# Which account is rich in what.
SERVICES = {"users": TARGET, "incoming": "sms-ab12345-3", "task": TARGET}

WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/sms/estimate", {"message": "€", "noStopClause": True, "senderType": "alpha"}),
    ("PUT", "/sms/{serviceName}", {"description": "Negozi"}),
    ("POST", "/sms/{serviceName}/transferCredits", {"credits": 1, "smsAccountTarget": TARGET}),
    (
        "POST",
        "/sms/{serviceName}/jobs",
        {"message": "ciao", "receivers": ["+393471234567", "x"], "sender": "ROSSI"},
    ),
    ("POST", "/sms/{serviceName}/hlr", {"receivers": ["+393471234567"]}),
    ("POST", "/sms/{serviceName}/batches", {"message": "ciao", "to": ["+393471234567"]}),
    ("POST", "/sms/{serviceName}/users", {"login": "nuovo", "password": "segreto12"}),
    ("PUT", "/sms/{serviceName}/users/{login}", {"callBack": "https://shop.example/cb"}),
    ("DELETE", "/sms/{serviceName}/users/{login}", {}),
    ("POST", "/sms/{serviceName}/senders", {"sender": "NUOVO", "reason": "shop"}),
    (
        "POST",
        "/sms/{serviceName}/receivers/{slotId}/clean",
        {"freemium": False, "priceOnly": True},
    ),
    (
        "POST",
        "/sms/{serviceName}/receivers/{slotId}/clean",
        {"freemium": True, "priceOnly": False},
    ),
    ("POST", "/order/sms/{serviceName}/credits", {"quantity": 100}),
    ("DELETE", "/sms/{serviceName}/jobs/{id}", {}),
    ("DELETE", "/sms/{serviceName}/outgoing/{id}", {}),
    ("DELETE", "/sms/{serviceName}/incoming/{id}", {}),
]

READS = [one.path for one in OPERATIONS if one.method == "GET"]


def filled(served: Serving, path: str) -> str:
    """Fill a path's parameters with something that is there."""
    world = served.world
    word = next((word for word in SERVICES if f"/{word}" in path), "")
    account = world.accounts[SERVICES.get(word, ACCOUNT)]
    login = next(iter(account.users), "")
    rows: dict[str, Any] = {
        "outgoing": {k: v for k, v in account.outgoing.items() if login in ("", v.user)},
        "incoming": account.incoming,
        "jobs": account.jobs,
        "batches": account.batches,
        "hlr": account.lookups,
    }
    if "/users/{login}/" in path:
        # A user's own rows: give it one where the scenario has none.
        rows["jobs"] = _a_job(served, account.name, login, account.jobs)
        rows["incoming"] = account.incoming
        for reply in list(account.incoming.values())[:1]:
            reply.user = login
    kind = path.split("/")[3 if "/users/{login}/" not in path else 5 :][:1]
    found = rows.get(kind[0], {}) if kind else {}
    bill = next(b for b in world.bills.values() if b.customer == CUSTOMER)
    order = world.orders[bill.order]
    refund = next(iter(world.refunds.values()))
    values = {
        "serviceName": account.name,
        "login": login,
        "id": str(next(iter(found), 0)),
        "sender": next(iter(account.senders)),
        "slotId": "1",
        "taskId": str(next(iter(account.tasks), 0)),
        "billId": bill.id,
        "billDetailId": bill.detail_id,
        "orderId": str(order.id),
        "orderDetailId": str(order.detail_id),
        "refundId": refund.id,
        "refundDetailId": refund.detail_id,
        "paymentMethodId": str(next(iter(world.methods))),
        "ovhAccountId": "IT",
        "logId": str(next(iter(world.logs))),
    }
    return re.sub(r"\{(\w+)\}", lambda name: values[name[1]], path)


def _a_job(served: Serving, account: str, login: str, jobs: dict[int, Any]) -> dict[int, Any]:
    if not any(job.user == login for job in jobs.values()):
        served.do("purchase", account=account, credits=100)
        served.do("set-quota", account=account, user=login, credits=20)
        served.do("send", account=account, user=login, deferred=90)
    return {id: job for id, job in jobs.items() if job.user == login}


def checked(described: Description, method: str, path: str, value: Any) -> None:
    kind = described.endpoints[method, path]["returns"]
    assert list(described.faults(kind, value, path)) == []


@pytest.mark.parametrize("path", READS)
def test_what_is_read_has_the_described_form(
    served: Serving, api: Any, described: Description, path: str
) -> None:
    if path == "/sms/{serviceName}/users/{login}/incoming/{id}":
        served.do("reply", account=TARGET)
    query = QUERIES.get(path, {})
    with_auth = described.endpoints["GET", path]["auth"] if path in READS else True
    value = api.call("GET", _target(filled(served, path), query), None, with_auth)
    checked(described, "GET", path, value)


@pytest.mark.parametrize("write", WRITES, ids=lambda write: f"{write[0]} {write[1]}")
def test_what_is_written_is_answered_in_the_described_form(
    served: Serving, api: Any, described: Description, write: tuple[str, str, dict[str, Any]]
) -> None:
    method, path, body = write
    if path.endswith("/jobs/{id}"):
        served.do("send", account=ACCOUNT, deferred=60)
    value = api.call(method, filled(served, path), body or None, True)
    checked(described, method, path, value)


def test_batches_are_cancelled_and_counted_in_the_described_form(
    served: Serving, api: Any, described: Description
) -> None:
    path = "/sms/{serviceName}/batches"
    made = api.post(f"/sms/{ACCOUNT}/batches", message="ciao", to=["+393471234567"])
    ended = api.post(f"/sms/{ACCOUNT}/batches/{made['id']}/cancel")
    checked(described, "POST", f"{path}/{{id}}/cancel", ended)
    assert ended["status"] == "CANCELED"


def test_a_new_key_is_answered_in_the_described_form(api: Any, described: Description) -> None:
    value = api.post(
        "/auth/credential", accessRules=[{"method": "GET", "path": "/sms"}], _need_auth=False
    )
    checked(described, "POST", "/auth/credential", value)


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_every_operation_is_one_of_ovh_with_its_name_and_parameters(
    described: Description, one: Any
) -> None:
    real = described.endpoints[one.method, one.path]
    assert one.auth == real["auth"]
    if real["iam"]:
        assert action(one) in real["iam"]
    asked = {p["name"]: p for p in real["params"] if p["in"] != "path"}
    assert set(one.query) == {n for n, p in asked.items() if p["in"] == "query"}
    given = one.body or {}
    whole = [p["type"] for p in real["params"] if p["in"] == "body" and not p["name"]]
    expected = (
        set(described.models[whole[0]]["fields"])
        if whole
        else {name for name, p in asked.items() if p["in"] == "body"}
    )
    assert set(given) == expected
    for name, p in {**one.query, **given}.items():
        if name in asked:
            assert p.required == asked[name]["required"], name


def test_the_checker_finds_what_is_wrong(described: Description) -> None:
    wrong = {"id": "1", "credits": None, "message": "m", "sender": "s", "tag": "t", "more": 1}
    found = list(described.faults("sms.Incoming", wrong))
    assert found == [
        ".more: not in sms.Incoming",
        ".creationDatetime: missing",
        ".credits: null",
        ".id: '1' is no long",
    ]


def _target(path: str, query: dict[str, Any]) -> str:
    return path + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")
