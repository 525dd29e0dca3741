"""What the world is made of: customers, accounts, messages, bills and keys.

Credits are whole thousandths (`milli`), times are whole seconds, money is `Decimal`.
"""

from decimal import Decimal

import msgspec

from ledger.sandbox import texts

QUEUED, SENT, FAILED, WAITING, BUFFERED, NOT_BILLED = 0, 1, 2, 4, 8, 16
SEND_SECONDS = 2


class Message(msgspec.Struct, kw_only=True, gc=False):
    """One SMS, a job at first and a row of /outgoing later; it keeps its id."""

    id: int
    created_at: int
    receiver: str  # digits
    country: str
    text: str  # kept, see `texts`
    sender: str
    tag: str
    user: str
    parts: int
    milli: int
    deferred_min: int
    sent_at: int
    settled_at: int
    final_receipt: int
    batch: str | None = None
    message_id: str | None = None

    def receipt(self, now: int) -> int:
        """Tell the delivery receipt: 0, then 4 or 8, then what it ends with."""
        if now >= self.settled_at:
            return self.final_receipt
        if now < self.sent_at + SEND_SECONDS:
            return QUEUED
        return BUFFERED if self.id % 5 == 0 else WAITING

    @property
    def message(self) -> str:
        return texts.shown(self.text, self.id)


class Reply(msgspec.Struct, kw_only=True, gc=False):
    """One SMS that was received."""

    id: int
    created_at: int
    sender: str  # digits
    text: str
    tag: str
    user: str
    milli: int


class Lookup(msgspec.Struct, kw_only=True, gc=False):
    """One HLR lookup of a number."""

    id: int
    created_at: int
    done_at: int
    receiver: str  # digits
    operator: str
    ported: bool
    roaming: bool
    reachable: bool
    valid: bool


class User(msgspec.Struct, kw_only=True):
    """A user of an account; an active quota is set apart from the account's credits."""

    login: str
    password: str
    quota_milli: int = 0
    has_quota: bool = False
    alert_threshold: int = 0
    alert_number: str = ""
    alert_email: str = ""
    alert_support: str = "mail"
    alerted: bool = False
    callback: str | None = None
    stop_callback: str | None = None
    ip_restrictions: list[str] = []


class Batch(msgspec.Struct, kw_only=True):
    """A batch: its messages are sent and debited step by step."""

    id: str
    created_at: int
    name: str
    text: str
    sender: str | None
    tag: str
    receivers: list[str]  # digits
    invalid: list[str]
    estimated_milli: int
    status: str = "PENDING"
    done: int = 0
    milli: int = 0
    updated_at: int
    deferred_until: int | None = None
    started_at: int | None = None
    finished_at: int | None = None
    ids: list[int] = []


class Task(msgspec.Struct, kw_only=True):
    """One cleaning of a list of receivers."""

    id: int
    created_at: int
    done_at: int


class Sender(msgspec.Struct, kw_only=True):
    sender: str
    description: str = ""
    status: str = "enable"
    type: str = "alpha"


class Account(msgspec.Struct, kw_only=True):
    """One SMS account. `milli` is `creditsLeft`; quotas hold the rest of what it owns."""

    name: str
    customer: str
    number: int
    service_id: int
    description: str
    created_at: int
    milli: int = 0
    threshold_milli: int = 0
    recharge_credits: int | None = None
    recharges_in_flight: int = 0
    smpp: bool = False
    channel: str = "both"
    auto_reply: str | None = None
    callback: str | None = None
    stop_callback: str | None = None
    senders: dict[str, Sender] = {}
    users: dict[str, User] = {}
    slots: dict[int, int] = {}  # phone books: slot and number of records
    jobs: dict[int, Message] = {}
    outgoing: dict[int, Message] = {}
    incoming: dict[int, Reply] = {}
    lookups: dict[int, Lookup] = {}
    batches: dict[str, Batch] = {}
    tasks: dict[int, Task] = {}
    gone: list[Message | Reply] = []  # deleted rows: a secret once shown stays secret
    movements: dict[str, int] = {}  # thousandths by kind, signed: the sandbox's own books

    @property
    def held_milli(self) -> int:
        return sum(user.quota_milli for user in self.users.values())

    @property
    def owned_milli(self) -> int:
        return self.milli + self.held_milli


class Customer(msgspec.Struct, kw_only=True):
    """One OVH customer, named by its nichandle."""

    nichandle: str
    subsidiary: str
    currency: str
    organisation: str
    firstname: str
    name: str
    email: str
    phone: str
    address: str
    city: str
    zip: str
    vat: str
    language: str
    ip: str
    zone: str

    @property
    def billing_country(self) -> str:
        return self.subsidiary.lower()


class PaymentMethod(msgspec.Struct, kw_only=True):
    id: int
    customer: str
    type: str
    label: str
    created_at: int
    status: str = "VALID"
    default: bool = False


class Order(msgspec.Struct, kw_only=True):
    """An order of credits (or, without an account, of something else)."""

    id: int
    customer: str
    domain: str
    credits: int
    description: str
    quantity: str
    unit: Decimal
    net: Decimal
    tax: Decimal
    currency: str
    ordered_at: int
    detail_id: int
    password: str
    automatic: bool = False
    category: str
    status: str = "notPaid"
    bill: str | None = None

    @property
    def gross(self) -> Decimal:
        return self.net + self.tax


class Bill(msgspec.Struct, kw_only=True):
    id: str
    order: int
    customer: str
    billed_at: int
    visible_at: int
    detail_id: str
    payment_type: str


class Refund(msgspec.Struct, kw_only=True):
    id: str
    customer: str
    order: int
    bill: str
    refunded_at: int
    net: Decimal
    tax: Decimal
    detail_id: str
    password: str


class LogRow(msgspec.Struct, kw_only=True, gc=False):
    """One call as /me/api/logs shows it: no body, no amount."""

    id: int
    customer: str
    called_at: int
    ip: str
    method: str
    path: str
    route: str


class Rule(msgspec.Struct, frozen=True):
    method: str
    path: str


class Credential(msgspec.Struct, kw_only=True):
    """A consumer key with its application's key and secret.

    Of a service account, the application's key and secret are its `client_id` and
    `client_secret`, and the rules are what its policy grants.
    """

    id: int
    application_id: int
    application_key: str
    application_secret: str
    consumer_key: str
    customer: str
    rules: tuple[Rule, ...]
    created_at: int
    status: str = "validated"
    expires_at: int | None = None
    used_at: int | None = None
    token: str = ""  # of the page that validates a pending key
    is_service: bool = False


class Token(msgspec.Struct, frozen=True):
    """An OAuth2 token of a service account."""

    credential: Credential
    expires_at: int
