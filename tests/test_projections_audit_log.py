"""The audit log: who recorded what, when, why, with the digest that proves it."""

from __future__ import annotations

import pytest

STORY = """
    customer ab12345-ovh Europe/Rome
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4
    2026-10-02 09:00 recharge 250 bill-1
    account sms-ab12345-2
    2026-10-02 11:00 saw 5
"""


@pytest.fixture
def story(books):
    return books.draw(STORY)


def kinds(rows):
    return [row["kind"] for row in rows]


def test_every_event_is_listed_in_the_order_of_the_log(story):
    rows = story.rows("audit", "log")
    assert [row["position"] for row in rows] == list(range(1, 9))
    assert kinds(rows) == [
        "customer-registered",
        "account-opened",
        "balance-opened",
        "page-recorded",
        "credits-purchased",
        "purchase-attributed",
        "account-opened",
        "balance-observed",
    ]


def test_a_row_has_both_times_the_actor_and_the_digest(story):
    row = story.rows("audit", "log", "--position", "5")[0]
    digest = row.pop("digest")
    assert row == {
        "position": 5,
        "stream": "sms-ab12345-1",
        "version": 3,
        "kind": "credits-purchased",
        "happened_at": "2026-10-02T09:00:00+02:00",
        "recorded_at": "2026-11-02T09:00:05+01:00",
        "actor": "drawer",
        "reason": None,
    }
    ((stored,),) = story.table("SELECT leaf FROM event_log WHERE position = 5")
    assert digest == stored.hex()


@pytest.mark.parametrize(
    ("asked", "positions"),
    [
        (["--position", "2..3"], [2, 3]),
        (["--position", "7.."], [7, 8]),
        (["--position", "..1"], [1]),
        (["--kind", "account-opened"], [2, 7]),
        (["--kind", "account-opened", "--kind", "balance-opened"], [2, 3, 7]),
        (["--account", "sms-ab12345-2"], [7, 8]),
        (["--actor", "nobody"], []),
        (["--actor", "drawer", "--kind", "page-recorded"], [4]),
        (["-p", "2026-11-02"], [1, 2, 3, 4, 5, 6, 7, 8]),
        (["-b", "2026-11-02T08:00:07Z"], [7, 8]),
        (["-e", "2026-11-02"], []),
    ],
)
def test_conditions_hold_together(story, asked, positions):
    assert [row["position"] for row in story.rows("audit", "log", *asked)] == positions


@pytest.mark.parametrize("text", ["a..b", "..", "-1", "1-2", "1.5"])
def test_malformed_positions_are_misuse(story, text):
    assert story.type("audit", "log", f"--position={text}").status == 2


def test_an_unknown_account_is_misuse_not_an_empty_list(story):
    assert story.type("audit", "log", "--account", "sms-none-1").status == 2


def test_one_event_is_shown_in_plain_words(story):
    out = story.type("audit", "show", "5").out
    assert out.startswith("credits purchased, event 3 of sms-ab12345-1\n")
    for said in ("by drawer", "stated by a person", "250 credits", "bill-1"):
        assert said in out


def test_one_event_is_shown_whole_without_its_body(story):
    (row,) = story.rows("audit", "show", "4")
    assert row["event"]["spent_milli"] == 1400
    assert "body" not in row["event"]


def test_a_position_beyond_the_log_is_misuse(story):
    ran = story.type("audit", "show", "9")
    assert ran.status == 2
    assert "expected a log position from 1 to 8, found 9" in ran.err
