"""Journals for hledger and beancount: written out by hand, and read by the programs."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from beancount.core.data import Transaction
from beancount.loader import load_file
from books import books_in
from rigs import rig

ONE, TWO = "sms-ab12345-1", "sms-ab12345-2"

# A lot that is sent on, a refund, a gift, credits spent and sent before they were there.
STORY = f"""
    customer ab12345-ovh
    account {TWO}
    2026-10-01 08:00 opening 0
    account {ONE}
    2026-09-30 23:00 opening 5
    2026-10-01 09:00 purchase 100 b-1 net=4.20 bill=IT1
    2026-10-01 09:30 gift 10 g-1
    2026-10-02 09:00 transfer 40 {TWO} t-1
    2026-10-03 09:00 refund 10 r-1 IT1
    account {TWO}
    2026-10-04 10:00 sms 50
    2026-11-02 09:00 purchase 100 b-2 net=5.00 currency=EUR
    2026-11-03 09:00 sms 1
    account {ONE}
    2026-11-05 09:00 sms 70
    2026-11-06 09:00 transfer 5 {TWO} t-2
    2026-11-07 09:00 purchase 50 b-3 net=2.50
"""

SMALL = f"""
    customer ab12345-ovh
    account {ONE}
    2026-10-01 08:00 opening 0
    2026-10-01 09:00 purchase 100 b-1 net=4.20
    2026-10-02 10:00 sms 99.4
"""


def exported(books, program, tmp_path):
    path = tmp_path / f"sms.{program}"
    ran = books.type("export", program, "-o", str(path))
    assert (ran.status, ran.out) == (0, "")
    return path


def test_a_journal_for_beancount(sqlite_books):
    sqlite_books.draw(SMALL)
    text = sqlite_books.type("export", "beancount").out
    label = '{0.00 EUR, 2026-10-01, "sms-ab12345-1 b-1"}'
    name = "Ab12345-ovh:Sms-ab12345-1"
    assert text.partition("\n\n")[0] == (
        'option "title" "SMS credits"\n; Written by sms-ledger at log position 5.'
    )
    assert text.split("\n\n", 2)[2] == (
        f'2026-10-01 * "purchase b-1"\n'
        f"  Assets:Credits:{name}  100.000 SMS {label}\n"
        f"  Assets:Prepaid:{name}  4.20 EUR\n"
        f"  Liabilities:OVH:{name}  -4.20 EUR\n\n"
        f'2026-10-02 * "used"\n'
        f"  Assets:Credits:{name}  -99.400 SMS {label}\n"
        f"  Assets:Prepaid:{name}  -4.17 EUR\n"
        f"  Expenses:SMS:{name}  4.17 EUR\n\n"
        f"2026-10-03 balance Assets:Credits:{name}  0.600 SMS\n"
        f"2026-10-03 balance Assets:Prepaid:{name}  0.03 EUR\n\n"
    )


def test_a_journal_for_hledger(sqlite_books):
    sqlite_books.draw(SMALL)
    text = sqlite_books.type("export", "hledger").out
    own = f"ab12345-ovh:{ONE}"
    assert text.split("\n\n", 1)[1] == (
        f"2026-10-01 * purchase b-1\n"
        f"    assets:credits:{own}:{ONE} b-1  100.000 SMS\n"
        f"    equity:credits  -100.000 SMS\n"
        f"    assets:prepaid:{own}  4.20 EUR\n"
        f"    liabilities:ovh:{own}  -4.20 EUR\n\n"
        f"2026-10-02 * used\n"
        f"    assets:credits:{own}:{ONE} b-1  -99.400 SMS\n"
        f"    equity:credits  99.400 SMS\n"
        f"    assets:prepaid:{own}  -4.17 EUR\n"
        f"    expenses:sms:{own}  4.17 EUR\n\n"
        f"2026-10-02 assertion\n    assets:credits:{own}  0.000 SMS =* 0.600 SMS\n\n"
        f"2026-10-02 assertion\n    assets:prepaid:{own}  0.00 EUR =* 0.03 EUR\n\n\n"
    )


@pytest.mark.parametrize("program", ["beancount", "hledger"])
def test_the_last_assertions_are_the_balances_and_the_prepaid_value(
    sqlite_books, program, tmp_path
):
    sqlite_books.draw(STORY)
    lines = exported(sqlite_books, program, tmp_path).read_text().splitlines()
    said = {}
    for line in lines:
        name, _, amount = line.strip().rpartition("  ")
        if " balance " in line or "=*" in line:
            account = TWO if name.endswith("-2") else ONE
            number, unit = amount.split()[-2:]
            said[account, unit] = Decimal(number)
    assert {account: said[account, "SMS"] for account in (ONE, TWO)} == {
        row["account"]: Decimal(row["credits"]) for row in sqlite_books.rows("bal")
    }
    value = {ONE: Decimal(0), TWO: Decimal(0)}
    for row in sqlite_books.rows("value"):
        value[row["account"]] += Decimal(row["value"] or 0)
    assert {account: said[account, "EUR"] for account in (ONE, TWO)} == value


def test_beancount_reads_it_without_an_error(sqlite_books, tmp_path):
    sqlite_books.draw(STORY)
    path = exported(sqlite_books, "beancount", tmp_path)
    _, errors, _ = load_file(str(path))
    assert errors == []


def test_months_end_where_the_customers_are(sqlite_books, tmp_path):
    """Montreal's evening of 31 October comes after Rome's first hour of November."""
    sqlite_books.draw(
        f"""
        customer ab12345-ovh Europe/Rome
        account {ONE}
        2026-10-01 08:00 opening 0
        2026-10-01 09:00 purchase 100 b-1 net=4.20
        2026-11-01 00:30 sms 1
        customer cd67890-ovh America/Montreal
        account sms-cd67890-1
        2026-10-01 08:00 opening 0
        2026-10-01 09:00 purchase 100 b-2 net=5.00
        2026-10-31 21:00 sms 2
        """
    )
    path = exported(sqlite_books, "beancount", tmp_path)
    _, errors, _ = load_file(str(path))
    assert errors == []
    text = path.read_text()
    days = [line[:10] for line in text.splitlines() if line[10:13] == " * "]
    assert days == ["2026-10-01", "2026-10-01", "2026-10-31", "2026-11-01"]
    assert (
        "2026-11-01 balance Assets:Credits:Cd67890-ovh:Sms-cd67890-1  98.000 SMS\n"
        in text.partition("2026-11-01 *")[0]
    )


def test_hledger_reads_it_without_an_error(sqlite_books, tmp_path):
    """Where hledger is not installed, the journal is only written."""
    sqlite_books.draw(STORY)
    path = exported(sqlite_books, "hledger", tmp_path)
    if HLEDGER:
        assert hledger(path, "check") == ""


def test_an_empty_ledger_is_an_empty_journal(sqlite_books):
    assert sqlite_books.type("export", "hledger").status == 0
    assert " balance " not in sqlite_books.type("export", "beancount").out


def test_customers_may_be_named(sqlite_books):
    sqlite_books.draw(STORY)
    sqlite_books.draw("customer zz-ovh\naccount sms-zz-1\n2026-10-01 09:00 opening 5")
    text = sqlite_books.type("export", "hledger", "--customer", "zz-ovh").out
    assert ("sms-zz-1" in text, ONE in text) == (True, False)
    ran = sqlite_books.type("export", "hledger", "--customer", "nobody")
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "expected a customer of this ledger, found 'nobody'" in ran.err


# --- large books, and those of the demo -----------------------------------------------------

Held = dict[tuple[str, str], Decimal]
LINES = 100_000
BIG = ("sms-ab12345-1", "sms-ab12345-2", "sms-cd67890-1", "sms-cd67890-2")
OWNER = {name: f"{name[4:11]}-ovh" for name in BIG}


def big_book() -> Iterator[str]:
    """Two customers with two accounts each: half a year of packs, messages and transfers."""
    yield "customer,account,kind,id,happened_at,credits,counter_account,net,vat,currency,bill"
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for name in BIG:
        yield f"{OWNER[name]},{name},opening,,{start.isoformat()},100,,,,,"
    for number in range(LINES):
        name = BIG[number % 4]
        at = (start + timedelta(seconds=150 * number)).isoformat()
        yield f"{OWNER[name]},{name},consumption,{number},{at},0.7,,,,,"
        if number % 300 == 7:
            yield f"{OWNER[name]},{name},purchase,p{number},{at},250,,8.75,1.93,EUR,IT{number}"
        if number % 1000 == 501:
            other = BIG[number % 4 ^ 1]
            yield f"{OWNER[name]},{name},transfer,t{number},{at},{number % 90 + 1},{other},,,,"
        if number % 9000 == 5:
            yield f"{OWNER[name]},{name},refund,r{number},{at},20,,,,,"


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    folder = tmp_path_factory.mktemp("big")
    (folder / "big.csv").write_text("\n".join([*big_book(), ""]))
    books = books_in(folder)
    ran = books.type("import", str(folder / "big.csv"))
    assert f"{LINES // 2} lines recorded" in ran.out, ran
    return books


def ours(rows_of) -> Held:
    """What each account has, by unit: credits by `bal`, prepaid money by `value`."""
    held: Held = defaultdict(Decimal)
    for row in rows_of("bal"):
        held[row["account"], "SMS"] += Decimal(row["credits"])
    for row in rows_of("value"):
        held[row["account"], row["currency"] or "EUR"] += Decimal(row["value"] or 0)
    return {key: amount for key, amount in held.items() if amount}


def in_beancount(path) -> Held:
    """What beancount computes of the journal, which it reads without an error."""
    entries, errors, _ = load_file(str(path))
    assert errors == []
    held: Held = defaultdict(Decimal)
    booked = [one for one in entries if isinstance(one, Transaction)]
    for posting in (leg for one in booked for leg in one.postings):
        group, _, *names = posting.account.split(":")
        if group == "Assets":
            held[names[1].lower(), posting.units.currency] += posting.units.number
    return {key: amount for key, amount in held.items() if amount}


def in_hledger(path) -> Held:
    """What hledger computes of it, which has nothing to say against it."""
    assert hledger(path, "check") == ""
    words = ("bal", "assets", "--depth", "4", "-O", "csv", "--layout", "bare", "-N")
    held: Held = defaultdict(Decimal)
    for name, unit, amount in list(csv.reader(io.StringIO(hledger(path, *words))))[1:]:
        held[name.split(":")[3], unit] += Decimal(amount)
    return {key: amount for key, amount in held.items() if amount}


HLEDGER = shutil.which("hledger")
PROGRAMS = {"beancount": in_beancount, "hledger": in_hledger}


def hledger(path, *words) -> str:
    ran = subprocess.run(
        [HLEDGER, "-f", str(path), *words], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


# Where hledger is not installed, beancount alone is asked.
INSTALLED = [name for name in PROGRAMS if name != "hledger" or HLEDGER]


@pytest.mark.parametrize("program", INSTALLED)
def test_a_book_of_100_000_lines_is_read_and_the_balances_are_ours(big, program, tmp_path):
    path = exported(big, program, tmp_path)
    held = PROGRAMS[program](path)
    assert held == ours(big.rows)
    assert {unit for _, unit in held} == {"SMS", "EUR"}


@pytest.mark.parametrize("program", INSTALLED)
def test_the_book_of_the_demo_is_read_and_the_balances_are_ours(
    sqlite, program, tmp_path, monkeypatch
):
    with rig(tmp_path, "default", store=sqlite) as made:
        monkeypatch.setenv("SMS_LEDGER_DATABASE", made.database)
        made.sync()
        path = tmp_path / f"sms.{program}"
        assert made.run(["export", program, "-o", str(path)]).status == 0
        held = PROGRAMS[program](path)
        assert len(held) > 5
        assert held == ours(lambda *words: made.run([*words, "-O", "json"]).rows)


def test_the_sheet_of_a_book_of_100_000_lines_adds_up(big):
    for month in ("2026-03", "2026-06"):
        rows = big.rows("sheet", "-p", month)
        for column in ("credits", "value"):
            moved, closing = Counter(), Counter()
            for row in rows:
                sums = closing if row["kind"] == "closing" else moved
                sums[row["account"]] += Decimal(row[column] or 0)
            assert moved == closing
            assert set(closing) == set(BIG)
