"""What happens between messages: credits are bought, given, moved; a campaign ends."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Final

from bench.books.accounts import Account, Drawn, campaign, credits_text

CAMPAIGN_LINES: Final = 400
_VAT_PERCENT: Final = 22

# What people do follows the calendar: of a large book as much as of one of a million messages.
_RARE_LINES: Final = 500
_RARE: Final = 2_000


class Movements:
    """Gives the rows after a message; `chance`, from 0 to 1, decides on what is rare."""

    def __init__(self, draw: random.Random, of: Sequence[Account], lines: int) -> None:
        self._draw = draw
        self._of = of
        self._rare_lines = max(_RARE_LINES, lines / _RARE)
        self._number = 7_000_000

    def rows(self, account: Account, sent: Drawn, at: str, chance: float) -> Iterator[str]:
        if sent.campaign and chance * CAMPAIGN_LINES < 1:
            account.batches[sent.campaign] = campaign(self._draw)
        if account.milli < account.pack * 100:
            yield self._bought(account, "recharge", at)
        if chance * self._rare_lines < 1:
            yield from self._rare(account, at)

    def _rare(self, account: Account, at: str) -> Iterator[str]:
        match self._draw.choices(("transfer", "purchase", "gift", "adjustment", "refund"),
                                 (60, 20, 8, 8, 4))[0]:  # fmt: skip
            case "transfer":
                yield self._transfer(account, at)
            case "purchase":
                yield self._bought(account, "purchase", at)
            case "gift":
                yield self._changed(account, "gift", at, milli=10_000)
            case "adjustment":
                yield self._changed(account, "adjustment", at, milli=-1_500)
            case _:
                yield self._changed(account, "refund", at, milli=-5_000)

    def _next(self) -> int:
        self._number += 1 + self._draw.randrange(9)
        return self._number

    def _bought(self, account: Account, kind: str, at: str) -> str:
        """Buy a pack; the larger, the cheaper."""
        account.milli += account.pack * 1000
        cents = account.pack * (5 if account.pack < 10_000 else 4)
        money = f"{_cents(cents)},{_cents((cents * _VAT_PERCENT + 50) // 100)},EUR"
        number, after = self._next(), self._next()
        told = f"{account.customer},{account.name},{kind},{number},{at},{account.pack}"
        return f"{told},,,,,,,{money},IT{after}\n"

    def _changed(self, account: Account, kind: str, at: str, *, milli: int) -> str:
        account.milli += milli
        sign = "-" if kind == "adjustment" else ""
        told = f"{account.customer},{account.name},{kind},{self._next()},{at}"
        return f"{told},{sign}{credits_text(abs(milli))}{',' * 10}\n"

    def _transfer(self, source: Account, at: str) -> str:
        """Move credits to the customer's next account, in the order of size."""
        own = [one for one in self._of if one.customer == source.customer]
        target = own[(own.index(source) + 1) % len(own)]
        milli = 50_000 + 500 * self._draw.randrange(200)
        source.milli -= milli
        target.milli += milli
        told = f"{source.customer},{source.name},transfer,{self._next()},{at}"
        return f"{told},{credits_text(milli)},,,,,,{target.name},,,,\n"


def _cents(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
