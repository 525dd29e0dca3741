"""Registers and statements: the balance is exact after every single movement and segment."""

from __future__ import annotations

import pytest

STORY = """
    customer ab12345-ovh Europe/Rome
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4
    2026-10-01 11:00 sms 0.7
    2026-10-02 08:00 sms 1
    2026-10-02 09:00 purchase 250 bill-1
    2026-10-02 10:00 sms 2
    2026-10-02 11:00 reply 0.5
    2026-10-02 23:30 sms 1
    2026-10-03 00:30 sms 3
"""


@pytest.fixture
def story(books):
    return books.draw(STORY)


def shape(rows):
    return [
        (row["happened_at"][8:16], row["kind"], row["credits"], row["balance"], row["count"])
        for row in rows
    ]


def test_lines_are_grouped_by_day_and_cut_at_every_single_movement(story):
    assert shape(story.rows("reg")) == [
        ("01T09:00", "opening", "100", "100", 0),
        ("01T11:00", "consumption", "-2.1", "97.9", 2),
        ("02T08:00", "consumption", "-1", "96.9", 1),
        ("02T09:00", "purchase", "250", "346.9", 1),
        ("02T11:00", "reply", "-0.5", "346.4", 1),
        ("02T23:30", "consumption", "-3", "343.4", 2),
        ("03T00:30", "consumption", "-3", "340.4", 1),
    ]


def test_a_row_names_customer_account_both_times_and_the_movement(story):
    row = story.rows("reg")[3]
    assert row == {
        "customer": "ab12345-ovh",
        "account": "sms-ab12345-1",
        "happened_at": "2026-10-02T09:00:00+02:00",
        "recorded_at": "2026-11-02T09:00:05+01:00",
        "kind": "purchase",
        "credits": "250",
        "balance": "346.9",
        "reference": "bill-1",
        "count": 1,
        "posted": None,
    }


def test_a_statement_ends_with_its_closing_balance(story):
    rows = story.rows("stmt", "sms-ab12345-1")
    assert shape(rows)[:-1] == shape(story.rows("reg"))
    assert shape(rows)[-1] == ("03T00:30", "closing", "0", "340.4", 0)


def test_a_statement_of_a_period_begins_with_the_balance_brought_forward(story):
    rows = story.rows("stmt", "sms-ab12345-1", "-p", "2026-10-02")
    assert shape(rows)[0] == ("02T00:00", "brought-forward", "97.9", "97.9", 0)
    assert shape(rows)[-1] == ("02T23:59", "closing", "0", "343.4", 0)


def test_the_end_of_a_period_is_exclusive(story):
    rows = story.rows("reg", "-b", "2026-10-02", "-e", "2026-10-03")
    assert shape(rows)[-1] == ("02T23:30", "consumption", "-3", "343.4", 2)


def test_as_of_a_date_holds_all_of_that_day(story):
    assert shape(story.rows("reg", "--as-of", "2026-10-02"))[-1][3] == "343.4"


def test_as_of_an_instant_holds_what_happened_at_it(story):
    until = "2026-10-02T10:00:00+02:00"
    rows = story.rows("reg", "--as-of", until)
    assert shape(rows)[-1] == ("02T10:00", "consumption", "-2", "344.9", 1)


def test_every_line_is_shown_on_request(story):
    rows = story.rows("stmt", "sms-ab12345-1", "--lines")
    assert [row["reference"] for row in rows if row["kind"] == "consumption"] == list("123467")
    assert rows[-1]["balance"] == "340.4"


def test_at_one_instant_credits_come_in_before_they_are_spent_and_go_out_last(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-2
        account sms-ab12345-1
        2026-10-01 09:00 opening 0
        2026-10-02 09:00 sms 1
        2026-10-02 09:00 transfer 5 sms-ab12345-2 t-1
        2026-10-02 09:00 purchase 100 bill-1
    """)
    rows = books.rows("reg", "sms-ab12345-1")
    assert [row["kind"] for row in rows] == [
        "opening",
        "purchase",
        "consumption",
        "transfer-out",
    ]


def test_a_correction_is_a_row_of_its_own_after_the_line(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 opening 10
        2026-10-02 09:00 sms 1.4
        2026-10-05 09:00 correct 1 0.7
    """)
    assert shape(books.rows("reg"))[1:] == [
        ("02T09:00", "consumption", "-1.4", "8.6", 1),
        ("02T09:00", "correction", "0.7", "9.3", 1),
    ]
    assert books.rows("reg")[2]["reference"] == "consumption 1"


def test_an_automatic_purchase_is_a_recharge(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 opening 10
        2026-10-02 09:00 recharge 100 bill-1
        2026-10-03 09:00 purchase 100 bill-2
    """)
    assert [row["kind"] for row in books.rows("reg")] == ["opening", "recharge", "purchase"]


def test_movements_before_the_opening_are_left_out(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 sms 5
        2026-10-01 10:00 purchase 100 bill-1
        2026-10-02 00:00 opening 95
        2026-10-02 00:00 sms 1
    """)
    assert shape(books.rows("reg")) == [
        ("02T00:00", "opening", "95", "95", 0),
        ("02T00:00", "consumption", "-1", "94", 1),
    ]


def test_a_restated_opening_brings_older_movements_back(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 sms 5
        2026-10-02 00:00 opening 95
        2026-10-01 00:00 opening 100 -5
    """)
    assert shape(books.rows("reg")) == [
        ("01T00:00", "opening", "100", "100", 0),
        ("01T09:00", "consumption", "-5", "95", 1),
    ]
    assert books.rows("reg")[0]["recorded_at"] == "2026-11-02T09:00:05+01:00"


def test_without_an_opening_movements_are_shown_and_balances_are_unknown(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 sms 5
    """)
    ran = books.type("stmt", "sms-ab12345-1", "-O", "json")
    assert shape(ran.rows) == [
        ("01T09:00", "consumption", "-5", None, 1),
        ("01T09:00", "closing", "0", None, 0),
    ]
    assert "the balance of sms-ab12345-1 is not known" in ran.err
    assert ran.document["notes"] == [ran.err.removeprefix("note: ").strip()]


def test_a_period_before_the_opening_is_empty(story):
    assert story.rows("stmt", "sms-ab12345-1", "-p", "2026-09") == []


def test_days_are_the_customers_own(books):
    """Half past midnight in Rome is still the day before in UTC, and in London."""
    books.draw("""
        customer ab12345-ovh Europe/Rome
        account sms-ab12345-1
        2026-10-01 00:00 opening 10
        2026-10-02 00:30 sms 1
        customer cd67890-ovh Europe/London
        account sms-cd67890-1
        2026-10-01 00:00 opening 10
        2026-10-01 23:30 sms 1
    """)
    rows = books.rows("bal", "--as-of", "2026-10-01")
    assert [(row["credits"], row["as_of"]) for row in rows] == [
        ("10", "2026-10-01T23:59:59.999999+02:00"),
        ("9", "2026-10-01T23:59:59.999999+01:00"),
    ]
    assert len(books.rows("reg", "-p", "2026-10-02")) == 3


def test_the_day_on_which_clocks_change_has_25_hours(books):
    books.draw("""
        customer ab12345-ovh Europe/Rome
        account sms-ab12345-1
        2026-10-25 00:00+02:00 opening 10
        2026-10-25 23:30+01:00 sms 1
        2026-10-26 00:00+01:00 sms 2
    """)
    assert books.rows("bal", "--as-of", "2026-10-25")[0]["credits"] == "9"
    assert [row["credits"] for row in books.rows("reg")] == ["10", "-1", "-2"]


def test_accounts_stand_in_the_order_that_people_count_in(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-10
        account sms-ab12345-9
    """)
    accounts = [row["account"] for row in books.rows("account", "list")]
    assert accounts == ["sms-ab12345-9", "sms-ab12345-10"]


def test_interleaved_pages_are_read_in_order_of_time(books):
    """A reply, then a late page of messages around it: each page is read once, in order."""
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 00:00 opening 10
        2026-10-01 09:00 sms 1
        2026-10-01 11:00 sms 1
        2026-10-01 10:00 reply 0.5
        2026-10-01 08:00 sms 2
        2026-10-01 10:30 gift 1 g-1
    """)
    rows = books.rows("stmt", "sms-ab12345-1", "--lines")
    assert [row["balance"] for row in rows] == ["10", "8", "7", "6.5", "7.5", "6.5", "6.5"]
    assert shape(books.rows("reg"))[1:] == [
        ("01T09:00", "consumption", "-3", "7", 2),
        ("01T10:00", "reply", "-0.5", "6.5", 1),
        ("01T10:30", "gift", "1", "7.5", 1),
        ("01T11:00", "consumption", "-1", "6.5", 1),
    ]
