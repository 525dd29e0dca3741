"""The SQL views for auditors: the same exact answers on both databases, and as the reports."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from books import Books, books_in
from console import ROOT
from servers import server

import migrations
from ledger.credits import Credits
from ledger.database import connect, parse_address
from ledger.times import from_us

Ask = Callable[[str], list[tuple[Any, ...]]]

STORY = """
    customer ab12345-ovh
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4
    2026-10-01 11:00 sms 0.007
    2026-10-02 09:00 recharge 250 bill-1
    2026-10-02 10:00 correct 1 0.7
    2026-10-03 10:00 sms 400
    2026-10-03 23:30 gift 0.5 hello
    2026-10-04 09:00 refund 2.25 r-1
    2026-10-04 09:30 break -0.05 too-fine row-7
    2026-10-04 09:40 break ? purchase-unreadable bill-9
    account sms-ab12345-2
    2026-10-01 09:00 opening 10
    2026-10-02 11:00 transfer 5 sms-ab12345-1 t-1
    2026-10-05 09:00 close 5
    account sms-ab12345-3
    2026-10-01 10:00 sms 1.4
    2026-10-06 09:00 import 00ff
"""

# What a foreign key points to comes first.
FIRST = ("customer", "account")

VIEWS = (
    "v_customer", "v_account", "v_balance", "v_daily", "v_movement", "v_event", "v_import",
    "v_break",
)  # fmt: skip


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    return books_in(tmp_path_factory.mktemp("books")).draw(STORY)


def rows_of(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def url(books: Books) -> Iterator[str]:
    """The same rows on PostgreSQL."""
    with server() as running:
        migrations.upgrade(parse_address(running.url))
        with closing(psycopg.connect(running.url)) as connection:
            names = {row[0] for row in rows_of(books.path, _TABLES)} - {"alembic_version"}
            for table in (*FIRST, *sorted(names - set(FIRST))):
                for row in rows_of(books.path, f"SELECT * FROM {table}"):
                    places = ", ".join(["%s"] * len(row))
                    connection.execute(f"INSERT INTO {table} VALUES ({places})", row)
            connection.commit()
        yield running.url


_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"


@pytest.fixture(params=["sqlite", "postgresql"])
def ask(request: pytest.FixtureRequest, books: Books) -> Ask:
    where = str(books.path)
    if request.param == "postgresql":
        where = request.getfixturevalue("url")

    def answer(sql: str) -> list[tuple[Any, ...]]:
        with closing(connect(parse_address(where))) as database:
            return list(database.execute(sql))

    return answer


@pytest.mark.parametrize("view", VIEWS)
def test_both_databases_give_the_same_rows(books: Books, url: str, view: str) -> None:
    with (
        closing(connect(books.path)) as one,
        closing(connect(parse_address(url))) as other,
    ):
        answers = [sorted(of.execute(f"SELECT * FROM {view}"), key=repr) for of in (one, other)]
    assert answers[0] == answers[1] != []


@pytest.mark.parametrize(
    ("view", "name"),
    [
        ("v_account", "opening"),
        ("v_account", "balance"),
        ("v_balance", "balance"),
        ("v_daily", "credits"),
        ("v_movement", "balance"),
        ("v_break", "credits"),
    ],
)
def test_credits_are_exact_text_beside_their_thousandths(
    ask: Ask, view: str, name: str
) -> None:
    found = ask(f"SELECT {name}_milli, {name} FROM {view}")
    known = [(milli, text) for milli, text in found if milli is not None]
    assert known
    for milli, text in known:
        assert type(milli) is int
        assert re.fullmatch(r"-?(0|[1-9][0-9]*)\.[0-9]{3}", text)
        assert Credits.parse(text, signed=True).milli == Decimal(text) * 1000 == milli
    assert {text for milli, text in found if milli is None} <= {None}


def test_small_and_negative_credits_keep_their_sign_and_zeros(ask: Ask) -> None:
    found = dict(ask("SELECT credits_milli, credits FROM v_daily"))
    assert found[-1407] == "-1.407"
    assert found[500] == "0.500"
    assert ask("SELECT credits FROM v_break WHERE credits_milli = -50") == [("-0.050",)]


def test_times_are_iso_text_in_utc_that_sorts_as_time(ask: Ask) -> None:
    found = ask(
        "SELECT happened_at_us, happened_at, recorded_at_us, recorded_at FROM v_event"
        " JOIN event_log USING (position) ORDER BY v_event.happened_at"
    )
    for happened_us, happened, recorded_us, recorded in found:
        for at_us, text in ((happened_us, happened), (recorded_us, recorded)):
            assert text == from_us(at_us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert [row[0] for row in found] == sorted(row[0] for row in found)


def test_balances_are_those_of_bal(ask: Ask, books: Books) -> None:
    told = {row["account"]: row["credits"] for row in books.rows("bal")}
    found = dict(ask("SELECT account, balance FROM v_balance"))
    assert found.keys() == told.keys()
    for account, balance in found.items():
        assert (balance is None) == (told[account] is None)
        assert balance is None or Decimal(balance) == Decimal(told[account])
    assert found["sms-ab12345-3"] is None
    assert found == dict(ask("SELECT account, balance FROM v_account"))


def test_an_account_is_open_or_closed(ask: Ask) -> None:
    found = ask("SELECT account, status, closed_at IS NULL FROM v_account ORDER BY 1")
    assert [(name, status, bool(none)) for name, status, none in found] == [
        ("sms-ab12345-1", "open", True),
        ("sms-ab12345-2", "closed", False),
        ("sms-ab12345-3", "open", True),
    ]


def test_the_days_of_an_account_lead_from_one_balance_to_the_next(ask: Ask) -> None:
    found = ask(
        "SELECT account, before_milli, moved_milli, balance_milli, purchased_milli"
        " + transferred_in_milli + transferred_out_milli + consumed_milli + corrected_milli"
        " + other_milli FROM v_movement WHERE before_milli IS NOT NULL ORDER BY account, day"
    )
    at = dict(ask("SELECT account, opening_milli FROM v_account"))
    for account, before, moved, balance, parts in found:
        assert (before, before + moved, parts) == (at[account], balance, moved)
        at[account] = balance
    assert at == dict(ask("SELECT account, balance_milli FROM v_balance"))


def test_a_day_tells_what_moved(ask: Ask) -> None:
    rows = ask(
        "SELECT day, purchased_milli, transferred_in_milli, consumed_milli, corrected_milli,"
        " other_milli, balance FROM v_movement WHERE account = 'sms-ab12345-1' ORDER BY day"
    )
    # A correction belongs to the day of its message.
    assert rows == [
        ("2026-10-01", 0, 0, -1407, 700, 0, "99.293"),
        ("2026-10-02", 250000, 5000, 0, 0, 0, "354.293"),
        ("2026-10-03", 0, 0, -400000, 0, 500, "-45.207"),
        ("2026-10-04", 0, 0, 0, 0, -2250, "-47.457"),
    ]


def test_every_event_is_there_with_the_digest_that_the_audit_log_shows(
    ask: Ask, books: Books
) -> None:
    told = [
        (int(row["position"]), row["stream"], int(row["version"]), row["digest"])
        for row in books.rows("audit", "log")
    ]
    found = ask("SELECT position, stream, version, digest FROM v_event ORDER BY position")
    assert sorted(told) == found


def test_an_import_says_whether_it_was_completed(ask: Ask) -> None:
    found = ask("SELECT customer, sha256, status, completed_at FROM v_import")
    assert found == [("ab12345-ovh", "00ff", "started", None)]


def test_breaks_name_customer_and_account(ask: Ask) -> None:
    found = ask("SELECT customer, account, kind, credits FROM v_break ORDER BY kind")
    assert found == [
        ("ab12345-ovh", "sms-ab12345-1", "purchase-unreadable", None),
        ("ab12345-ovh", "sms-ab12345-1", "too-fine", "-0.050"),
    ]


# --- the documented interface --------------------------------------------------------------


def documented() -> dict[str, list[str]]:
    text = (ROOT / "docs/reference/sql-views.md").read_text()
    sections = re.findall(r"^## `(v_[a-z]+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return {
        view: [
            name
            for cell in re.findall(r"^\| (`.*?`) \|", body, re.MULTILINE)
            for name in re.findall(r"`([a-z_0-9]+)`", cell)
        ]
        for view, body in sections
    }


def test_every_view_and_column_is_documented_in_its_order(url: str, books: Books) -> None:
    with closing(psycopg.connect(url)) as connection:
        found: dict[str, list[str]] = {}
        for view, column in connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name LIKE 'v\\_%'"
            " ORDER BY table_name, ordinal_position"
        ):
            found.setdefault(view, []).append(column)
    assert found == documented()
    for view, columns in found.items():
        made = [
            row[0]
            for row in rows_of(books.path, f"SELECT name FROM pragma_table_info('{view}')")
        ]
        assert made == columns
