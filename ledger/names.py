"""Names: customers, accounts, streams, and the labels that may be kept in an event."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from ledger.errors import InvalidValue

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_KEEPABLE = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_DIGIT_RUN = re.compile(r"[0-9]{5}")
# A phone number may be written in groups; a date has no more than eight digits.
_GROUPED_NUMBER = re.compile(r"(?:[0-9][._-]?){9}")

# The first words of other streams: an account of that name would be taken for one of them.
_RESERVED: Final = frozenset({"customer", "rates", "recharge"})

ALIAS_MARK: Final = "~"

# The tree over the whole ledger; the others are named as customers are.
WHOLE: Final = ""
# The kind of a break that no event opened: a part of the drift that a person decides on.
RESIDUAL: Final = "residual"

CONSUMPTION: Final = "/consumption"
OBSERVATIONS: Final = "/observations"
TRANSFERS: Final = "/transfers"
PERIODS: Final = "/periods"

_COUNTRY = re.compile(r"[A-Za-z]{2}")


def customer_name(text: str) -> str:
    """Check an OVH customer identifier (nichandle), such as `ab12345-ovh`."""
    return _checked(text, "an OVH customer identifier like ab12345-ovh")


def account_name(text: str) -> str:
    """Check the `serviceName` of an SMS account, such as `sms-ab12345-1`."""
    return _checked(text, "an SMS account like sms-ab12345-1")


def _checked(text: str, what: str) -> str:
    if not _NAME.fullmatch(text) or text in _RESERVED:
        msg = f"expected {what}, found {text!r}"
        raise InvalidValue(msg)
    return text


def country_code(text: str) -> str:
    """Check an ISO 3166 country code, such as `IT`; OVH writes them small, the ledger not."""
    if not _COUNTRY.fullmatch(text):
        msg = f"expected a country of two letters like IT, found {text!r}"
        raise InvalidValue(msg)
    return text.upper()


def customer_stream(customer: str) -> str:
    return f"customer/{customer}"


def transfers_stream(customer: str) -> str:
    return f"{customer_stream(customer)}{TRANSFERS}"


def periods_stream(customer: str) -> str:
    return f"{customer_stream(customer)}{PERIODS}"


def consumption_stream(account: str) -> str:
    return f"{account}{CONSUMPTION}"


def observations_stream(account: str) -> str:
    return f"{account}{OBSERVATIONS}"


def rates_stream(billing_country: str) -> str:
    return f"rates/{billing_country}"


# Of the whole ledger: OVH's rules are the same for all customers.
RECHARGE_RULES: Final = "recharge/rules"


def may_be_kept(label: str) -> bool:
    """Tell whether a tag or login holds no personal data as far as its shape can tell.

    Short plain words are kept; a run of five digits could be part of a phone number, an `@` an
    e-mail address. Everything else gets a random alias (`aliases`), whose meaning lives in an
    erasable table.
    """
    if not _KEEPABLE.fullmatch(label):
        return False
    return not (_DIGIT_RUN.search(label) or _GROUPED_NUMBER.search(label))


def break_name(kind: str, reference: str) -> str:
    """Name a break in one word, to be typed; the reference of a residual says all."""
    return reference if kind == RESIDUAL else f"{kind}:{reference}".replace(" ", ":")


def residual_reference(first_seen_at: datetime, credits: str) -> str:
    """Name a residual by when it was first seen (UTC) and its signed credits.

    Such as `20261031T170000Z-12.5`: what it names is pinned, a difference of other credits, or
    another day, has another name.
    """
    sign = "" if credits.startswith("-") else "+"
    return f"{first_seen_at:%Y%m%dT%H%M%SZ}{sign}{credits}"


def customer_of(stream: str) -> str | None:
    """Give the customer that a customer's stream names."""
    prefix, _, rest = stream.partition("/")
    return rest.partition("/")[0] if prefix == "customer" and rest else None


def account_of(stream: str) -> str | None:
    """Give the account that an account's stream names."""
    first = stream.partition("/")[0]
    return None if customer_of(stream) or first in _RESERVED else first
