"""Knobs: every behaviour that OVH does not document, named, typed and explained.

A knob's default is a guess, not a fact about OVH. Whoever depends on one should turn it
the other way in a test.
"""

from decimal import Decimal
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0)]


class UnknownKnob(ValueError):
    """There is no knob of this name, or it cannot take this value."""


def explained(text: str) -> Meta:
    return Meta(description=text)


Switch = bool


class Knobs(msgspec.Struct, frozen=True, kw_only=True):
    # --- automatic recharge
    recharge_trigger: Annotated[
        Literal["<", "<="],
        explained("a recharge starts when the balance is `<` or `<=` the threshold"),
    ] = "<"
    recharge_counts_hold: Annotated[
        Switch, explained("credits held by quotas count as balance for the threshold")
    ] = False
    recharge_delay_s: Annotated[
        Count, explained("seconds from the trigger to the credits of a recharge")
    ] = 120
    recharge_in_flight: Annotated[
        Literal["one", "many"],
        explained("whether another debit below the threshold starts a second recharge"),
    ] = "one"
    recharge_repeats: Annotated[
        Switch, explained("a finished recharge that leaves too little starts the next one")
    ] = True
    recharge_needs_sepa: Annotated[
        Switch, explained("a recharge needs a valid SEPA payment method")
    ] = True
    recharge_min_age_months: Annotated[
        Count, explained("age of the service before it can be recharged")
    ] = 2
    recharge_fails: Annotated[
        Switch, explained("the charge fails: an order stays notPaid, no bill, no credits")
    ] = False
    recharge_settings: Annotated[
        Literal["taken", "ignored"],
        explained("new recharge settings are taken, or answered and passed over"),
    ] = "taken"
    transfer_triggers_recharge: Annotated[
        Switch, explained("a transfer that empties an account can start its recharge")
    ] = True
    # --- bills and orders
    bill_delay_s: Annotated[
        Count, explained("seconds from the credits to their bill being visible")
    ] = 0
    bill_category: Annotated[
        Literal[
            "autorenew", "earlyrenewal", "purchase", "purchase-cloud", "purchase-servers",
            "purchase-telecom", "purchase-web",
        ],
        explained("category of the bill of an ordered pack"),
    ] = "purchase-telecom"  # fmt: skip
    recharge_bill_category: Annotated[
        Literal["autorenew", "purchase", "purchase-telecom"],
        explained("category of the bill of an automatic recharge"),
    ] = "purchase-telecom"
    bill_wording: Annotated[
        Literal["english", "local"], explained("language of a pack's bill line")
    ] = "local"
    bill_names_credits: Annotated[
        Switch, explained("a bill line's description tells the number of credits")
    ] = True
    bill_quantity: Annotated[
        Literal["credits", "one"],
        explained("a bill line's quantity is the number of credits, or 1"),
    ] = "credits"
    purchase_delay_s: Annotated[
        Count, explained("seconds from a paid order to its credits")
    ] = 0
    order_payment: Annotated[
        Literal["at-once", "by-pay"],
        explained("a posted order is paid at once, or by POST /me/order/{id}/pay"),
    ] = "at-once"
    # --- rows
    receipt_16: Annotated[
        Literal["kept", "refunded", "zeroed"],
        explained(
            "receipt 16 (not billed): nothing changes; the credits come back; they come"
            " back and the row shows 0"
        ),
    ] = "kept"
    queue_delay_s: Annotated[
        Count, explained("seconds that a message stays in /jobs (404 in /outgoing)")
    ] = 0
    users_rows_in_account: Annotated[
        Switch, explained("messages of users are in the account's /outgoing and /incoming")
    ] = True
    alert_row: Annotated[Switch, explained("an alert SMS to a user is a row in /outgoing")] = (
        False
    )
    receiver_format: Annotated[
        Literal["plus", "zeros", "mixed"],
        explained("numbers are shown as +39…, 0039…, or now one, now the other"),
    ] = "plus"
    reply_below_zero: Annotated[
        Switch, explained("a reply is received and debited even if credits are short")
    ] = True
    retention_months: Annotated[
        Count, explained("months that history can be read; 0 keeps all")
    ] = 6
    batch_step_s: Annotated[Count, explained("seconds between two steps of a batch")] = 60
    batch_step_messages: Annotated[
        Annotated[int, Meta(ge=1)], explained("messages sent and debited in one step")
    ] = 50
    # --- keys
    validation: Annotated[
        Literal["person", "at-once"],
        explained("a requested key waits until its page is opened, or is valid at once"),
    ] = "person"
    validated_for_s: Annotated[
        Count, explained("seconds that a key is valid after its validation; 0 has no end")
    ] = 0
    unvalidated_key: Annotated[
        Literal["refused", "shown"],
        explained("/auth/currentCredential of a key that is not validated: 403, or its status"),
    ] = "refused"
    refused_key: Annotated[
        Literal["kept", "gone"],
        explained("a key that its customer refused is no valid one, or does not exist"),
    ] = "kept"
    token_s: Annotated[
        Annotated[int, Meta(ge=1)], explained("seconds that an OAuth2 token is valid")
    ] = 3600
    # --- answers
    time_window_s: Annotated[
        Count, explained("seconds that a signature's timestamp may be off")
    ] = 30
    time_zone: Annotated[str, explained("zone whose offset is shown in every datetime")] = (
        "Europe/Paris"
    )
    void: Annotated[
        Literal["null", "204"], explained("a void call answers `200 null` or an empty 204")
    ] = "null"
    refused_key_body: Annotated[
        Literal["legacy", "iam"],
        explained("form of the 403 for a wrong key or credential"),
    ] = "legacy"
    refused_rights_body: Annotated[
        Literal["legacy", "iam"],
        explained("form of the 403 for a call that the rules do not grant"),
    ] = "iam"
    wrong_type_answer: Annotated[
        Literal["bad-request", "invalid-signature"],
        explained("answer to a body parameter of a wrong type (python-ovh #103)"),
    ] = "bad-request"
    no_credit_status: Annotated[
        Literal[400, 402, 403], explained("status when credits are short for a sending")
    ] = 403
    quota_short_status: Annotated[
        Literal[400, 403, 409], explained("status when a quota exceeds the credits left")
    ] = 403
    retry_after_s: Annotated[
        Count, explained("Retry-After header of a 429; 0 leaves it out")
    ] = 0
    requests_per_minute: Annotated[
        Count, explained("requests a minute and key before 429; 0 has no limit")
    ] = 0
    rates_all: Annotated[
        Literal["refused", "cheapest", "dearest"],
        explained("answer of /sms/rates/destinations to country=all"),
    ] = "refused"
    log_reads: Annotated[Switch, explained("GET calls are listed in /me/api/logs, too")] = False
    # --- X-Ovh-Batch
    batch: Annotated[Switch, explained("the header X-Ovh-Batch is understood")] = True
    batch_max_ids: Annotated[
        Annotated[int, Meta(ge=1)], explained("ids in one X-Ovh-Batch request")
    ] = 50
    batch_key: Annotated[
        Literal["string", "number"], explained("type of `key` in a batch answer")
    ] = "string"
    batch_error: Annotated[
        Literal["object", "string"], explained("type of `error` in a batch answer")
    ] = "object"
    batch_order: Annotated[
        Literal["asked", "reversed"], explained("order of the items in a batch answer")
    ] = "asked"
    batch_routes: Annotated[
        str, explained("routes that understand X-Ovh-Batch, by the words before the id")
    ] = "outgoing,incoming,jobs,hlr,senders,details,order"
    # --- transferCredits
    transfer_short_status: Annotated[
        Literal[400, 403, 409], explained("status when the source has too few credits")
    ] = 403
    transfer_target_status: Annotated[
        Literal[400, 403, 404], explained("status for an unknown or foreign target")
    ] = 404
    transfer_same_status: Annotated[
        Literal[0, 400, 403, 409],
        explained("status when source and target are one; 0 accepts and moves nothing"),
    ] = 400
    transfer_amount_status: Annotated[
        Literal[400, 403], explained("status for an amount below the minimum or too fine")
    ] = 400
    transfer_minimum: Annotated[Decimal, explained("least credits of a transfer")] = Decimal(
        "0.001"
    )
    transfer_decimals: Annotated[
        Annotated[int, Meta(ge=0, le=3)], explained("decimals that a transfer may have")
    ] = 3
    transfer_moves_hold: Annotated[
        Switch, explained("credits held by quotas may be transferred")
    ] = False
    # --- faults
    fault_rate: Annotated[
        Annotated[float, Meta(ge=0, le=1)],
        explained("share of requests that fail at random, seeded"),
    ] = 0.0


class Knob(msgspec.Struct, frozen=True):
    name: str
    values: str
    default: str
    text: str


def listed() -> list[Knob]:
    """List every knob, in the order of the struct."""
    hints = get_type_hints(Knobs, include_extras=True)
    return [
        Knob(field.name, _values(hints[field.name]), shown(field.default), _text(field.name))
        for field in msgspec.structs.fields(Knobs)
    ]


def turned(settings: dict[str, str], knobs: Knobs | None = None) -> Knobs:
    """Set knobs by name from text, as the command line gives them."""
    values = msgspec.structs.asdict(knobs or Knobs())
    for name, text in settings.items():
        if name not in values:
            raise UnknownKnob(f"no knob is called {name!r}; `sandbox knobs` lists them")
        values[name] = _read(name, text)
    return Knobs(**values)


def shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(name: str, text: str) -> object:
    kind = get_type_hints(Knobs, include_extras=True)[name]
    value: object = int(text) if _is_status(kind) and text.isdigit() else text
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as wrong:
        message = f"knob {name} takes {_values(kind)}, not {text!r}"
        raise UnknownKnob(message) from wrong


def _is_status(kind: object) -> bool:
    return any(isinstance(choice, int) for choice in _choices(kind))


def _choices(kind: object) -> tuple[object, ...]:
    inner = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return get_args(inner) if get_origin(inner) is Literal else ()


def _values(kind: object) -> str:
    choices = _choices(kind)
    if choices:
        return " | ".join(shown(choice) for choice in choices)
    inner = get_args(kind)[0]
    return {bool: "true | false", str: "text", Decimal: "decimal", float: "0 … 1"}.get(
        inner, "number"
    )


def _text(name: str) -> str:
    metas = get_args(get_type_hints(Knobs, include_extras=True)[name])[1:]
    texts = [meta.description for meta in metas if isinstance(meta, Meta)]
    return next(text for text in reversed(texts) if text)
