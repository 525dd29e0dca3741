"""Accounts: what is known of them, and closing them."""

from __future__ import annotations

import pytest

STORY = """
    customer ab12345-ovh Europe/Rome
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-02 09:00 recharge 250 bill-1
    2026-10-03 09:00 sms 20
    2026-10-04 09:00 threshold 50 250
    2026-10-04 10:00 saw 325 held 5
"""


@pytest.fixture
def story(books):
    return books.draw(STORY)


def test_an_account_is_listed_with_its_customer_and_t0(story):
    assert story.rows("account", "list") == [
        {
            "customer": "ab12345-ovh",
            "account": "sms-ab12345-1",
            "description": "",
            "status": "open",
            "opened_at": "2026-10-01T09:00:00+02:00",
            "closed_at": None,
            "credits": "330",
        }
    ]


def test_descriptions_come_from_the_erasable_table(story):
    database = story.database()
    database.execute("INSERT INTO label VALUES ('sms-ab12345-1', 'Reminders \x1b[31m')")
    database.close()
    assert story.rows("account", "list")[0]["description"] == "Reminders \x1b[31m"
    assert "\x1b" not in story.type("account", "list").out
    assert "\x1b" not in story.type("account", "show", "sms-ab12345-1").out


def test_an_account_without_an_opening_is_listed_from_its_first_sight(books):
    books.draw("customer ab12345-ovh\naccount sms-ab12345-1")
    (row,) = books.rows("account", "list")
    assert (row["opened_at"], row["credits"]) == ("2000-01-01T01:00:00+01:00", None)


def test_show_tells_everything_that_is_known(story):
    story.draw("account sms-ab12345-1\n2026-10-05 09:00 break -4 line-conflict consumption-7")
    (row,) = story.rows("account", "show", "sms-ab12345-1")
    assert (row["opening"], row["credits"], row["time_zone"]) == ("100", "330", "Europe/Rome")
    assert row["recharge"] == {
        "threshold": "50",
        "amount": 250,
        "seen_at": "2026-10-04T09:00:00+02:00",
    }
    assert row["observation"]["credits_left"] == "325"
    assert row["observation"]["held"] == "5"
    assert row["purchases"] == [
        {
            "bought_at": "2026-10-02T09:00:00+02:00",
            "kind": "recharge",
            "credits": "250",
            "reference": "bill-1",
        }
    ]
    assert [one["reference"] for one in row["breaks"]] == ["consumption-7"]
    words = story.type("account", "show", "sms-ab12345-1").out
    assert "250 credits below 50" in words
    assert "325 credits left, and 5 held by quotas" in words
    assert "a line-conflict" in words


def test_an_unknown_account_is_misuse_that_names_known_ones(story):
    ran = story.type("account", "show", "sms-none-1")
    assert (ran.status, ran.out) == (2, "")
    assert "unknown account 'sms-none-1': the ledger has sms-ab12345-1" in ran.err


# --- closing -------------------------------------------------------------------------------


def test_an_account_with_credits_is_not_closed_unless_they_are_written_off(story):
    ran = story.type("account", "close", "sms-ab12345-1")
    assert (ran.status, ran.out) == (5, "")
    assert "still has 330 credits" in ran.err
    assert story.rows("account", "list")[0]["status"] == "open"


def test_closing_writes_off_what_is_left_and_says_why(story):
    ran = story.type("account", "close", "sms-ab12345-1", "--write-off", "--reason", "given up")
    assert ran.status == 0
    assert "330 credits were written off" in ran.out
    (row,) = story.rows("account", "list")
    assert (row["status"], row["credits"]) == ("closed", "0")
    *_, adjusted, closed = story.rows("audit", "log")
    assert [adjusted["kind"], closed["kind"]] == ["credits-adjusted", "account-closed"]
    assert {(row["actor"], row["reason"]) for row in (adjusted, closed)} == {
        ("tester", "given up")
    }
    assert story.type("check").status == 0


def test_an_account_below_zero_says_so_before_it_is_closed(books):
    books.draw("""
        customer one
        account sms-one-1
        2026-10-01 09:00 opening 0
        2026-10-01 10:00 sms 2
    """)
    ran = books.type("account", "close", "sms-one-1")
    assert (ran.status, "is 2 credits below zero" in ran.err) == (5, True)


def test_an_account_is_closed_once(story):
    story.type("account", "close", "sms-ab12345-1", "--write-off")
    ran = story.type("account", "close", "sms-ab12345-1", "--write-off")
    assert ran.status == 5
    assert "was closed on" in ran.err


def test_an_empty_account_is_closed_without_a_write_off(books):
    books.draw("customer one\naccount sms-one-1\n2026-10-01 09:00 opening 0")
    assert books.type("account", "close", "sms-one-1", "--at", "2026-10-31").status == 0
    (row,) = books.rows("account", "list")
    assert row["closed_at"] == "2026-10-31T23:59:59.999999+01:00"
    assert [row["kind"] for row in books.rows("reg")] == ["opening"]


def test_an_account_is_not_closed_before_its_last_movement(story):
    ran = story.type("account", "close", "sms-ab12345-1", "--write-off", "--at", "2026-10-02")
    assert ran.status == 5
    assert "moved after 2026-10-02" in ran.err


def test_an_account_is_not_closed_in_the_future(story):
    ran = story.type("account", "close", "sms-ab12345-1", "--write-off", "--at", "2999-01-01")
    assert (ran.status, "expected a time that is past" in ran.err) == (2, True)


def test_an_account_whose_balance_is_unknown_is_not_closed(books):
    books.draw("customer one\naccount sms-one-1")
    ran = books.type("account", "close", "sms-one-1", "--write-off")
    assert ran.status == 5
    assert "not known" in ran.err


def test_closing_an_unknown_account_is_misuse(story):
    assert story.type("account", "close", "sms-none-1").status == 2
