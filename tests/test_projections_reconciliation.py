"""Reconciliation: drift is signed, explained line by line, and only a residual alarms."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ledger.times import to_us

OPENED = """
    customer ab12345-ovh
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-02 09:00 sms 10
"""


def reconciled(books, *words):
    ran = books.type("recon", "run", *words, "-O", "json")
    (row,) = ran.rows
    return ran.status, row


def test_owned_credits_are_those_left_and_those_held_by_quotas(books):
    books.draw(OPENED + "2026-10-02 10:00 saw 60 held 30")
    status, row = reconciled(books)
    assert status == 0
    assert {key: row[key] for key in ("credits_left", "held", "observed", "ledger")} == {
        "credits_left": "60",
        "held": "30",
        "observed": "90",
        "ledger": "90",
    }
    assert (row["drift"], row["explained"], row["residual"]) == ("0", "0", "0")
    assert row["status"] == "reconciled"
    assert row["lines"] == [
        {
            "kind": "quota hold",
            "credits": "0",
            "text": "30 credits are held by the quotas of 1 user: they are owned, and counted"
            " in what OVH shows",
            "reference": "",
        }
    ]


def test_fewer_credits_at_ovh_are_a_negative_drift(books):
    books.draw(OPENED + "2026-10-02 10:00 saw 78")
    status, row = reconciled(books)
    assert (status, row["drift"], row["residual"]) == (1, "-12", "-12")
    assert row["status"] == "unexplained"


def test_more_credits_at_ovh_are_a_positive_drift(books):
    books.draw(OPENED + "2026-10-02 10:00 saw 190.5")
    assert reconciled(books)[1]["drift"] == "100.5"


def test_the_balance_compared_is_that_of_the_observed_instant(books):
    books.draw(OPENED + "2026-10-02 10:00 saw 90\n2026-10-02 10:01 sms 5")
    assert reconciled(books)[1]["status"] == "reconciled"


def test_jobs_in_flight_explain_credits_that_left_before_their_rows_came(books):
    books.draw(OPENED + "2026-10-02 10:00 saw 88.6 jobs 2 1.4")
    status, row = reconciled(books)
    assert (status, row["status"]) == (0, "explained")
    assert (row["drift"], row["explained"], row["residual"]) == ("-1.4", "-1.4", "0")
    assert [line["kind"] for line in row["lines"]] == ["timing"]
    assert row["lines"][0]["text"].startswith("2 jobs in flight, of 1.4 credits")


def test_jobs_in_flight_explain_no_more_than_there_is(books):
    books.draw(OPENED + "2026-10-02 10:00 saw 90 jobs 2 1.4")
    status, row = reconciled(books)
    assert (status, row["status"], row["explained"]) == (0, "reconciled", "0")


def test_credits_that_came_in_beside_jobs_in_flight_are_more_than_the_drift(books):
    """The jobs' 5 credits have left: so 10 came, where OVH shows 5 more."""
    books.draw(OPENED + "2026-10-02 10:00 saw 95 jobs 2 5")
    row = reconciled(books)[1]
    assert (row["drift"], row["explained"], row["residual"]) == ("5", "-5", "10")


def test_an_open_break_is_a_finding_even_when_it_explains_everything(books):
    books.draw(
        OPENED
        + """
        2026-10-02 09:30 break -4 line-conflict consumption-7
        2026-10-02 10:00 saw 86
        """
    )
    status, row = reconciled(books)
    assert (status, row["status"], row["residual"], row["breaks"]) == (1, "explained", "0", 1)
    assert row["lines"] == [
        {
            "kind": "line-conflict",
            "credits": "-4",
            "text": "a line-conflict",
            "reference": "consumption-7",
        }
    ]


def test_a_break_without_credits_explains_nothing(books):
    books.draw(OPENED + "2026-10-02 09:30 break ? too-fine row-7\n2026-10-02 10:00 saw 86")
    status, row = reconciled(books)
    assert (status, row["status"], row["residual"]) == (1, "unexplained", "-4")


def test_the_difference_of_a_restated_opening_explains_the_drift_that_it_made(books):
    """100 were opened; then 8 more turn out to have been there, which OVH does not show."""
    books.draw(
        OPENED
        + """
        2026-10-02 10:00 saw 90
        2026-09-30 00:00 opening 108
        """
    )
    status, row = reconciled(books)
    assert (status, row["status"]) == (1, "explained")
    assert (row["drift"], row["explained"], row["residual"]) == ("-8", "-8", "0")


def test_lines_that_ovh_no_longer_bills_explain_credits_that_came_back(books):
    books.draw(
        OPENED
        + """
        2026-10-02 09:10 sms 0.7
        2026-10-02 09:30 not-billed 2
        2026-10-02 10:00 saw 90
        """
    )
    status, row = reconciled(books)
    assert (status, row["drift"], row["residual"]) == (0, "0.7", "0")
    assert [(line["kind"], line["credits"]) for line in row["lines"]] == [("not billed", "0.7")]


def test_lines_that_ovh_no_longer_bills_explain_nothing_while_no_credits_came_back(books):
    books.draw(OPENED + "2026-10-02 09:30 not-billed 1\n2026-10-02 10:00 saw 90")
    assert reconciled(books)[1]["explained"] == "0"


def test_a_moving_balance_concludes_nothing(books):
    books.draw(OPENED + "2026-10-02 10:00 saw 50 moving")
    status, row = reconciled(books)
    assert (status, row["status"], row["drift"]) == (3, "moving", "-40")


def test_an_old_observation_concludes_nothing_when_its_age_matters(books):
    books.draw(OPENED + "2026-10-02 10:00 saw 90")
    assert reconciled(books)[0] == 0
    status, row = reconciled(books, "--max-age", "1s")
    assert (status, row["status"]) == (3, "stale")


def test_a_look_that_found_nothing_new_keeps_an_observation_fresh_and_changes_no_report(books):
    books.draw(OPENED + "2026-10-02 10:00 saw 90")
    assert reconciled(books, "--max-age", "1h")[1]["status"] == "stale"
    before = books.type("recon", "show").out, books.type("bal").out
    database = books.database()
    looked = to_us(datetime.now(UTC))
    database.execute(
        "INSERT INTO sync_run (account, read_at_us) VALUES ('sms-ab12345-1', :at)", at=looked
    )
    database.close()
    assert reconciled(books, "--max-age", "1h")[1]["status"] == "reconciled"
    assert (books.type("recon", "show").out, books.type("bal").out) == before


def test_an_account_that_was_never_observed_or_opened_concludes_nothing(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 opening 100
        account sms-ab12345-2
        account sms-ab12345-3
        2026-10-01 09:00 saw 5
    """)
    ran = books.type("recon", "run", "-O", "json")
    assert ran.status == 3
    assert [row["status"] for row in ran.rows] == ["unobserved", "unopened", "unopened"]
    assert [row["drift"] for row in ran.rows] == [None, None, None]


def test_findings_are_worse_than_accounts_that_cannot_be_judged(books):
    books.draw(OPENED + "2026-10-02 10:00 saw 80\naccount sms-ab12345-2")
    assert books.type("recon", "run").status == 1


def test_a_closed_account_is_no_longer_compared(books):
    books.draw(OPENED + "2026-10-02 10:00 saw 80\n2026-10-03 09:00 close 90")
    assert books.rows("recon", "run") == []


def test_plain_words_say_which_way_the_difference_goes_and_what_to_type(books):
    books.draw(OPENED + "2026-10-02 10:00 saw 78")
    out = books.type("recon", "run").out
    assert (
        "sms-ab12345-1: OVH shows 12 credits fewer than the ledger (drift -12);"
        " unexplained: -12" in out
    )
    assert "next: `sms-ledger recon explain sms-ab12345-1`" in out


def test_equal_and_opposite_differences_in_one_window_are_a_foreign_transfer(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 opening 100
        2026-10-02 10:00 saw 75
        account sms-ab12345-2
        2026-10-01 09:00 opening 100
        2026-10-02 10:00 saw 125
    """)
    ran = books.type("recon", "run", "-O", "json")
    assert ran.status == 0
    assert [(row["status"], row["explained"], row["residual"]) for row in ran.rows] == [
        ("explained", "-25", "0"),
        ("explained", "25", "0"),
    ]
    (line,) = ran.rows[0]["lines"]
    assert line["kind"] == "foreign transfer"
    assert line["text"].startswith(
        "25 credits from sms-ab12345-1 to sms-ab12345-2, transferred"
    )


def test_agreement_is_said_too(books):
    books.draw(OPENED + "2026-10-02 10:00 saw 90")
    ran = books.type("recon", "run")
    assert "Every account agrees with OVH to the last thousandth of a credit." in ran.out


def test_show_draws_the_sum_from_what_ovh_says_to_the_residual(books):
    books.draw(OPENED + "2026-10-02 10:00 saw 60 held 20 jobs 1 1")
    ran = books.type("recon", "show", "sms-ab12345-1")
    terms = [line.split("  ")[0] for line in ran.out.splitlines()]
    start = terms.index("creditsLeft")
    assert terms[start : start + 8] == [
        "creditsLeft",
        "creditsHoldByQuota",
        "observed",
        "ledger",
        "drift",
        "timing",
        "quota hold",
        "residual",
    ]


@pytest.mark.parametrize("age", ["1", "h", "1.5h", "1w", "-1h", ""])
def test_a_malformed_age_is_misuse(books, age):
    ran = books.type("recon", "run", "--max-age", age)
    assert (ran.status, ran.out) == (2, "")
    assert "expected an age like" in ran.err
