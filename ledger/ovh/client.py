"""The port, filled with OVH's API over the official `ovh` client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Self, TypeVar

from stamina.instrumentation import set_on_retry_hooks

from ledger.errors import OvhBadAnswer
from ledger.ovh.answers import number, read
from ledger.ovh.batches import Batches, Rows
from ledger.ovh.calls import Calls, Patience
from ledger.ovh.gateway import (
    AccessRule,
    ApiLog,
    AuthDetails,
    Bill,
    BillDetail,
    Credential,
    CredentialRequest,
    DestinationRates,
    HlrLookup,
    Incoming,
    Job,
    JobEstimate,
    Me,
    Order,
    OrderPreview,
    Outgoing,
    PackDetails,
    PaymentMethod,
    Received,
    Refund,
    RefundDetail,
    ServiceInfos,
    SmsAccount,
    UserQuota,
)
from ledger.ovh.pace import Pace
from ledger.ovh.profiles import Profile
from ledger.ovh.refusals import Refusals
from ledger.ovh.routes import Route, from_text, route, to_text, with_query
from ledger.ovh.shapes import (
    WireBill,
    WireBillDetail,
    WireDestinationRates,
    WireOrder,
    WirePackDetails,
    WireRefund,
    WireRefundDetail,
    WireUser,
)

T = TypeVar("T")

_SMS: Final = "/sms/{serviceName}"
_OUTGOING: Final = Rows(
    pattern=f"{_SMS}/outgoing/{{id}}", shape=Outgoing, id_of=lambda row: row.id
)
_INCOMING: Final = Rows(
    pattern=f"{_SMS}/incoming/{{id}}", shape=Incoming, id_of=lambda row: row.id
)
_JOBS: Final = Rows(pattern=f"{_SMS}/jobs/{{id}}", shape=Job, id_of=lambda row: row.id)
_HLR: Final = Rows(pattern=f"{_SMS}/hlr/{{id}}", shape=HlrLookup, id_of=lambda row: row.id)
_DETAILS: Final = Rows(
    pattern="/me/bill/{billId}/details/{billDetailId}",
    shape=WireBillDetail,
    id_of=lambda row: row.billDetailId,
)
_REFUND_DETAILS: Final = Rows(
    pattern="/me/refund/{refundId}/details/{refundDetailId}",
    shape=WireRefundDetail,
    id_of=lambda row: row.refundDetailId,
)
_ORDERS: Final = Rows(pattern="/me/order/{orderId}", shape=Order, id_of=lambda row: row.orderId)
# How OVH writes the answer of a call that returns nothing is not documented: `null`, 204 and
# an empty 200 are all taken for it.
_NOTHING: Final[tuple[object, ...]] = (None, "", [], {})
_METHODS: Final = Rows(
    pattern="/me/payment/method/{paymentMethodId}",
    shape=PaymentMethod,
    id_of=lambda row: row.paymentMethodId,
    batched=False,  # nobody was seen to do it, and there are few
)


_LOGS: Final = Rows(
    pattern="/me/api/logs/self/{logId}",
    shape=ApiLog,
    id_of=lambda row: row.logId,
    batched=False,
)


def connect(
    profile: Profile,
    *,
    patience: Patience | None = None,
    on_request: Callable[[str, int], None] | None = None,
    on_wait: Callable[[float], None] | None = None,
) -> OvhClient:
    """The gateway for one profile. Nothing is sent before the first call.

    `on_request` hears the route and the number of requests so far, `on_wait` the seconds that
    the fair pace asks to wait.
    """
    # `ovh`, `requests` and their own imports cost a tenth of a second
    from ledger.ovh.wire import Wire  # noqa: PLC0415

    # its default hooks write to stderr, and load prometheus_client where that is installed
    set_on_retry_hooks([])
    refusals = Refusals(profile)
    calls = Calls(
        Wire(profile, refusals),
        refusals,
        pace=Pace(profile.requests_per_minute, on_wait=on_wait),
        patience=patience or Patience(),
        on_request=on_request,
    )
    return OvhClient(profile, calls)


class OvhClient:
    """OVH as `Gateway` describes it, for one thread at a time; close it, or use `with`."""

    def __init__(self, profile: Profile, calls: Calls) -> None:
        self._profile = profile
        self._calls = calls
        self._batches = Batches(calls)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._calls.close()

    @property
    def profile(self) -> str:
        return self._profile.name

    @property
    def nichandle(self) -> str | None:
        return self._profile.nichandle

    @property
    def is_service_account(self) -> bool:
        return self._profile.client_id is not None

    @property
    def requests(self) -> int:
        return self._calls.requests

    @property
    def last(self) -> Received:
        return self._calls.last

    def time(self) -> datetime:
        return self._calls.clock()

    def me(self) -> Me:
        return self._get(Me, route("/me"))

    def credential(self) -> Credential:
        return self._get(Credential, route("/auth/currentCredential"))

    def auth_details(self) -> AuthDetails:
        return self._get(AuthDetails, route("/auth/details"))

    def request_credential(self, rules: Iterable[AccessRule]) -> CredentialRequest:
        """Ask for a key with these rules; it is good once its customer has consented."""
        at = route("/auth/credential")
        wanted = [{"method": rule.method, "path": rule.path} for rule in rules]
        said = self._calls.once("POST", at, body={"accessRules": wanted}, signed=False)
        return read(CredentialRequest, said, at, query_id=self.last.query_id)

    def services(self) -> Sequence[str]:
        return self._get(list[str], route("/sms"))

    def account(self, service: str) -> SmsAccount:
        return self._get(SmsAccount, route(_SMS, serviceName=service))

    def service_infos(self, service: str) -> ServiceInfos:
        return self._get(ServiceInfos, route(f"{_SMS}/serviceInfos", serviceName=service))

    def outgoing_ids(
        self,
        service: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        delivery_receipt: int | None = None,
    ) -> Sequence[int]:
        listed = with_query(
            route(f"{_SMS}/outgoing", serviceName=service),
            creationDatetime_from=from_text(since),
            creationDatetime_to=to_text(until),
            deliveryReceipt=delivery_receipt,
        )
        return self._get(list[int], listed)

    def outgoing(self, service: str, ids: Iterable[int]) -> Mapping[int, Outgoing]:
        return self._batches.rows(_OUTGOING, ids, serviceName=service)

    def incoming_ids(
        self, service: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Sequence[int]:
        listed = with_query(
            route(f"{_SMS}/incoming", serviceName=service),
            creationDatetime_from=from_text(since),
            creationDatetime_to=to_text(until),
        )
        return self._get(list[int], listed)

    def incoming(self, service: str, ids: Iterable[int]) -> Mapping[int, Incoming]:
        return self._batches.rows(_INCOMING, ids, serviceName=service)

    def job_ids(self, service: str) -> Sequence[int]:
        return self._get(list[int], route(f"{_SMS}/jobs", serviceName=service))

    def jobs(self, service: str, ids: Iterable[int]) -> Mapping[int, Job]:
        return self._batches.rows(_JOBS, ids, serviceName=service)

    def hlr_ids(self, service: str) -> Sequence[int]:
        return self._get(list[int], route(f"{_SMS}/hlr", serviceName=service))

    def hlr(self, service: str, ids: Iterable[int]) -> Mapping[int, HlrLookup]:
        return self._batches.rows(_HLR, ids, serviceName=service)

    def users(self, service: str) -> Sequence[str]:
        return self._get(list[str], route(f"{_SMS}/users", serviceName=service))

    def user_quota(self, service: str, login: str) -> UserQuota:
        at = route(f"{_SMS}/users/{{login}}", serviceName=service, login=login)
        return self._get(WireUser, at).quota()

    def bill_ids(self, *, since: datetime | None = None) -> Sequence[str]:
        return self._get(list[str], with_query(route("/me/bill"), date_from=from_text(since)))

    def bill(self, bill_id: str) -> Bill:
        return self._get(WireBill, route("/me/bill/{billId}", billId=bill_id)).bill()

    def bill_details(self, bill_id: str) -> Sequence[BillDetail]:
        """All lines of a bill. Raises OvhBadAnswer where OVH lists one and does not give it."""
        at = route("/me/bill/{billId}/details", billId=bill_id)
        return [row.detail() for row in self._all(_DETAILS, at, billId=bill_id)]

    def refund_ids(self, *, since: datetime | None = None) -> Sequence[str]:
        at = with_query(route("/me/refund"), date_from=from_text(since))
        return self._get(list[str], at)

    def refund(self, refund_id: str) -> Refund:
        at = route("/me/refund/{refundId}", refundId=refund_id)
        return self._get(WireRefund, at).refund()

    def refund_details(self, refund_id: str) -> Sequence[RefundDetail]:
        """All lines of a refund, as those of a bill."""
        at = route("/me/refund/{refundId}/details", refundId=refund_id)
        return [row.detail() for row in self._all(_REFUND_DETAILS, at, refundId=refund_id)]

    def _all(self, kind: Rows[str, T], at: Route, **parts: str) -> Iterable[T]:
        """Read every row of a list, or none: a part would be remembered as the whole."""
        ids = self._get(list[str], at)
        rows = self._batches.rows(kind, ids, **parts)
        if len(rows) < len(set(ids)):
            msg = f"GET {at.shown}: OVH lists lines that it does not give: run it again later"
            raise OvhBadAnswer(msg, query_id=self.last.query_id)
        return rows.values()

    def orders(self, ids: Iterable[int]) -> Mapping[int, Order]:
        return self._batches.rows(_ORDERS, ids)

    def payment_methods(self) -> Sequence[PaymentMethod]:
        ids = self._get(list[int], route("/me/payment/method"))
        return list(self._batches.rows(_METHODS, ids).values())

    def api_log_ids(self) -> Sequence[int]:
        return self._get(list[int], route("/me/api/logs/self"))

    def api_logs(self, ids: Iterable[int]) -> Mapping[int, ApiLog]:
        return self._batches.rows(_LOGS, ids)

    def destination_rates(self, country: str, *, billing_country: str) -> DestinationRates:
        at = with_query(
            route("/sms/rates/destinations"), country=country, billingCountry=billing_country
        )
        return self._public(WireDestinationRates, at).rates()

    def pack_rates(self, country: str, *, billing_country: str) -> Sequence[PackDetails]:
        at = with_query(
            route("/sms/rates/packs"), country=country, billingCountry=billing_country
        )
        return [tier.details() for tier in self._public(list[WirePackDetails], at)]

    def order_preview(self, service: str, *, quantity: int) -> OrderPreview:
        at = route("/order/sms/{serviceName}/credits", serviceName=service)
        return self._get(WireOrder, with_query(at, quantity=quantity)).preview()

    def estimate(self, message: str, *, no_stop_clause: bool) -> JobEstimate:
        at = route("/sms/estimate")
        body = {"message": message, "noStopClause": no_stop_clause, "senderType": "alpha"}
        raw = self._calls.once("POST", at, body=body)
        return read(JobEstimate, raw, at, query_id=self.last.query_id)

    def _public(self, shape: type[T], at: Route) -> T:
        return read(shape, self._calls.public(at), at, query_id=self.last.query_id)

    def set_recharge(self, service: str, *, threshold: Decimal, amount: int | None) -> None:
        body = {
            "creditThresholdForAutomaticRecredit": number(threshold),
            "automaticRecreditAmount": amount,
        }
        self._calls.once("PUT", route(_SMS, serviceName=service), body=body, void=True)

    def transfer_credits(self, service: str, target: str, credits: Decimal) -> None:
        at = route(f"{_SMS}/transferCredits", serviceName=service)
        body = {"credits": number(credits), "smsAccountTarget": target}
        said = self._calls.once("POST", at, body=body, void=True)
        if said not in _NOTHING:
            msg = f"POST {at.shown}: expected an empty answer, found one that says something"
            raise OvhBadAnswer(msg, query_id=self.last.query_id)

    def _get(self, shape: type[T], at: Route) -> T:
        raw = self._calls.get(at)
        return read(shape, raw, at, query_id=self.last.query_id)
