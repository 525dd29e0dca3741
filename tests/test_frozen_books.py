"""Closed months keep their sheets, entries and journals; what is known since comes after."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from closers import close_month, reopen_month

NAME, ONE, TWO = "ab12345-ovh", "sms-ab12345-1", "sms-ab12345-2"

# The 60 messages take 50 credits of the opening, whose cost nobody told, and 10 of b-1: 1.00.
OCTOBER = f"""
    customer {NAME} Europe/Paris FR
    account {ONE}
    2025-10-01 00:00 opening 50
    2025-10-02 09:00 purchase 100 b-1 net=10.00 vat=2.00 bill=FR1
    2025-10-03 10:00 sms 60
"""
# In November's first instant come 10 credits, and 12 messages take them and 2 of b-1.
LATE = f"""
    account {ONE}
    2025-10-01 12:00 purchase 10 b-0 net=0.10 vat=0.02 bill=FR0
    2025-10-05 10:00 sms 12
    account {TWO}
    2025-10-06 10:00 opening 3
    2025-10-07 10:00 purchase 5 b-9 net=1.00 currency=GBP
"""
REPORTS = (("sheet", "--lang", "fr"), ("export", "entries"))


@pytest.fixture
def closed(books):
    books.draw(OCTOBER)
    close_month(books, "2025-10")
    return books


@pytest.fixture
def late(closed):
    return become_known(closed)


def become_known(books):
    """Tell what the opening cost, that no VAT is got back (b-1: 12.00), and what is late."""
    said = (
        ("account", "opening", ONE, "--cost", "5.00"),
        ("account", "vat", NAME, "--recoverable", "0", "--from", "2025-01-01"),
        ("account", "entries", NAME, "--set", "expense=6262 SMS", "--from", "2025-01-01"),
    )
    for words in said:
        ran = books.type(*words)
        assert ran.status == 0, ran
    return books.draw(LATE)


def printed(books, month):
    """The rows of all parts of all reports that are books, but for what OVH said."""
    found = [books.type(*words, "-p", month, "-O", "json").document for words in REPORTS]
    return [(one["rows"], one.get("lots")) for one in found]


def lines(books, *words):
    return [
        (row["kind"], row["happened_at"][:10], row["credits"], row["value"], row["unvalued"],
         row["posted"])
        for row in books.rows("sheet", ONE, *words)
    ]  # fmt: skip


def booked(books, *words):
    return [
        (row["day"], row["kind"], row["piece"], row["code"], row["debit"], row["credit"],
         row["happened_on"], row["posted"])
        for row in books.rows("export", "entries", *words)
        if row["account"] in ("", ONE) and row["currency"] == "EUR"
    ]  # fmt: skip


def test_the_books_of_a_closed_month_are_the_same_whatever_is_recorded_later(closed):
    before = printed(closed, "2025-10")
    assert lines(closed, "-p", "2025-10")[-1][2:4] == ("90", "9.00")
    become_known(closed)
    assert printed(closed, "2025-10") == before
    november = printed(closed, "2025-11")
    close_month(closed, "2025-11")
    assert printed(closed, "2025-11") == november
    closed.type("account", "vat", NAME, "--recoverable", "50", "--from", "2025-01-01")
    closed.draw(f"account {ONE}\n2025-10-09 10:00 sms 1\n2025-11-09 10:00 refund 5 r-1 FR1")
    assert printed(closed, "2025-10") == before
    assert printed(closed, "2025-11") == november


def test_what_closed_months_cost_more_has_a_line_of_its_own_in_the_open_one(late):
    """The 90 credits of b-1 that were left for 9.00 cost 10.80."""
    assert lines(late, "-p", "2025-11") == [
        ("brought-forward", "2025-11-01", "90", "9.00", "0", None),
        ("prior-period", "2025-11-01", "0", "1.80", "0", None),
        ("purchase", "2025-10-01", "10", "0.12", "0", "2025-11"),
        ("consumption", "2025-10-05", "-12", "-0.36", "0", "2025-11"),
        ("closing", "2025-11-30", "88", "10.56", "0", None),
    ]


def test_a_period_over_a_closed_month_is_its_months_together(late):
    assert lines(late, "-b", "2025-10-01", "-e", "2025-12-01") == [
        ("brought-forward", "2025-10-01", "0", "0.00", "0", None),
        ("prior-period", "2025-11-01", "0", "1.80", "0", None),
        ("opening", "2025-10-01", "50", None, "50", None),
        ("purchase", "2025-10-02", "100", "10.00", "0", None),
        ("purchase", "2025-10-01", "10", "0.12", "0", "2025-11"),
        ("consumption", "2025-10-03", "-50", None, "-50", None),  # of no currency yet
        ("consumption", "2025-10-03", "-10", "-1.00", "0", None),
        ("consumption", "2025-10-05", "-12", "-0.36", "0", "2025-11"),
        ("closing", "2025-11-30", "88", "10.56", "0", None),
    ]


def test_by_when_it_happened_nothing_is_late_and_nothing_of_a_prior_period(late):
    """b-0, then the opening, then b-1 are drawn: of 72 credits 12 are of b-1, 1.44."""
    assert lines(late, "-p", "2025-10", "--basis", "happened")[-1] == (
        "closing", "2025-10-31", "88", "10.56", "0", None,
    )  # fmt: skip
    for words in (*REPORTS, ("export", "entries", "-p", "2025-11")):
        period = () if "-p" in words else ("-p", "2025-11")
        rows = late.rows(*words, *period, "--basis", "happened")
        assert {row["kind"] for row in rows} <= {"brought-forward", "closing"}


def test_the_entries_of_closed_months_are_set_right_in_the_open_one(late):
    """VAT that is not got back is cost: 0.20 of what was used, 1.80 of what was left."""
    assert booked(late, "-p", "2025-11") == [
        ("2025-11-01", "prior-period", "FR1", "486", "1.80", None, None, None),
        ("2025-11-01", "prior-period", "FR1", "6262", "0.20", None, None, None),
        ("2025-11-01", "prior-period", "FR1", "44566", None, "2.00", None, None),
        ("2025-11-01", "prior-period", "opening+balance", "6262", "5.00", None, None, None),
        ("2025-11-01", "prior-period", "opening+balance", "890", None, "5.00", None, None),
        ("2025-11-01", "purchase", "FR0", "486", "0.12", None, "2025-10-01", "2025-11"),
        ("2025-11-01", "purchase", "FR0", "401", None, "0.12", "2025-10-01", "2025-11"),
        ("2025-11-30", "consumption", f"{ONE} 2025-10", "6262", "0.36", None, "2025-10-31",
         "2025-11"),
        ("2025-11-30", "consumption", f"{ONE} 2025-10", "486", None, "0.36", "2025-10-31",
         "2025-11"),
    ]  # fmt: skip


def test_all_entries_come_to_the_value_and_to_what_the_messages_cost(late):
    rows = [
        row
        for month in ("2025-10", "2025-11")
        for row in late.rows("export", "entries", "-p", month)
    ]
    assert rows == [
        {**row, "entry": own["entry"]}
        for row, own in zip(
            late.rows("export", "entries", "-b", "2025-10-01", "-e", "2025-12-01"),
            rows,
            strict=True,
        )
    ]
    sums = Counter()
    for row in rows:
        if row["currency"] == "EUR":
            sums[row["code"]] += Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
    value = sum(Decimal(row["value"]) for row in late.rows("value", ONE))
    assert sums["486"] == value == Decimal("10.56")
    cost = [row for row in late.rows("cost", "--by", "kind") if row["currency"] == "EUR"]
    assert sums["626"] + sums["6262"] == sum(Decimal(row["cost"]) for row in cost)


def test_the_lots_of_a_closed_sheet_are_those_of_its_close(late):
    document = late.type("sheet", ONE, "-p", "2025-10", "-O", "json").document
    assert [(row["lot"], row["left"], row["value"]) for row in document["lots"]] == [
        ("b-1", "90", "9.00")
    ]
    assert document["lots"] == late.rows("value", ONE, "--as-of", "2025-10-31")


def test_a_reopened_month_has_the_books_of_when_it_happened(late):
    reopen_month(late, "2025-10")
    for words in REPORTS:
        posted = late.rows(*words, "-p", "2025-10")
        assert posted == late.rows(*words, "-p", "2025-10", "--basis", "happened")


def test_the_books_say_on_which_basis_they_stand(late):
    for words in REPORTS:
        said = late.type(*words, "-p", "2025-11").err
        assert "what was recorded late stands in the month that was open" in said
        said = late.type(*words, "-p", "2025-11", "--basis", "happened").err
        assert "by when it happened, whatever was closed" in said


def test_a_late_document_keeps_its_date_in_the_lines_of_the_fec(late):
    out = late.type("export", "entries", "-p", "2025-11", "--format", "fec", "--lang", "fr").out
    (line, *_) = [line.split("\t") for line in out.splitlines() if "FR0" in line]
    assert (line[3], line[8], line[9]) == ("20251101", "FR0", "20251001")
    assert any("régularisation de mois clos" in line for line in out.splitlines())
