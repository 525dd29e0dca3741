"""A second first in, first out: slow and obvious, and nothing of ours in it.

Every twentieth of a credit is a coin of its own. An account is a list of coins in the order in
which they were bought; whoever spends takes the first ones. Each message is looked at alone, in
the order of time.

Where months were closed, a fact that was recorded too late for its own happens at the beginning
of the first month that was not closed without it, before all else there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

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


class Closed(NamedTuple):
    """A month that ends somewhere was closed when so many facts were recorded."""

    end: datetime
    facts: int


def stands(fact: Fact, closes: Sequence[Closed]) -> datetime:
    """Say when a fact counts: month by month, until one is open, or was closed with it."""
    at = fact.at
    for month in closes:
        if at < month.end and fact.number >= month.facts:
            at = month.end
    return at


@dataclass
class Spent:
    """What was paid: the coins in the order in which they paid; None where none has (yet).

    `stands` is when it counts; what was given `back` is taken away again.
    """

    account: str
    kind: str
    name: str
    at: datetime
    coins: list[Coin | None]
    stands: datetime | None = None
    back: bool = False
    returned: set[int] = field(default_factory=set)

    def returnable(self) -> list[int]:
        """Give the places of coins that were not given back."""
        return [
            place
            for place in range(len(self.coins))
            if place not in self.returned and not self.back
        ]


@dataclass
class Hoard:
    """All accounts of a customer."""

    coins: dict[str, list[Coin]] = field(default_factory=lambda: defaultdict(list))
    spent: list[Spent] = field(default_factory=list)
    sizes: dict[tuple[str, str], int] = field(default_factory=dict)
    prices: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    bills: dict[tuple[str, str], str] = field(default_factory=dict)
    now: datetime = BEFORE_ALL
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
                unpaid = [place for place in spent.returnable() if spent.coins[place] is None]
                if spent.account == account and unpaid:
                    spent.coins[unpaid[0]] = coin
                    break
            else:
                self.coins[account].append(coin)
        self.coins[account].sort()

    def go(self, fact: Fact, kind: str, milli: int) -> Spent:
        count = milli // COIN_MILLI
        taken: list[Coin | None] = list(self.coins[fact.account][:count])
        del self.coins[fact.account][:count]
        taken += [None] * (count - len(taken))
        spent = Spent(fact.account, kind, fact.name, fact.at, taken, self.now)
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
            self.spent.append(
                Spent(fact.account, "refund", fact.name, fact.at, list(last), self.now)
            )
        if len(last) < count:
            kind = "refund-beyond" if fact.bill else "refund"
            self.go(fact, kind, (count - len(last)) * COIN_MILLI)

    def take_back(self, fact: Fact, milli: int) -> None:
        """Give back the last coins that messages of a day were paid with, unpaid ones first.

        They come back together: what waits to be paid gets the oldest of them.
        """
        day = [
            spent
            for spent in self.spent
            if spent.account == fact.account
            and spent.kind == "used"
            and not spent.back
            and _day(fact) == spent.at.astimezone(ZoneInfo("Europe/Rome")).date()
        ]
        wanted = milli // COIN_MILLI
        back: list[Coin | None] = []
        for spent in reversed(day):
            here = sorted(spent.returnable(), key=lambda place: spent.coins[place] is not None)
            while len(back) < wanted and here:
                place = here.pop(0) if spent.coins[here[0]] is None else here.pop()
                spent.returned.add(place)
                back.append(spent.coins[place])
        self.spent.append(Spent(fact.account, "used", "", fact.at, back, self.now, back=True))
        self.come(fact.account, [coin for coin in back if coin is not None])

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


def hoard(facts: list[Fact], until: datetime, closes: Sequence[Closed] = ()) -> Hoard:
    """Let everything happen that counts before an instant."""
    found = Hoard()
    openings = _openings(facts)
    when = {fact.number: stands(fact, closes) for fact in facts}
    before = [fact for fact in facts if when[fact.number] < until]
    for at in sorted(set(when.values())):
        here = [fact for fact in before if when[fact.number] == at]
        found.now = at
        for happening in ([fact for fact in here if fact.at < at],
                          [fact for fact in here if fact.at == at]):  # fmt: skip
            _instant(found, facts, happening, openings, when)
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
    found: Hoard,
    facts: list[Fact],
    happening: list[Fact],
    openings: dict[str, Fact],
    when: dict[int, datetime],
) -> None:
    def counts(account: str, fact: Fact) -> bool:
        return account not in openings or fact.at >= openings[account].at

    for fact in sorted(happening, key=lambda fact: (fact.at, fact.number)):
        source = fact.account
        if fact.kind == "transfer" and not counts(source, fact) and counts(fact.other, fact):
            received = Fact(fact.number, fact.at, fact.other, "transfer")
            lot = f"transfer+{fact.name}"
            found.come(fact.other, found.mint(fact.at, received, lot, fact.milli, None))
        if openings.get(source) is fact:
            _open(found, facts, fact)
        if not counts(source, fact):
            continue
        if fact.kind == "purchase":
            found.come(source, found.bought(fact))
        elif fact.kind == "gift" or (fact.kind == "adjustment" and fact.milli > 0):
            lot = f"{fact.kind}+{fact.name}"
            found.come(source, found.mint(fact.at, fact, lot, fact.milli, Decimal(0)))
    for account in _senders_first(happening):
        of = [fact for fact in happening if fact.account == account and counts(account, fact)]
        _spend(found, facts, of, counts, when)


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


def _spend(
    found: Hoard,
    facts: list[Fact],
    happening: list[Fact],
    counts: Any,
    when: dict[int, datetime],
) -> None:
    by_day: dict[date, list[Fact]] = defaultdict(list)
    for fact in sorted(happening, key=lambda fact: fact.number):
        if fact.kind in (*LINES, "correct"):
            by_day[_day(fact)].append(fact)
    for _, of in sorted(by_day.items()):
        _spend_day(found, facts, of, when)
    for fact in sorted(happening, key=lambda fact: (fact.at, fact.number)):
        if fact.kind == "refund":
            found.give_back(fact)
        elif fact.kind == "adjustment" and fact.milli < 0:
            found.go(fact, "adjustment", -fact.milli)
        elif fact.kind == "transfer":
            found.send(fact, arrives=counts(fact.other, fact))


def _spend_day(
    found: Hoard, facts: list[Fact], of: list[Fact], when: dict[int, datetime]
) -> None:
    """Pay the messages of a day with what later corrections made dearer; then give back."""
    less = 0
    for fact in of:
        if fact.kind in LINES:
            found.go(fact, "used", _corrected(fact, facts, when))
        elif when[fact.number] > fact.at:
            more = fact.milli - _cost_before(fact, facts)
            less += max(-more, 0)
            if more > 0:
                found.go(fact, "used", more)
    if less:
        found.take_back(of[0], less)


def _day(fact: Fact) -> date:
    return fact.at.astimezone(ZoneInfo("Europe/Rome")).date()


def _of_line(fact: Fact, facts: list[Fact]) -> list[Fact]:
    """Give a line, and what corrected it, in the order of recording."""
    return [
        one
        for one in facts
        if one.account == fact.account
        and one.line == fact.line
        and (one.kind == "correct" or one.kind in LINES)
    ]


def _cost_before(correction: Fact, facts: list[Fact]) -> int:
    told = [one for one in _of_line(correction, facts) if one.number < correction.number]
    return told[-1].milli


def _corrected(line: Fact, facts: list[Fact], when: dict[int, datetime]) -> int:
    """Give what a line costs in the end, without corrections that come late."""
    told = _of_line(line, facts)
    late = [one for one in told if one.kind == "correct" and when[one.number] > one.at]
    return told[-1].milli - sum(one.milli - _cost_before(one, facts) for one in late)


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
