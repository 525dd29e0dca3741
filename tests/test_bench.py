"""The benchmark: its book is always the same, its fold right, and a wrong answer is told."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, datetime
from decimal import Decimal
from itertools import islice, pairwise
from pathlib import Path

import pytest
from stores import PostgresStore, SqliteStore

from bench import __main__ as program
from bench import books, checks, commands, duck, journals, page, report, scene, timing
from bench.fold import DIMENSIONS, Fold, fold
from bench.measures import PARTS, answers
from bench.places import Place, Postgres, Sqlite
from bench.results import Found, Result
from bench.timing import Contender, Figures

LINES = 3_000
TINY = 500
PYTHON = [sys.executable, "-c"]
MESSAGES = {"consumption", "reply", "hlr", "cleaning"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "book.csv"
    books.write(path, LINES)
    return path


@pytest.fixture(scope="module")
def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as text:
        return list(csv.DictReader(text))


# --- the book ------------------------------------------------------------------------------


def test_a_book_is_the_same_each_time_and_another_with_another_seed(file):
    text = file.read_text().splitlines(keepends=True)
    assert list(books.book(LINES)) == text
    assert list(books.book(LINES, seed=2)) != text


def test_a_book_is_streamed_however_long_it_is():
    assert len(list(islice(books.book(10**12), 1000))) == 1000


def test_a_book_is_ordered_by_time_with_its_accounts_interleaved(rows):
    times = [datetime.fromisoformat(row["happened_at"]) for row in rows]
    assert times == sorted(times)
    senders = [row["account"] for row in rows if row["kind"] in MESSAGES]
    assert sum(one != other for one, other in pairwise(senders)) > LINES / 2


def test_a_book_has_so_many_messages_and_every_kind_of_movement():
    kinds = Counter(line.split(",")[2] for line in books.book(20_000))
    assert sum(kinds[kind] for kind in MESSAGES) == 20_000
    assert {"opening", "purchase", "recharge", "gift", "refund", "transfer"} < set(kinds)


def test_the_shares_of_accounts_countries_and_tags_are_skewed(rows):
    for column in ("account", "country", "tag"):
        counted = Counter(row[column] for row in rows if row["kind"] == "consumption")
        assert max(counted.values()) > 2 * LINES / len(counted), column


@pytest.mark.parametrize("random_ids", [False, True])
def test_no_account_has_an_id_twice_and_ids_have_gaps(random_ids):
    ids = [
        (cells[1], cells[2], int(cells[3]))
        for line in islice(books.book(LINES, random_ids=random_ids), 41, None)
        if (cells := line.split(","))
    ]
    assert len(set(ids)) == len(ids)
    sent = [id for _, kind, id in ids if kind in MESSAGES]
    assert (sent == sorted(sent)) is not random_ids
    assert max(sent) - min(sent) > 10 * LINES


# --- the fold ------------------------------------------------------------------------------


def naive_balance(rows: list[dict[str, str]], account: str, through: str) -> Decimal:
    """Add up one account in decimal numbers, row by row."""
    owned = Decimal(0)
    for row in rows:
        credits = Decimal(row["credits"])
        if row["happened_at"][:10] > through:
            continue
        if row["account"] == account:
            leaves = row["kind"] in {*MESSAGES, "refund", "transfer"}
            owned += -credits if leaves else credits
        elif row["counter_account"] == account:
            owned += credits
    return owned


@pytest.mark.parametrize("through", ["2024-10-15", "9999"])
def test_the_fold_of_balances_agrees_with_decimal_numbers(file, rows, through):
    balances = fold(file).balances(through)
    assert len(balances) == books.ACCOUNTS
    for account in islice(balances, 5):
        assert balances[account] == 1000 * naive_balance(rows, account, through)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_fold_of_a_month_agrees_with_counting(file, rows, dimension):
    sent = [
        row
        for row in rows
        if row["kind"] in MESSAGES and row["happened_at"].startswith("2024-10")
    ]
    found = fold(file).by(dimension, "2024-10")
    counted = Counter(row[dimension] for row in sent)
    assert {value: count for value, (count, _) in found.items()} == counted
    assert sum(milli for _, milli in found.values()) == -1000 * sum(
        Decimal(row["credits"]) for row in sent
    )


def test_the_fold_of_a_statement_has_both_ends_of_a_transfer(file, rows):
    moved = next(row for row in rows if row["kind"] == "transfer")
    month = moved["happened_at"][:7]
    ends = [(moved["account"], month), (moved["counter_account"], month)]
    found = fold(file, statements=ends).statements
    for end, kind in zip(ends, ("transfer-out", "transfer-in"), strict=True):
        assert [fact.kind for fact in found[end] if fact.id == moved["id"]] == [kind]


@pytest.mark.skipif(not duck.is_installed(), reason="DuckDB is optional")
def test_the_fold_agrees_with_duckdb(file, tmp_path):
    database = str(tmp_path / "duck.db")
    commands.run(commands.python("duck", database, str(file)))
    truth = fold(file)
    assert duck.by_day(database) == truth.by_day()
    for dimension in DIMENSIONS:
        assert duck.by(database, dimension, "2024-10") == truth.by(dimension, "2024-10")


def test_a_journal_of_the_book_moves_what_the_fold_moves(file, tmp_path):
    journal = tmp_path / "book.journal"
    journals.write_hledger(file, journal)
    sums: Counter[str] = Counter()
    for line in journal.read_text().splitlines():
        if line.startswith("    assets:"):
            account, amount, _ = line.split()
            sums[account.removeprefix("assets:")] += int(1000 * Decimal(amount))
    assert sums == fold(file).balances()


# --- rounds --------------------------------------------------------------------------------


def test_every_round_begins_with_another_contender():
    order: list[str] = []

    def contender(name: str, rounds: int | None = None) -> Contender:
        return Contender(name, lambda: order.append(name) or 1.0, rounds=rounds)

    timing.interleave([contender("a"), contender("b", rounds=1), contender("c")], 3)
    assert "".join(order) == "abc" + "ca" + "ca"


def test_a_ratio_is_taken_within_each_round():
    ours = Contender("ours", float, lines=2_000, seconds=[1.0, 10.0, 2.0])
    theirs = Contender("theirs", float, lines=1_000, seconds=[3.0, 30.0])
    assert timing.faster(ours, theirs) == Figures(6, 6, 6)
    assert timing.longer(theirs, ours) == Figures(3, 3, 3)
    assert ours.variation == pytest.approx(4.5)


def test_a_command_is_timed_with_its_memory_and_a_failing_one_is_told():
    greedy = commands.run([*PYTHON, "b = bytearray(80_000_000); print('done')"], looked_at=True)
    small = commands.run([*PYTHON, "pass"])
    assert greedy.out == "done\n"
    assert greedy.peak_bytes - small.peak_bytes > 60_000_000
    with pytest.raises(commands.CommandFailed, match="status 3"):
        commands.run([*PYTHON, "raise SystemExit(3)"])


# --- a tiny run ----------------------------------------------------------------------------


@pytest.fixture
def places(sqlite: SqliteStore, postgres: PostgresStore) -> list[Place]:
    return [Sqlite(sqlite), Postgres(postgres)]


@pytest.fixture
def stage(places: list[Place], tmp_path: Path) -> Iterator[scene.Scene]:
    with ExitStack() as stack:
        yield scene.Scene(TINY, 1, 1, tmp_path, places, stack)


def test_every_answer_of_a_tiny_run_is_right_on_both_databases(stage, monkeypatch):
    monkeypatch.setattr(answers, "AT_LEAST_S", 0)
    found = Found()
    for part in ("recording", "answers"):
        found.add(PARTS[part](stage))
    shown = {(one.key, one.place) for one in found.results if one.figures}
    for key in ("recording", "recording.page", "balance", "balance.past", "statement"):
        assert {(key, "SQLite"), (key, "PostgreSQL")} <= shown


def test_a_run_on_sqlite_shows_its_figures_and_writes_them_as_json(tmp_path, capsys):
    figures = tmp_path / "figures.json"
    asked = ["--lines", "300", "--rounds", "1", "--without-postgresql"]
    assert program.main([*asked, "--only", "import,rebuild", "--json", str(figures)]) == 0
    assert "`import` ÷ plain Python loader" in capsys.readouterr().out
    document = json.loads(figures.read_text())
    assert document["schema"] == "sms-ledger/bench/1"
    measured = {result["measure"] for result in document["results"]}
    assert {"import.plain", "import.defaults", "rebuild", "refold"} <= measured


def test_a_wrong_answer_ends_the_run_and_is_told(monkeypatch, capsys, tmp_path):
    def wrong(path: Path, **wanted: object) -> Fold:
        truth = fold(path, **wanted)
        truth.openings[scene.largest(LINES).name] += 1
        return truth

    monkeypatch.setattr(scene, "fold", wrong)
    figures = tmp_path / "figures.json"
    asked = ["--lines", "200", "--rounds", "1", "--without-postgresql", "--only", "answers"]
    assert program.main([*asked, "--json", str(figures)]) == 1
    told = capsys.readouterr()
    assert "balances: sms-bn10001-1: expected" in told.err
    assert not figures.exists()


def test_what_differs_is_named():
    checks.same("sums", {"a": 1}, {"a": 1})
    with pytest.raises(checks.WrongAnswer, match="sums: b: expected 2, found None"):
        checks.same("sums", {"a": 1}, {"a": 1, "b": 2})


# --- the report ----------------------------------------------------------------------------


def a_run(lines: int, seconds: float) -> report.Run:
    timed = Contender("import, SQLite", float, lines, seconds=[seconds, 2 * seconds])
    met = Result("balance", "SQLite", lines, Figures(0.1, 0.1, 0.3))
    missing = Result("month.country", "SQLite", lines, None, "not offered yet")
    found = Found([missing, met], [timed])
    return report.Run(lines, 2, date(2026, 11, 2), {"cpu": "a fine one"}, found)


def test_the_page_keeps_a_section_for_each_size(tmp_path):
    path = tmp_path / "benchmarks.md"
    for run in (a_run(10_000_000, 9.0), a_run(1_000_000, 1.0), a_run(10_000_000, 8.0)):
        page.write(run, path)
    text = path.read_text()
    assert text.index("## 1,000,000 messages") < text.index("## 10,000,000 messages")
    assert text.count("## 10,000,000 messages") == 1
    assert (
        "| balance of an account, warm | SQLite | 0.1 ms | 0.1 – 0.3 | ≤ 0.2 ms | met |" in text
    )


def test_a_goal_for_large_books_is_none_for_small_ones():
    assert Result("disk", "SQLite", 999_999, Figures(40, 40, 40)).verdict == ""
    assert Result("disk", "SQLite", 1_000_000, Figures(17, 17, 17)).verdict == "met"
    assert Result("disk", "SQLite", 10_000_000, Figures(17, 17, 17)).verdict == "not met"
