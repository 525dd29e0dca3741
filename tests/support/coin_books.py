"""Random facts for ledgers and for hoards of coins, and what is left in both."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from books import Books
from coins import COIN_MILLI, LINES, Coin, Fact, Hoard
from hypothesis import strategies as st

ACCOUNTS = ("sms-one-1", "sms-one-2", "sms-one-3")
START = datetime(2026, 10, 23, 22, tzinfo=UTC)
HOURS = 60
THE_END = datetime(2027, 1, 1, tzinfo=UTC)

KINDS = (*LINES, "sms", "sms", "purchase", "purchase", "purchase", "gift", "adjustment",
         "refund", "transfer", "transfer", "correct", "opening")  # fmt: skip


@st.composite
def facts(draw, number: int) -> Fact:
    account = draw(st.sampled_from(ACCOUNTS))
    kind = draw(st.sampled_from(KINDS))
    milli = draw(st.integers(0, 40)) * COIN_MILLI
    if kind in ("adjustment", "opening") and draw(st.booleans()):
        milli = -milli if kind == "adjustment" or draw(st.booleans()) else milli
    return Fact(
        number=number,
        at=START + timedelta(hours=draw(st.integers(0, HOURS))),
        account=account,
        kind=kind,
        milli=milli,
        name=f"n{number}",
        other=draw(st.sampled_from([other for other in ACCOUNTS if other != account])),
        bill=draw(st.sampled_from(["", "IT1", "IT2"]))
        if kind in ("purchase", "refund")
        else "",
        gift_milli=draw(st.sampled_from([0, 0, 5 * COIN_MILLI])) if kind == "purchase" else 0,
        net=Decimal(draw(st.integers(0, 999))) / 100 if kind == "purchase" else None,
        line=draw(st.integers(1, 4)),
    )


def told(history: list[Fact]) -> list[str]:
    rows = []
    for fact in history:
        rows += [f"account {fact.account}", f"{fact.at:%Y-%m-%d %H:%M+00:00} {_rest(fact)}"]
    return rows


def credits(milli: int) -> str:
    return f"{'-' if milli < 0 else ''}{abs(milli) // 1000}.{abs(milli) % 1000:03d}"


def _rest(fact: Fact) -> str:
    amount = credits(fact.milli)
    match fact.kind:
        case "purchase":
            bill = f" bill={fact.bill}" if fact.bill else ""
            gift = f" gift={credits(fact.gift_milli)}" if fact.gift_milli else ""
            return f"purchase {amount} {fact.name} net={fact.net}{bill}{gift}"
        case "refund":
            return f"refund {amount} {fact.name} {fact.bill}"
        case "correct":
            return f"correct {fact.line} {amount}"
        case "transfer":
            return f"transfer {amount} {fact.other} {fact.name}"
        case "gift" | "adjustment":
            return f"{fact.kind} {amount} {fact.name}"
        case _:
            return f"{fact.kind} {amount}"


def left(books: Books, *words: str) -> dict[tuple[str, str, str], tuple[int, str | None]]:
    """By account and lot: how many thousandths are left, and what they cost."""
    return {
        (row["account"], row["bought_by"], row["lot"]): (
            int(Decimal(row["left"]) * 1000),
            row["left_cost"],
        )
        for row in books.rows("lots", *words)
        if Decimal(row["left"]) and row["lot"]
    }


def left_in(found: Hoard) -> dict[tuple[str, str, str], tuple[int, str | None]]:
    rows: dict[tuple[str, str, str], tuple[int, str | None]] = {}
    for account, coins in found.coins.items():
        of: dict[tuple[str, str], list[Coin]] = defaultdict(list)
        for coin in coins:
            of[coin.account, coin.lot].append(coin)
        for lot, some in of.items():
            prices = [found.price(coin) for coin in some]
            cost = None if None in prices else f"{sum(prices, Decimal(0)):.2f}"
            rows[account, *lot] = (len(some) * COIN_MILLI, cost)
    return rows
