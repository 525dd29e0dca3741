"""Journals for hledger and beancount: written out by hand, and read by the programs."""

from __future__ import annotations

import shutil
import subprocess
from decimal import Decimal

import pytest
from beancount.loader import load_file

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
    program = shutil.which("hledger")
    if program:
        ran = subprocess.run(
            [program, "-f", str(path), "check"], capture_output=True, text=True, check=False
        )
        assert (ran.returncode, ran.stderr) == (0, "")


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
