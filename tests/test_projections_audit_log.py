"""The audit log: who recorded what, when, why, with the digest that proves it."""

from __future__ import annotations

import pytest
from rigs import rig

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
        (["--reason", "x"], []),
    ],
)
def test_conditions_hold_together(story, asked, positions):
    assert [row["position"] for row in story.rows("audit", "log", *asked)] == positions


@pytest.mark.parametrize("text", ["a..b", "..", "-1", "1-2", "1.5"])
def test_malformed_positions_are_misuse(story, text):
    assert story.type("audit", "log", f"--position={text}").status == 2


def test_an_unknown_account_is_misuse_not_an_empty_list(story):
    assert story.type("audit", "log", "--account", "sms-none-1").status == 2


def test_a_kind_that_no_event_has_is_refused_with_the_nearest(story):
    ran = story.type("audit", "log", "--kind", "credit-purchased")
    assert (ran.status, ran.out) == (2, "")
    assert "found 'credit-purchased': there is credits-purchased" in ran.err


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
    assert "expected a log position from 1 to 8, or STREAM@VERSION, found 9" in ran.err


@pytest.mark.parametrize("text", ["0", "x", "sms-ab12345-1@9", "sms-none-1@1", "@", "1@", "-1"])
def test_an_event_that_is_not_there_is_misuse(story, text):
    ran = story.type("audit", "show", "--", text)
    assert (ran.status, ran.out) == (2, "")
    assert "or STREAM@VERSION, found" in ran.err


# --- what belongs to an event ---------------------------------------------------------------

WHOLE = """
    customer ab12345-ovh Europe/Rome
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4 tag=otp country=FR user=anna
    2026-10-02 00:05 sms 0.7 country=IT
    2026-10-02 09:00 recharge 250 bill-1
    2026-10-03 09:00 correct 1 0.7
    2026-10-03 09:00 not-billed 2
    account sms-ab12345-2
    2026-10-01 09:00 opening 0
    account sms-ab12345-1
    2026-10-04 09:00 transfer 20 sms-ab12345-2 t-1
"""


@pytest.fixture
def whole(books):
    return books.draw(WHOLE)


def relations(books, event):
    (row,) = books.rows("audit", "show", event)
    return {
        one["relation"]: [f"{e['kind']} {e['stream']}" for e in one["events"]]
        for one in row["related"]
    }


def test_an_event_is_named_by_its_stream_and_version_too(whole):
    assert whole.rows("audit", "show", "sms-ab12345-1@2") == whole.rows("audit", "show", "3")


def test_a_page_leads_to_what_was_said_of_its_lines_and_to_the_statement(whole):
    page = "sms-ab12345-1/consumption@1"
    assert relations(whole, page)["of its lines"] == [
        "lines-attributed sms-ab12345-1/consumption",
        "line-corrected sms-ab12345-1/consumption",
        "lines-not-billed sms-ab12345-1/consumption",
    ]
    (row,) = whole.rows("audit", "show", page)
    assert row["statement"] == "sms-ledger stmt sms-ab12345-1 -b 2026-10-01 -e 2026-10-03"
    assert whole.type(*row["statement"].split()[1:]).status == 0


def test_a_correction_leads_to_its_page(whole):
    correction = "sms-ab12345-1/consumption@3"
    assert relations(whole, correction)["corrects"] == [
        "page-recorded sms-ab12345-1/consumption"
    ]


def test_a_transfer_has_two_legs_each_leading_to_the_other(whole):
    sent = {"transfer": ["transfer-received sms-ab12345-2"]}
    assert relations(whole, "sms-ab12345-1@5") == sent
    assert relations(whole, "sms-ab12345-2@3") == {"transfer": ["transfer-sent sms-ab12345-1"]}


def test_a_purchase_leads_to_what_tells_that_it_was_automatic(whole):
    assert relations(whole, "sms-ab12345-1@3") == {
        "bill": ["purchase-attributed sms-ab12345-1"]
    }


def test_what_one_command_recorded_is_told_in_plain_words(whole):
    out = whole.type("audit", "show", "sms-ab12345-1@5").out
    assert "transfer   " in out
    assert "transfer-received, sms-ab12345-2@3\n" in out
    assert "stands in        sms-ledger stmt sms-ab12345-1 -p 2026-10-04\n" in out


def test_more_than_a_few_are_counted(books):
    books.draw(
        "customer ab12345-ovh\naccount sms-ab12345-1\n"
        "2026-10-01 10:00 sms 1\n"
        + "".join(f"2026-10-02 10:00 correct 1 {number}\n" for number in range(2, 15))
    )
    (row,) = books.rows("audit", "show", "sms-ab12345-1/consumption@1")
    (one,) = row["related"]
    assert (one["relation"], one["count"], len(one["events"])) == ("of its lines", 13, 10)
    assert "of its lines  and 3 more\n" in books.type("audit", "show", "3").out


# --- one line -------------------------------------------------------------------------------


def test_a_line_is_shown_as_it_stands_with_its_page_and_statement(whole):
    (row,) = whole.rows("audit", "show", "sms-ab12345-1", "consumption", "1")
    source = row.pop("source")
    assert source == {"from": "operator"}
    assert row == {
        "account": "sms-ab12345-1",
        "kind": "consumption",
        "id": "1",
        "happened_at": "2026-10-01T10:00:00+02:00",
        "credits": "0.7",
        "recorded_credits": "1.4",
        "country": "FR",
        "parts": 1,
        "tariff": None,
        "batch": None,
        "tag": "otp",
        "user": "anna",
        "billed": True,
        "position": 4,
        "actor": "drawer",
        "recorded_at": "2026-11-02T09:00:04+01:00",
        "statement": "sms-ledger stmt sms-ab12345-1 --lines -p 2026-10-01",
        "later": [5, 8],
    }
    assert "-1.4" in whole.type(*row["statement"].split()[1:]).out


def test_a_line_is_told_in_plain_words(whole):
    out = whole.type("audit", "show", "sms-ab12345-1", "consumption", "2").out
    for said in (
        "consumption 2 of sms-ab12345-1\n",
        "credits    0.7, not billed by OVH\n",
        "page       sms-ledger audit show 4\n",
        "later      sms-ledger audit show 9\n",
        "evidence   stated by a person\n",
    ):
        assert said in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sms-ab12345-1", "consumption", "99"), "found no '99'"),
        (("sms-ab12345-1", "consumption", "x"), "found no 'x'"),
        (("sms-ab12345-1", "purchase", "bill-1"), "expected a kind of lines"),
        (("sms-none-1", "consumption", "1"), "unknown account"),
        (("sms-ab12345-1", "consumption"), "ACCOUNT KIND ID"),
        ((), "Missing argument"),
    ],
)
def test_a_line_that_is_not_there_is_misuse(whole, words, said):
    ran = whole.type("audit", "show", *words)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err


# --- a ledger that was synchronised ---------------------------------------------------------


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    with rig(tmp_path_factory.mktemp("rig"), "small") as made:
        made.sync()
        one, two, *_ = made.ovh.world.accounts
        for words in (
            ("transfer", "request", one, two, "1", "--yes"),
            ("recharge", "set", one, "--threshold", "50", "--amount", "100",
             "--reason", "Before the Black Friday", "--yes"),
        ):  # fmt: skip
            ran = made.sl(*words)
            assert ran.status == 0, ran
        yield made


def test_a_transfer_that_was_asked_for_leads_to_all_that_became_of_it(played):
    (asked,) = played.sl("audit", "log", "--kind", "transfer-requested", "-O", "json").rows
    (shown,) = played.sl("audit", "show", str(asked["position"]), "-O", "json").rows
    found = {one["relation"]: one for one in shown["related"]}
    assert {event["kind"] for event in found["transfer"]["events"]} == {
        "transfer-sent", "transfer-received", "transfer-confirmed",
    }  # fmt: skip


def test_events_are_found_by_a_part_of_their_reason(played):
    rows = played.sl("audit", "log", "--reason", "black friday", "-O", "json").rows
    assert {row["reason"] for row in rows} == {"Before the Black Friday"}


def test_every_command_that_records_honours_the_actor(played):
    assert {row["actor"] for row in played.sl("audit", "log", "-O", "json").rows} == {"tester"}


def test_positions_from_a_later_to_an_earlier_one_are_misuse(story):
    ran = story.type("audit", "log", "--position", "5..2")
    assert (ran.status, ran.out) == (2, "")
    assert "expected positions like 17 or 17..40" in ran.err
