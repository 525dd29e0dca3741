"""Every method of the port, over HTTP, against the sandbox: whatever OVH leaves open.

The sandbox is an OVH of its own, which shares no code with the client; its world is what the
answers are held against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest

from ledger.errors import (
    OvhBadAnswer,
    OvhClockOff,
    OvhError,
    OvhKeyRefused,
    OvhNotFound,
    OvhOverloaded,
    OvhRefused,
    OvhRightMissing,
    OvhUnreachable,
)
from ledger.ovh.calls import Patience
from ledger.ovh.client import OvhClient, connect
from ledger.ovh.gateway import Gateway
from ledger.ovh.profiles import Profile
from ledger.sandbox import Knobs, World, serving

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
HASTY = Patience(first_s=0, longest_s=0, jitter_s=0, longest_asked_s=0)


KNOB_WORDS = {"True": "true", "False": "false"}


class Sandboxed:
    """A running sandbox and a client of its first customer."""

    def __init__(self, serving: Any, ovh: OvhClient, profile: Profile) -> None:
        self.serving = serving
        self.world: Any = serving.world
        self.ovh = ovh
        self.profile = profile
        self.account = next(iter(self.world.accounts.values()))
        self.service: str = self.account.name

    @property
    def asked(self) -> list[str]:
        return [seen.path.removeprefix("/1.0") for seen in self.serving.requests.raw]


Turned = Callable[..., Sandboxed]


def profile_of(credential: Any, url: str) -> Profile:
    return Profile(
        name="sandbox",
        source="[sandbox] of ovh.conf",
        endpoint_url=url,
        application_key=credential.application_key,
        application_secret=credential.application_secret,
        consumer_key=credential.consumer_key,
        requests_per_minute=0,
    )


@contextmanager
def sandboxed() -> Iterator[Sandboxed]:
    world = World.from_scenario("small", seed=7, now=int(NOW.timestamp()))
    with serving(world, frozen=True) as running:
        profile = profile_of(next(iter(running.credentials.values())), running.url)
        with connect(profile, patience=HASTY) as ovh:
            yield Sandboxed(running, ovh, profile)


@pytest.fixture(scope="module")
def quiet() -> Iterator[Sandboxed]:
    """A sandbox that nobody changes."""
    with sandboxed() as one:
        yield one


@pytest.fixture
def fresh() -> Iterator[Sandboxed]:
    with sandboxed() as one:
        yield one


@pytest.fixture
def turned(quiet: Sandboxed) -> Iterator[Turned]:
    """The same with other knobs or faults for a while, and a client that knows nothing yet."""
    with connect(quiet.profile, patience=HASTY) as ovh:

        def turn(**knobs: object) -> Sandboxed:
            _turn(quiet, knobs)
            return Sandboxed(quiet.serving, ovh, quiet.profile)

        yield turn
    quiet.serving.do("clear-faults")
    _turn(quiet, {field: getattr(Knobs(), field) for field in Knobs.__struct_fields__})


def _turn(one: Sandboxed, knobs: Mapping[str, object]) -> None:
    texts = {name: str(value) for name, value in knobs.items()}
    one.serving.service.turn({name: KNOB_WORDS.get(text, text) for name, text in texts.items()})


def credits(milli: int) -> Decimal:
    return Decimal(milli) / 1000


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


# ── every method ────────────────────────────────────────────────────────────────────────────


def test_the_clock_is_the_sandboxs(quiet: Sandboxed) -> None:
    assert quiet.ovh.time() == NOW


def test_the_customer(quiet: Sandboxed) -> None:
    me = quiet.ovh.me()
    customer = quiet.world.customers[me.nichandle]
    assert (me.nichandle, me.ovhSubsidiary) == (customer.nichandle, customer.subsidiary)


def test_the_accounts(quiet: Sandboxed) -> None:
    services = quiet.ovh.services()
    assert sorted(services) == sorted(quiet.world.accounts)
    for service in services:
        read, account = quiet.ovh.account(service), quiet.world.accounts[service]
        assert read.creditsLeft == credits(account.milli)
        assert read.creditsHoldByQuota == credits(account.held_milli)
        assert read.creditThresholdForAutomaticRecredit == credits(account.threshold_milli)
        assert read.automaticRecreditAmount == account.recharge_credits
        assert (read.smpp, read.channel) == (account.smpp, account.channel)
        assert quiet.ovh.service_infos(service).creation <= NOW.date()


def test_the_messages_sent(quiet: Sandboxed) -> None:
    ids = quiet.ovh.outgoing_ids(quiet.service)
    assert set(ids) == quiet.account.outgoing.keys()
    rows = quiet.ovh.outgoing(quiet.service, ids)
    assert list(rows) == list(ids)
    for id, row in rows.items():
        message = quiet.account.outgoing[id]
        assert row.credits == credits(message.milli)
        assert row.creationDatetime == moment(message.created_at)
        assert row.numberOfSms == message.parts
        assert row.receiver.endswith(message.receiver[-6:])
        assert (row.tag, row.batchID) == (message.tag, message.batch)
        assert row.differedDelivery == message.deferred_min


def test_the_messages_of_a_window(quiet: Sandboxed) -> None:
    since, until = NOW - timedelta(days=40), NOW - timedelta(days=20)
    expected = {
        id
        for id, message in quiet.account.outgoing.items()
        if since <= moment(message.created_at) <= until
    }
    assert expected
    assert set(quiet.ovh.outgoing_ids(quiet.service, since=since, until=until)) == expected


def test_the_messages_of_a_receipt(quiet: Sandboxed) -> None:
    now = int(NOW.timestamp())
    outgoing = quiet.account.outgoing
    for receipt in (1, 16):
        expected = {id for id, message in outgoing.items() if message.receipt(now) == receipt}
        ids = quiet.ovh.outgoing_ids(quiet.service, delivery_receipt=receipt)
        assert set(ids) == expected


def test_the_replies(fresh: Sandboxed) -> None:
    fresh.serving.do("reply", account=fresh.service, count=3)
    ids = fresh.ovh.incoming_ids(fresh.service, since=NOW - timedelta(days=1))
    rows = fresh.ovh.incoming(fresh.service, ids)
    assert len(rows) >= 3
    for id, row in rows.items():
        reply = fresh.account.incoming[id]
        assert row.credits == credits(reply.milli)
        assert row.creationDatetime == moment(reply.created_at)


def test_the_jobs(fresh: Sandboxed) -> None:
    fresh.serving.do("send", account=fresh.service, count=3, deferred=60)
    rows = fresh.ovh.jobs(fresh.service, fresh.ovh.job_ids(fresh.service))
    assert rows.keys() == fresh.account.jobs.keys()
    for id, row in rows.items():
        assert row.credits == credits(fresh.account.jobs[id].milli)
        assert row.differedDelivery == 60


def test_the_lookups(fresh: Sandboxed) -> None:
    fresh.serving.do("hlr", account=fresh.service, count=3)
    rows = fresh.ovh.hlr(fresh.service, fresh.ovh.hlr_ids(fresh.service))
    assert rows.keys() == fresh.account.lookups.keys()
    assert all(row.datetime <= NOW for row in rows.values())


def test_the_users_and_their_quotas(fresh: Sandboxed) -> None:
    users = {(name, login) for name, one in fresh.world.accounts.items() for login in one.users}
    service, login = next(iter(users))
    fresh.serving.do("set-quota", account=service, user=login, credits=5)
    for service, login in users:
        user = fresh.world.accounts[service].users[login]
        quota = fresh.ovh.user_quota(service, login)
        assert login in fresh.ovh.users(service)
        assert quota.quotaLeft == credits(user.quota_milli)
        assert (quota.quotaStatus == "active") == user.has_quota


def test_the_bills_and_their_lines(quiet: Sandboxed) -> None:
    ids = quiet.ovh.bill_ids()
    assert set(ids) == quiet.world.bills.keys()
    for id in ids:
        bill, order = quiet.ovh.bill(id), quiet.world.orders[quiet.world.bills[id].order]
        assert (bill.billId, bill.orderId, bill.category) == (id, order.id, order.category)
        assert bill.priceWithoutTax.value == order.net
        assert bill.tax.value == order.tax
        assert bill.priceWithTax.value == order.gross
        assert bill.date == moment(quiet.world.bills[id].billed_at)
        (line,) = quiet.ovh.bill_details(id)
        assert line.domain == order.domain
        assert line.totalPrice.value == order.net
        assert line.unitPrice.currencyCode == order.currency


def test_the_bills_since_a_date(quiet: Sandboxed) -> None:
    since = NOW - timedelta(days=120)
    expected = {id for id, bill in quiet.world.bills.items() if moment(bill.billed_at) >= since}
    assert set(quiet.ovh.bill_ids(since=since)) == expected
    assert 0 < len(expected) < len(quiet.world.bills)


def test_the_orders(quiet: Sandboxed) -> None:
    found = quiet.ovh.orders([*quiet.world.orders, 1])
    assert found.keys() == quiet.world.orders.keys()
    for id, order in found.items():
        assert order.date == moment(quiet.world.orders[id].ordered_at)


def test_the_refunds(turned: Turned) -> None:
    one = turned()
    assert one.ovh.refund_ids() == []
    given = one.serving.do("refund", account=one.service, credits=0)
    (id,) = one.ovh.refund_ids()
    refund, bill = one.ovh.refund(id), one.ovh.bill(given["bill"])
    assert (refund.refundId, refund.originalBillId) == (given["refund"], bill.billId)
    assert (refund.orderId, refund.priceWithTax) == (bill.orderId, bill.priceWithTax)
    (line,), (sold,) = one.ovh.refund_details(id), one.ovh.bill_details(bill.billId)
    assert (line.domain, line.totalPrice) == (one.service, sold.totalPrice)
    assert (line.quantity, line.description) == (sold.quantity, sold.description)
    assert one.ovh.refund_ids(since=refund.date + timedelta(seconds=1)) == []


def test_the_payment_methods(quiet: Sandboxed) -> None:
    found = {one.paymentMethodId: one for one in quiet.ovh.payment_methods()}
    assert found.keys() == quiet.world.methods.keys()
    for id, method in quiet.world.methods.items():
        assert (found[id].paymentType, found[id].status) == (method.type, method.status)


def test_the_rates_and_prices(fresh: Sandboxed) -> None:
    for billing, country in (("it", "it"), ("it", "in"), ("fr", "it"), ("pl", "pl")):
        found = fresh.ovh.destination_rates(country, billing_country=billing)
        rate = credits(fresh.world.rate(billing, country))
        assert (found.countryCode, found.credit) == (country, rate)
    fresh.serving.do("rate", country="in", credits="2.15")
    assert fresh.ovh.destination_rates("in", billing_country="it").credit == Decimal("2.15")
    tiers = fresh.ovh.pack_rates("it", billing_country="gb")
    assert [tier.creditQuantityMin for tier in tiers][:3] == [100, 500, 1000]
    assert {tier.creditPrice.currencyCode for tier in tiers} == {"GBP"}
    with pytest.raises(OvhRefused, match="is not valid"):
        fresh.ovh.destination_rates("xx", billing_country="it")


def test_the_estimate_of_a_text(quiet: Sandboxed) -> None:
    found = quiet.ovh.estimate("a" * 150, no_stop_clause=True)
    assert (found.charactersClass, found.characters, found.parts) == ("7bits", 150, 1)
    found = quiet.ovh.estimate("a" * 150, no_stop_clause=False)
    assert (found.characters, found.parts, found.maxCharactersPerPart) == (161, 2, 153)


def test_the_preview_of_an_order(quiet: Sandboxed) -> None:
    orders = len(quiet.world.orders)
    found = quiet.ovh.order_preview(quiet.service, quantity=100)
    assert (found.orderId, found.withoutTax.value) == (None, Decimal("6.00"))
    assert len(quiet.world.orders) == orders


def test_the_key_and_whose_it_is(quiet: Sandboxed) -> None:
    credential, details = quiet.ovh.credential(), quiet.ovh.auth_details()
    rules = [f"{rule.method} {rule.path}" for rule in credential.rules]
    assert rules == ["GET /*", "POST /*", "PUT /*", "DELETE /*"]
    assert (credential.status, credential.expiration) == ("validated", None)
    assert details.account in quiet.world.customers
    assert details.allowedRoutes == credential.rules


def test_the_calls_that_change_something_are_listed_by_time(quiet: Sandboxed) -> None:
    """Reading is not listed (knob `log_reads`); who called is not read."""
    before = set(quiet.ovh.api_log_ids())
    quiet.ovh.users(quiet.service)
    quiet.ovh.estimate("hello", no_stop_clause=True)
    (new,) = quiet.ovh.api_logs(set(quiet.ovh.api_log_ids()) - before).values()
    assert (new.method, new.path) == ("POST", "/sms/estimate")
    assert quiet.ovh.api_logs([10**9]) == {}


@pytest.mark.parametrize("void", ["null", "204"])
@pytest.mark.parametrize(
    ("threshold", "amount"), [("12.5", 250), ("0", None), ("0.001", 10_000)]
)
def test_the_recharge_settings_are_set_to_the_last_digit(
    turned: Turned, void: str, threshold: str, amount: int | None
) -> None:
    one = turned(void=void)
    before = one.account.threshold_milli, one.account.recharge_credits
    try:
        one.ovh.set_recharge(one.service, threshold=Decimal(threshold), amount=amount)
        assert credits(one.account.threshold_milli) == Decimal(threshold)
        assert one.account.recharge_credits == amount
    finally:
        one.account.threshold_milli, one.account.recharge_credits = before


def test_the_port_is_covered_whole() -> None:
    """A method that is added to the port is missed here."""
    methods = {
        name
        for name, value in vars(Gateway).items()
        if callable(value) and not name.startswith("_")
    }
    assert methods == {
        *("time", "me", "services", "account", "service_infos"),
        *("outgoing_ids", "outgoing", "incoming_ids", "incoming"),
        *("job_ids", "jobs", "hlr_ids", "hlr", "users", "user_quota"),
        *("bill_ids", "bill", "bill_details", "orders", "payment_methods"),
        *("refund_ids", "refund", "refund_details", "api_log_ids", "api_logs"),
        *("destination_rates", "pack_rates", "estimate", "order_preview"),
        *("credential", "auth_details", "set_recharge", "transfer_credits"),
    }


# ── what OVH leaves open ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "knobs",
    [
        {"batch_key": "number"},
        {"batch_order": "reversed"},
        {"batch_error": "string"},
        {"batch": False},
        {"batch_max_ids": 10},
        {"batch_routes": "jobs"},
        {"time_zone": "Asia/Kolkata"},
        {"receiver_format": "mixed"},
    ],
)
def test_rows_are_the_same_whichever_way_it_is(
    turned: Turned, quiet: Sandboxed, knobs: dict[str, Any]
) -> None:
    ids = list(islice(quiet.account.outgoing, 30))
    same = quiet.ovh.outgoing(quiet.service, ids)
    gone = max(ids) + 1
    rows = turned(**knobs).ovh.outgoing(quiet.service, [*ids, gone])
    assert list(rows) == ids
    assert [row.credits for row in rows.values()] == [row.credits for row in same.values()]
    assert [row.creationDatetime for row in rows.values()] == [
        row.creationDatetime for row in same.values()
    ]


def test_fifty_rows_cost_one_request(quiet: Sandboxed) -> None:
    ids = list(islice(quiet.account.outgoing, 120))
    assert len(ids) == 120
    quiet.ovh.time()
    before = quiet.ovh.requests
    quiet.ovh.outgoing(quiet.service, ids)
    assert quiet.ovh.requests - before == 3


def test_a_row_that_was_deleted_is_left_out(fresh: Sandboxed) -> None:
    ids = fresh.ovh.outgoing_ids(fresh.service)
    fresh.serving.do("delete-row", account=fresh.service, id=ids[3])
    assert fresh.ovh.outgoing(fresh.service, ids[:10]).keys() == {*ids[:10]} - {ids[3]}
    assert fresh.ovh.outgoing(fresh.service, [ids[3]]) == {}


@pytest.mark.parametrize("body", ["legacy", "iam"])
def test_keys_and_rights_are_told_apart_in_both_forms(turned: Turned, body: str) -> None:
    one = turned(refused_key_body=body, refused_rights_body=body)
    few = one.serving.do("grant", rules="GET /sms")
    old = one.serving.do("grant", rules="GET /sms", status="expired")
    with connect(replace(one.profile, **few), patience=HASTY) as ovh:
        assert ovh.services()
        with pytest.raises(OvhRightMissing) as missing:
            ovh.bill_ids()
        assert (missing.value.method, missing.value.path) == ("GET", "/me/bill")
    expired = connect(replace(one.profile, **old), patience=HASTY)
    with expired as ovh, pytest.raises(OvhKeyRefused, match="login"):
        ovh.services()


def test_wrong_keys_of_each_sort(quiet: Sandboxed) -> None:
    for profile in (
        replace(quiet.profile, application_key="wrong"),
        replace(quiet.profile, application_secret="wrong"),
        replace(quiet.profile, consumer_key="wrong"),
    ):
        with connect(profile, patience=HASTY) as ovh, pytest.raises(OvhKeyRefused):
            ovh.services()


def test_an_unknown_account_is_not_found(quiet: Sandboxed) -> None:
    with pytest.raises(OvhNotFound, match="sms-zz99999-9"):
        quiet.ovh.account("sms-zz99999-9")


# ── the one call that changes something ──────────────────────────────────────────────────────


@pytest.mark.parametrize("void", ["null", "204"])
@pytest.mark.parametrize("amount", ["1", "0.001", "2.05", "1.234"])
def test_credits_are_transferred_to_the_last_thousandth(
    turned: Turned, void: str, amount: str
) -> None:
    one = turned(void=void)
    target = list(one.world.accounts.values())[1]
    before = one.account.milli, target.milli
    one.ovh.transfer_credits(one.service, target.name, Decimal(amount))
    moved = int(Decimal(amount) * 1000)
    assert (one.account.milli, target.milli) == (before[0] - moved, before[1] + moved)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "status", "status": 503}, OvhOverloaded),
        ({"kind": "html"}, OvhOverloaded),
        ({"kind": "reset"}, OvhUnreachable),
        ({"kind": "lost"}, OvhUnreachable),
        ({"kind": "cut"}, OvhError),
        ({"kind": "truncated"}, OvhBadAnswer),
        ({"kind": "malformed"}, OvhBadAnswer),
        ({"kind": "status", "status": 409}, OvhRefused),
        ({"kind": "status", "status": 404}, OvhNotFound),
        ({"kind": "iam"}, OvhRightMissing),
    ],
)
def test_a_transfer_is_called_once_whatever_comes_back(
    turned: Turned, fault: dict[str, Any], kind: type[OvhError]
) -> None:
    one = turned()
    one.ovh.time()
    one.serving.requests.clear()
    one.serving.do("fault", match="POST *", times=5, **fault)
    with pytest.raises(kind):
        one.ovh.transfer_credits(one.service, "sms-ab12345-2", Decimal("0.001"))
    assert len(one.asked) == 1


@pytest.mark.parametrize(
    ("target", "amount", "kind"),
    [
        ("sms-zz99999-9", "1", OvhNotFound),
        ("sms-ab12345-1", "1", OvhRefused),
        ("sms-ab12345-2", "999999", OvhRefused),
        ("sms-ab12345-2", "0", OvhRefused),
    ],
)
def test_what_ovh_does_not_transfer(
    quiet: Sandboxed, target: str, amount: str, kind: type[OvhError]
) -> None:
    before = [account.milli for account in quiet.world.accounts.values()]
    with pytest.raises(kind):
        quiet.ovh.transfer_credits(quiet.service, target, Decimal(amount))
    assert [account.milli for account in quiet.world.accounts.values()] == before


# ── faults ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 429, "retry_after": 1},
        {"kind": "html"},
        {"kind": "html", "status": 408},
        {"kind": "empty"},
        {"kind": "truncated"},
        {"kind": "malformed"},
        {"kind": "null"},
        {"kind": "list"},
        {"kind": "reset"},
        {"kind": "cut"},
        {"kind": "lost"},
        {"kind": "item"},
        {"kind": "item", "status": 403},
    ],
)
def test_a_fault_that_passes_does_no_harm(turned: Turned, fault: dict[str, Any]) -> None:
    one = turned()
    ids = list(islice(one.account.outgoing, 50))
    one.ovh.time()
    one.serving.do("fault", match="GET /sms/*", times=2, **fault)
    assert list(one.ovh.outgoing(one.service, ids)) == ids


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "status", "status": 503}, OvhOverloaded),
        ({"kind": "html"}, OvhOverloaded),
        ({"kind": "empty"}, OvhBadAnswer),
        ({"kind": "truncated"}, OvhBadAnswer),
        ({"kind": "malformed"}, OvhBadAnswer),
        ({"kind": "null", "status": 409}, OvhRefused),
        ({"kind": "iam"}, OvhRightMissing),
        ({"kind": "list", "status": 404}, OvhNotFound),
    ],
)
def test_a_fault_that_stays_is_told(
    turned: Turned, fault: dict[str, Any], kind: type[OvhError]
) -> None:
    one = turned()
    one.ovh.time()
    one.serving.do("fault", match="GET /sms", times=5, **fault)
    with pytest.raises(kind):
        one.ovh.services()
    one.serving.do("clear-faults")
    assert one.ovh.services()


def test_a_wrong_clock_is_told(turned: Turned) -> None:
    one = turned()
    one.serving.do("fault", match="GET /auth/time", kind="skew", seconds=900, times=9)
    with pytest.raises(OvhClockOff):
        one.ovh.services()


def test_the_noise_of_doubles_arrives_as_it_was_sent(turned: Turned) -> None:
    one = turned()
    exact = one.ovh.account(one.service).creditsLeft
    one.serving.do("fault", match="GET /sms/*", kind="noise", field="creditsLeft")
    noisy = one.ovh.account(one.service).creditsLeft
    assert 0 < abs(noisy - exact) < Decimal("1e-9")


def test_reading_goes_on_while_one_request_in_ten_fails(turned: Turned) -> None:
    one = turned(fault_rate=0.1)
    rows = one.ovh.outgoing(one.service, one.ovh.outgoing_ids(one.service))
    assert rows.keys() == one.account.outgoing.keys()
