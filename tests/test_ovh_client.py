"""The adapter against a server that misbehaves in every way known of OVH and its gateways."""

from __future__ import annotations

import hashlib
import json
import logging
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ledger.errors import (
    InvalidValue,
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
from ledger.ovh.calls import Calls, Patience
from ledger.ovh.client import OvhClient, connect
from ledger.ovh.gateway import Gateway, PaymentMethod, Price, UserQuota
from ledger.ovh.profiles import Profile
from ledger.ovh.routes import route

KEY, SECRET, CONSUMER = "app-key-aaaa", "app-secret-bbbb", "consumer-key-cccc"
SERVICE = "sms-ab12345-1"
HASTY = Patience(first_s=0, longest_s=0, jitter_s=0, longest_asked_s=0)


# ── the server ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class Reply:
    body: bytes = b"null"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None  # a Content-Length that is not kept
    announced: bool = True  # whether the head says where the answer ends
    reset: bool = False
    held: bool = False


@dataclass(frozen=True, kw_only=True)
class Asked:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path.removeprefix("/1.0")

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    def is_signed_well(self) -> bool:
        """OVH's rule: over the URL as received, from its own clock's stamp."""
        url = f"http://{self.headers['Host']}{self.target}"
        parts = (SECRET, CONSUMER, self.method, url, self.body.decode())
        text = "+".join((*parts, self.headers["X-Ovh-Timestamp"]))
        return (
            self.headers["X-Ovh-Signature"] == "$1$" + hashlib.sha1(text.encode()).hexdigest()
        )


class Odd(ThreadingHTTPServer):
    """Answers as told; the last reply of a path is repeated; unknown paths are 404."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[Asked] = []
        self.replies: dict[str, list[Reply]] = {}
        self.ahead_s = 0
        self.release = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/1.0"

    @property
    def paths(self) -> list[str]:
        return [one.path for one in self.asked if one.path != "/auth/time"]

    def tell(self, path: str, *replies: Reply | object) -> None:
        self.replies[path] = [one if isinstance(one, Reply) else said(one) for one in replies]

    def reply(self, path: str) -> Reply:
        queue = self.replies.get(path)
        if queue:
            return queue.pop(0) if len(queue) > 1 else queue[0]
        if path == "/auth/time":
            return said(int(time.time()) + self.ahead_s)
        return said({"message": "This does not exist", "class": "Client::NotFound"}, 404)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    server: Odd

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(
            method=self.command, target=self.path, headers=dict(self.headers.items()), body=body
        )
        self.server.asked.append(asked)
        self._send(self.server.reply(asked.path))

    do_POST = do_GET  # noqa: N815

    def _send(self, reply: Reply) -> None:
        if reply.held:
            self.server.release.wait(5)
        if reply.reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(reply.status)
        headers = {"Content-Type": "application/json", "X-OVH-QUERYID": "EU.ext-1.abc"}
        for name, value in (headers | dict(reply.headers)).items():
            self.send_header(name, value)
        length = len(reply.body) if reply.promised is None else reply.promised
        if reply.announced:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(reply.body)
        self.close_connection = reply.promised is not None or not reply.announced

    def log_message(self, *_: object) -> None:
        """Quiet."""


def said(value: object, status: int = 200, **headers: str) -> Reply:
    """A JSON answer; Decimal and exact numbers are written by hand where they matter."""
    return Reply(body=json.dumps(value).encode(), status=status, headers=headers)


def page(status: int, body: bytes = b"<html><body><h1>Time-out</h1></body></html>") -> Reply:
    return Reply(body=body, status=status, headers={"Content-Type": "text/html"})


# ── what the tests start from ───────────────────────────────────────────────────────────────


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy, no key and no file of the machine that runs the tests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NETRC"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def server() -> Iterator[Odd]:
    with Odd() as odd:
        thread = threading.Thread(target=odd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield odd
        odd.release.set()
        odd.shutdown()
        thread.join()


@pytest.fixture
def profile(server: Odd) -> Profile:
    return Profile(
        name="acme",
        source="[acme] of ~/.ovh.conf",
        endpoint_url=server.url,
        application_key=KEY,
        application_secret=SECRET,
        consumer_key=CONSUMER,
        requests_per_minute=0,
    )


@pytest.fixture
def ovh(profile: Profile) -> Iterator[OvhClient]:
    with connect(profile, patience=HASTY) as client:
        yield client


def account(**changed: object) -> dict[str, object]:
    return {
        "serviceName": SERVICE,
        "name": SERVICE,
        "description": "Newsletter",
        "status": "enable",
        "channel": "both",
        "smpp": False,
        "creditsLeft": 1987.2,
        "creditsHoldByQuota": 0,
        "userQuantityWithQuota": 0,
        "creditThresholdForAutomaticRecredit": 100,
        "automaticRecreditAmount": None,
        **changed,
    }


def outgoing(id: object, /, **changed: object) -> dict[str, object]:
    return {
        "id": id,
        "creationDatetime": "2026-07-12T14:48:00+02:00",
        "credits": 0.8,
        "numberOfSms": 1,
        "messageLength": 42,
        "message": "private words",
        "receiver": "+39333123456",
        "sender": "ACME",
        "tag": "spring",
        "tariffCode": "IT",
        "deliveryReceipt": 1,
        "differedDelivery": 0,
        "batchID": None,
        **changed,
    }


def fails(call: Callable[[], object], kind: type[OvhError]) -> str:
    """The one line that a person reads."""
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value).__mro__.index(kind) <= 1
    text = str(caught.value)
    assert "\n" not in text
    for secret in (KEY, SECRET, CONSUMER):
        assert secret not in text
    return text


# ── signing ─────────────────────────────────────────────────────────────────────────────────


def test_every_request_is_signed_over_the_url_that_the_server_receives(
    server: Odd, ovh: OvhClient
) -> None:
    server.tell("/sms", [])
    server.tell(f"/sms/{SERVICE}/outgoing", [])
    server.tell("/sms/caf%C3%A9%20%2F~x%5B1%5D/jobs", [])
    since = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    ovh.services()
    ovh.outgoing_ids(SERVICE, since=since, delivery_receipt=16)
    ovh.job_ids("café /~x[1]")
    clock, *signed = server.asked
    assert "X-Ovh-Signature" not in clock.headers
    assert all(one.is_signed_well() for one in signed)
    assert signed[1].query == {
        "creationDatetime.from": ["2026-01-02T01:04:05+00:00"],
        "deliveryReceipt": ["16"],
    }


def test_windows_are_never_narrower_than_asked(server: Odd, ovh: OvhClient) -> None:
    server.tell(f"/sms/{SERVICE}/incoming", [])
    moment = datetime(2026, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC)
    ovh.incoming_ids(SERVICE, since=moment, until=moment)
    assert server.asked[-1].query == {
        "creationDatetime.from": ["2026-01-02T03:04:05+00:00"],
        "creationDatetime.to": ["2026-01-02T03:04:06+00:00"],
    }


def test_bills_and_refunds_are_listed_from_a_date_on(server: Odd, ovh: OvhClient) -> None:
    server.tell("/me/bill", ["IT1"])
    server.tell("/me/refund", ["ITR1"])
    since = datetime(2026, 1, 2, tzinfo=UTC)
    assert ovh.bill_ids(since=since) == ["IT1"]
    assert server.asked[-1].query == {"date.from": ["2026-01-02T00:00:00+00:00"]}
    assert ovh.refund_ids(since=since) == ["ITR1"]
    assert server.asked[-1].query == {"date.from": ["2026-01-02T00:00:00+00:00"]}
    assert ovh.refund_ids() == ["ITR1"]
    assert server.asked[-1].target == "/1.0/me/refund"


@pytest.mark.parametrize("name", ["", ".", "..", "a\nb", "x" * 300])
def test_a_name_that_no_url_can_carry_is_refused_before_it_is_sent(
    server: Odd, ovh: OvhClient, name: str
) -> None:
    with pytest.raises(InvalidValue, match="expected a name or id that OVH can have given"):
        ovh.account(name)
    assert server.asked == []


def test_a_time_without_offset_is_refused_before_it_is_sent(ovh: OvhClient) -> None:
    with pytest.raises(InvalidValue, match="expected a time with its offset"):
        ovh.outgoing_ids(SERVICE, since=datetime(2026, 1, 2))  # noqa: DTZ001


def test_stray_variables_and_a_planted_file_do_not_reach_the_client(
    server: Odd, profile: Profile, tmp_path: Path
) -> None:
    """In a fresh process, since the library reads its surroundings while it is imported."""
    server.tell("/sms", [SERVICE])
    (tmp_path / "ovh.conf").write_text("not even a section\n")
    (tmp_path / ".ovh.conf").write_text("[ovh-eu]\nclient_id=evil\nclient_secret=evil\n")
    program = (
        "from ledger.ovh.client import connect\n"
        "from ledger.ovh.profiles import Profile\n"
        "import sys\n"
        "assert not {'ovh', 'requests'} & sys.modules.keys()\n"
        f"print(connect(Profile(name='a', source='b', endpoint_url={server.url!r},"
        f" application_key={KEY!r}, application_secret={SECRET!r},"
        f" consumer_key={CONSUMER!r})).services())"
    )
    stray = {
        "OVH_CLIENT_ID": "evil",
        "OVH_CLIENT_SECRET": "evil",
        "OVH_ENDPOINT": "nowhere",
        "OVH_CONSUMER_KEY": "evil",
    }
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "HOME": str(tmp_path), **stray}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (f"['{SERVICE}']\n", "")
    assert server.asked[-1].is_signed_well()
    assert server.asked[-1].headers["X-Ovh-Application"] == KEY


# ── the clock ───────────────────────────────────────────────────────────────────────────────

LATE = said({"errorCode": "QUERY_TIME_OUT", "message": "Query out of time"}, 400)


def test_signatures_follow_the_clock_of_ovh_which_is_asked_once(
    server: Odd, ovh: OvhClient
) -> None:
    server.ahead_s = 3600
    server.tell("/sms", [])
    ovh.services()
    ovh.services()
    assert [one.path for one in server.asked] == ["/auth/time", "/sms", "/sms"]
    stamp = int(server.asked[-1].headers["X-Ovh-Timestamp"])
    assert abs(stamp - time.time() - 3600) < 30


def test_asking_for_the_time_sets_the_clock_too(server: Odd, ovh: OvhClient) -> None:
    server.tell("/auth/time", 1_790_000_000)
    server.tell("/sms", [])
    assert ovh.time() == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    ovh.services()
    assert [one.path for one in server.asked] == ["/auth/time", "/sms"]
    assert abs(int(server.asked[-1].headers["X-Ovh-Timestamp"]) - 1_790_000_000) < 30


def test_a_clock_that_drifted_is_set_again_and_the_read_repeated(
    server: Odd, ovh: OvhClient
) -> None:
    server.tell("/sms", LATE, [SERVICE])
    assert ovh.services() == [SERVICE]
    assert [one.path for one in server.asked] == ["/auth/time", "/sms"] * 2
    assert ovh.requests == 4


def test_a_clock_that_stays_refused_is_told_in_seconds(server: Odd, ovh: OvhClient) -> None:
    server.ahead_s = 3600
    server.tell("/sms", LATE)
    text = fails(ovh.services, OvhClockOff)
    assert "the local clock is 3600 s behind OVH's" in text or "3599 s" in text
    assert "set it by NTP" in text
    assert len(server.asked) == 4


def test_a_time_that_is_no_time_is_a_bad_answer(server: Odd, ovh: OvhClient) -> None:
    server.tell("/auth/time", 10**30)
    assert "/auth/time: expected seconds since 1970" in fails(ovh.time, OvhBadAnswer)
    server.tell("/auth/time", "noon")
    assert "/auth/time" in fails(ovh.time, OvhBadAnswer)


# ── what rows become ────────────────────────────────────────────────────────────────────────


def test_credits_are_read_digit_by_digit(server: Odd, ovh: OvhClient) -> None:
    body = json.dumps(account()).replace("1987.2", "1987.20000000000027285")
    server.tell(f"/sms/{SERVICE}", Reply(body=body.encode()))
    read = ovh.account(SERVICE)
    assert str(read.creditsLeft) == "1987.20000000000027285"
    assert read.creditsHoldByQuota == 0
    assert type(read.creditsHoldByQuota) is Decimal
    assert read.automaticRecreditAmount is None


def test_numbers_written_as_text_are_read_as_well(server: Odd, ovh: OvhClient) -> None:
    server.tell(f"/sms/{SERVICE}", account(creditsLeft="1987.05"))
    assert ovh.account(SERVICE).creditsLeft == Decimal("1987.05")


def test_a_row_keeps_neither_text_nor_sender_and_its_time_is_utc(
    server: Odd, ovh: OvhClient
) -> None:
    server.tell(f"/sms/{SERVICE}/outgoing/7", outgoing(7))
    row = ovh.outgoing(SERVICE, [7])[7]
    assert row.creationDatetime == datetime(2026, 7, 12, 12, 48, tzinfo=UTC)
    assert row.creationDatetime.utcoffset() == timedelta()
    assert row.credits == Decimal("0.8")
    assert "private words" not in repr(row)
    assert not hasattr(row, "message")


def test_the_other_rows_of_an_account(server: Odd, ovh: OvhClient) -> None:
    at = f"/sms/{SERVICE}"
    when = {"creationDatetime": "2026-01-02T03:04:05Z"}
    server.tell(
        f"{at}/serviceInfos", {"creation": "2020-02-29", "status": "ok", "serviceId": 1}
    )
    server.tell(f"{at}/users", ["j.doe"])
    server.tell(
        f"{at}/users/j.doe",
        {
            "login": "j.doe",
            "password": "hunter2",
            "quotaInformations": {"quotaLeft": 1.5, "quotaStatus": "active"},
        },
    )
    server.tell(f"{at}/incoming/1", {"id": 1, "credits": 1, "sender": "+33", "tag": "", **when})
    server.tell(f"{at}/jobs/2", {"id": 2, "credits": 0.1, "differedDelivery": 5, **when})
    server.tell(
        f"{at}/hlr/3", {"id": 3, "datetime": "2026-01-02T03:04:05+01:00", "msisdn": "+4"}
    )
    assert ovh.service_infos(SERVICE).creation == date(2020, 2, 29)
    assert ovh.users(SERVICE) == ["j.doe"]
    quota = UserQuota(login="j.doe", quotaStatus="active", quotaLeft=Decimal("1.5"))
    assert ovh.user_quota(SERVICE, "j.doe") == quota
    assert ovh.incoming(SERVICE, [1])[1].credits == Decimal(1)
    assert ovh.jobs(SERVICE, [2])[2].differedDelivery == 5
    assert ovh.hlr(SERVICE, [3])[3].datetime == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)


def test_the_customer_and_its_payment_methods(server: Odd, ovh: OvhClient) -> None:
    server.tell("/me", {"nichandle": "ab12345-ovh", "ovhSubsidiary": "IT", "email": "x@y"})
    server.tell("/me/payment/method", [5, 6])
    method = {"paymentMethodId": 5, "paymentType": "SEPA_DIRECT_DEBIT", "status": "VALID"}
    server.tell("/me/payment/method/5", {**method, "default": True, "label": "IT60X"})
    server.tell("/me/payment/method/6", said({"message": "gone"}, 404))
    assert ovh.me().nichandle == "ab12345-ovh"
    assert ovh.payment_methods() == [
        PaymentMethod(
            paymentMethodId=5, paymentType="SEPA_DIRECT_DEBIT", status="VALID", default=True
        )
    ]


def price(value: str, ucents: int | None) -> str:
    text = f'{{"currencyCode": "EUR", "text": "x", "value": {value}'
    return text + (f', "priceInUcents": {ucents}}}' if ucents is not None else "}")


def detail(id: str, unit: str) -> str:
    rest = '"domain": "sms-ab12345-1", "description": "SMS pack", "quantity": "100"'
    prices = f'"unitPrice": {unit}, "totalPrice": {price("7", None)}'
    return f'{{"billDetailId": "{id}", {rest}, {prices}}}'


@pytest.mark.parametrize(
    ("value", "ucents", "expected"),
    [
        ("0.07", 7_250_000, "0.0725"),  # the printed figure is rounded
        ("7", 700_000_000, "7.00"),
        ("8.54", None, "8.54"),
        ("1e1", None, "10.00"),
        ("-8.5", -850_000_000, "-8.50"),
        ("-0.0", None, "0.00"),
        ("0.0725", None, "0.0725"),
        ("7", 7_000_000, "7"),  # another unit than thought: the bill's figure counts
    ],
)
def test_prices_are_exact_and_have_cents(
    server: Odd, ovh: OvhClient, value: str, ucents: int | None, expected: str
) -> None:
    server.tell("/me/bill/IT1/details", ["1"])
    body = detail("1", price(value, ucents)).encode()
    server.tell("/me/bill/IT1/details/1", Reply(body=body))
    (line,) = ovh.bill_details("IT1")
    assert line.unitPrice == Price(value=Decimal(expected), currencyCode="EUR")
    assert str(line.unitPrice.value) == (expected if "." in expected else f"{expected}.00")


def test_a_bill_is_read_without_what_opens_its_document(server: Odd, ovh: OvhClient) -> None:
    bill = (
        '{"billId": "IT1", "date": "2026-03-01T10:00:00+01:00", "orderId": 9, "category":'
        f' "purchase-telecom", "priceWithoutTax": {price("7", None)},'
        f' "tax": {price("1.54", None)},'
        f' "priceWithTax": {price("8.54", 854_000_000)}, "password": "p", "pdfUrl": "u"}}'
    )
    server.tell("/me/bill/IT1", Reply(body=bill.encode()))
    read = ovh.bill("IT1")
    assert str(read.priceWithTax.value) == "8.54"
    assert read.date == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert not hasattr(read, "password")


def test_a_bill_of_which_a_line_is_missing_is_not_read(server: Odd, ovh: OvhClient) -> None:
    server.tell("/me/bill/IT1/details", ["1", "2"])
    server.tell("/me/bill/IT1/details/1", Reply(body=detail("1", price("7", None)).encode()))
    text = fails(lambda: ovh.bill_details("IT1"), OvhBadAnswer)
    assert (
        "/me/bill/IT1/details: OVH lists lines that it does not give: run it again later"
        in text
    )


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"creditsLeft": None}, "creditsLeft"),
        ({"creditsLeft": "NaN"}, "creditsLeft"),
        ({"creditsLeft": "1e999"}, "creditsLeft"),
        ({"creditsLeft": True}, "creditsLeft"),
        ({"creditsLeft": "many"}, "creditsLeft"),
        ({"userQuantityWithQuota": 0.5}, "userQuantityWithQuota"),
        ({"smpp": "no"}, "smpp"),
        ({"description": None}, "description"),
    ],
)
def test_a_field_of_another_type_is_named_and_nothing_is_made_of_it(
    server: Odd, ovh: OvhClient, changed: dict[str, object], field: str
) -> None:
    server.tell(f"/sms/{SERVICE}", account(**changed))
    text = fails(lambda: ovh.account(SERVICE), OvhBadAnswer)
    assert f"GET /sms/{SERVICE}: OVH's answer is not as documented" in text
    assert f"`$.{field}`" in text
    assert "EU.ext-1.abc" in text
    assert server.paths == [f"/sms/{SERVICE}"]  # another try would say the same


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"creationDatetime": "2026-07-12T14:48:00"}, "a time with its offset"),
        ({"creationDatetime": "yesterday"}, "`$.creationDatetime`"),
        ({"creationDatetime": "0001-01-01T00:00:00+02:00"}, "out of range"),
        ({"id": "7"}, "`$.id`"),
        ({"id": 8}, "expected the row that was asked for, found another one"),
    ],
)
def test_a_row_that_is_not_what_was_asked_for_is_refused(
    server: Odd, ovh: OvhClient, changed: dict[str, object], found: str
) -> None:
    server.tell(f"/sms/{SERVICE}/outgoing/7", outgoing(7, **changed))
    assert found in fails(lambda: ovh.outgoing(SERVICE, [7]), OvhBadAnswer)


def test_a_missing_field_is_named(server: Odd, ovh: OvhClient) -> None:
    server.tell("/me", {"nichandle": "ab12345-ovh"})
    assert "missing required field `ovhSubsidiary`" in fails(ovh.me, OvhBadAnswer)


# ── odd bodies ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reply", "found", "tries"),
    [
        (Reply(body=b""), "expected a JSON answer, found an empty one (HTTP 200)", 5),
        (Reply(body=b'["sms-ab'), "found a part of it (HTTP 200)", 5),
        (Reply(body=b'["sms-a', promised=99), "expected a whole answer", 5),
        (Reply(body=b"Bonjour"), "found something else (HTTP 200)", 1),
        (Reply(body=b"\xff\xfe"), "found something else (HTTP 200)", 1),
        (Reply(body=b"NaN"), "found something else (HTTP 200)", 1),
        (Reply(body=b"null"), "expected `array`, got `null`", 1),
        (Reply(body=b"", status=204), "expected `array`, got `null`", 1),
        (said({}), "expected `array`, got `object`", 1),
        (said([1]), "expected `str`, got `int`", 1),
        (Reply(body=b"", status=404), "found an empty one (HTTP 404)", 5),
    ],
)
def test_an_answer_that_cannot_be_read_is_a_bad_answer(
    server: Odd, ovh: OvhClient, reply: Reply, found: str, tries: int
) -> None:
    server.tell("/sms", reply)
    text = fails(ovh.services, OvhBadAnswer)
    assert text.startswith("GET /sms: ")
    assert found in text
    assert len(server.paths) == tries


def test_json_too_deep_to_read_is_a_bad_answer(server: Odd, ovh: OvhClient) -> None:
    server.tell("/sms", Reply(body=b"[" * 100_000))
    assert "a part of it" in fails(ovh.services, OvhBadAnswer)


def test_a_redirection_is_told_and_not_followed(server: Odd, ovh: OvhClient) -> None:
    to = {"Location": f"http://localhost:{server.server_port}/1.0/login?token=x"}
    server.tell("/sms", Reply(status=302, headers=to))
    text = fails(ovh.services, OvhBadAnswer)
    assert "found a redirection to localhost (HTTP 302), which is not followed" in text
    assert "check endpoint_url and the proxy" in text
    assert server.paths == ["/sms"]


def test_a_redirection_to_nowhere_is_told_as_well(server: Odd, ovh: OvhClient) -> None:
    server.tell("/sms", Reply(status=301, headers={"Location": "http://[odd"}))
    assert "found a redirection (HTTP 301)" in fails(ovh.services, OvhBadAnswer)


# ── refusals ────────────────────────────────────────────────────────────────────────────────

NEEDS_LOGIN = "run `sms-ledger --profile acme login`"


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (
            403,
            {"errorCode": "INVALID_KEY", "message": "x"},
            OvhKeyRefused,
            "application_key in",
        ),
        (403, {"message": "Invalid application key"}, OvhKeyRefused, "of ~/.ovh.conf"),
        (403, {"errorCode": "NOT_CREDENTIAL", "message": "x"}, OvhKeyRefused, NEEDS_LOGIN),
        (403, {"message": "This credential does not exist"}, OvhKeyRefused, NEEDS_LOGIN),
        (
            403,
            {"errorCode": "INVALID_CREDENTIAL", "message": "x"},
            OvhKeyRefused,
            "has expired",
        ),
        (403, {"message": "This credential is not valid"}, OvhKeyRefused, NEEDS_LOGIN),
        (400, {"errorCode": "INVALID_SIGNATURE"}, OvhKeyRefused, "correct application_secret"),
        (400, {"message": "Invalid signature"}, OvhKeyRefused, "correct application_secret"),
        (401, {"message": "You must login"}, OvhKeyRefused, "correct the keys in [acme]"),
        (404, {"class": "Client::NotFound", "message": "gone"}, OvhNotFound, "404 'gone'"),
        (404, None, OvhNotFound, "404 without a reason"),
        (404, ["a list"], OvhNotFound, "404 without a reason"),
        (
            400,
            {"message": "Received not described parameters"},
            OvhRefused,
            "400 'Received not",
        ),
        (402, {"message": "Pay first"}, OvhRefused, "402 'Pay first'"),
        (403, {"message": "Not on Sundays"}, OvhRefused, "403 'Not on Sundays'"),
        (403, None, OvhRefused, "403 without a reason"),
        (409, {"message": "Busy"}, OvhRefused, "409 'Busy'"),
        (460, {"message": "Expired"}, OvhRefused, "show OVH's support this line"),
        (418, {"message": {"odd": 1}}, OvhRefused, "418 without a reason"),
    ],
)
def test_a_refusal_says_what_ovh_said_and_what_to_do(
    server: Odd, ovh: OvhClient, status: int, body: object, *, kind: type[OvhError], words: str
) -> None:
    server.tell(f"/sms/{SERVICE}", said(body, status))
    text = fails(lambda: ovh.account(SERVICE), kind)
    assert text.startswith(f"GET /sms/{SERVICE}: OVH answered {status}")
    assert words in text
    assert text.endswith("(OVH query EU.ext-1.abc)")
    assert len(server.paths) == 1


IAM = {
    "class": "Client::Forbidden",
    "message": "User not granted for this request",
    "details": {"unauthorizedActionsByIAM": "account:apiovh:me/bill/get"},
}


@pytest.mark.parametrize(
    "body",
    [
        {"errorCode": "NOT_GRANTED_CALL", "message": "This call has not been granted"},
        {"errorCode": "FORBIDDEN", "message": "no"},
        {"message": "This call has not been granted"},
        {**IAM, "message": "anything"},
        IAM,
    ],
)
def test_a_missing_right_names_the_rule_to_add(
    server: Odd, ovh: OvhClient, body: object
) -> None:
    server.tell(f"/sms/{SERVICE}/users/j.doe", said(body, 403))
    with pytest.raises(OvhRightMissing, match="add the rule") as caught:
        ovh.user_quota(SERVICE, "j.doe")
    assert (caught.value.method, caught.value.path) == ("GET", "/sms/*/users/*")
    assert caught.value.query_id == "EU.ext-1.abc"
    assert "j.doe" not in str(caught.value)


def test_what_ovh_says_is_shortened_masked_and_harmless_to_a_terminal(
    server: Odd, ovh: OvhClient
) -> None:
    message = f"\x1b[31mkey {KEY} {SECRET} {CONSUMER}\nis bad " + "x" * 500
    server.tell("/sms", said({"message": message}, 400, **{"X-OVH-QUERYID": "q" * 999}))
    text = fails(ovh.services, OvhRefused)
    assert "'[31mkey *** *** *** is bad xxx" in text
    assert "\x1b" not in text
    assert "x" * 200 not in text
    assert "OVH query" not in text


def test_a_login_does_not_stand_in_messages(server: Odd, ovh: OvhClient) -> None:
    text = fails(lambda: ovh.user_quota(SERVICE, "john.doe"), OvhNotFound)
    assert f"GET /sms/{SERVICE}/users/{{login}}: " in text


# ── overload, and trying again ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (page(408), "OVH is overloaded (HTTP 408 and an HTML page): wait a minute and run it"),
        (page(502), "(HTTP 502 and an HTML page)"),
        (page(200), "(HTTP 200 and an HTML page)"),
        (page(404), "(HTTP 404 and an HTML page)"),
        (Reply(body=b"<h1>", status=503), "(HTTP 503 and an HTML page)"),
        (said({"message": "Internal error"}, 500), "(HTTP 500)"),
        (Reply(body=b"", status=504), "(HTTP 504)"),
        (said({"message": "Slow"}, 429, **{"Retry-After": "7"}), "(HTTP 429): wait 7 s, lower"),
    ],
)
def test_overload_is_tried_five_times_and_then_told(
    server: Odd, ovh: OvhClient, reply: Reply, found: str
) -> None:
    server.tell("/sms", reply)
    text = fails(ovh.services, OvhOverloaded)
    assert found in text
    assert "run it again" in text
    assert server.paths == ["/sms"] * 5


def test_a_read_that_fails_for_a_moment_is_repeated_and_signed_anew(
    server: Odd, ovh: OvhClient
) -> None:
    passing = (page(502), Reply(reset=True), Reply(body=b"["), said({}, 429), [SERVICE])
    server.tell("/sms", *passing)
    assert ovh.services() == [SERVICE]
    tries = [one for one in server.asked if one.path == "/sms"]
    assert len(tries) == 5
    assert all(one.is_signed_well() for one in tries)
    assert ovh.requests == 6


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("7", 7.0),
        ("in five minutes", 300.0),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after_is_kept_for_who_waits_longer(
    server: Odd, ovh: OvhClient, stated: str, expected: float | None
) -> None:
    if stated == "in five minutes":
        stated = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    server.tell("/sms", said({}, 429, **{"Retry-After": stated}))
    with pytest.raises(OvhOverloaded) as caught:
        ovh.services()
    found = caught.value.retry_after_s
    assert found == (expected if expected is None else pytest.approx(expected, abs=60))


def test_the_wait_is_what_ovh_asks_for_within_bounds_and_else_grows() -> None:
    patience = Patience()
    assert patience.after(OvhOverloaded("x", retry_after_s=30)) == 30
    assert patience.after(OvhOverloaded("x", retry_after_s=3600)) == 60
    assert patience.after(OvhOverloaded("x")) is True
    assert patience.after(OvhUnreachable("x")) is True
    assert patience.after(OvhBadAnswer("x")) is False
    assert patience.after(OvhRefused("x")) is False
    grown = [min(patience.longest_s, 2**n + patience.jitter_s) for n in range(4)]
    assert sum(grown) < 20


def test_a_retry_waits_as_long_as_ovh_asks(server: Odd, profile: Profile) -> None:
    server.tell("/sms", said({}, 429, **{"Retry-After": "3600"}), [])
    with connect(profile, patience=replace(HASTY, longest_asked_s=0.2)) as client:
        started = time.monotonic()
        client.services()
        assert time.monotonic() - started >= 0.2


def test_a_change_is_sent_once_whatever_comes_back(server: Odd, ovh: OvhClient) -> None:
    calls: Calls = ovh._calls
    at = route("/sms/{serviceName}/transferCredits", serviceName=SERVICE)
    path = f"/sms/{SERVICE}/transferCredits"
    server.tell(path, page(502), LATE, Reply(reset=True), None)
    for kind in (OvhOverloaded, OvhClockOff, OvhUnreachable):
        fails(lambda: calls.once("POST", at, body={"credits": 5}), kind)
    assert calls.once("POST", at, body={"credits": 5}) is None
    assert server.paths == [path] * 4
    assert server.asked[-1].body == b'{"credits":5}'
    assert server.asked[-1].is_signed_well()


@pytest.mark.parametrize(
    "answer", [None, {}, [], "", Reply(body=b""), Reply(body=b"", status=204)]
)
def test_a_transfer_is_done_where_ovh_says_nothing(
    server: Odd, ovh: OvhClient, answer: object
) -> None:
    server.tell(f"/sms/{SERVICE}/transferCredits", answer)
    ovh.transfer_credits(SERVICE, "sms-ab12345-2", Decimal("12.345"))
    assert server.asked[-1].body == b'{"credits":12.345,"smsAccountTarget":"sms-ab12345-2"}'


@pytest.mark.parametrize(
    "reply", [Reply(body=b"", announced=False), Reply(body=b"", promised=4), Reply(body=b"nu")]
)
def test_an_answer_that_may_have_lost_its_end_is_no_proof_of_a_transfer(
    server: Odd, ovh: OvhClient, reply: Reply
) -> None:
    server.tell(f"/sms/{SERVICE}/transferCredits", reply)
    fails(lambda: ovh.transfer_credits(SERVICE, "sms-ab12345-2", Decimal(5)), OvhBadAnswer)
    assert len(server.paths) == 1


@pytest.mark.parametrize("answer", [{"credits": 7}, 0, False, "queued"])
def test_an_answer_that_says_something_else_than_was_asked_is_not_trusted(
    server: Odd, ovh: OvhClient, answer: object
) -> None:
    server.tell(f"/sms/{SERVICE}/transferCredits", answer)
    text = fails(
        lambda: ovh.transfer_credits(SERVICE, "sms-ab12345-2", Decimal(5)), OvhBadAnswer
    )
    assert "expected an empty answer" in text


def test_a_number_that_no_double_holds_is_not_sent(server: Odd, ovh: OvhClient) -> None:
    with pytest.raises(InvalidValue, match="fifteen digits"):
        ovh.transfer_credits(SERVICE, "sms-ab12345-2", Decimal("12345678901234567.001"))
    assert server.asked == []


# ── not reached ─────────────────────────────────────────────────────────────────────────────


def test_a_refused_connection(profile: Profile) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    away = replace(profile, endpoint_url=f"http://127.0.0.1:{port}/1.0")
    with connect(away, patience=HASTY) as client:
        text = fails(client.services, OvhUnreachable)
        assert f"GET /auth/time: 127.0.0.1:{port} cannot be reached: connection refused" in text
        assert "check the network and the proxy, then run it again" in text
        assert client.requests == 5


def test_a_connection_that_is_cut_off(server: Odd, ovh: OvhClient) -> None:
    server.tell("/sms", Reply(reset=True))
    assert "cannot be reached: connection cut off" in fails(ovh.services, OvhUnreachable)
    assert server.paths == ["/sms"] * 5


def test_an_answer_that_does_not_come_in_time(server: Odd, profile: Profile) -> None:
    server.tell("/sms", Reply(held=True))
    once = replace(HASTY, attempts=1)
    with connect(replace(profile, timeout_s=0.1), patience=once) as client:
        client.time()
        assert "no answer in time" in fails(client.services, OvhUnreachable)


def test_a_server_without_tls(server: Odd, profile: Profile) -> None:
    url = server.url.replace("http:", "https:")
    with connect(replace(profile, endpoint_url=url), patience=HASTY) as client:
        assert "no trusted TLS connection" in fails(client.services, OvhUnreachable)


def test_a_host_that_nobody_knows(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    away = replace(profile, endpoint_url="https://ovh.invalid/1.0")
    with connect(away, patience=HASTY) as client:
        text = fails(client.services, OvhUnreachable)
    assert "ovh.invalid cannot be reached: its name is not known (DNS)" in text


def test_a_proxy_is_asked_for_hosts_beyond_this_machine_only(
    server: Odd, ovh: OvhClient, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    server.tell("/sms", [])
    assert ovh.services() == []
    away = replace(profile, endpoint_url="https://ovh.invalid/1.0")
    with connect(away, patience=HASTY) as client:
        text = fails(client.services, OvhUnreachable)
    assert "the proxy lets nothing through" in text


@pytest.fixture
def kept_back(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would have been sent to hosts beyond this machine."""
    import requests

    sent: list[Any] = []

    def keep(self: object, request: object, **_: object) -> None:
        sent.append(request)
        raise requests.ConnectionError

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", keep)
    return sent


def test_passwords_of_netrc_are_not_sent(
    profile: Profile, kept_back: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine ovh.invalid login me password private\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    away = replace(profile, endpoint_url="https://ovh.invalid/1.0")
    with connect(away, patience=HASTY) as client:
        fails(client.services, OvhUnreachable)
    assert kept_back
    assert not any("Authorization" in one.headers for one in kept_back)


def test_without_a_url_of_its_own_a_profile_means_ovh_itself(
    profile: Profile, kept_back: list[Any]
) -> None:
    plain = replace(profile, endpoint_url=None, endpoint="ovh-ca")
    keyless = replace(plain, application_key=None, application_secret=None, consumer_key=None)
    tokens = replace(keyless, client_id="client-eeee", client_secret="client-secret-ffff")
    for one in (plain, tokens):
        with connect(one, patience=replace(HASTY, attempts=1)) as client:
            assert "ca.api.ovh.com cannot be reached" in fails(client.services, OvhUnreachable)
    assert [one.url for one in kept_back] == [
        "https://ca.api.ovh.com/1.0/auth/time",
        "https://ca.ovh.com/auth/oauth2/token",
    ]


# ── many rows at once ───────────────────────────────────────────────────────────────────────

OUT = f"/sms/{SERVICE}/outgoing"


def batched(*items: dict[str, object]) -> Reply:
    return said(list(items))


def item(key: object, value: object = None, error: object = None) -> dict[str, object]:
    return {"key": key, "value": value, "error": error}


def test_rows_are_read_fifty_at_a_time(server: Odd, ovh: OvhClient) -> None:
    for first, last in ((1, 50), (51, 100), (101, 120)):
        joined = ",".join(str(id) for id in range(first, last + 1))
        backwards = (item(id, outgoing(id)) for id in range(last, first - 1, -1))
        server.tell(f"{OUT}/{joined}", batched(*backwards))
    rows = ovh.outgoing(SERVICE, (id for id in [*range(1, 121), 5, 5]))
    assert list(rows) == list(range(1, 121))
    assert len(server.paths) == 3
    asked = [one for one in server.asked if one.path != "/auth/time"]
    assert all(one.headers["X-Ovh-Batch"] == "," for one in asked)
    assert all(one.is_signed_well() for one in asked)


def test_keys_may_be_text_doubled_or_unasked(server: Odd, ovh: OvhClient) -> None:
    server.tell(
        f"{OUT}/1,2",
        batched(
            item("1", outgoing(1)),
            item("99", outgoing(99)),
            item("2", error={"httpCode": "500 Internal"}),
            item("2", outgoing(2)),
            item("1", error={"httpCode": "404 Not Found"}),
        ),
    )
    assert list(ovh.outgoing(SERVICE, [1, 2])) == [1, 2]
    assert len(server.paths) == 1


@pytest.mark.parametrize(
    "error",
    [
        {"httpCode": "404 Not Found", "message": "gone", "errorCode": "NOT_FOUND"},
        {"class": "Client::NotFound", "message": "gone"},
        {"status": 404},
    ],
)
def test_a_row_unknown_to_ovh_is_left_out(server: Odd, ovh: OvhClient, error: object) -> None:
    server.tell(f"{OUT}/1,2", batched(item(1, outgoing(1)), item(2, error=error)))
    assert list(ovh.outgoing(SERVICE, [1, 2])) == [1]
    assert len(server.paths) == 1


def test_a_row_that_fails_otherwise_is_asked_for_alone_and_then_raises(
    server: Odd, ovh: OvhClient
) -> None:
    broken = item(2, error={"httpCode": "403 Forbidden", "message": "x"})
    server.tell(f"{OUT}/1,2", batched(item(1, outgoing(1)), broken))
    server.tell(f"{OUT}/2", said({"message": "This call has not been granted"}, 403))
    fails(lambda: ovh.outgoing(SERVICE, [1, 2]), OvhRightMissing)


@pytest.mark.parametrize("second", [item(2, error="odd"), item(2), item(3, outgoing(3))])
def test_a_row_of_which_nothing_clear_is_said_is_asked_for_alone(
    server: Odd, ovh: OvhClient, second: dict[str, object]
) -> None:
    server.tell(f"{OUT}/1,2", batched(item(1, outgoing(1)), second))
    server.tell(f"{OUT}/2", outgoing(2))
    assert list(ovh.outgoing(SERVICE, [1, 2])) == [1, 2]
    assert server.paths == [f"{OUT}/1,2", f"{OUT}/2"]


@pytest.mark.parametrize(
    "refusal",
    [
        said({"message": "Received not described parameters"}, 400),
        said({"message": "Not found", "httpCode": "404 Not Found"}, 404),
        said(outgoing(1)),
        said([outgoing(1), outgoing(2)]),
        said(["1", "2"]),
    ],
)
def test_where_batches_are_refused_rows_are_read_one_by_one_from_then_on(
    server: Odd, ovh: OvhClient, refusal: Reply
) -> None:
    server.tell(f"{OUT}/1,2", refusal)
    for id in (1, 2, 3, 4):
        server.tell(f"{OUT}/{id}", outgoing(id))
    assert list(ovh.outgoing(SERVICE, [1, 2])) == [1, 2]
    assert list(ovh.outgoing(SERVICE, [3, 4])) == [3, 4]
    assert server.paths == [f"{OUT}/1,2", *(f"{OUT}/{id}" for id in (1, 2, 3, 4))]


def test_a_whole_batch_that_is_gone_does_not_speak_against_batches(
    server: Odd, ovh: OvhClient
) -> None:
    server.tell(f"{OUT}/3,4", batched(item(3, outgoing(3)), item(4, outgoing(4))))
    assert ovh.outgoing(SERVICE, [1, 2]) == {}
    assert list(ovh.outgoing(SERVICE, [3, 4])) == [3, 4]
    assert server.paths == [f"{OUT}/1,2", f"{OUT}/1", f"{OUT}/2", f"{OUT}/3,4"]


def test_no_rows_cost_no_request(server: Odd, ovh: OvhClient) -> None:
    assert ovh.outgoing(SERVICE, []) == {}
    assert server.asked == []


def test_ids_that_a_comma_would_split_are_read_one_by_one(server: Odd, ovh: OvhClient) -> None:
    server.tell("/me/bill/IT1/details", ["1,2", "3"])
    for id in ("1,2", "3"):
        body = detail(id, price("7", None)).encode()
        server.tell(f"/me/bill/IT1/details/{id.replace(',', '%2C')}", Reply(body=body))
    assert [line.billDetailId for line in ovh.bill_details("IT1")] == ["1,2", "3"]


# ── evidence, progress, logs ────────────────────────────────────────────────────────────────


def test_the_evidence_of_an_answer(server: Odd, ovh: OvhClient) -> None:
    with pytest.raises(LookupError, match="found none yet"):
        ovh.last  # noqa: B018
    server.tell(f"/sms/{SERVICE}", account())
    before = datetime.now(UTC)
    ovh.account(SERVICE)
    assert ovh.last.route == "/sms/{serviceName}"
    assert ovh.last.query_id == "EU.ext-1.abc"
    assert before <= ovh.last.read_at <= datetime.now(UTC)


def test_progress_is_told_request_by_request(server: Odd, profile: Profile) -> None:
    heard: list[tuple[str, int]] = []
    server.tell("/sms", page(502), [])
    with connect(
        profile, patience=HASTY, on_request=lambda route, count: heard.append((route, count))
    ) as client:
        client.services()
    assert heard == [("/auth/time", 1), ("/sms", 2), ("/sms", 3)]


def test_a_fair_pace_is_told_when_it_makes_wait(server: Odd, profile: Profile) -> None:
    waits: list[float] = []
    server.tell("/sms", [])
    quick = replace(profile, requests_per_minute=6_000)
    with connect(quick, patience=HASTY, on_wait=waits.append) as client:
        while not waits and client.requests < 10_000:
            client.services()
    assert 0 < waits[0] <= 0.01


def test_logs_tell_calls_and_no_secrets(
    server: Odd, ovh: OvhClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.tell("/sms", page(502), Reply(reset=True), [])
    server.tell(f"/sms/{SERVICE}/users/j.doe", said({"message": "x"}, 400))
    ovh.services()
    fails(lambda: ovh.user_quota(SERVICE, "j.doe"), OvhRefused)
    own = [one.getMessage() for one in caplog.records if one.name == "sms_ledger.ovh"]
    assert any(one.startswith("GET /sms: 502 in ") for one in own)
    assert any(one.startswith("GET /sms: OvhUnreachable in ") for one in own)
    assert any("/users/{login}: 400 in " in one and "EU.ext-1.abc" in one for one in own)
    for secret in (SECRET, CONSUMER, KEY):
        assert secret not in caplog.text


def test_the_client_fills_the_port_and_names_its_profile(profile: Profile) -> None:
    stated = replace(profile, nichandle="ab12345-ovh")
    with connect(stated) as client:
        port: Gateway = client
        assert (port.profile, port.nichandle, port.requests) == ("acme", "ab12345-ovh", 0)


# ── OAuth2 ──────────────────────────────────────────────────────────────────────────────────

TOKEN = "/auth/oauth2/token"
BEARER = {"access_token": "bearer-dddd", "token_type": "Bearer", "expires_in": 3600}


@pytest.fixture
def service_account(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> Iterator[OvhClient]:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "")  # put back after the test
    monkeypatch.delenv("OAUTHLIB_INSECURE_TRANSPORT")
    keyless = replace(profile, application_key=None, application_secret=None, consumer_key=None)
    oauth2 = replace(keyless, client_id="client-eeee", client_secret="client-secret-ffff")
    with connect(replace(oauth2, timeout_s=0.15), patience=HASTY) as client:
        yield client


def test_a_service_account_fetches_one_token_and_needs_no_clock(
    server: Odd, service_account: OvhClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.tell(TOKEN, BEARER)
    server.tell("/sms", [SERVICE])
    assert service_account.services() == [SERVICE]
    assert service_account.services() == [SERVICE]
    assert [one.path for one in server.asked] == [TOKEN, "/sms", "/sms"]
    token, call, _ = server.asked
    assert parse_qs(token.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["all"],
    }
    assert call.headers["Authorization"] == "Bearer bearer-dddd"
    assert "X-Ovh-Application" not in call.headers
    assert service_account.requests == 3
    assert "bearer-dddd" not in caplog.text
    assert "client-secret-ffff" not in caplog.text


def test_an_expired_token_is_replaced(server: Odd, service_account: OvhClient) -> None:
    server.tell(TOKEN, {**BEARER, "expires_in": -1}, {**BEARER, "access_token": "fresh"})
    server.tell("/sms", [])
    service_account.services()
    service_account.services()
    assert [one.path for one in server.asked] == [TOKEN, TOKEN, "/sms", "/sms"]
    assert server.asked[-1].headers["Authorization"] == "Bearer fresh"


@pytest.mark.parametrize(
    ("reply", "kind", "found"),
    [
        (
            said({"error": "invalid_client"}, 401),
            OvhKeyRefused,
            "correct client_id and client_sec",
        ),
        (said({"error": "x"}, 400), OvhKeyRefused, "OVH gives no token (HTTP 400)"),
        (page(502), OvhOverloaded, "HTTP 502 and an HTML page"),
        (
            said({"access": "client-secret-ffff"}),
            OvhBadAnswer,
            "expected a token, found another",
        ),
        (Reply(reset=True), OvhUnreachable, "connection cut off"),
        (Reply(held=True), OvhUnreachable, "no answer in time"),
    ],
)
def test_a_token_that_is_not_given(
    server: Odd, service_account: OvhClient, reply: Reply, kind: type[OvhError], found: str
) -> None:
    server.tell(TOKEN, reply)
    text = fails(service_account.services, kind)
    assert found in text
    assert "client-secret-ffff" not in text
    assert server.paths == [TOKEN] * len(server.paths)


def test_the_time_of_ovh_needs_no_token(server: Odd, service_account: OvhClient) -> None:
    service_account.time()
    assert [one.path for one in server.asked] == ["/auth/time"]


def test_a_token_refused_for_its_time_is_told_at_once(
    server: Odd, service_account: OvhClient
) -> None:
    server.tell(TOKEN, BEARER)
    server.tell("/sms", LATE)
    fails(service_account.services, OvhClockOff)
    assert server.paths == [TOKEN, "/sms"]


# ── rates, prices, estimates, previews ──────────────────────────────────────────────────────

EUR = {"currencyCode": "EUR", "text": "0.06 €", "value": 0.06}


def test_rates_are_read_without_the_key_since_none_is_needed(
    server: Odd, ovh: OvhClient
) -> None:
    body = b'{"country":"India","countryCode":"in","credit":0.4,"vatRate":22.0,"price":%s}'
    server.tell("/sms/rates/destinations", Reply(body=body % json.dumps(EUR).encode()))
    found = ovh.destination_rates("in", billing_country="it")
    assert (found.countryCode, found.credit, found.vatRate) == ("in", Decimal("0.4"), 22)
    assert found.price == Price(value=Decimal("0.06"), currencyCode="EUR")
    (asked,) = server.asked
    assert asked.query == {"country": ["in"], "billingCountry": ["it"]}
    assert not {"X-Ovh-Consumer", "X-Ovh-Signature"} & asked.headers.keys()


def test_prices_come_with_their_discount_and_without_what_2026_added(
    server: Odd, ovh: OvhClient
) -> None:
    tiers = [
        {"creditQuantityMin": 100, "creditQuantityMax": 500, "creditPrice": EUR, "credit": 1},
        {
            "creditQuantityMin": 500,
            "creditQuantityMax": None,
            "creditPrice": EUR,
            "discountCreditPrice": {**EUR, "value": 0.055},
            "vatRate": 22,
        },
    ]
    server.tell("/sms/rates/packs", tiers)
    first, second = ovh.pack_rates("it", billing_country="it")
    assert (first.creditQuantityMin, first.creditQuantityMax, first.vatRate) == (100, 500, None)
    assert first.discountCreditPrice is None
    assert second.creditQuantityMax is None
    assert second.discountCreditPrice is not None
    assert second.discountCreditPrice.value == Decimal("0.055")


def test_an_estimate_is_asked_for_once_and_its_text_is_not_logged(
    server: Odd, ovh: OvhClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    counted = {
        "characters": 6, "charactersClass": "7bits", "maxCharactersPerPart": 160, "parts": 1,
    }  # fmt: skip
    server.tell("/sms/estimate", counted)
    assert ovh.estimate("Segreto", no_stop_clause=False).parts == 1
    asked = server.asked[-1]
    assert asked.method == "POST"
    assert asked.is_signed_well()
    assert json.loads(asked.body) == {
        "message": "Segreto",
        "noStopClause": False,
        "senderType": "alpha",
    }
    assert "Segreto" not in caplog.text
    server.tell("/sms/estimate", said({"message": "busy"}, 503))
    assert "overloaded" in fails(lambda: ovh.estimate("a", no_stop_clause=True), OvhOverloaded)
    assert server.paths == ["/sms/estimate"] * 2


def order(order_id: int | None, *prices: object) -> dict[str, object]:
    names = ("withoutTax", "tax", "withTax")
    figures = {name: {**EUR, "value": one} for name, one in zip(names, prices, strict=True)}
    return {"orderId": order_id, "url": None, "details": [], "contracts": [], "prices": figures}


def test_a_preview_is_believed_where_it_adds_up_and_orders_nothing(
    server: Odd, ovh: OvhClient
) -> None:
    from cli.actions.previewing import preview

    path = f"/order/sms/{SERVICE}/credits"
    server.tell(path, order(None, 55, 12.1, 67.1))
    found = preview(ovh, SERVICE, 1000)
    assert (found.net, found.tax, found.gross) == ("55.00", "12.10", "67.10")
    assert (server.asked[-1].method, server.asked[-1].query) == ("GET", {"quantity": ["1000"]})
    server.tell(path, order(None, 55, 12.1, 67.2))
    assert "found 55.00 + 12.10 = 67.20" in fails(
        lambda: preview(ovh, SERVICE, 1), OvhBadAnswer
    )
    server.tell(path, order(4711, 55, 12.1, 67.1))
    assert "found order 4711" in fails(lambda: preview(ovh, SERVICE, 1), OvhBadAnswer)


@pytest.mark.parametrize(
    ("rate", "told"),
    [
        ("0.40005", "expected credits in thousandths"),
        ("0", "a rate above 0"),
        ("-1", "above 0"),
    ],
)
def test_a_rate_that_cannot_be_is_not_recorded(rate: str, told: str) -> None:
    from ledger.sync import rates

    with pytest.raises(OvhBadAnswer, match=f"IN: .*{told}.*nothing was recorded"):
        rates._credits(Decimal(rate), "IN")


def test_tiers_that_overlap_are_not_recorded(server: Odd, ovh: OvhClient) -> None:
    from ledger.sync import rates

    found = [
        {"creditQuantityMin": least, "creditQuantityMax": most, "creditPrice": EUR}
        for least, most in ((100, 600), (500, None))
    ]
    server.tell("/sms/rates/packs", found)
    tiers = [rates._tier(one) for one in ovh.pack_rates("it", billing_country="it")]
    with pytest.raises(OvhBadAnswer, match="do not overlap, found 100 and 500"):
        rates._require_order(tiers)
