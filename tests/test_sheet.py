"""The period-end sheet: every figure is worked out by hand, and they add up."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from openpyxl import load_workbook

ONE, TWO, THREE = "sms-ab12345-1", "sms-ab12345-2", "sms-ab12345-3"

# 4.20 / 100: 40 used in September cost 1.68, 20 in October 0.84, the 40 that are sent 1.68.
STORY = f"""
    customer ab12345-ovh
    account {TWO}
    2026-09-01 08:00 opening 0
    account {ONE}
    2026-09-01 08:00 opening 0
    2026-09-10 09:00 purchase 100 b-1 net=4.20 vat=0.92 bill=IT1
    2026-09-20 10:00 sms 40
    2026-10-01 10:00 sms 15
    2026-10-02 10:00 sms 5
    2026-10-05 09:00 purchase 100 b-2 net=5.00 vat=1.10 bill=IT2 gift=10
    2026-10-07 09:00 transfer 50 {TWO} t-1
    2026-10-08 09:00 refund 20 r-1 IT2
    2026-10-09 09:00 adjustment -10 a-1
    2026-10-10 09:00 gift 1 g-1
    2026-10-30 09:00 saw 71
    account {TWO}
    2026-10-08 10:00 sms 60
    2026-11-02 09:00 purchase 100 b-3 net=5.00 vat=1.10 bill=IT3
"""


@pytest.fixture
def story(books):
    return books.draw(STORY)


def lines(books, *words):
    return [
        (row["account"][-1], row["kind"], row["reference"], row["bill"], row["credits"],
         row["value"], row["unvalued"])
        for row in books.rows("sheet", *words)
    ]  # fmt: skip


def test_a_sheet_leads_from_the_opening_to_the_closing_balance(story):
    assert lines(story, "-p", "2026-10") == [
        ("1", "brought-forward", "", None, "60", "2.52", "0"),
        ("1", "purchase", "b-2", "IT2", "100", "5.00", "0"),
        ("1", "gift", "b-2+gift", "IT2", "10", "0.00", "0"),
        ("1", "gift", "gift+g-1", None, "1", "0.00", "0"),
        ("1", "transfer-out", "t-1", None, "-50", "-2.18", "0"),
        ("1", "consumption", "", None, "-20", "-0.84", "0"),
        ("1", "refund", "r-1", "IT2", "-20", "-0.50", "0"),
        ("1", "adjustment", "a-1", None, "-10", "-0.50", "0"),
        ("1", "closing", "", None, "71", "3.50", "0"),
        ("2", "brought-forward", "", None, "0", "0.00", "0"),
        ("2", "transfer-in", "t-1", None, "50", "2.18", "0"),
        ("2", "consumption", "", None, "-60", "-2.18", "-10"),
        ("2", "closing", "", None, "-10", None, "-10"),
    ]


def test_a_purchase_has_its_invoice_with_net_and_vat(story):
    (row,) = [row for row in story.rows("sheet", "-p", "2026-10") if row["reference"] == "b-2"]
    assert row == {
        "customer": "ab12345-ovh", "account": ONE, "kind": "purchase",
        "happened_at": "2026-10-05T09:00:00+02:00", "reference": "b-2", "bill": "IT2",
        "credits": "100", "net": "5.00", "vat": "1.10", "value": "5.00", "currency": "EUR",
        "unvalued": "0", "posted": None,
    }  # fmt: skip


def test_what_was_spent_below_zero_is_paid_by_the_lot_that_covers_it(story):
    assert lines(story, TWO, "-p", "2026-11") == [
        ("2", "brought-forward", "", None, "-10", None, "-10"),
        ("2", "purchase", "b-3", "IT3", "100", "5.00", "0"),
        ("2", "covered", "", None, "0", "-0.50", "10"),
        ("2", "closing", "", None, "90", "4.50", "0"),
    ]


def test_the_closing_values_are_the_prepaid_value_of_the_last_day(story):
    for month, day in (("2026-09", "2026-09-30"), ("2026-10", "2026-10-31"),
                       ("2026-11", "2026-11-30")):  # fmt: skip
        document = story.type("sheet", "-p", month, "-O", "json").document
        assert document["lots"] == story.rows("value", "--as-of", day)
        closing = [row["value"] for row in document["rows"] if row["kind"] == "closing"]
        left = [row["value"] for row in document["lots"]]
        assert summed(closing) == summed(left)


def summed(amounts):
    return sum(Decimal(amount or 0) for amount in amounts)


def test_the_checks_are_those_of_the_last_look_before_the_end(story):
    document = story.type("sheet", "-p", "2026-10", "-O", "json").document
    assert document["checks"] == [
        {
            "customer": "ab12345-ovh", "account": ONE,
            "observed_at": "2026-10-30T09:00:00+01:00", "drift": "0", "residual": "0",
        },
        {
            "customer": "ab12345-ovh", "account": TWO,
            "observed_at": None, "drift": None, "residual": None,
        },
    ]  # fmt: skip
    earlier = story.type("sheet", "-p", "2026-09", "-O", "json").document
    assert [row["observed_at"] for row in earlier["checks"]] == [None, None]


def test_a_residual_is_shown(books):
    books.draw(STORY + f"account {ONE}\n2026-10-31 09:00 saw 70.5")
    checks = books.type("sheet", "-p", "2026-10", "-O", "json").document["checks"]
    assert (checks[0]["drift"], checks[0]["residual"]) == ("-0.5", "-0.5")


def test_an_account_that_left_the_books_is_not_held_against_ovh(sqlite_books):
    sqlite_books.draw(f"{STORY}\naccount {ONE}\n2026-11-03 09:00 close 71")
    document = sqlite_books.type("sheet", ONE, "-p", "2026-11", "-O", "json").document
    assert document["checks"][0]["residual"] is None
    assert [(row["kind"], row["value"]) for row in document["rows"]] == [
        ("brought-forward", "3.50"), ("write-off", "-3.50"), ("closing", "0.00"),
    ]  # fmt: skip


OPENED = f"""
    customer ab12345-ovh
    account {ONE}
    2026-09-10 09:00 purchase 100 b-1 net=4.20 bill=IT1
    2026-10-05 08:00 opening 150
"""


def test_an_opening_in_the_period_comes_with_what_its_bills_tell(books):
    books.draw(OPENED)
    assert lines(books, "-p", "2026-10") == [
        ("1", "brought-forward", "", None, "0", "0.00", "0"),
        ("1", "opening", "", None, "150", "4.20", "50"),
        ("1", "closing", "", None, "150", "4.20", "50"),
    ]
    assert (
        "what 50 credits of lot opening+balance cost is not known"
        in books.type("sheet", "-p", "2026-10").err
    )


TWO_CURRENCIES = f"""
    customer ab12345-ovh
    account {ONE}
    2026-10-01 08:00 opening 0
    2026-10-01 09:00 purchase 10 b-1 net=1.00
    2026-10-01 09:30 purchase 10 b-2 net=2.00 currency=GBP
    2026-10-01 10:00 gift 5 g-1
    2026-10-02 10:00 sms 12
    2026-11-02 10:00 sms 10
"""


def test_two_currencies_are_never_added(books):
    books.draw(TWO_CURRENCIES)
    rows = books.rows("sheet", "-p", "2026-11")
    assert [(row["kind"], row["credits"], row["value"], row["currency"]) for row in rows] == [
        ("brought-forward", "8", "1.60", "GBP"),
        ("brought-forward", "5", "0.00", None),
        ("consumption", "-8", "-1.60", "GBP"),
        ("consumption", "-2", "0.00", None),
        ("closing", "3", "0.00", None),
    ]
    out = books.type("sheet", "-p", "2026-10").out
    totals = [line.split() for line in out.splitlines() if line.startswith("total")]
    assert [line[-1] for line in totals[:2]] == ["GBP", "0.00"]


def test_a_sheet_for_people_ends_with_what_goes_into_the_balance_sheet(story):
    out = story.type("sheet", "-p", "2026-10", "--lang", "fr").out
    assert out.startswith("Feuille de clôture\n")
    (total,) = re.findall(r"^total +solde de clôture .*$", out, re.MULTILINE)
    assert total.split()[-3:] == ["3,50", "EUR", "-10"]
    assert "\nLots de crédits\n" in out
    assert "\nRapprochement avec OVH\n" in out


def test_a_workbook_of_a_sheet_has_a_tab_for_each_part(story, tmp_path):
    path = tmp_path / "october.xlsx"
    assert story.type("sheet", "-p", "2026-10", "--lang", "it", "-o", str(path)).status == 0
    book = load_workbook(path)
    assert book.sheetnames == [
        "Scheda di chiusura", "Lotti di crediti", "Riscontro con OVH", "Informazioni",
    ]  # fmt: skip
    first = book.worksheets[0]
    assert first.cell(first.max_row, 10).value == "=SUMIFS(J2:J14,C2:C14,C15)"
    assert first.cell(first.max_row, 3).value == "saldo finale"
    kept = load_workbook(path, data_only=True).worksheets[0]
    assert kept.cell(first.max_row, 10).value == 3.5


def test_csv_holds_the_lines(story):
    out = story.type("sheet", "-p", "2026-10", "-O", "csv").out
    assert out.splitlines()[0] == (
        "customer,account,kind,happened_at,reference,bill,credits,net,vat,value,currency,unvalued"
        ",posted"
    )
    assert len(out.splitlines()) == 14


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "expected a period with a first and a last day: type -p 2026-10"),
        (("-b", "2026-10-01"), "expected a period with a first and a last day"),
        (("-e", "2026-10-01"), "expected a period with a first and a last day"),
        (("-b", "2026-10-01", "-e", "2026-10-31T12:00:00Z"), "a first and a last day"),
        (("-b", "2026-10-01T12:00:00Z", "-e", "2026-10-31"), "a first and a last day"),
        (("sms-no-1", "-p", "2026-10"), "unknown account 'sms-no-1'"),
        (("--customer", "no-ovh", "-p", "2026-10"), "found 'no-ovh'; there is ab12345-ovh"),
    ],
)
def test_a_sheet_that_cannot_be_is_refused_in_one_line(sqlite_books, words, said):
    sqlite_books.draw(OPENED)
    ran = sqlite_books.type("sheet", *words)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err.splitlines()[-1]


def test_an_empty_ledger_has_an_empty_sheet(books):
    document = books.type("sheet", "-p", "2026-10", "-O", "json").document
    assert document["rows"] == document["lots"] == document["checks"] == []
