"""Money: an exact decimal with its currency."""

from __future__ import annotations

import re
from decimal import Decimal

from ledger.errors import InvalidValue

_PLAIN = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,8})?")
_STORED = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_CURRENCY = re.compile(r"[A-Z]{3}")


class Money:
    """An amount in one currency, with the digits that its document shows.

    OVH bills SMS credits in EUR, GBP and PLN. `4.20` and `4.2` are equal amounts; the digits
    are kept as they were read. It is no dataclass, which msgspec would store field by field
    and read back loosely, where an event holds the text.
    """

    __slots__ = ("amount", "currency")
    amount: Decimal
    currency: str

    def __init__(self, amount: Decimal, currency: str) -> None:
        if not amount.is_finite():
            msg = f"expected an amount of money, found {amount}"
            raise InvalidValue(msg)
        if not _CURRENCY.fullmatch(currency):
            msg = f"expected a currency of three capital letters, found {currency!r}"
            raise InvalidValue(msg)
        object.__setattr__(self, "amount", amount)
        object.__setattr__(self, "currency", currency)

    def __setattr__(self, name: str, value: object) -> None:
        msg = f"Money is immutable: {name} cannot be set to {value}"
        raise AttributeError(msg)

    def __reduce__(self) -> tuple[type[Money], tuple[Decimal, str]]:
        return Money, (self.amount, self.currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read digits with a decimal point, at most eight decimals. Raises InvalidValue."""
        if not _PLAIN.fullmatch(text):
            msg = f"expected an amount like 4.20, found {text!r}"
            raise InvalidValue(msg)
        return cls(Decimal(text), currency)

    @classmethod
    def from_text(cls, text: str) -> Money:
        """Read the stored form, `4.20 EUR`, and no other. Raises InvalidValue."""
        amount, _, currency = text.partition(" ")
        if not _STORED.fullmatch(amount):
            msg = f"expected money like '4.20 EUR', found {text!r}"
            raise InvalidValue(msg)
        return cls(Decimal(amount), currency)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def _parts(self) -> tuple[Decimal, str]:
        return self.amount, self.currency

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"

    def __repr__(self) -> str:
        return f"Money({str(self)!r})"
