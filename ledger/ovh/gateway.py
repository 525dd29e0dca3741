"""The port to OVH, in OVH's own words: what the ledger may ask, and what it gets back.

Numbers of credits arrive as the exact text that OVH sent (`Decimal`), times as aware datetimes.
Passwords never pass this port, and message texts only where a person asks what one would
cost; receivers do, for the country must be found
from them, and are dropped right after. Methods raise the `OvhError` family only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """The customer behind the key (`/me`)."""

    nichandle: str
    ovhSubsidiary: str  # noqa: N815 (OVH's word)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsAccount:
    """`/sms/{serviceName}` as read at one moment."""

    description: str
    status: str
    channel: str
    smpp: bool
    creditsLeft: Decimal  # noqa: N815
    creditsHoldByQuota: Decimal  # noqa: N815
    userQuantityWithQuota: int  # noqa: N815
    creditThresholdForAutomaticRecredit: Decimal  # noqa: N815
    automaticRecreditAmount: int | None  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceInfos:
    """`/sms/{serviceName}/serviceInfos`: `creation` is what two months' age counts from."""

    creation: date
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One sent SMS, without its text."""

    id: int
    creationDatetime: datetime  # noqa: N815
    credits: Decimal
    numberOfSms: int  # noqa: N815
    messageLength: int  # noqa: N815
    receiver: str
    tag: str
    tariffCode: str  # noqa: N815
    deliveryReceipt: int  # noqa: N815
    differedDelivery: int  # noqa: N815 (minutes)
    batchID: str | None  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One received reply, without its text; `sender` is the phone number that replied."""

    id: int
    creationDatetime: datetime  # noqa: N815
    credits: Decimal
    sender: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A send that is queued: its credits have left, its row is not in /outgoing yet."""

    id: int
    creationDatetime: datetime  # noqa: N815
    credits: Decimal
    differedDelivery: int  # noqa: N815 (minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class HlrLookup:
    """One HLR lookup; OVH states no cost for it."""

    id: int
    datetime: datetime
    msisdn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserQuota:
    """The quota of one API user of an account (the login names it, no more)."""

    login: str
    quotaStatus: str  # noqa: N815
    quotaLeft: Decimal  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """`order.Price`: the exact decimal, from `priceInUcents` where it is given."""

    value: Decimal
    currencyCode: str  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """`/me/bill/{billId}`, without the fields that give access to the document."""

    billId: str  # noqa: N815
    date: datetime
    orderId: int  # noqa: N815
    category: str
    priceWithoutTax: Price  # noqa: N815
    tax: Price
    priceWithTax: Price  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class BillDetail:
    """One line of a bill; `domain` is the `serviceName` for SMS credits."""

    billDetailId: str  # noqa: N815
    domain: str
    description: str
    quantity: str
    unitPrice: Price  # noqa: N815
    totalPrice: Price  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """`/me/refund/{refundId}`, without the fields that give access to the document."""

    refundId: str  # noqa: N815
    date: datetime
    orderId: int  # noqa: N815
    originalBillId: str | None  # noqa: N815
    priceWithoutTax: Price  # noqa: N815
    tax: Price
    priceWithTax: Price  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundDetail:
    """One line of a refund; `domain` is the `serviceName` for SMS credits."""

    refundDetailId: str  # noqa: N815
    domain: str
    description: str
    quantity: str
    unitPrice: Price  # noqa: N815
    totalPrice: Price  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`/me/order/{orderId}`: when it was placed; its password and addresses are not read."""

    orderId: int  # noqa: N815
    date: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethod:
    """`/me/payment/method/{id}`: what decides whether automatic recharge can work."""

    paymentMethodId: int  # noqa: N815
    paymentType: str  # noqa: N815
    status: str
    default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRates:
    """`/sms/rates/destinations`: what one SMS to a country takes; `vatRate` is in per cent."""

    countryCode: str  # noqa: N815
    credit: Decimal
    price: Price | None
    vatRate: Decimal | None  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class PackDetails:
    """One tier of `/sms/rates/packs`: its minimum is inclusive, its maximum exclusive."""

    creditQuantityMin: int  # noqa: N815
    creditQuantityMax: int | None  # noqa: N815
    creditPrice: Price  # noqa: N815
    discountCreditPrice: Price | None  # noqa: N815
    vatRate: Decimal | None  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPreview:
    """`GET /order/sms/{serviceName}/credits`: what an order would cost; none is placed."""

    orderId: int | None  # noqa: N815
    withoutTax: Price  # noqa: N815
    tax: Price
    withTax: Price  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEstimate:
    """`/sms/estimate`: how OVH counts a text; `charactersClass` is `7bits` or `unicode`."""

    characters: int
    charactersClass: str  # noqa: N815
    maxCharactersPerPart: int  # noqa: N815
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiLog:
    """`/me/api/logs/self/{logId}`: one call, without its body; who made it is not read."""

    logId: int  # noqa: N815
    date: datetime
    method: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRule:
    """`auth.AccessRule`: a method, and a path in which `*` stands for anything."""

    method: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """`/auth/currentCredential`: what the key may do, and until when (None: without end)."""

    status: str
    rules: tuple[AccessRule, ...]
    creation: datetime
    expiration: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthDetails:
    """`/auth/details`: whose access this is; None for the routes says that all are allowed."""

    account: str
    method: str
    allowedRoutes: tuple[AccessRule, ...] | None  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRequest:
    """The answer to `POST /auth/credential`: a key that waits for its customer's consent."""

    consumerKey: str = field(repr=False)  # noqa: N815
    state: str
    validationUrl: str = field(repr=False)  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """The evidence of one answer: which call, when it was read, OVH's id for it."""

    route: str
    read_at: datetime
    query_id: str | None


class Gateway(Protocol):
    """What the ledger asks of OVH. Only reads are retried.

    Lists of rows are given by id; an id that OVH lists but answers with 404 is left out of the
    mapping: it is not there yet, or gone, and never fatal. A row that OVH refuses for another
    reason raises.
    """

    @property
    def profile(self) -> str: ...

    @property
    def nichandle(self) -> str | None:
        """The customer as the profile states it, for keys that may not read /me."""
        ...

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent so far, retries included."""
        ...

    @property
    def last(self) -> Received:
        """The evidence of the last answer."""
        ...

    def time(self) -> datetime:
        """OVH's clock (`/auth/time`), UTC."""
        ...

    def me(self) -> Me: ...

    def credential(self) -> Credential:
        """The key in use; a service account has none."""
        ...

    def auth_details(self) -> AuthDetails: ...

    def services(self) -> Sequence[str]:
        """`GET /sms`."""
        ...

    def account(self, service: str) -> SmsAccount: ...

    def service_infos(self, service: str) -> ServiceInfos: ...

    def outgoing_ids(
        self,
        service: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        delivery_receipt: int | None = None,
    ) -> Sequence[int]: ...

    def outgoing(self, service: str, ids: Iterable[int]) -> Mapping[int, Outgoing]: ...

    def incoming_ids(
        self, service: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Sequence[int]: ...

    def incoming(self, service: str, ids: Iterable[int]) -> Mapping[int, Incoming]: ...

    def job_ids(self, service: str) -> Sequence[int]: ...

    def jobs(self, service: str, ids: Iterable[int]) -> Mapping[int, Job]: ...

    def hlr_ids(self, service: str) -> Sequence[int]: ...

    def hlr(self, service: str, ids: Iterable[int]) -> Mapping[int, HlrLookup]: ...

    def users(self, service: str) -> Sequence[str]: ...

    def user_quota(self, service: str, login: str) -> UserQuota: ...

    def bill_ids(self, *, since: datetime | None = None) -> Sequence[str]: ...

    def bill(self, bill_id: str) -> Bill: ...

    def bill_details(self, bill_id: str) -> Sequence[BillDetail]: ...

    def refund_ids(self, *, since: datetime | None = None) -> Sequence[str]: ...

    def refund(self, refund_id: str) -> Refund: ...

    def refund_details(self, refund_id: str) -> Sequence[RefundDetail]: ...

    def orders(self, ids: Iterable[int]) -> Mapping[int, Order]:
        """`GET /me/order/{orderId}` of each; those that OVH does not know are left out."""
        ...

    def payment_methods(self) -> Sequence[PaymentMethod]: ...

    def api_log_ids(self) -> Sequence[int]:
        """`GET /me/api/logs/self`: the calls of the customer, by whatever program."""
        ...

    def api_logs(self, ids: Iterable[int]) -> Mapping[int, ApiLog]: ...

    def destination_rates(self, country: str, *, billing_country: str) -> DestinationRates:
        """`GET /sms/rates/destinations`, which asks for no key; OVH writes countries small."""
        ...

    def pack_rates(self, country: str, *, billing_country: str) -> Sequence[PackDetails]:
        """`GET /sms/rates/packs`, which asks for no key."""
        ...

    def order_preview(self, service: str, *, quantity: int) -> OrderPreview:
        """`GET /order/sms/{serviceName}/credits`: a price, not an order."""
        ...

    def estimate(self, message: str, *, no_stop_clause: bool) -> JobEstimate:
        """`POST /sms/estimate`: it changes nothing; the text is neither logged nor kept."""
        ...

    def set_recharge(self, service: str, *, threshold: Decimal, amount: int | None) -> None:
        """`PUT /sms/{serviceName}` with the recharge settings alone; no amount: off.

        Sent once, whatever comes back: `account` shows what came of it.
        """
        ...

    def transfer_credits(self, service: str, target: str, credits: Decimal) -> None:
        """`POST /sms/{serviceName}/transferCredits`: sent once, whatever comes back.

        It returns nothing. OvhRefused, OvhNotFound, OvhRightMissing, OvhKeyRefused and
        OvhClockOff say that nothing moved; after any other error nobody knows.
        """
        ...
