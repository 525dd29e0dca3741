"""Exact fractions, as they are written: the only places where a figure is rounded."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

from ledger.credits import Credits

_DECIMALS: Final = 6


def nearest(value: Fraction | int) -> int:
    """Give the nearest whole number, halves up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def credits_of(milli: Fraction | int) -> Credits:
    """Give thousandths of a credit as credits, to the nearest thousandth."""
    return Credits(nearest(milli))


def cents(amount: Fraction) -> str:
    """Write money to the nearest hundredth: `12.40`."""
    return f"{Decimal(nearest(amount * 100)).scaleb(-2):f}"


def digits(amount: Fraction) -> str:
    """Write a price with its exact digits; one that has no end, to six decimals."""
    text = f"{Decimal(nearest(amount * 10**_DECIMALS)).scaleb(-_DECIMALS):f}"
    return text.rstrip("0").rstrip(".")


def money(whole_cents: int | None) -> str | None:
    """Write whole cents: `12.40`; None where they are not known."""
    return None if whole_cents is None else f"{Decimal(whole_cents).scaleb(-2):f}"
