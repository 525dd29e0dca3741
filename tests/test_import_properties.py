"""A book of any shape, imported in any way, comes to the balances of an independent fold."""

from __future__ import annotations

import csv
import io
import os
import random
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cuts import Cut, bring_in, cut_off, raise_cut
from hypothesis import strategies as st
from properties import on_each_store
from stores import Store

import cli
from ledger.database import connect, parse_address

COLUMNS = [
    *("customer", "account", "kind", "id", "happened_at", "credits", "country", "parts", "tag"),
    *("user", "batch", "counter_account", "net", "vat", "currency", "bill"),
]
ROOT = Path(__file__).parents[1]
START = datetime(2026, 1, 1, tzinfo=UTC)
LINES = ("consumption", "reply", "hlr", "cleaning")

Fact = dict[str, str]


# --- a book, and what it comes to ----------------------------------------------------------


@dataclass
class Expected:
    """One account, folded in the plainest way there is."""

    opening: tuple[str, int] | None = None
    moved: list[tuple[str, int]] = field(default_factory=list)

    def balance(self) -> int:
        start, credits = self.opening or ("", 0)
        return credits + sum(milli for at, milli in self.moved if at >= start)


def milli(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    whole, _, decimals = text.lstrip("+-").partition(".")
    return sign * (int(whole) * 1000 + int((decimals + "000")[:3]))


def fold(book: list[Fact]) -> dict[str, int]:
    accounts: dict[str, Expected] = {}

    def account(name: str) -> Expected:
        return accounts.setdefault(name, Expected())

    for fact in book:
        at, credits = fact["happened_at"], milli(fact["credits"])
        here = account(fact["account"])
        if fact["kind"] == "opening":
            here.opening = (at, credits)
        elif fact["kind"] == "transfer":
            here.moved.append((at, -credits))
            account(fact["counter_account"]).moved.append((at, credits))
        elif fact["kind"] in {*LINES, "refund"}:
            here.moved.append((at, -credits))
        else:
            here.moved.append((at, credits))
    return {name: one.balance() for name, one in accounts.items()}


minutes = st.integers(0, 100_000)
amounts = st.one_of(
    st.integers(0, 3000).map(lambda n: f"{n // 1000}.{n % 1000:03d}"),
    st.integers(0, 5000).map(str),
)
labels = st.sampled_from(["", "", "news", "alert", "a label"])


@st.composite
def facts(draw: st.DrawFn, account: str, others: list[str], number: int) -> Fact:
    kind = draw(
        st.sampled_from(
            [*LINES, *LINES, "purchase", "recharge", "gift", "refund", "adjustment"]
            + (["transfer"] if others else [])
        )
    )
    fact = dict.fromkeys(COLUMNS, "")
    fact |= {
        "customer": account.partition(".")[0],
        "account": account,
        "kind": kind,
        "id": draw(st.sampled_from([str(number), f"x{number}", str(10**9 - number)])),
        "happened_at": (START + timedelta(minutes=draw(minutes))).isoformat(),
        "credits": draw(amounts),
        "country": draw(st.sampled_from(["", "IT", "FR"])),
        "parts": draw(st.sampled_from(["", "1", "2"])),
        "tag": draw(labels),
        "user": draw(labels),
    }
    if kind == "adjustment":
        fact["credits"] = draw(st.sampled_from(["", "+", "-"])) + fact["credits"]
    if kind == "transfer":
        fact["counter_account"] = draw(st.sampled_from(others))
    return fact


@st.composite
def books(draw: st.DrawFn) -> list[Fact]:
    book: list[Fact] = []
    for customer in draw(st.sampled_from([["a-ovh"], ["a-ovh", "b-ovh"]])):
        names = [f"{customer}.{n}" for n in range(draw(st.integers(1, 3)))]
        for name in names:
            if draw(st.booleans()):
                at = (START + timedelta(minutes=draw(minutes))).isoformat()
                opening = dict.fromkeys(COLUMNS, "")
                opening |= {"customer": customer, "account": name, "kind": "opening"}
                book.append({**opening, "happened_at": at, "credits": draw(amounts)})
        for _ in range(draw(st.integers(1, 12))):
            name = draw(st.sampled_from(names))
            others = [other for other in names if other != name]
            book.append(draw(facts(name, others, len(book))))
    return book


# --- importing it --------------------------------------------------------------------------


def written(book: list[Fact]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(book)
    return text.getvalue()


def balances(url: str) -> dict[str, int]:
    with closing(connect(parse_address(url))) as database:
        rows = database.execute("SELECT account, opening_milli + moved_milli FROM account")
        daily = dict(
            database.execute("SELECT account, SUM(milli) FROM daily_total GROUP BY account")
        )
        moved = dict(database.execute("SELECT account, moved_milli FROM account"))
    assert all(daily.get(account, 0) == milli for account, milli in moved.items())
    return dict(rows)


def log(url: str) -> list[tuple[Any, ...]]:
    with closing(connect(parse_address(url))) as database:
        return list(
            database.execute(
                "SELECT position, stream, version, leaf FROM event_log ORDER BY position"
            )
        )


@on_each_store(sqlite=12, postgresql=4, book=books())
def test_a_book_comes_to_the_balances_of_a_plain_fold(store: Store, book: list[Fact]) -> None:
    with store.ledger() as url:
        outcome = bring_in(url, written(book))
        assert balances(url) == fold(book)
        assert sum(plan.new for plan in outcome.customers) == len(book)
        size = len(log(url))
        assert bring_in(url, written(book)).before
        assert len(log(url)) == size


@on_each_store(sqlite=12, postgresql=4, book=books(), chance=st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(
    store: Store, book: list[Fact], chance: random.Random
) -> None:
    twice = [*book, *chance.sample(book, len(book) // 2)]
    chance.shuffle(twice)
    with store.ledger() as url:
        bring_in(url, written(twice))
        assert balances(url) == fold(book)


@on_each_store(sqlite=12, postgresql=4, book=books(), chance=st.randoms(use_true_random=False))
def test_files_that_overlap_come_to_the_same_in_either_order(
    store: Store, book: list[Fact], chance: random.Random
) -> None:
    """Each file has the openings, as exports of one system do; the movements overlap."""
    openings = [fact for fact in book if fact["kind"] == "opening"]
    moves = [fact for fact in book if fact["kind"] != "opening"]
    sides = [chance.choice(["first", "second", "both"]) for _ in moves]
    files = [
        written([*openings, *(f for f, s in zip(moves, sides, strict=True) if s != other)])
        for other in ("second", "first")
    ]
    for order in (files, files[::-1]):
        with store.ledger() as url:
            for text in order:
                bring_in(url, text)
            assert balances(url) == fold(book)
            size = len(log(url))
            assert not any(bring_in(url, text).customers for text in files)
            assert len(log(url)) == size


# --- cut off -------------------------------------------------------------------------------


def many_lines(count: int) -> list[Fact]:
    """A book of several transactions: plain labels, so that two runs can be compared."""
    book = []
    for n in range(count):
        fact = dict.fromkeys(COLUMNS, "")
        fact |= {
            "customer": "a-ovh",
            "account": f"a-ovh.{n % 2}",
            "kind": ("consumption", "consumption", "consumption", "gift", "transfer")[n % 5],
            "id": str(n * 7919 % 100_003),
            "happened_at": (START + timedelta(minutes=n)).isoformat(),
            "credits": "1.5",
            "tag": "news",
            "user": ("bob", "")[n % 3 == 0],
            "counter_account": f"a-ovh.{(n + 1) % 2}",
        }
        book.append(fact)
    return book


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a small book take many transactions."""
    from ledger.files import chunks, lines, packing, record, segments, settling

    monkeypatch.setattr(segments, "_SEGMENT_BYTES", 4_000)
    monkeypatch.setattr(chunks, "ROWS_PER_CHUNK", 15)
    monkeypatch.setattr(settling, "AT_ONCE", 50)
    monkeypatch.setattr(settling, "_RANGE", 30)
    monkeypatch.setattr(settling, "_SAMPLED", 3)
    monkeypatch.setattr(packing, "LINES_PER_PAGE", 20)
    monkeypatch.setattr(lines, "LINES_PER_PAGE", 20)
    monkeypatch.setattr(lines, "_PAGES_AT_ONCE", 2)
    monkeypatch.setattr(record, "_MOVEMENTS_AT_ONCE", 30)
    monkeypatch.setattr(record, "_ACCOUNTS_AT_ONCE", 1)


@pytest.mark.usefixtures("small_batches")
def test_an_import_that_is_cut_off_anywhere_ends_as_if_it_had_not_been(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only the balances: the log is the same, event by event."""
    book = many_lines(250)
    text = written(book)
    with store.ledger() as url:
        bring_in(url, text)
        undisturbed = log(url)
        assert balances(url) == fold(book)
    # A ledger is the same before a transaction as behind the one before it: one of the two is
    # enough on PostgreSQL, which is slow to make ledgers.
    moments = (False, True) if store.name == "sqlite" else (True,)
    cuts = 0
    for after in range(1, 100):
        for committed in moments:
            with store.ledger() as url:
                try:
                    with cut_off(after=after, committed=committed, end=raise_cut):
                        bring_in(url, text)
                except Cut:
                    cuts += 1
                    bring_in(url, text)
                assert log(url) == undisturbed
        if cuts < len(moments) * after:
            break
    assert cuts > (15 if store.name == "sqlite" else 7)


def test_two_processes_come_to_the_same_log_as_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ledger.files import crew, importing, lines, segments

    monkeypatch.setattr(importing, "_WORTH_A_HELPER_BYTES", 0)
    monkeypatch.setattr(segments, "_SEGMENT_BYTES", 40_000)
    monkeypatch.setattr(lines, "_PAGES_AT_ONCE", 1)
    helped: list[object] = []
    submit = crew._Helper.submit

    def counted(self: crew._Helper, *task: Any) -> Any:
        helped.append(task)
        return submit(self, *task)

    monkeypatch.setattr(crew._Helper, "submit", counted)
    text = written(many_lines(5000))
    with store.ledger() as one, store.ledger() as two:
        bring_in(one, text)
        assert not helped
        bring_in(two, text, processes=2)
        assert len({task[0] for task in helped}) == 2, "it reads and it packs"
        assert log(one) == log(two)


def test_a_process_that_dies_while_it_records_is_completed_by_the_next(
    store: Store, tmp_path: Path
) -> None:
    book = many_lines(300)
    file = tmp_path / "book.csv"
    file.write_text(written(book))
    chance = random.Random(7)
    for after in chance.sample(range(1, 8), 3):
        with store.ledger() as url:
            program = "import sys; from cuts import die; die(*sys.argv[1:])"
            died = subprocess.run(
                [sys.executable, "-c", program, str(after), url, str(file)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}"},
                capture_output=True,
                check=False,
            )
            assert died.returncode == 9, died.stderr
            with closing(connect(parse_address(url))) as database:
                incomplete = database.execute("SELECT completed_at_us FROM file_import")
            assert incomplete in ([(None,)], [])
            assert cli.run(["--database", url, "import", str(file)]) == 0
            assert balances(url) == fold(book)
