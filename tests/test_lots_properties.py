"""Random books: lots, draws and their money equal a first in, first out of single coins."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from books import Books
from coin_books import ACCOUNTS, HOURS, START, THE_END, facts, left, left_in, told
from coins import COIN_MILLI, LINES, Fact, Hoard, hoard
from hypothesis import strategies as st
from properties import on_each_store
from stores import Store

SOAK = bool(os.environ.get("SMS_LEDGER_SOAK"))
EXAMPLES = {"sqlite": 2000, "postgresql": 100} if SOAK else {"sqlite": 15, "postgresql": 1}

FEW = {"sqlite": 2000, "postgresql": 50} if SOAK else {"sqlite": 8, "postgresql": 1}
SPENT = ("consumption", "reply", "hlr", "correction")


@st.composite
def histories(draw):
    count = draw(st.integers(1, 24))
    found, sent = [], Counter()
    for number in range(count):
        fact = draw(facts(number))
        if fact.kind in LINES:
            sent[fact.account] += 1
            fact = Fact(**{**vars(fact), "line": sent[fact.account]})
        if fact.kind != "correct" or fact.line <= sent[fact.account]:
            found.append(fact)
    return found


def drawing(history: list[Fact]) -> str:
    rows = ["customer one Europe/Rome", *(f"account {account}" for account in ACCOUNTS)]
    return "\n".join([*rows, *told(history)])


# --- what is compared ----------------------------------------------------------------------


def drawn(books: Books) -> dict[tuple[str, ...], Counter]:
    """By account, kind and what it was for: the coins that were drawn; None without a lot."""
    found: dict[tuple[str, ...], Counter] = defaultdict(Counter)
    for account, kind, reference, lot_account, lot, first, milli in books.table(
        "SELECT account, kind, reference, lot_account, lot, first_milli, milli FROM lot_draw"
    ):
        for coin in range(first // COIN_MILLI, (first + milli) // COIN_MILLI):
            named = None if lot is None else (lot_account, lot, coin)
            found[account, kind, reference][named] += 1
    return dict(found)


def drawn_in(found: Hoard) -> dict[tuple[str, ...], Counter]:
    rows: dict[tuple[str, ...], Counter] = defaultdict(Counter)
    for spent in found.spent:
        name = "" if spent.kind in ("used", "opening") else spent.name
        for coin in spent.coins:
            named = None if coin is None else (coin.account, coin.lot, coin.place)
            rows[spent.account, spent.kind, name][named] += 1
    return dict(rows)


def costs(books: Books) -> dict[tuple[str, ...], Decimal]:
    """By account, kind and what it was for: what is known of the cost."""
    found: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in books.rows("lots", "--draws"):
        found[row["account"], row["kind"], row["reference"]] += Decimal(row["cost"] or 0)
    return dict(found)


def costs_in(found: Hoard) -> dict[tuple[str, ...], Decimal]:
    rows: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for spent in found.spent:
        if spent.coins:
            name = "" if spent.kind in ("used", "opening") else spent.name
            prices = [found.price(coin) for coin in spent.coins if coin is not None]
            rows[spent.account, spent.kind, name] += sum(filter(None, prices), Decimal(0))
    return dict(rows)


@on_each_store(
    **EXAMPLES, history=histories(), looked=st.integers(0, 24), hour=st.integers(0, HOURS)
)
def test_lots_equal_coins_however_late_facts_come(store: Store, history, looked, hour):
    with store.ledger() as url:
        books = Books(url).draw(drawing(history[:looked]), together=True)
        books.rows("lots")  # so that what follows is late
        books.draw("\n".join(told(history[looked:])), together=True)
        found = hoard(history, THE_END)
        assert left(books) == left_in(found)
        assert drawn(books) == drawn_in(found)
        assert costs(books) == costs_in(found)

        at = START + timedelta(hours=hour, minutes=30)
        then = {
            key: milli for key, (milli, _) in left(books, "--as-of", at.isoformat()).items()
        }
        expected = left_in(hoard(history, at + timedelta(microseconds=1)))
        assert then == {key: milli for key, (milli, _) in expected.items()}

        assert [f for f in books.rows("check", "--full") if f["severity"] == "integrity"] == []


@on_each_store(**FEW, history=histories(), begin=st.integers(0, HOURS))
def test_the_lots_of_each_instant_equal_coins(store: Store, history, begin):
    with store.ledger() as url:
        books = Books(url).draw(drawing(history), together=True)
        start = START + timedelta(hours=begin, minutes=30)
        expected: dict[tuple[str, datetime], Counter] = defaultdict(Counter)
        for spent in hoard(history, THE_END).spent:
            if spent.kind == "used" and spent.at >= start:
                for coin in spent.coins:
                    expected[spent.account, spent.at][coin and coin.lot] += COIN_MILLI
        for words in ((), ("-b", start.isoformat())):
            found: dict[tuple[str, datetime], Counter] = defaultdict(Counter)
            for account in ACCOUNTS:
                for row in books.rows("stmt", account, "--lines", "--lots", *words):
                    at = datetime.fromisoformat(row["happened_at"]).astimezone(UTC)
                    if row["kind"] in SPENT and at >= start:
                        for share in row["lots"]:
                            milli = int(Decimal(share["credits"]) * 1000)
                            found[account, at][share["lot"]] += milli
            assert {key: +of for key, of in found.items() if +of} == {
                key: of for key, of in expected.items() if of
            }
