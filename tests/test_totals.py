"""Balances and daily totals are written with the events, and can be made again from them."""

from __future__ import annotations

from contextlib import closing

import pytest

from ledger.totals import VIEWS

STORY = """
    customer ab12345-ovh Europe/Rome
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4
    2026-10-01 23:59 sms 0.7
    2026-10-02 00:00 sms 1
    2026-10-02 09:00 purchase 250 bill-1
"""


def account(books, name="sms-ab12345-1"):
    figures = books.table("SELECT account, opening_milli, moved_milli FROM account")
    return next(row[1:] for row in figures if row[0] == name)


def days(books):
    return books.table(
        "SELECT day, kind, count, milli FROM daily_total ORDER BY account, day, kind"
    )


@pytest.mark.parametrize("together", [False, True])
def test_a_balance_is_its_opening_and_what_moved_since(books, together):
    books.draw(STORY, together=together)
    assert account(books) == (100_000, 246_900)


@pytest.mark.parametrize("together", [False, True])
def test_days_are_local_and_totals_are_signed_by_kind(books, together):
    books.draw(STORY, together=together)
    assert days(books) == [
        ("2026-10-01", "consumption", 2, -2_100),
        ("2026-10-02", "consumption", 1, -1_000),
        ("2026-10-02", "purchase", 1, 250_000),
    ]


@pytest.mark.parametrize("together", [False, True])
def test_an_opening_after_lines_leaves_the_earlier_ones_out(books, together):
    """Also when more is recorded in the opening's own transaction: nothing counts twice."""
    books.draw(
        """
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 sms 5
        2026-10-02 09:00 opening 10
        2026-10-03 09:00 purchase 100 bill-1
        """,
        together=together,
    )
    assert account(books) == (10_000, 100_000)
    assert days(books) == [("2026-10-03", "purchase", 1, 100_000)]


@pytest.mark.parametrize("together", [False, True])
def test_a_restated_opening_counts_the_earlier_ones_again(books, together):
    books.draw(
        """
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-02 09:00 opening 95
        2026-10-03 09:00 sms 1
        2026-10-01 09:00 opening 100 -5
        2026-10-01 10:00 sms 5
        """,
        together=together,
    )
    assert account(books) == (100_000, -6_000)


def test_a_movement_at_the_opening_is_counted_and_one_just_before_it_is_not(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-02 00:00 opening 10
        2026-10-01 23:59:59.999999 sms 2
        2026-10-02 00:00 sms 1
    """)
    assert account(books) == (10_000, -1_000)


def test_without_an_opening_everything_counts_towards_what_moved(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 sms 5
    """)
    assert account(books) == (None, -5_000)


def test_a_transfer_moves_both_accounts_in_one_transaction(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-2
        2026-10-01 09:00 opening 0
        account sms-ab12345-1
        2026-10-01 09:00 opening 100
        2026-10-02 09:00 transfer 40 sms-ab12345-2 t-1
    """)
    assert account(books) == (100_000, -40_000)
    assert account(books, "sms-ab12345-2") == (0, 40_000)


def test_a_correction_changes_the_day_of_its_line(books):
    books.draw(STORY + "2026-10-09 09:00 correct 1 0.4")
    assert ("2026-10-01", "correction", 1, 1_000) in days(books)


def test_breaks_and_imports_are_kept_with_the_events(books):
    books.draw("""
        customer ab12345-ovh
        2026-10-01 09:00 import 0a1b
        account sms-ab12345-1
        2026-10-01 09:00 break ? too-fine row-7
    """)
    assert books.table("SELECT sha256, completed_at_us FROM file_import") == [("0a1b", None)]
    assert books.table("SELECT kind, reference, credits_milli FROM open_break") == [
        ("too-fine", "row-7", None)
    ]
    books.draw("customer ab12345-ovh\n2026-10-01 10:00 imported 0a1b")
    ((completed,),) = books.table("SELECT completed_at_us FROM file_import")
    assert completed is not None


def test_the_log_counts_1_2_3_without_holes_across_streams(books):
    books.draw(STORY)
    log = books.table("SELECT position, stream, version FROM event_log ORDER BY position")
    assert [row[0] for row in log] == list(range(1, len(log) + 1))
    assert log[3] == (4, "sms-ab12345-1/consumption", 1)


def test_a_customer_of_the_log_is_that_of_the_account(books):
    books.draw(STORY)
    assert books.table("SELECT DISTINCT customer FROM event_log") == [("ab12345-ovh",)]


def test_the_views_belong_to_the_schema(books):
    with closing(books.database()) as database:
        assert set(VIEWS) <= database.tables()
