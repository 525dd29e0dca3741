"""Exact numbers: credits in whole thousandths, money in `Decimal`, never a float."""

from decimal import ROUND_HALF_UP, Decimal

Number = int | Decimal
Json = dict[str, object]

CREDIT = 1000  # thousandths in one credit
UCENTS = 10**8  # OVH's "micro-cents" in one unit of a currency
CENT = Decimal("0.01")
SYMBOLS = {"EUR": "€", "GBP": "£", "PLN": "zł"}


class TooFine(ValueError):
    """An amount of credits is finer than a thousandth."""


def milli(credits: Number | str) -> int:
    """Read credits as whole thousandths; finer ones are refused."""
    scaled = Decimal(credits) * CREDIT
    if scaled != scaled.to_integral_value():
        raise TooFine(f"{credits} is finer than a thousandth of a credit")
    return int(scaled)


def number(milli: int) -> Number:
    """Print thousandths as OVH does: whole credits as integers, others as decimals."""
    return plain(Decimal(milli).scaleb(-3))


def plain(value: Decimal) -> Number:
    """Print a decimal without trailing zeros, and without a point when it is whole."""
    whole = value.to_integral_value()
    return int(whole) if value == whole else value.normalize()


def cents(value: Decimal) -> Decimal:
    """Round money half up, as an invoice does."""
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def price(value: Decimal, currency: str) -> Json:
    """Show an `order.Price` as /sms has it."""
    shown = value if value != cents(value) else cents(value)
    return {
        "currencyCode": currency,
        "text": f"{shown} {SYMBOLS[currency]}",
        "value": plain(value),
    }


def price_in_ucents(value: Decimal, currency: str) -> Json:
    """Show an `order.Price` as /me and /order have it: with `priceInUcents`."""
    return price(value, currency) | {"priceInUcents": int(value * UCENTS)}
