"""A month is closed, something comes late, it is reopened and closed again: all by hand."""

from __future__ import annotations

import pytest
from closers import close_month, reopen_month

from cli import options
from projections import basis

ONE = "sms-ab12345-1"

# October: 40 of 100 credits for 10.00 are used: 4.00; 60 are left: 6.00.
OCTOBER = f"""
    customer ab12345-ovh
    account {ONE}
    2025-10-01 00:00 opening 0
    2025-10-01 09:30 purchase 100 b-1 net=10.00
    2025-10-02 10:00 sms 40 tag=otp
"""
# Late: 10 older credits for 0.10, 12 messages of October, and the first cost 5 credits less.
# November: 8 messages.
LATE = f"""
    account {ONE}
    2025-10-01 09:00 purchase 10 b-0 net=0.10
    2025-10-03 10:00 sms 12 tag=ads
    2025-10-02 10:00 correct 1 35
    2025-11-05 10:00 sms 8 tag=otp
"""


@pytest.fixture
def late(books):
    books.draw(OCTOBER)
    close_month(books, "2025-10")
    return books.draw(LATE)


def statement(books, *words):
    return [
        (row["happened_at"][:10], row["kind"], row["credits"], row["balance"], row["posted"])
        for row in books.rows("stmt", ONE, *words)
    ]


def costs(books, *words):
    return [
        (row["period"], row["tag"], row["credits"], row["cost"], row["prior_credits"],
         row["prior_cost"])
        for row in books.rows("cost", "--by", "tag", *words)
    ]  # fmt: skip


def value(books, *words):
    return [(row["lot"], row["left"], row["value"]) for row in books.rows("value", *words)]


def test_what_is_late_keeps_its_date_and_stands_in_the_month_that_is_open(late):
    assert statement(late) == [
        ("2025-10-01", "opening", "0", "0", None),
        ("2025-10-01", "purchase", "100", "100", None),
        ("2025-10-02", "consumption", "-40", "60", None),
        ("2025-10-01", "purchase", "10", "70", "2025-11"),
        ("2025-10-03", "consumption", "-12", "58", "2025-11"),
        ("2025-10-02", "correction", "5", "63", "2025-11"),
        ("2025-11-05", "consumption", "-8", "55", None),
        ("2025-11-05", "closing", "0", "55", None),
    ]
    assert statement(late, "-p", "2025-10")[-1] == ("2025-10-31", "closing", "0", "60", None)
    assert statement(late, "-p", "2025-11")[0] == (
        "2025-11-01", "brought-forward", "60", "60", None,
    )  # fmt: skip


def test_a_closed_month_costs_what_it_was_closed_with(late):
    """5 credits of b-1 come back: -0.50. Then 12 are drawn: b-0 for 0.10 and 2 of b-1: 0.20."""
    assert costs(late) == [
        ("2025-10", "otp", "40", "4.00", "0", "0.00"),
        ("2025-11", "ads", "12", "0.30", "12", "0.30"),
        ("2025-11", "otp", "3", "0.30", "-5", "-0.50"),
    ]
    assert costs(late, "--basis", "happened") == [
        ("2025-10", "ads", "12", "0.97", "0", "0.00"),
        ("2025-10", "otp", "35", "2.83", "0", "0.00"),
        ("2025-11", "otp", "8", "0.80", "0", "0.00"),
    ]


def test_what_is_left_at_the_end_of_a_closed_month_stays(late):
    assert value(late, "--as-of", "2025-10-31") == [("b-1", "60", "6.00")]
    assert value(late, "--as-of", "2025-10-31", "--basis", "happened") == [
        ("b-1", "63", "6.30")
    ]
    assert value(late) == [("b-1", "55", "5.50")]


def test_the_draws_of_a_closed_month_are_frozen(late):
    assert [
        (row["happened_at"][:10], row["lot"], row["credits"], row["cost"], row["posted"])
        for row in late.rows("lots", "--draws")
    ] == [
        ("2025-10-02", "b-1", "40", "4.00", None),
        ("2025-10-02", "b-1", "-5", "-0.50", "2025-11"),
        ("2025-10-03", "b-0", "10", "0.10", "2025-11"),
        ("2025-10-03", "b-1", "2", "0.20", "2025-11"),
        ("2025-11-05", "b-1", "3", "0.30", None),  # the rest of what came back
        ("2025-11-05", "b-1", "5", "0.50", None),
    ]


def test_a_reopened_month_takes_back_what_was_late_and_is_closed_again_with_it(late):
    reopen_month(late, "2025-10")
    assert costs(late) == costs(late, "--basis", "happened")
    assert statement(late) == statement(late, "--basis", "happened")
    close_month(late, "2025-10")
    assert costs(late) == costs(late, "--basis", "happened")
    assert value(late, "--as-of", "2025-10-31") == [("b-1", "63", "6.30")]


def test_a_month_that_is_closed_with_late_facts_keeps_them(late):
    """The November that is closed has them; what comes then is posted in December."""
    before = costs(late)
    closed = close_month(late, "2025-11")
    (account,) = closed.accounts
    assert [
        (one.posted_as, one.credits.milli, str(one.cost.amount)) for one in account.drawn
    ] == [("current", 8000, "0.80"), ("late", 12000, "0.30"), ("late", -5000, "-0.50")]
    late.draw(f"account {ONE}\n2025-10-04 10:00 sms 2 tag=otp")
    assert costs(late) == [*before, ("2025-12", "otp", "2", "0.20", "2", "0.20")]


def test_what_closed_months_cost_more_is_of_the_first_open_one(sqlite_books):
    """4 credits were spent below zero in October; 10 of November, for 0.50, cover them."""
    sqlite_books.draw(
        f"""
        customer ab12345-ovh
        account {ONE}
        2025-10-01 00:00 opening 0
        2025-10-02 10:00 sms 4 tag=otp
        """
    )
    close_month(sqlite_books, "2025-10")
    sqlite_books.draw(f"account {ONE}\n2025-11-02 09:00 purchase 10 b-1 net=0.50")
    assert [
        (row["period"], row["tag"], row["credits"], row["cost"], row["unvalued"])
        for row in sqlite_books.rows("cost", "--by", "tag")
    ] == [
        ("2025-10", "otp", "4", None, "4"),
        ("2025-11", "(prior-period)", "0", "0.20", "-4"),
    ]
    table = sqlite_books.type("cost", "--by", "tag", "--lang", "it").out
    assert "costo di periodi precedenti" in table
    assert "(periodi precedenti)" in table
    assert "prior" not in table


def test_an_older_opening_stands_in_the_open_month_with_what_it_lets_count(sqlite_books):
    """70 at the end of September, less 10 messages then, are the 60 of October."""
    sqlite_books.draw(
        f"""
        customer ab12345-ovh
        account {ONE}
        2025-10-01 00:00 opening 60
        2025-10-02 10:00 sms 4
        """
    )
    close_month(sqlite_books, "2025-10")
    sqlite_books.draw(
        f"""
        account {ONE}
        2025-09-20 10:00 sms 10
        2025-09-15 00:00 opening 70 -10
        2025-11-02 10:00 sms 1
        """
    )
    assert statement(sqlite_books) == [
        ("2025-10-01", "opening", "60", "60", None),
        ("2025-10-02", "consumption", "-4", "56", None),
        ("2025-09-15", "opening", "10", "66", "2025-11"),
        ("2025-09-20", "consumption", "-10", "56", "2025-11"),
        ("2025-11-02", "consumption", "-1", "55", None),
        ("2025-11-02", "closing", "0", "55", None),
    ]


def test_without_a_closed_month_both_bases_are_one_and_nothing_more_is_kept(books):
    books.draw(OCTOBER).draw(LATE)
    for words in (["stmt", ONE], ["cost"], ["value"], ["lots", "--draws"]):
        posted = books.type(*words, "--basis", "posted", "-O", "json")
        happened = books.type(*words, "--basis", "happened", "-O", "json")
        assert posted == happened
    assert books.table("SELECT COUNT(*) FROM posted_draw") == [(0,)]


def test_a_closed_month_with_nothing_late_keeps_no_rows_of_its_own(sqlite_books):
    sqlite_books.draw(OCTOBER)
    close_month(sqlite_books, "2025-10")
    assert sqlite_books.type("value", "-O", "json").document["notes"] == [
        "as the months were closed (--basis posted); nothing was recorded late"
    ]
    assert sqlite_books.table("SELECT COUNT(*) FROM posted_draw") == [(0,)]


def test_a_journal_dates_late_facts_in_their_month_and_says_when_they_were(late):
    out = late.type("export", "beancount").out
    assert '2025-11-01 * "purchase b-0, late, of 2025-10-01"' in out
    assert f"2025-11-01 balance Assets:Prepaid:Ab12345-ovh:{ONE.capitalize()}  6.00 EUR" in out
    happened = late.type("export", "beancount", "--basis", "happened").out
    assert '2025-10-01 * "purchase b-0"' in happened


def test_the_option_names_the_bases_that_there_are():
    assert options.BASES == basis.BASES


def test_balances_of_the_past_stand_on_either_basis(late):
    def balance(*words):
        (row,) = late.rows("bal", "--as-of", "2025-10-31", *words)
        return row["credits"]

    assert balance() == "63"
    assert balance("--basis", "posted") == "60"
