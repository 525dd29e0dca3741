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


@on_each_store(**FEW, history=histories(), day=st.integers(24, 26))
def test_a_sheet_adds_up_in_credits_and_to_the_cent(store: Store, history, day):
    """From balance to balance, from one day to the next, and to the prepaid value."""
    with store.ledger() as url:
        books = Books(url).draw(drawing(history), together=True)
        sheets = [books.rows("sheet", "-p", f"2026-10-{one}") for one in (day, day + 1)] + [
            books.rows("sheet", "-p", "2026-10")
        ]
        for rows in sheets:
            assert moved(rows, "closing") == moved(rows, but="closing")
        assert moved(sheets[0], "closing") == moved(sheets[1], "brought-forward")
        last = ("--as-of", f"2026-10-{day}")
        assert worth(sheets[0]) == worth(books.rows("value", *last))
        owned = {row["account"]: row["credits"] for row in books.rows("bal", *last)}
        closing = [row for row in sheets[0] if row["kind"] == "closing"]
        for account, credits in owned.items():
            if credits is not None:
                of = [Decimal(row["credits"]) for row in closing if row["account"] == account]
                assert sum(of) == Decimal(credits)


def moved(rows: list[dict], kind: str | None = None, *, but: str | None = None) -> Counter:
    """Credits, cents and credits of unknown cost, by account and currency."""
    found: Counter = Counter()
    for row in rows:
        if kind in {None, row["kind"]} and row["kind"] != but:
            key = row["account"], row["currency"]
            found[key, "credits"] += Decimal(row["credits"])
            found[key, "value"] += Decimal(row["value"] or 0)
            found[key, "unvalued"] += Decimal(row["unvalued"])
    return Counter({key: number for key, number in found.items() if number})


def worth(rows: list[dict]) -> Decimal:
    return sum(
        Decimal(row["value"] or 0) for row in rows if row.get("kind", "closing") == "closing"
    )


@on_each_store(**FEW, history=histories())
def test_entries_balance_and_their_prepaid_accounts_hold_the_value(store: Store, history):
    with store.ledger() as url:
        books = Books(url).draw(drawing(history), together=True)
        by_entry, prepaid = Counter(), Counter()
        for row in books.rows("export", "entries", "-p", "2026"):
            signed = Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
            by_entry[row["entry"]] += signed
            if row["code"] == "SP.A.D":
                prepaid[row["account"]] += signed
        assert not any(by_entry.values())
        value: Counter = Counter()
        for row in books.rows("value", "--as-of", "2026-12-31"):
            value[row["account"]] += Decimal(row["value"] or 0)
        assert [prepaid[one] for one in ACCOUNTS] == [value[one] for one in ACCOUNTS]
