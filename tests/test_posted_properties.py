"""Random books with closed months: what is late stands where a slow, obvious ledger puts it."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from beancount.loader import load_string
from books import Books
from closers import close_month, reopen_month
from coin_books import ACCOUNTS, THE_END, facts, left, left_in, told
from coins import COIN_MILLI, LINES, Closed, Fact, Hoard, hoard
from hypothesis import strategies as st
from properties import on_each_store
from stores import Store

SOAK = bool(os.environ.get("SMS_LEDGER_SOAK"))
FEW = {"sqlite": 1000, "postgresql": 25} if SOAK else {"sqlite": 6, "postgresql": 1}
EXAMPLES = {"sqlite": 2000, "postgresql": 50} if SOAK else {"sqlite": 12, "postgresql": 1}

# Noon of the last day of months whose ends are known, in Rome; things happen around them.
NOONS = [
    datetime(2025, month, day, 10, tzinfo=UTC) for month, day in ((9, 30), (10, 31), (11, 30))
]
ENDS = {
    "2025-09": datetime(2025, 9, 30, 22, tzinfo=UTC),
    "2025-10": datetime(2025, 10, 31, 23, tzinfo=UTC),
    "2025-11": datetime(2025, 11, 30, 23, tzinfo=UTC),
}
MONTHS = list(ENDS)
HOURS = 30


@dataclass
class Telling:
    """What is recorded and closed, one after the other."""

    steps: list[tuple[str, Any]] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    closes: dict[str, Closed] = field(default_factory=dict)


@st.composite
def tellings(draw, *, openings_late: bool = False):
    telling, sent = Telling(), Counter()
    lines: dict[tuple[str, int], Fact] = {}
    opened: dict[str, datetime] = {}
    for _ in range(draw(st.integers(2, 5))):
        batch: list[Fact] = []
        for _ in range(draw(st.integers(1, 8))):
            fact = draw(facts(len(telling.facts)))
            noon = NOONS[draw(st.integers(0, 2))]
            fact = replace(fact, at=noon + timedelta(hours=draw(st.integers(0, HOURS))))
            if fact.kind == "correct":
                line = lines.get((fact.account, fact.line))
                if line is None:
                    continue
                fact = replace(fact, at=line.at)
            known = openings_late and fact.account in opened
            if fact.kind == "opening" and telling.closes and not known:
                continue
            if fact.kind == "opening":
                opened[fact.account] = min(fact.at, opened.get(fact.account, fact.at))
            elif telling.closes and not openings_late and fact.at < _since(opened, fact):
                continue  # it would tell the opening something else
            if fact.kind in LINES:
                sent[fact.account] += 1
                fact = replace(fact, line=sent[fact.account])
                lines[fact.account, fact.line] = fact
            batch.append(fact)
            telling.facts.append(fact)
        telling.steps.append(("facts", batch))
        _close_or_reopen(draw, telling)
    return telling


def _since(opened: dict[str, datetime], fact: Fact) -> datetime:
    always = datetime.min.replace(tzinfo=UTC)
    return max(opened.get(fact.account, always), opened.get(fact.other, always))


def _close_or_reopen(draw, telling: Telling) -> None:
    standing = list(telling.closes)
    if standing and draw(st.booleans()) and draw(st.booleans()):
        month = draw(st.sampled_from(standing))
        telling.steps.append(("reopen", month))
        for later in [one for one in standing if one >= month]:
            del telling.closes[later]
    elif standing[-1:] != MONTHS[-1:]:
        first = MONTHS.index(standing[-1]) + 1 if standing else 0
        choice = MONTHS[first : first + 1] if standing else MONTHS[:2]
        month = draw(st.sampled_from(choice))
        telling.steps.append(("close", month))
        telling.closes[month] = Closed(ENDS[month], len(telling.facts))


def act(books: Books, what: str, of: Any) -> None:
    if what == "facts":
        books.draw("\n".join(told(of)), together=True)
    elif what == "close":
        close_month(books, of)
    else:
        reopen_month(books, of)


def begin(url: Any) -> Books:
    opened = "\n".join(f"account {account}" for account in (*ACCOUNTS, "sms-one-idle"))
    return Books(url).draw(f"customer one Europe/Rome\n{opened}", together=True)


def posted_draws(books: Books) -> dict[tuple[str, ...], Counter]:
    """By account, kind, what for and month: the coins that were drawn, less what came back."""
    found: dict[tuple[str, ...], Counter] = defaultdict(Counter)
    differs = books.table("SELECT 1 FROM posted_customer WHERE differs = 1")
    table = "posted_draw" if differs else "lot_draw"
    for account, at_us, kind, reference, lot_account, lot, first, milli in books.table(
        "SELECT account, at_us, kind, reference, lot_account, lot, first_milli, milli"
        f" FROM {table}"
    ):
        at = datetime.fromtimestamp(at_us / 1_000_000, UTC)
        name = reference.removeprefix("returned") if kind == "used" else reference
        key = (account, kind, name, month_of(at))
        begin, end = sorted((first, first + milli))
        for coin in range(begin // COIN_MILLI, end // COIN_MILLI):
            named = None if lot is None else (lot_account, lot, coin)
            found[key][named] += 1 if milli > 0 else -1
    return net(found)


def posted_draws_in(found: Hoard) -> dict[tuple[str, ...], Counter]:
    rows: dict[tuple[str, ...], Counter] = defaultdict(Counter)
    for spent in found.spent:
        name = "" if spent.kind in ("used", "opening") else spent.name
        key = (spent.account, spent.kind, name, month_of(spent.stands))
        for coin in spent.coins:
            named = None if coin is None else (coin.account, coin.lot, coin.place)
            rows[key][named] += -1 if spent.back else 1
    return net(rows)


def net(found: dict[tuple[str, ...], Counter]) -> dict[tuple[str, ...], dict[Any, int]]:
    counted = {key: {coin: n for coin, n in of.items() if n} for key, of in found.items()}
    return {key: of for key, of in counted.items() if of}


def month_of(at: datetime) -> str:
    return next((month for month, end in ENDS.items() if at < end), "later")


@on_each_store(**EXAMPLES, telling=tellings())
def test_what_is_late_is_drawn_as_single_coins_are(store: Store, telling: Telling):
    with store.ledger() as url:
        books = begin(url)
        for what, of in telling.steps:
            act(books, what, of)
        found = hoard(telling.facts, THE_END, list(telling.closes.values()))
        assert left(books) == left_in(found)
        assert posted_draws(books) == posted_draws_in(found)
        assert [f for f in books.rows("check", "--full") if f["severity"] == "integrity"] == []


# --- what is frozen -------------------------------------------------------------------------


def frozen(books: Books, month: str) -> dict[str, Any]:
    """Give every figure of a month that was closed."""
    last = (ENDS[month] - timedelta(hours=12)).date().isoformat()
    return {
        "stmt": [books.rows("stmt", account, "-p", month) for account in ACCOUNTS],
        "bal": books.rows("bal", "--as-of", last, "--basis", "posted"),
        "value": money_and_credits(books.rows("value", "--as-of", last)),
        "lots": money_and_credits(books.rows("lots", "--left", "--as-of", last)),
        "cost": [books.rows("cost", "--by", by, "-p", month) for by in ("kind", "tag")],
    }


def money_and_credits(rows: list[dict[str, Any]]) -> list[Any]:
    """Leave out what else is known of a lot by now: what of it came later, its currency."""
    names = ("account", "lot", "left", "left_net", "left_cost", "value")
    return sorted(([row.get(name) for name in names] for row in rows), key=str)


@on_each_store(**FEW, telling=tellings(openings_late=True))
def test_the_figures_of_closed_months_never_change(store: Store, telling: Telling):
    with store.ledger() as url:
        books = begin(url)
        known: dict[str, dict[str, Any]] = {}
        for what, of in telling.steps:
            act(books, what, of)
            if what == "reopen":
                known = {month: figures for month, figures in known.items() if month < of}
            for month, figures in known.items():
                assert frozen(books, month) == figures
            if what == "close":
                known[of] = frozen(books, of)
        assert [f for f in books.rows("check", "--full") if f["severity"] == "integrity"] == []


@on_each_store(**FEW, telling=tellings(openings_late=True))
def test_what_months_cost_adds_up_to_what_was_drawn(store: Store, telling: Telling):
    """On either basis and by every dimension; credits are the same on both."""
    with store.ledger() as url:
        books = begin(url)
        for what, of in telling.steps:
            act(books, what, of)
        used = {}
        for basis in ("posted", "happened"):
            drawn = Counter()
            for row in books.rows("lots", "--draws", "--basis", basis):
                if row["kind"] == "used":
                    drawn["credits"] += Decimal(row["credits"])
                    drawn["cost"] += Decimal(row["cost"] or 0)
            for by in ("tag", "country", "batch", "user", "kind"):
                rows = books.rows("cost", "--by", by, "--basis", basis)
                assert sum(Decimal(row["credits"]) for row in rows) == drawn["credits"]
                assert sum(Decimal(row["cost"] or 0) for row in rows) == drawn["cost"]
            used[basis] = drawn["credits"]
        assert used["posted"] == used["happened"]


# --- the books of the accountant ------------------------------------------------------------

PREPAID = "SP.A.D"
BOOKED = [*MONTHS, "2025-12"]


def printed(books: Books, month: str) -> list[Any]:
    """Give a month's books: its sheet, the lots that are left, its entries, its journal."""
    sheet = books.type("sheet", "-p", month, "-O", "json").document
    entries = books.rows("export", "entries", "-p", month)
    journal = books.type("export", "beancount").out.split("\n\n")
    booked = [one for one in journal if one[10:13] == " * " and one[:7] == month]
    return [sheet["rows"], sheet["lots"], entries, booked]


def require_sums(books: Books) -> None:
    """Lines lead from balance to balance, month after month, and entries to the same value."""
    before, prepaid = Counter(), Counter()
    for month in BOOKED:
        sheet, lots, entries, _ = printed(books, month)
        moved, closing, opened = Counter(), Counter(), Counter()
        for row in sheet:
            sums = closing if row["kind"] == "closing" else moved
            add(sums, row)
            if row["kind"] == "brought-forward":
                add(opened, row)
        assert moved == closing
        assert opened == before
        before = closing
        entry = Counter()
        for row in entries:
            cents = Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
            entry[row["entry"]] += cents
            prepaid[row["account"]] += cents if row["code"] == PREPAID else 0
        assert not any(entry.values())
        values = Counter()
        for row in lots:
            values[row["account"]] += Decimal(row["value"] or 0)
        assert prepaid == values


def add(sums: Counter, row: dict[str, Any]) -> None:
    for name in ("credits", "value", "unvalued"):
        sums[row["account"], name] += Decimal(row[name] or 0)


@on_each_store(**FEW, telling=tellings(openings_late=True))
def test_closed_months_keep_their_books_and_the_books_of_all_months_add_up(
    store: Store, telling: Telling
):
    """Meanwhile what the lots cost is known, then not, then known: no bill tells the VAT."""
    with store.ledger() as url:
        books = begin(url)
        known: dict[str, list[Any]] = {}
        for number, (what, of) in enumerate(telling.steps):
            act(books, what, of)
            share = "0" if number % 2 else "100"
            books.type("account", "vat", "one", "--recoverable", share, "--from", "2025-01-01")
            if what == "reopen":
                known = {month: rows for month, rows in known.items() if month < of}
            for month, rows in known.items():
                assert printed(books, month) == rows
            if what == "close":
                known[of] = printed(books, of)
        require_sums(books)


@on_each_store(**FEW, telling=tellings(openings_late=True))
def test_beancount_takes_journals_of_late_facts_as_they_are_written(
    store: Store, telling: Telling
):
    with store.ledger() as url:
        books = begin(url)
        for what, of in telling.steps:
            act(books, what, of)
        for basis in ("posted", "happened"):
            text = books.type("export", "beancount", "--basis", basis).out
            _, errors, _ = load_string(text)
            assert errors == []
