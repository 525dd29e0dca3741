"""A second first in, first out: slow and obvious, and nothing of ours in it.

Every twentieth of a credit is a coin of its own. An account is a list of coins in the order in
which they were bought; whoever spends takes the first ones. Each message is looked at alone, in
the order of time.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

COIN_MILLI = 50
BEFORE_ALL = datetime.min.replace(tzinfo=UTC)

CENT = Decimal("0.01")


class Coin(NamedTuple):
    """The fields are the order of coins; `place` counts those of a lot from 0."""

    bought: datetime
    number: int
    account: str
    lot: str
    place: int


@dataclass(frozen=True)
class Fact:
    """Something that happened to an account; `number` is the place in the order of recording.

    `words` are what its line of a drawing says after the time.
    """

    number: int
    at: datetime
    account: str
    kind: str
    milli: int = 0
    name: str = ""
    other: str = ""
    bill: str = ""
    gift_milli: int = 0
    net: Decimal | None = None
    line: int = 0


@dataclass
class Spent:
    """What was paid: the coins in the order in which they paid; None where none has (yet)."""

    account: str
    kind: str
    name: str
    at: datetime
    coins: list[Coin | None]


@dataclass
class Hoard:
    """All accounts of a customer."""

    coins: dict[str, list[Coin]] = field(default_factory=lambda: defaultdict(list))
    spent: list[Spent] = field(default_factory=list)
    sizes: dict[tuple[str, str], int] = field(default_factory=dict)
    prices: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    bills: dict[tuple[str, str], str] = field(default_factory=dict)
    # Credits sent before they were there: the lot they became, which spending they are of.
    ahead: dict[tuple[str, str], tuple[Spent, int]] = field(default_factory=dict)

    # --- lots ------------------------------------------------------------------------------

    def mint(
        self, at: datetime, fact: Fact, lot: str, milli: int, price: Decimal | None
    ) -> list[Coin]:
        size = milli // COIN_MILLI
        self.sizes[fact.account, lot] = size
        if price is not None:
            self.prices[fact.account, lot] = price
        self.bills[fact.account, lot] = fact.bill
        return [Coin(at, fact.number, fact.account, lot, place) for place in range(size)]

    def bought(self, fact: Fact) -> list[Coin]:
        paid = self.mint(fact.at, fact, fact.name, fact.milli, fact.net)
        # where nothing was bought, the gift is what the money is for
        price = Decimal(0) if fact.milli else fact.net
        free = self.mint(fact.at, fact, f"{fact.name}+gift", fact.gift_milli, price)
        return paid + free

    def price(self, coin: Coin) -> Decimal | None:
        """Give what one coin cost: the invoice up to it, less the invoice before it."""
        lot = (coin.account, coin.lot)
        whole = self.price_of(lot)
        if whole is None:
            return None
        size = self.sizes[lot]
        until = (whole * (coin.place + 1) / size).quantize(CENT, ROUND_HALF_UP)
        return until - (whole * coin.place / size).quantize(CENT, ROUND_HALF_UP)

    def price_of(self, lot: tuple[str, str], asked: tuple[Any, ...] = ()) -> Decimal | None:
        if lot in self.ahead and lot not in asked:
            spent, first = self.ahead[lot]
            total = Decimal(0)
            for coin in spent.coins[first:]:
                if coin is None:
                    return None
                own = (coin.account, coin.lot)
                if self.price_of(own, (*asked, lot)) is None:
                    return None
                total += self.price(coin) or 0
            return total
        return None if lot in self.ahead else self.prices.get(lot)

    # --- coming and going --------------------------------------------------------------------

    def come(self, account: str, coins: list[Coin]) -> None:
        for coin in sorted(coins):
            for spent in self.spent:
                if spent.account == account and None in spent.coins:
                    spent.coins[spent.coins.index(None)] = coin
                    break
            else:
                self.coins[account].append(coin)
        self.coins[account].sort()

    def go(self, fact: Fact, kind: str, milli: int) -> Spent:
        count = milli // COIN_MILLI
        taken: list[Coin | None] = list(self.coins[fact.account][:count])
        del self.coins[fact.account][:count]
        taken += [None] * (count - len(taken))
        spent = Spent(fact.account, kind, fact.name, fact.at, taken)
        self.spent.append(spent)
        return spent

    def give_back(self, fact: Fact) -> None:
        """Take the last coins of the bill, then the first of any."""
        of_bill = [
            coin
            for coin in self.coins[fact.account]
            if fact.bill and self.bills[coin.account, coin.lot] == fact.bill
        ]
        count = fact.milli // COIN_MILLI
        last = of_bill[::-1][:count]
        self.coins[fact.account] = [c for c in self.coins[fact.account] if c not in last]
        if last:
            self.spent.append(Spent(fact.account, "refund", fact.name, fact.at, list(last)))
        if len(last) < count:
            kind = "refund-beyond" if fact.bill else "refund"
            self.go(fact, kind, (count - len(last)) * COIN_MILLI)

    def send(self, fact: Fact, *, arrives: bool) -> None:
        spent = self.go(fact, "transfer", fact.milli)
        if not arrives:
            return
        here = [coin for coin in spent.coins if coin is not None]
        missing = len(spent.coins) - len(here)
        self.come(fact.other, here)
        if missing:
            received = Fact(fact.number, fact.at, fact.other, "transfer")
            lot = f"transfer+{fact.name}"
            ahead = self.mint(fact.at, received, lot, missing * COIN_MILLI, None)
            self.ahead[fact.other, lot] = (spent, len(here))
            self.come(fact.other, ahead)


LINES = ("sms", "reply", "hlr")


def hoard(facts: list[Fact], until: datetime) -> Hoard:
    """Let everything happen that happened before an instant."""
    found = Hoard()
    openings = _openings(facts)
    before = [fact for fact in facts if fact.at < until]
    for at in sorted({fact.at for fact in before}):
        _instant(found, facts, [fact for fact in before if fact.at == at], openings)
    return found


def _openings(facts: list[Fact]) -> dict[str, Fact]:
    """Give the opening that holds: a later one is not taken."""
    found: dict[str, Fact] = {}
    for fact in facts:
        known = found.get(fact.account)
        if fact.kind == "opening" and (
            known is None
            or (fact.at <= known.at and (fact.at, fact.milli) != (known.at, known.milli))
        ):
            found[fact.account] = fact
    return found


def _instant(
    found: Hoard, facts: list[Fact], happening: list[Fact], openings: dict[str, Fact]
) -> None:
    def counts(account: str) -> bool:
        return account not in openings or happening[0].at >= openings[account].at

    for fact in sorted(happening, key=lambda fact: fact.number):
        source = fact.account
        if fact.kind == "transfer" and not counts(source) and counts(fact.other):
            received = Fact(fact.number, fact.at, fact.other, "transfer")
            lot = f"transfer+{fact.name}"
            found.come(fact.other, found.mint(fact.at, received, lot, fact.milli, None))
        if openings.get(source) is fact:
            _open(found, facts, fact)
        if not counts(source):
            continue
        if fact.kind == "purchase":
            found.come(source, found.bought(fact))
        elif fact.kind == "gift" or (fact.kind == "adjustment" and fact.milli > 0):
            lot = f"{fact.kind}+{fact.name}"
            found.come(source, found.mint(fact.at, fact, lot, fact.milli, Decimal(0)))
    for account in _senders_first(happening):
        if counts(account):
            _spend(found, facts, [f for f in happening if f.account == account], counts)


def _senders_first(happening: list[Fact]) -> list[str]:
    left = sorted({fact.account for fact in happening})
    ordered = []
    while left:
        senders = [
            account
            for account in left
            if not any(
                fact.kind == "transfer" and fact.other == account and fact.account in left
                for fact in happening
            )
        ]
        ordered.append((senders or left)[0])
        left.remove(ordered[-1])
    return ordered


def _spend(found: Hoard, facts: list[Fact], happening: list[Fact], counts: Any) -> None:
    for fact in sorted(happening, key=lambda fact: fact.number):
        if fact.kind in LINES:
            found.go(fact, "used", _corrected(fact, facts))
    for fact in sorted(happening, key=lambda fact: fact.number):
        if fact.kind == "refund":
            found.give_back(fact)
        elif fact.kind == "adjustment" and fact.milli < 0:
            found.go(fact, "adjustment", -fact.milli)
        elif fact.kind == "transfer":
            found.send(fact, arrives=counts(fact.other))


def _corrected(line: Fact, facts: list[Fact]) -> int:
    """Give what a line costs in the end."""
    said = [f for f in facts if f.kind == "correct" and f.account == line.account]
    return next((f.milli for f in reversed(said) if f.line == line.line), line.milli)


def _open(found: Hoard, facts: list[Fact], opening: Fact) -> None:
    """Take the last coins of the bills before it; older ones were not bought in these books."""
    background: list[Coin] = []
    for fact in facts:
        if fact.account == opening.account and fact.at < opening.at and fact.kind == "purchase":
            background += found.bought(fact)
    background.sort()
    for fact in facts:
        if fact.account == opening.account and fact.at < opening.at and fact.kind == "refund":
            of_bill = [
                coin
                for coin in background
                if fact.bill and found.bills[coin.account, coin.lot] == fact.bill
            ]
            gone = of_bill[::-1][: fact.milli // COIN_MILLI]
            background = [coin for coin in background if coin not in gone]
    count = max(opening.milli, 0) // COIN_MILLI
    owned = background[len(background) - count :] if count < len(background) else background
    missing = count - len(owned)
    rest = found.mint(BEFORE_ALL, opening, "opening+balance", missing * COIN_MILLI, None)
    found.come(opening.account, [*rest, *owned] if count else [])
    if opening.milli < 0:
        owed = Fact(opening.number, opening.at, opening.account, "opening")
        found.go(owed, "opening", -opening.milli)
