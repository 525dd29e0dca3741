"""What the API answers: lists and filters, several ids at once, transfers, voids."""

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import ovh
import ovh.client
import pytest

from ledger.sandbox import Knobs, World, moments, serving
from ledger.sandbox.server import Serving

NOW = moments.seconds("2026-11-20T10:00:00+01:00")
CUSTOMER, FIRST, SECOND = "ab12345-ovh", "sms-ab12345-1", "sms-ab12345-2"
OUTGOING, TRANSFER = f"/sms/{FIRST}/outgoing", f"/sms/{FIRST}/transferCredits"


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with serving(World.from_scenario("small", 1, NOW), frozen=True) as running:
        yield running


@pytest.fixture(autouse=True)
def default_knobs(served: Serving) -> Iterator[None]:
    yield
    served.world.knobs = Knobs()


@pytest.fixture
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


def many(api: Any, path: str, *, separator: str = ",") -> Any:
    return api.raw_call("GET", path, None, True, headers={"X-Ovh-Batch": separator})


def turn(served: Serving, **knobs: str) -> None:
    served.service.turn(knobs)


# --- lists and filters


def test_a_list_is_one_array_of_ids_in_order(api: Any) -> None:
    ids = api.get(OUTGOING)
    assert ids == sorted(ids)
    assert len(ids) > 100


def test_date_filters_include_both_their_ends(api: Any) -> None:
    ids = api.get(OUTGOING)
    at = api.get(f"{OUTGOING}/{ids[50]}")["creationDatetime"]
    window = {"creationDatetime.from": at, "creationDatetime.to": at}
    assert ids[50] in api.get(OUTGOING, **window)
    until = api.get(OUTGOING, **{"creationDatetime.to": at})
    since = api.get(OUTGOING, **{"creationDatetime.from": at})
    assert set(until) | set(since) == set(ids)
    assert set(until) & set(since) == set(api.get(OUTGOING, **window))


@pytest.mark.parametrize(
    ("name", "field"),
    [("tag", "tag"), ("sender", "sender"), ("receiver", "receiver"), ("ptt", "ptt"),
     ("deliveryReceipt", "deliveryReceipt"), ("differedDelivery", "differedDelivery")],
)  # fmt: skip
def test_each_filter_keeps_what_it_names(api: Any, name: str, field: str) -> None:
    ids = api.get(OUTGOING)
    rows = {id: api.get(f"{OUTGOING}/{id}") for id in ids[:40]}
    wanted = rows[ids[7]][field]
    found = set(api.get(OUTGOING, **{name: wanted}))
    assert {id for id in rows if rows[id][field] == wanted} == found & rows.keys()


def test_a_date_that_is_none_is_refused(api: Any) -> None:
    with pytest.raises(ovh.BadParametersError):
        api.get(OUTGOING, **{"creationDatetime.from": "yesterday"})


def test_bills_are_filtered_by_date_order_and_category(api: Any) -> None:
    bills = api.get("/me/bill")
    one = api.get(f"/me/bill/{bills[-1]}")
    assert api.get("/me/bill", orderId=one["orderId"]) == [bills[-1]]
    assert bills[-1] in api.get("/me/bill", **{"date.from": one["date"]})
    assert bills[-1] in api.get("/me/bill", category=one["category"])
    assert api.get("/me/bill", category="purchase-cloud") == []


def test_an_order_leads_to_its_bill_and_its_lines(api: Any) -> None:
    order = api.get("/me/order")[-1]
    assert api.get(f"/me/order/{order}/status") == "delivered"
    found = api.get(f"/me/order/{order}/associatedObject")
    assert found["type"] == "Bill"
    assert api.get(f"/me/bill/{found['id']}")["orderId"] == order


def test_payment_methods_are_filtered(api: Any) -> None:
    (sepa,) = api.get("/me/payment/method", paymentType="SEPA_DIRECT_DEBIT", status="VALID")
    assert api.get(f"/me/payment/method/{sepa}")["default"] is True


def test_what_another_customer_has_is_not_shown() -> None:
    world = World.from_scenario("default", 1, NOW, messages=60)
    with serving(world, frozen=True) as both:
        key = both.credentials["cd67890-ovh"]
        ovh.client.ENDPOINTS["sandbox"] = both.url
        other = ovh.Client(
            "sandbox",
            application_key=key.application_key,
            application_secret=key.application_secret,
            consumer_key=key.consumer_key,
        )
        other._session.trust_env = False
        theirs = next(b for b in world.bills.values() if b.customer == CUSTOMER)
        with pytest.raises(ovh.ResourceNotFoundError):
            other.get(f"/me/bill/{theirs.id}")
        assert all(bill.startswith("FR") for bill in other.get("/me/bill"))


def test_rows_older_than_the_retention_are_gone(served: Serving) -> None:
    world = World.from_scenario("small", 1, NOW)
    world.advance_to(NOW + 40 * moments.DAY)
    account = world.accounts[FIRST]
    old = [row for row in account.outgoing.values() if row.created_at < world.retained_from]
    assert old
    with serving(world, frozen=True) as later:
        key = later.credentials[CUSTOMER]
        ovh.client.ENDPOINTS["sandbox"] = later.url
        api = ovh.Client(
            "sandbox",
            application_key=key.application_key,
            application_secret=key.application_secret,
            consumer_key=key.consumer_key,
        )
        api._session.trust_env = False
        assert not {row.id for row in old} & set(api.get(OUTGOING))
        with pytest.raises(ovh.ResourceNotFoundError):
            api.get(f"{OUTGOING}/{old[0].id}")


# --- several ids at once


def test_several_ids_are_answered_each_with_a_value_or_an_error(api: Any) -> None:
    first, second = api.get(OUTGOING)[:2]
    answer = many(api, f"{OUTGOING}/{first},99,{second}")
    assert answer.status_code == 200
    good, bad, last = answer.json()
    assert (good["key"], good["value"]["id"], good["error"]) == (str(first), first, None)
    assert (bad["key"], bad["value"]) == ("99", None)
    assert bad["error"]["message"] == "The requested object does not exist"
    assert last["value"]["id"] == second


def test_the_header_names_the_separator(api: Any) -> None:
    first, second = api.get(OUTGOING)[:2]
    assert len(many(api, f"{OUTGOING}/{first};{second}", separator=";").json()) == 2


@pytest.mark.parametrize("list", ["outgoing", "incoming", "jobs", "hlr"])
def test_every_kind_of_row_can_be_read_in_batches(served: Serving, api: Any, list: str) -> None:
    served.do("send", account=SECOND, deferred=500)
    ids = api.get(f"/sms/{SECOND}/{list}")[:50]
    assert ids
    answer = many(api, f"/sms/{SECOND}/{list}/{','.join(map(str, ids))}").json()
    assert [item["value"]["id"] for item in answer] == ids


def test_the_lines_of_a_bill_can_be_read_in_batches(api: Any) -> None:
    bill = api.get("/me/bill")[-1]
    (line,) = api.get(f"/me/bill/{bill}/details")
    found = many(api, f"/me/bill/{bill}/details/{line},1").json()
    assert found[0]["value"]["billDetailId"] == line
    assert found[1]["error"]


def test_batches_have_knobs(served: Serving, api: Any) -> None:
    first, second = api.get(OUTGOING)[:2]
    path = f"{OUTGOING}/{first},{second}"
    turn(served, batch_key="number", batch_order="reversed", batch_error="string")
    assert [item["key"] for item in many(api, path).json()] == [second, first]
    assert isinstance(many(api, f"{OUTGOING}/1").json()[0]["error"], str)
    turn(served, batch_max_ids="1")
    assert many(api, path).status_code == 400
    turn(served, batch_routes="incoming")
    assert many(api, path).status_code == 400
    turn(served, batch="false")
    assert many(api, f"{OUTGOING}/{first}").json()["id"] == first


# --- transfers and other writes


def owned(served: Serving) -> tuple[int, int]:
    accounts = served.world.accounts
    return accounts[FIRST].milli, accounts[SECOND].milli


def test_a_transfer_moves_credits_at_once_and_answers_null(served: Serving, api: Any) -> None:
    source, target = owned(served)
    answer = api.raw_call("POST", TRANSFER, {"credits": 1.25, "smsAccountTarget": SECOND}, True)
    assert (answer.status_code, answer.content) == (200, b"null")
    assert owned(served) == (source - 1250, target + 1250)


def test_a_void_may_be_an_empty_204(served: Serving, api: Any) -> None:
    turn(served, void="204")
    answer = api.raw_call("POST", TRANSFER, {"credits": 1, "smsAccountTarget": SECOND}, True)
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.put(f"/sms/{FIRST}", description="Negozi") is None


@pytest.mark.parametrize(
    ("credits", "target", "status"),
    [
        (10_000_000, SECOND, 403),
        (1, "sms-zz99999-1", 404),
        (1, FIRST, 400),
        (0, SECOND, 400),
        (-5, SECOND, 400),
        (0.0005, SECOND, 400),
    ],
)
def test_a_transfer_that_breaks_a_rule_is_refused(
    served: Serving, api: Any, credits: Any, target: str, status: int
) -> None:
    before = owned(served)
    answer = api.raw_call(
        "POST", TRANSFER, {"credits": credits, "smsAccountTarget": target}, True
    )
    assert answer.status_code == status
    assert answer.json()["httpCode"].startswith(str(status))
    assert owned(served) == before


def test_what_a_transfer_refuses_are_knobs(served: Serving, api: Any) -> None:
    def status(credits: Any, target: str) -> int:
        body = {"credits": credits, "smsAccountTarget": target}
        code: int = api.raw_call("POST", TRANSFER, body, True).status_code
        return code

    turn(served, transfer_short_status="409", transfer_target_status="403")
    assert status(10_000_000, SECOND) == 409
    assert status(1, "sms-zz99999-1") == 403
    turn(served, transfer_same_status="0", transfer_decimals="2", transfer_minimum="1")
    assert status(1, FIRST) == 200
    assert status(1.125, SECOND) == 400
    assert status(0.5, SECOND) == 400


def test_credits_do_not_cross_customers() -> None:
    world = World.from_scenario("default", 1, NOW, messages=60)
    with serving(world, frozen=True) as both:
        key = both.credentials[CUSTOMER]
        ovh.client.ENDPOINTS["sandbox"] = both.url
        api = ovh.Client(
            "sandbox",
            application_key=key.application_key,
            application_secret=key.application_secret,
            consumer_key=key.consumer_key,
        )
        api._session.trust_env = False
        with pytest.raises(ovh.ResourceNotFoundError):
            api.post(TRANSFER, credits=1, smsAccountTarget="sms-cd67890-1")


def test_the_settings_of_the_recharge_can_be_put_alone(api: Any) -> None:
    api.put(
        f"/sms/{FIRST}", creditThresholdForAutomaticRecredit=12.5, automaticRecreditAmount=250
    )
    shown = api.get(f"/sms/{FIRST}")
    assert shown["creditThresholdForAutomaticRecredit"] == 12.5
    assert shown["automaticRecreditAmount"] == 250
    api.put(f"/sms/{FIRST}", automaticRecreditAmount=None)
    assert api.get(f"/sms/{FIRST}")["automaticRecreditAmount"] is None


def test_only_seven_amounts_can_be_recharged(api: Any) -> None:
    with pytest.raises(ovh.BadParametersError):
        api.put(f"/sms/{FIRST}", automaticRecreditAmount=300)


def test_smpp_accounts_cannot_be_recharged(served: Serving, api: Any) -> None:
    served.world.accounts[SECOND].smpp = True
    with pytest.raises(ovh.APIError):
        api.put(f"/sms/{SECOND}", automaticRecreditAmount=100)
    served.world.accounts[SECOND].smpp = False


def test_a_wrong_type_is_a_bad_request_or_as_a_knob_a_bad_signature(
    served: Serving, api: Any
) -> None:
    body = {"credits": "1", "smsAccountTarget": SECOND}
    assert api.raw_call("POST", TRANSFER, body, True).json()["message"].startswith("[credits]")
    turn(served, wrong_type_answer="invalid-signature")
    answer = api.raw_call("POST", TRANSFER, body, True).json()
    assert answer["errorCode"] == "INVALID_SIGNATURE"


def test_a_missing_parameter_and_a_body_that_is_no_json_are_refused(api: Any) -> None:
    with pytest.raises(ovh.BadParametersError, match="smsAccountTarget"):
        api.post(TRANSFER, credits=1)
    with pytest.raises(ovh.BadParametersError, match="Invalid JSON"):
        api.call("POST", TRANSFER, [1], True)


def test_a_quote_has_no_order_and_a_purchase_has_one(served: Serving, api: Any) -> None:
    path = f"/order/sms/{FIRST}/credits"
    quote = api.get(path, quantity=1000)
    assert quote["orderId"] is None
    assert quote["prices"]["withoutTax"]["value"] == 55
    before = served.world.accounts[FIRST].milli
    order = api.post(path, quantity=1000)
    assert order["prices"] == quote["prices"]
    assert served.world.accounts[FIRST].milli == before + 1_000_000
    assert api.get(f"/me/order/{order['orderId']}/status") == "delivered"
    with pytest.raises(ovh.BadParametersError):
        api.get(path, quantity=99)


def test_an_order_may_have_to_be_paid(served: Serving, api: Any) -> None:
    turn(served, order_payment="by-pay")
    before = served.world.accounts[FIRST].milli
    order = api.post(f"/order/sms/{FIRST}/credits", quantity=100)["orderId"]
    assert api.get(f"/me/order/{order}/status") == "notPaid"
    assert served.world.accounts[FIRST].milli == before
    api.post(f"/me/order/{order}/pay", paymentMethod={"id": 1})
    assert served.world.accounts[FIRST].milli == before + 100_000
    with pytest.raises(ovh.ResourceConflictError):
        api.post(f"/me/order/{order}/pay", paymentMethod={"id": 1})


def test_a_bill_that_is_late_is_not_listed_yet(served: Serving, api: Any) -> None:
    turn(served, bill_delay_s="60")
    order = api.post(f"/order/sms/{FIRST}/credits", quantity=100)["orderId"]
    assert api.get("/me/bill", orderId=order) == []
    assert api.get(f"/me/order/{order}/associatedObject") == {"id": None, "type": None}
    served.do("advance", seconds=60)
    api._time_delta = None
    assert len(api.get("/me/bill", orderId=order)) == 1


def test_prices_say_their_micro_cents(api: Any) -> None:
    bill = api.get(f"/me/bill/{api.get('/me/bill')[-1]}")["priceWithTax"]
    text = Decimal(bill["text"].split()[0])
    assert bill["priceInUcents"] == int(text * 10**8)


def test_rates_need_no_key_and_depend_on_the_billing_country(served: Serving) -> None:
    import requests

    def rate(**query: str) -> Any:
        url = f"{served.url}/sms/rates/destinations"
        return requests.get(url, params=query, timeout=5).json()

    assert rate(country="it")["credit"] == 1.1
    assert rate(country="it", billingCountry="it")["credit"] == 0.7
    assert rate(country="all")["httpCode"] == "400 Bad Request"
    turn(served, rates_all="dearest")
    assert rate(country="all")["countryCode"] == "ru"


def test_packs_get_cheaper_and_join_without_a_gap(api: Any) -> None:
    packs = api.get("/sms/rates/packs", country="fr", _need_auth=False)
    prices = [pack["creditPrice"]["value"] for pack in packs]
    assert prices[0] == 0.06
    assert prices == sorted(set(prices), reverse=True)
    limits = [(pack["creditQuantityMin"], pack["creditQuantityMax"]) for pack in packs]
    assert limits[0][0] == 100
    assert limits[-1][1] is None
    assert all(a[1] == b[0] for a, b in pairwise(limits))


def test_users_rows_are_in_the_accounts_lists_unless_the_knob_says_no(
    served: Serving, api: Any
) -> None:
    base = f"/sms/{SECOND}"
    of_user = set(api.get(f"{base}/users/webshop/outgoing"))
    everyones = set(api.get(f"{base}/outgoing"))
    assert of_user
    assert of_user < everyones
    turn(served, users_rows_in_account="false")
    assert set(api.get(f"{base}/outgoing")) == everyones - of_user


def test_a_user_is_made_given_a_quota_and_deleted(served: Serving, api: Any) -> None:
    base = f"/sms/{SECOND}/users"
    account = served.world.accounts[SECOND]
    served.do("purchase", account=SECOND, credits=100)
    owned_milli = account.owned_milli
    api.post(base, login="cassa", password="segreta123")
    quota = {"quotaLeft": 10.5, "quotaStatus": "active"}
    api.put(f"{base}/cassa", quotaInformations=quota)
    assert api.get(f"{base}/cassa")["quotaInformations"] == quota
    with pytest.raises(ovh.ResourceConflictError):
        api.post(base, login="cassa", password="segreta123")
    api.delete(f"{base}/cassa")
    assert account.owned_milli == owned_milli
    with pytest.raises(ovh.ResourceNotFoundError):
        api.get(f"{base}/cassa")


def test_numbers_are_integers_when_whole_and_exact_decimals_otherwise(
    served: Serving, api: Any
) -> None:
    account = served.world.accounts[FIRST]
    for milli, text in ((42_000, "42"), (42_100, "42.1"), (1, "0.001"), (-700, "-0.7")):
        served.world.change(account, "test", milli - account.milli)
        shown = api.raw_call("GET", f"/sms/{FIRST}", None, True).text
        assert f'"creditsLeft":{text},' in shown
        assert json.loads(shown, parse_float=Decimal)["creditsLeft"] == Decimal(text)
    served.do("gift", account=FIRST, credits=1000)


def test_reads_are_logged_only_if_the_knob_says_so(served: Serving, api: Any) -> None:
    before = len(api.get("/me/api/logs/self"))
    assert len(api.get("/me/api/logs/self")) == before
    api.put(f"/sms/{FIRST}", description="Negozi")
    assert len(api.get("/me/api/logs/self")) == before + 1
    turn(served, log_reads="true")
    api.get("/sms")
    assert len(api.get("/me/api/logs/self")) > before + 1
