"""Credits: the unit of account, in whole thousandths."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import total_ordering
from typing import Final

from ledger.errors import InvalidValue, TooFine

MILLI_PER_CREDIT: Final = 1000

# What a 64-bit column holds. What is read has at most twelve digits before the point, so that
# sums of thousands of the largest amounts still fit.
_LIMIT_MILLI: Final = 2**63 - 1

_PLAIN = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,3})?")
_TOO_FINE = re.compile(r"[0-9]+\.[0-9]{4,}")

# OVH's figures are binary doubles: so near to a thousandth, that thousandth is meant.
_NOISE: Final = Decimal("0.000001")


@total_ordering
class Credits:
    """An exact, signed number of credits.

    `milli` is the number of thousandths. Every value that OVH documents is a multiple of 0.05
    or 0.1 credit; finer values are refused (`TooFine`), never rounded.
    """

    __slots__ = ("milli",)
    milli: int

    def __init__(self, milli: int) -> None:
        if not -_LIMIT_MILLI <= milli <= _LIMIT_MILLI:
            limit = _LIMIT_MILLI // MILLI_PER_CREDIT
            msg = f"expected at most {limit} credits, found {milli} thousandths"
            raise InvalidValue(msg)
        object.__setattr__(self, "milli", milli)

    def __setattr__(self, name: str, value: object) -> None:
        msg = f"Credits are immutable: {name} cannot be set to {value}"
        raise AttributeError(msg)

    def __reduce__(self) -> tuple[type[Credits], tuple[int]]:
        return Credits, (self.milli,)

    @classmethod
    def parse(cls, text: str, *, signed: bool = False) -> Credits:
        """Read what a person or a file wrote: digits, then perhaps a point and 1–3 decimals.

        A sign is taken only where `signed` says so. Raises InvalidValue or TooFine.
        """
        sign, digits = 1, text
        if signed and text[:1] in {"-", "+"}:
            sign, digits = (-1 if text[0] == "-" else 1), text[1:]
        if _TOO_FINE.fullmatch(digits):
            msg = f"expected credits with at most three decimals, found {text!r}"
            raise TooFine(msg)
        if not _PLAIN.fullmatch(digits):
            example = "-12.5" if signed else "12.5"
            msg = f"expected credits as digits with a point, like {example}, found {text!r}"
            raise InvalidValue(msg)
        whole, _, decimals = digits.partition(".")
        return cls(sign * (int(whole) * MILLI_PER_CREDIT + int(decimals.ljust(3, "0"))))

    @classmethod
    def from_ovh(cls, number: Decimal) -> Credits:
        """Read one of OVH's doubles.

        Within a millionth of a credit from a thousandth, that thousandth is meant; a truly
        finer value raises TooFine, for a person to look at.
        """
        if not number.is_finite() or abs(number) > _LIMIT_MILLI:
            msg = f"expected a number of credits, found {number}"
            raise InvalidValue(msg)
        nearest = number.quantize(Decimal("0.001"))
        if abs(number - nearest) > _NOISE:
            msg = f"expected credits in thousandths, found {number}"
            raise TooFine(msg)
        return cls(int(nearest * MILLI_PER_CREDIT))

    def __add__(self, other: Credits) -> Credits:
        return Credits(self.milli + other.milli)

    def __sub__(self, other: Credits) -> Credits:
        return Credits(self.milli - other.milli)

    def __neg__(self) -> Credits:
        return Credits(-self.milli)

    def __bool__(self) -> bool:
        return self.milli != 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Credits) and self.milli == other.milli

    def __lt__(self, other: Credits) -> bool:
        return self.milli < other.milli

    def __hash__(self) -> int:
        return hash(self.milli)

    def __str__(self) -> str:
        """The exact digits, without needless zeros: `1987.2`, `-3`, `0`."""
        whole, rest = divmod(abs(self.milli), MILLI_PER_CREDIT)
        sign = "-" if self.milli < 0 else ""
        return f"{sign}{whole}.{rest:03d}".rstrip("0").rstrip(".")

    def __repr__(self) -> str:
        return f"Credits({self.milli})"


ZERO: Final = Credits(0)
