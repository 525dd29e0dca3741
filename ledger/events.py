"""The facts: every event that the ledger can hold, in one closed union.

An event's stored state is its JSON (`canonical`), its name the explicit, versioned TOPIC; no
stored byte names a module or a class. Fields are integers, texts and booleans, never floats:
credits in thousandths (`…_milli`), money as `"4.20 EUR"`, times in UTC. A change of a shape is
a new topic, never an edit: `tests/data` keeps a sample of each, replayed, never regenerated.

No event holds personal data: no receiver, sender, text, password, free-text tag or login.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from typing import ClassVar, Final, Literal, TypedDict, get_args

from msgspec import Struct, field
from msgspec.structs import fields

from ledger.credits import Credits
from ledger.money import Money
from ledger.personal import impersonal
from ledger.recharge_rules import RechargeRules

LineKind = Literal["consumption", "reply", "hlr", "cleaning"]
LINE_KINDS: Final[tuple[LineKind, ...]] = get_args(LineKind)

_UTC: Final = timedelta(0)


class Fact(Struct, frozen=True, forbid_unknown_fields=True):
    """An event, or a part of one: every time in it is in UTC."""

    def __post_init__(self) -> None:
        for name in _times(type(self)):
            value = getattr(self, name)
            if value is not None and value.utcoffset() != _UTC:
                msg = f"an event's times are in UTC, found {value} for {name}"
                raise ValueError(msg)


@cache
def _times(of: type[Fact]) -> tuple[str, ...]:
    """Give the names of the fields that hold a time: every event is looked at."""
    return tuple(
        found.name for found in fields(of) if datetime in {found.type, *get_args(found.type)}
    )


class FromOvh(Fact, frozen=True, tag_field="from", tag="ovh"):
    """Read from OVH: the route, when it was read (our clock), and OVH's id of the query."""

    route: str
    read_at: datetime
    query_id: str | None


class FromFile(Fact, frozen=True, tag_field="from", tag="file"):
    """Read from a file: its digest, and the first and last line that the fact stood in."""

    sha256: str
    first_line: int
    last_line: int


class FromOperator(Fact, frozen=True, tag_field="from", tag="operator"):
    """Stated by a person: the event's actor."""


class FromRule(Fact, frozen=True, tag_field="from", tag="rule"):
    """Concluded by a rule of ours."""

    name: str
    version: int


Source = FromOvh | FromFile | FromOperator | FromRule


class Envelope(TypedDict):
    """What every event carries beside its own words."""

    happened_at: datetime
    recorded_at: datetime
    actor: str
    command_id: str
    caused_by: str | None
    reason: str | None
    source: Source


class Event(Fact, frozen=True, kw_only=True):
    """A fact: when it was true at OVH, when we wrote it down, who, why, on what evidence.

    `command_id` names the command that recorded it (idempotency); `caused_by` the command that
    led to it.
    """

    TOPIC: ClassVar[str]

    happened_at: datetime
    recorded_at: datetime
    actor: str
    command_id: str
    caused_by: str | None
    reason: str | None
    source: Source


# --- the customer ------------------------------------------------------------------------


class CustomerRegistered(Event, frozen=True, kw_only=True):
    """A customer (nichandle) and the time zone in which its days and months are counted."""

    TOPIC: ClassVar[str] = "sms.customer-registered.1"
    customer: str
    subsidiary: str | None
    time_zone: str


class PaymentMethodSeen(Fact, frozen=True):
    payment_method_id: int
    payment_type: str
    status: str
    default: bool


class PaymentMethodsSeen(Event, frozen=True, kw_only=True):
    """The customer's payment methods, whenever they changed: automatic recharge needs one."""

    TOPIC: ClassVar[str] = "sms.payment-methods-seen.1"
    customer: str
    methods: tuple[PaymentMethodSeen, ...]


class ApiCallSeen(Fact, frozen=True, kw_only=True):
    """One call in OVH's log: which, for which account, when; it tells no amount."""

    log_id: int
    at: datetime
    account: str
    call: Literal["transferCredits"]


class ApiCallsSeen(Event, frozen=True, kw_only=True):
    """Calls that moved credits, as OVH's log of API calls lists them, by whatever program.

    Whether a call succeeded, and how much it moved, is not told. No address is kept.
    """

    TOPIC: ClassVar[str] = "sms.api-calls-seen.1"
    customer: str
    calls: tuple[ApiCallSeen, ...]


class ImportStarted(Event, frozen=True, kw_only=True):
    """A file's rows of this customer are being recorded; until completed, they are partial."""

    TOPIC: ClassVar[str] = "sms.import-started.1"
    customer: str
    sha256: str
    rows: int
    total: Credits = field(name="total_milli")


class ImportCompleted(Event, frozen=True, kw_only=True):
    """All rows of this customer are recorded: how many were new, and the file's totals."""

    TOPIC: ClassVar[str] = "sms.import-completed.1"
    customer: str
    sha256: str
    rows: int
    recorded: int
    total: Credits = field(name="total_milli")


class VatRecoverySet(Event, frozen=True, kw_only=True):
    """Which share of the VAT the customer gets back on lots bought from `happened_at` on.

    `recoverable` is per cent, in digits: `100`, `37.5`. What is not got back is part of what
    credits cost. Without any setting all of it is got back.
    """

    TOPIC: ClassVar[str] = "sms.vat-recovery-set.1"
    customer: str
    recoverable: str


# What a line of a book-keeping entry is for.
EntryRole = Literal[
    "prepaid", "supplier", "vat", "expense", "adjustment", "opening", "suspense"
]
ENTRY_ROLES: Final[tuple[EntryRole, ...]] = get_args(EntryRole)


class EntryAccount(Fact, frozen=True, kw_only=True):
    """An account of the customer's own book-keeping: its code and label in that chart."""

    role: EntryRole
    code: str
    label: str


class EntryAccountsSet(Event, frozen=True, kw_only=True):
    """Which accounts of its own books a customer's entries use from `happened_at` on.

    It names those that changed; other roles keep theirs, or what the program ships.
    """

    TOPIC: ClassVar[str] = "sms.entry-accounts-set.1"
    customer: str
    accounts: tuple[EntryAccount, ...]


# --- the account -------------------------------------------------------------------------


class AccountOpened(Event, frozen=True, kw_only=True):
    """An SMS account enters the ledger. `created_on` is OVH's `serviceInfos.creation`."""

    TOPIC: ClassVar[str] = "sms.account-opened.1"
    customer: str
    account: str
    created_on: str | None


class AccountClosed(Event, frozen=True, kw_only=True):
    """The account leaves the books; what it still held was written off."""

    TOPIC: ClassVar[str] = "sms.account-closed.1"
    written_off: Credits = field(name="written_off_milli")


class Coverage(Fact, frozen=True, kw_only=True):
    """How far each list of OVH was read, by OVH's clock; None where it may not be read."""

    outgoing: datetime | None
    incoming: datetime | None
    hlr: datetime | None
    jobs: datetime | None
    bills: datetime | None


NOT_READ: Final = Coverage(outgoing=None, incoming=None, hlr=None, jobs=None, bills=None)


class Derivation(Fact, frozen=True, kw_only=True):
    """How an opening follows from an observation: owned + in flight − moved = opening.

    `moved` is the sum of the movements from T0 until `observed_at` that are known: the rule
    is applied anew when more of them become known. `in_flight` are the credits of the jobs
    `in_flight_ids`, whose rows were not there yet and are not among `moved`; None where the
    jobs could not be read. OVH's times are whole seconds: of the second of the observation,
    only what was recorded at `known_at` counts.
    """

    observed_at: datetime
    known_at: datetime
    owned: Credits = field(name="owned_milli")
    in_flight: Credits | None = field(name="in_flight_milli")
    in_flight_ids: tuple[int, ...]
    moved: Credits = field(name="moved_milli")
    coverage: Coverage


Basis = Literal["observed", "stated", "created", "assumed"]


class BalanceOpened(Event, frozen=True, kw_only=True):
    """The credits owned at `happened_at` (T0); only movements from T0 on are added to them.

    `basis` says how they are known: `observed` (what OVH showed, less what moved since T0: see
    `derivation`), `stated` (by a file or a person), `created` (OVH says that the account was
    created then, so it began empty), `assumed` (nothing is known before T0: it is taken to
    have begun empty).
    """

    TOPIC: ClassVar[str] = "sms.balance-opened.1"
    credits: Credits = field(name="credits_milli")
    basis: Basis
    derivation: Derivation | None


class OpeningRestated(Event, frozen=True, kw_only=True):
    """Another opening holds from now on, at `happened_at`: the previous T0 or an earlier one.

    Either older history became known, or something that the previous opening held already.
    `difference` = new opening + what moved until the previous T0 − the previous opening.
    """

    TOPIC: ClassVar[str] = "sms.opening-restated.1"
    target_version: int
    credits: Credits = field(name="credits_milli")
    basis: Basis
    derivation: Derivation | None
    previous_at: datetime
    previous: Credits = field(name="previous_milli")
    difference: Credits = field(name="difference_milli")


class OpeningCostStated(Event, frozen=True, kw_only=True):
    """What the credits of an opening cost that no bill before it covers, without VAT got back.

    `happened_at` is the opening's T0, `credits` how many credits those were. Where another
    opening holds, or bills cover another part of it, this one says nothing any more.
    """

    TOPIC: ClassVar[str] = "sms.opening-cost-stated.1"
    credits: Credits = field(name="credits_milli")
    cost: Money


class CreditsPurchased(Event, frozen=True, kw_only=True):
    """Credits bought: one line of one bill. Its natural key is `bill_detail_id`.

    `quantity` is the bill's own text; `read_by` says which part told the credits. Prices are
    excluding VAT; `tax` is the line's VAT where the document states it, the `bill_` amounts
    are those of the whole bill.
    """

    TOPIC: ClassVar[str] = "sms.credits-purchased.1"
    bill_detail_id: str
    bill_id: str | None
    order_id: int | None
    description: str | None
    quantity: str | None
    unit_price: Money | None
    total_price: Money | None
    tax: Money | None
    bill_net: Money | None
    bill_tax: Money | None
    bill_gross: Money | None
    credits: Credits = field(name="credits_milli")
    gift_credits: Credits = field(name="gift_credits_milli")
    read_by: Literal["quantity", "description", "operator", "file"]


class BillLineSeen(Event, frozen=True, kw_only=True):
    """OVH billed a line for the account, at `happened_at`. It moves no credits.

    Recorded where *credits purchased* does not hold the bill's figures: the line could not be
    read (`credits` None), or its credits were booked before, by a person or from a file without
    a price. Where the credits agree, or are not told, the purchase cost what this says.
    """

    TOPIC: ClassVar[str] = "sms.bill-line-seen.1"
    bill_detail_id: str
    bill_id: str
    order_id: int | None
    description: str
    quantity: str
    unit_price: Money
    total_price: Money
    bill_net: Money
    bill_tax: Money
    bill_gross: Money
    credits: Credits | None = field(name="credits_milli")
    read_by: Literal["quantity", "description"] | None


class PurchaseAttributed(Event, frozen=True, kw_only=True):
    """Whether a purchase was ordered by someone or made by OVH's automatic recharge."""

    TOPIC: ClassVar[str] = "sms.purchase-attributed.1"
    bill_detail_id: str
    origin: Literal["ordered", "automatic"]
    evidence: str


class CreditsRefunded(Event, frozen=True, kw_only=True):
    """Bought credits given back to OVH for money: they leave the account, against a bill."""

    TOPIC: ClassVar[str] = "sms.credits-refunded.1"
    refund_id: str
    bill_id: str | None
    credits: Credits = field(name="credits_milli")
    net: Money | None
    tax: Money | None


class RefundSeen(Event, frozen=True, kw_only=True):
    """OVH gave money back for a line of a bill. It moves no credits.

    Whether credits left the account with it OVH does not say; where they did, *credits
    refunded* with the id of the refund records it. `credits` is how many the line is about,
    None where its words do not tell; `read_by` says which part told them. Prices are excluding
    VAT, the `refund_` amounts those of the whole document.
    """

    TOPIC: ClassVar[str] = "sms.refund-seen.1"
    refund_detail_id: str
    refund_id: str
    bill_id: str | None
    order_id: int | None
    description: str
    quantity: str
    unit_price: Money
    total_price: Money
    refund_net: Money
    refund_tax: Money
    refund_gross: Money
    credits: Credits | None = field(name="credits_milli")
    read_by: Literal["quantity", "description"] | None


class CreditsAdjusted(Event, frozen=True, kw_only=True):
    """A signed change that no bill, row or transfer explains; a person or a file says why."""

    TOPIC: ClassVar[str] = "sms.credits-adjusted.1"
    adjustment_id: str
    kind: Literal["gift", "adjustment", "write-off"]
    credits: Credits = field(name="credits_milli")


class TransferSent(Event, frozen=True, kw_only=True):
    """Credits left for another account of the same customer."""

    TOPIC: ClassVar[str] = "sms.transfer-sent.1"
    transfer: str
    counter_account: str
    credits: Credits = field(name="credits_milli")


class TransferReceived(Event, frozen=True, kw_only=True):
    """Credits came from another account of the same customer."""

    TOPIC: ClassVar[str] = "sms.transfer-received.1"
    transfer: str
    counter_account: str
    credits: Credits = field(name="credits_milli")


class RechargeSettingsSeen(Event, frozen=True, kw_only=True):
    """OVH's automatic recharge settings, whenever they changed; no amount means off.

    Also after each change that we asked for, whatever came of it.
    """

    TOPIC: ClassVar[str] = "sms.recharge-settings-seen.1"
    threshold: Credits = field(name="threshold_milli")
    amount: int | None


class RechargeChangeRequested(Event, frozen=True, kw_only=True):
    """OVH is about to be asked for other recharge settings: by whom, why; no amount means off.

    Recorded before the call. What OVH showed afterwards is seen by the same command; where
    nothing was seen by it, the next settings seen tell what came of it.
    """

    TOPIC: ClassVar[str] = "sms.recharge-change-requested.1"
    threshold: Credits = field(name="threshold_milli")
    amount: int | None


BreakKind = Literal[
    "line-conflict",
    "too-fine",
    "purchase-unreadable",
    "purchase-conflict",
    "opening-difference",
]


class BreakOpened(Event, frozen=True, kw_only=True):
    """Something that a person has to look at; `reference` names the thing it is about."""

    TOPIC: ClassVar[str] = "sms.break-opened.1"
    kind: BreakKind
    reference: str
    credits: Credits | None = field(name="credits_milli")
    text: str


# A difference between OVH and the ledger that no stored break is about is a `residual`.
DecidedKind = Literal[
    "line-conflict",
    "too-fine",
    "purchase-unreadable",
    "purchase-conflict",
    "opening-difference",
    "residual",
]
BookedAs = Literal["adjustment", "gift", "purchase", "transfer"]


class BreakAccepted(Event, frozen=True, kw_only=True):
    """A person lets a break stand: these credits, as they were first seen then, no others.

    `reference` names the break; of a `residual` it holds the time and the credits. None: the
    break holds none. `reason` says why.
    """

    TOPIC: ClassVar[str] = "sms.break-accepted.1"
    kind: DecidedKind
    reference: str
    credits: Credits | None = field(name="credits_milli")
    first_seen_at: datetime
    owner: str | None


class BreakAdjusted(Event, frozen=True, kw_only=True):
    """A person had a break booked: `movement` is the key of what was recorded with this."""

    TOPIC: ClassVar[str] = "sms.break-adjusted.1"
    kind: DecidedKind
    reference: str
    credits: Credits = field(name="credits_milli")
    first_seen_at: datetime
    booked_as: BookedAs
    movement: str


class BreakNoted(Event, frozen=True, kw_only=True):
    """Who looks after a break (None: as before), and a note: the event's `reason`."""

    TOPIC: ClassVar[str] = "sms.break-noted.1"
    kind: DecidedKind
    reference: str
    credits: Credits | None = field(name="credits_milli")
    first_seen_at: datetime
    owner: str | None


# --- consumption -------------------------------------------------------------------------


class PageRecorded(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Up to 1,000 consumption lines of one kind (see `pages`).

    The header's totals can be trusted without the body: count, first and last id, time span,
    credits spent. `numbers` is the number library, with its version, that told the countries.
    """

    TOPIC: ClassVar[str] = "sms.page-recorded.1"
    kind: LineKind
    count: int
    first_id: int | str
    last_id: int | str
    first_at: datetime
    last_at: datetime
    spent: Credits = field(name="spent_milli")
    numbers: str
    body_sha256: str
    body: bytes = b""


class LinesAttributed(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Which user sent which lines: `/outgoing` does not tell it, so it is a fact of its own."""

    TOPIC: ClassVar[str] = "sms.lines-attributed.1"
    kind: LineKind
    count: int
    body_sha256: str
    body: bytes = b""


class LineCorrected(Event, frozen=True, kw_only=True):
    """OVH changed the credits of a row that was recorded: the line named here costs this now.

    `happened_at` is the line's own time.
    """

    TOPIC: ClassVar[str] = "sms.line-corrected.1"
    target_version: int
    kind: LineKind
    line_id: int | str
    previous: Credits = field(name="previous_milli")
    credits: Credits = field(name="credits_milli")


class LinesNotBilled(Event, frozen=True, kw_only=True):
    """OVH marks these recorded lines as not billed (delivery receipt 16), after the fact.

    Whether their credits come back OVH does not say: `spent` is what they cost as recorded.
    """

    TOPIC: ClassVar[str] = "sms.lines-not-billed.1"
    kind: LineKind
    line_ids: tuple[int | str, ...]
    spent: Credits = field(name="spent_milli")


class LinesVanished(Event, frozen=True, kw_only=True):
    """OVH does not list these recorded lines any more: its word on them is lost, they stand.

    `spent` is what they cost as recorded; a row that is deleted gives no credits back.
    """

    TOPIC: ClassVar[str] = "sms.lines-vanished.1"
    kind: LineKind
    line_ids: tuple[int | str, ...]
    spent: Credits = field(name="spent_milli")


# --- observations ------------------------------------------------------------------------


class Reading(Fact, frozen=True):
    """One look at the balance: OVH's numbers as the text that was sent, and OVH's clock."""

    at: datetime
    credits_left: str
    credits_hold_by_quota: str


class Pending(Fact, frozen=True):
    """Jobs in flight: their credits have left, their rows are not there yet."""

    count: int
    credits: Credits = field(name="credits_milli")
    oldest_at: datetime | None


class BalanceObserved(Event, frozen=True, kw_only=True):
    """What OVH said at one moment (`happened_at`, of OVH's clock).

    `owned` = creditsLeft + creditsHoldByQuota of the reading after the lists; `quiet` tells
    that the reading before them was equal.
    """

    TOPIC: ClassVar[str] = "sms.balance-observed.1"
    before: Reading
    after: Reading
    quiet: bool
    owned: Credits = field(name="owned_milli")
    held: Credits = field(name="held_milli")
    users_with_quota: int
    quota_left: Credits | None = field(name="quota_left_milli")
    pending: Pending | None
    status: str
    channel: str
    smpp: bool
    coverage: Coverage


# --- rates -------------------------------------------------------------------------------


class Rate(Fact, frozen=True, kw_only=True):
    """What one SMS (one part of a text) to a country takes; None: OVH sends none there.

    `price` is what OVH states for it in money, excluding VAT; `vat_rate` OVH's own digits, in
    per cent. Both are None where they were not told.
    """

    country: str
    credits: Credits | None = field(name="credits_milli")
    price: Money | None
    vat_rate: str | None


class RatesSeen(Event, frozen=True, kw_only=True):
    """Rates of destinations for those billed in a country, from `happened_at` on.

    It holds those that changed; each holds until a later event names its country again. Read
    at OVH, a rate was in force at `happened_at` and may have begun before; stated by a file,
    it began then. Countries are ISO 3166 codes in capitals, in their order.
    """

    TOPIC: ClassVar[str] = "sms.rates-seen.1"
    billing_country: str
    rates: tuple[Rate, ...]


class PackTier(Fact, frozen=True, kw_only=True):
    """The price of one credit, excluding VAT, where so many are bought at once.

    From `quantity_min` credits on, up to and without `quantity_max` (None: without end). A
    `discount_price` counts instead of the price while OVH shows one.
    """

    quantity_min: int
    quantity_max: int | None
    credit_price: Money
    discount_price: Money | None
    vat_rate: str | None


class PacksSeen(Event, frozen=True, kw_only=True):
    """What credits cost by the quantity bought, from `happened_at` on: all tiers, by quantity.

    `country` is the destination that OVH was asked about, since its route wants one; the price
    of a credit is the same for all. None where a file states the tiers.
    """

    TOPIC: ClassVar[str] = "sms.packs-seen.1"
    billing_country: str
    country: str | None
    tiers: tuple[PackTier, ...]


class RechargeRulesStated(Event, frozen=True, kw_only=True):
    """OVH's rules of automatic recharge from `happened_at` on, as a person found them stated.

    They hold until a later version does, and supersede what the program ships for the time
    from that day on: `since`, as `2027-01-01`. `document` names where OVH says so.
    """

    TOPIC: ClassVar[str] = "sms.recharge-rules-stated.1"
    since: str
    amounts: tuple[int, ...]
    payment_types: tuple[str, ...]
    least_age_months: int
    with_smpp: bool
    document: str

    @property
    def rules(self) -> RechargeRules:
        return RechargeRules(
            since=date.fromisoformat(self.since),
            amounts=self.amounts,
            payment_types=self.payment_types,
            least_age_months=self.least_age_months,
            with_smpp=self.with_smpp,
            source=self.document,
        )


# --- transfers ---------------------------------------------------------------------------


class BalanceBefore(Fact, frozen=True, kw_only=True):
    """An account just before a transfer was called: OVH's numbers, and what the ledger had.

    `quiet` tells that OVH's numbers were the same from before its lists were read until this
    reading: all that they hold is recorded up to `version` of the account's stream and
    `consumption_version` of its consumption, or is one of the jobs `in_flight_ids` (None where
    those may not be read).
    """

    reading: Reading
    owned: Credits = field(name="owned_milli")
    quiet: bool
    version: int
    consumption_version: int
    in_flight_ids: tuple[int, ...] | None


class BalanceAfter(Fact, frozen=True, kw_only=True):
    """The same account at a quiet look later, and what moved there that nothing explains.

    `unexplained` = `owned` − what was owned before − `recorded` + `in_flight`: what the ledger
    recorded of the time between, and what left for jobs whose rows are not there yet. Of it,
    `assumed` was taken for what `assumption` names, such as a recharge that is not billed yet.
    """

    reading: Reading
    owned: Credits = field(name="owned_milli")
    recorded: Credits = field(name="recorded_milli")
    in_flight: Credits = field(name="in_flight_milli")
    unexplained: Credits = field(name="unexplained_milli")
    assumed: Credits = field(name="assumed_milli")
    assumption: str | None


class TransferEvidence(Fact, frozen=True):
    """What both balances show of a transfer."""

    source: BalanceAfter
    target: BalanceAfter


SettledBy = Literal["answer", "balances", "operator"]


class TransferRequested(Event, frozen=True, kw_only=True):
    """A transfer is about to be called, once. OVH gives it no id: `transfer` is ours.

    Without a further event it is in doubt: whether the call was made is not known.
    """

    TOPIC: ClassVar[str] = "sms.transfer-requested.1"
    transfer: str
    source_account: str
    target_account: str
    credits: Credits = field(name="credits_milli")
    source_before: BalanceBefore
    target_before: BalanceBefore


class TransferConfirmed(Event, frozen=True, kw_only=True):
    """The transfer took effect; its legs are recorded with this, at the time of the call."""

    TOPIC: ClassVar[str] = "sms.transfer-confirmed.1"
    transfer: str
    by: SettledBy
    evidence: TransferEvidence | None


class TransferVoided(Event, frozen=True, kw_only=True):
    """The transfer moved nothing. `answer` is OVH's refusal, in one line."""

    TOPIC: ClassVar[str] = "sms.transfer-voided.1"
    transfer: str
    by: SettledBy
    answer: str | None
    evidence: TransferEvidence | None


class TransferUnknown(Event, frozen=True, kw_only=True):
    """Whether the transfer took effect is not known: it is never called again.

    `answer` tells what came instead of an answer, None where nothing is known of the call;
    `evidence` what both balances showed when they were looked at, which was not enough.
    """

    TOPIC: ClassVar[str] = "sms.transfer-unknown.1"
    transfer: str
    answer: str | None
    evidence: TransferEvidence | None


class TransferSettledLate(Event, frozen=True, kw_only=True):
    """A transfer that was taken for void took effect after all; its legs are recorded."""

    TOPIC: ClassVar[str] = "sms.transfer-settled-late.1"
    transfer: str
    by: SettledBy
    evidence: TransferEvidence | None


# --- periods -----------------------------------------------------------------------------

# As what credits leave an account.
DrawKind = Literal[
    "used", "refund", "refund-beyond", "transfer", "adjustment", "write-off", "opening"
]


# What a month holds: its own, what happened before and was recorded late, and what the cost of
# months that were closed before turned out to be more or less.
PostedAs = Literal["current", "late", "prior-period"]


class DrawnAtClose(Fact, frozen=True, kw_only=True):
    """What left an account in a month in one way, and what it had cost, in one currency.

    `cost` is the net with VAT that is not got back. `unvalued` credits, which are among the
    `credits`, are of unknown cost; both amounts are those of the others. They are None where
    there is no currency: none of these credits was bought for a price that is known. What is
    `prior-period` moves no credits; what it says is the change, which is signed.
    """

    kind: DrawKind
    posted_as: PostedAs
    credits: Credits = field(name="credits_milli")
    unvalued: Credits = field(name="unvalued_milli")
    net: Money | None
    cost: Money | None


class LotStretch(Fact, frozen=True):
    """Credits of a lot that were bought one after the other, from the one numbered `first`."""

    first: Credits = field(name="first_milli")
    credits: Credits = field(name="credits_milli")


class LotAtClose(Fact, frozen=True, kw_only=True):
    """What is left of a lot in an account; `account` bought it. None: the cost is not known."""

    account: str
    lot: str
    stretches: tuple[LotStretch, ...]
    net: Money | None
    cost: Money | None


class AccountAtClose(Fact, frozen=True, kw_only=True):
    """An account at the end of a month that is closed.

    `covered_at` is the look at OVH that covers the month through its end; None: there is none,
    which was accepted. `balance` None: no opening is known. `unexplained` is the part of the
    difference to OVH that was accepted. `left` less what no lot covers is the balance.
    """

    account: str
    covered_at: datetime | None
    balance: Credits | None = field(name="balance_milli")
    unexplained: Credits = field(name="unexplained_milli")
    drawn: tuple[DrawnAtClose, ...]
    left: tuple[LotAtClose, ...]


class PeriodClosed(Event, frozen=True, kw_only=True):
    """A month of a customer is closed: its figures, as the ledger knew them at `position`.

    `month` is one of the customer's time zone, `ends_at` the first instant after it. What was
    recorded after `position` for this month or an earlier one is late. `root` is that of the
    whole ledger's first `position` events, `customer_root` that of the first `customer_size` of
    this customer. `accepted` names what was let stand: breaks as `account/break`, and accounts
    that no look at OVH covers.
    """

    TOPIC: ClassVar[str] = "sms.period-closed.1"
    customer: str
    month: str
    ends_at: datetime
    position: int
    root: str
    customer_size: int
    customer_root: str
    accepted: tuple[str, ...]
    accounts: tuple[AccountAtClose, ...]


class PeriodReopened(Event, frozen=True, kw_only=True):
    """A closed month is open again, and with it all later ones; `reason` says why."""

    TOPIC: ClassVar[str] = "sms.period-reopened.1"
    customer: str
    month: str


CustomerEvent = (
    CustomerRegistered
    | PaymentMethodsSeen
    | ImportStarted
    | ImportCompleted
    | ApiCallsSeen
    | VatRecoverySet
    | EntryAccountsSet
)
AccountEvent = (
    AccountOpened
    | AccountClosed
    | BalanceOpened
    | OpeningRestated
    | OpeningCostStated
    | CreditsPurchased
    | BillLineSeen
    | PurchaseAttributed
    | CreditsRefunded
    | RefundSeen
    | CreditsAdjusted
    | TransferSent
    | TransferReceived
    | RechargeSettingsSeen
    | RechargeChangeRequested
    | BreakOpened
    | BreakAccepted
    | BreakAdjusted
    | BreakNoted
)
ConsumptionEvent = (
    PageRecorded | LinesAttributed | LineCorrected | LinesNotBilled | LinesVanished
)
RatesEvent = RatesSeen | PacksSeen
TransferEvent = (
    TransferRequested
    | TransferConfirmed
    | TransferVoided
    | TransferUnknown
    | TransferSettledLate
)
PeriodEvent = PeriodClosed | PeriodReopened
LedgerEvent = (
    CustomerEvent
    | AccountEvent
    | ConsumptionEvent
    | RatesEvent
    | TransferEvent
    | PeriodEvent
    | BalanceObserved
    | RechargeRulesStated
)

EVENTS: Final[tuple[type[LedgerEvent], ...]] = get_args(LedgerEvent)
BY_TOPIC: Final[dict[str, type[LedgerEvent]]] = {event.TOPIC: event for event in EVENTS}


class Stamp(Struct, frozen=True, kw_only=True):
    """The part of the envelope that all events of one command share. Raises PersonalData."""

    recorded_at: datetime
    actor: str
    command_id: str
    source: Source
    caused_by: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        for text in (self.actor, self.reason):
            if text is not None:
                impersonal(text)

    def at(self, happened_at: datetime, source: Source | None = None) -> Envelope:
        """Give the envelope of an event that happened then."""
        return Envelope(
            happened_at=happened_at,
            recorded_at=self.recorded_at,
            actor=self.actor,
            command_id=self.command_id,
            caused_by=self.caused_by,
            reason=self.reason,
            source=source or self.source,
        )
