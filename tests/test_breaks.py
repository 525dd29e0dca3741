"""Breaks have a life: seen, explained, accepted or booked; none reopens, hides or repeats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ledger.errors import InvalidValue
from ledger.names import break_name, residual_reference
from ledger.service import Ledger, Work
from projections.ages import age_days, bucket
from projections.reconciliation import reconcile

ACCOUNT, OTHER = "sms-ab12345-1", "sms-ab12345-2"
OPENED = """
    customer ab12345-ovh
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-02 09:00 sms 10
    2026-10-02 10:00 saw 90
"""
LESS = OPENED + "2026-10-03 10:00 saw 78\n"
FIRST = "20261003T080000Z-12"
PANEL = """
    customer ab12345-ovh
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-02 10:00 saw 75
    account sms-ab12345-2
    2026-10-01 09:00 opening 100
    2026-10-02 10:00 saw 125
"""


def accept(books, id, *words, account=ACCOUNT):
    return books.type("recon", "accept", f"{account}/{id}", "--reason", "a gift", *words)


def adjust(books, id, *words, account=ACCOUNT):
    return books.type("recon", "adjust", f"{account}/{id}", "--reason", "told so", *words)


def reconciled(books, *words):
    ran = books.type("recon", "run", *words, "-O", "json")
    return ran.status, ran.rows[0]


def standing(books, *words):
    rows = books.rows("recon", "breaks", *words)
    return [(row["break_id"], row["kind"], row["status"]) for row in rows]


# --- what is told of a break ---------------------------------------------------------------


def test_a_residual_is_named_by_when_it_was_first_seen_and_by_its_credits(books):
    books.draw(LESS + "2026-10-05 10:00 sms 1\n2026-10-05 11:00 saw 77")
    (one,) = reconciled(books)[1]["differences"]
    assert (one["break_id"], one["credits"], one["status"]) == (FIRST, "-12", "open")
    assert one["since"] == "2026-10-02T10:00:00+02:00"
    assert one["first_seen"] == "2026-10-03T10:00:00+02:00"


def test_each_difference_is_a_break_of_its_own(sqlite_books):
    sqlite_books.draw(LESS + "2026-10-04 10:00 saw 118\n2026-10-05 10:00 saw 118")
    assert standing(sqlite_books) == [
        (FIRST, "residual", "open"),
        ("20261004T080000Z+40", "residual", "open"),
    ]


def test_what_came_right_by_itself_is_no_break_any_more(sqlite_books):
    sqlite_books.draw(LESS + "2026-10-04 10:00 saw 90\n2026-10-05 10:00 saw 85")
    assert standing(sqlite_books) == [("20261005T080000Z-5", "residual", "open")]


def test_a_late_row_takes_its_break_away(sqlite_books):
    sqlite_books.draw(LESS + "2026-10-03 09:00 sms 12\n2026-10-04 10:00 saw 78")
    assert (reconciled(sqlite_books)[0], standing(sqlite_books)) == (0, [])


def test_a_break_after_a_long_history_is_found_where_it_arose(sqlite_books):
    """More observations than are looked at one by one lie between."""
    drawing, first = OPENED, datetime(2026, 10, 4, tzinfo=UTC)
    for n in range(1, 20):
        at, gone = first + timedelta(hours=n), 2 if n >= 15 else 0
        drawing += f"{at:%Y-%m-%d %H}:00 sms 1\n{at:%Y-%m-%d %H}:30 saw {90 - n - gone}\n"
    sqlite_books.draw(drawing)
    (one,) = reconciled(sqlite_books)[1]["differences"]
    assert (one["credits"], one["since"][:13], one["first_seen"][:13]) == (
        "-2", "2026-10-04T14", "2026-10-04T15",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("days", "name"),
    [
        (0, "0-7 days"), (7, "0-7 days"), (8, "8-30 days"), (30, "8-30 days"),
        (31, "31-90 days"), (90, "31-90 days"), (91, "over 90 days"),
    ],
)  # fmt: skip
def test_ages_fall_into_buckets(days, name):
    assert bucket(days) == name


def test_an_age_counts_whole_days_and_never_less_than_none():
    now = datetime(2026, 10, 31, 12, tzinfo=UTC)
    day_us = 86_400_000_000
    now_us = int(now.timestamp()) * 1_000_000
    assert [age_days(now_us - n, now) for n in (day_us - 1, day_us, -5)] == [0, 1, 0]


def test_names_of_breaks_are_one_word():
    at = datetime(2026, 10, 31, 17, tzinfo=UTC)
    assert residual_reference(at, "40") == "20261031T170000Z+40"
    assert break_name("residual", "20261031T170000Z-2") == "20261031T170000Z-2"
    assert break_name("too-fine", "consumption 7") == "too-fine:consumption:7"


def test_a_row_of_the_second_of_a_look_that_was_read_later_was_sent_after_it(sqlite_books):
    """OVH's times are whole seconds; the break that was seen then stays what it was."""
    sqlite_books.draw(LESS)
    assert standing(sqlite_books) == [(FIRST, "residual", "open")]
    sqlite_books.draw("account sms-ab12345-1\n2026-10-03 10:00 sms 3\n2026-10-03 11:00 saw 75")
    assert standing(sqlite_books) == [(FIRST, "residual", "open")]


def test_a_job_that_became_a_row_leaves_breaks_as_they_were(sqlite_books):
    sqlite_books.draw(OPENED + "2026-10-03 10:00 saw 74.5 jobs 2 3.5")
    assert standing(sqlite_books) == [(FIRST, "residual", "open")]
    sqlite_books.draw(
        "account sms-ab12345-1\n2026-10-03 09:30 sms 1.5\n2026-10-03 09:30 sms 2\n"
        "2026-10-03 11:00 saw 74.5"
    )
    assert standing(sqlite_books) == [(FIRST, "residual", "open")]


def test_what_ovh_corrected_since_leaves_breaks_as_they_were(sqlite_books):
    sqlite_books.draw(LESS)
    sqlite_books.draw(
        "account sms-ab12345-1\n2026-10-04 09:00 correct 1 6\n2026-10-04 10:00 saw 82"
    )
    assert standing(sqlite_books) == [(FIRST, "residual", "open")]


TWO_ALIKE = """
    customer ab12345-ovh
    account sms-ab12345-1
    2026-10-01 09:00 opening 300
    2026-10-02 11:00 sms 0.7
    2026-10-02 11:01 sms 0.7
    2026-10-02 12:00 saw 298.6
    2026-10-03 11:00 not-billed 1
    2026-10-04 12:00 not-billed 2
    2026-10-04 13:00 saw 300
"""


@pytest.mark.parametrize("decide", [accept, adjust])
def test_parts_of_as_many_credits_are_decided_one_by_one(sqlite_books, decide):
    sqlite_books.draw(TWO_ALIKE)
    one = "20261004T110000Z+0.7"
    ids = [(one, "explained"), (f"{one}:2", "explained")]
    assert [(id, status) for id, _, status in standing(sqlite_books)] == ids
    assert decide(sqlite_books, one).status == 0
    left = [id for id, _, status in standing(sqlite_books) if status == "explained"]
    assert left == [f"{one}:2"]
    assert decide(sqlite_books, f"{one}:2").status == 0
    assert all(status == "accepted" for _, _, status in standing(sqlite_books))
    status, row = reconciled(sqlite_books)
    assert (status, row["residual"]) == (0, "0")


def test_of_parts_alike_the_second_may_be_decided_first(sqlite_books):
    sqlite_books.draw(TWO_ALIKE)
    one = "20261004T110000Z+0.7"
    assert accept(sqlite_books, f"{one}:2").status == 0
    assert sorted((id, status) for id, _, status in standing(sqlite_books)) == [
        (one, "explained"), (f"{one}:2", "accepted"),
    ]  # fmt: skip
    assert adjust(sqlite_books, one).status == 0
    assert reconciled(sqlite_books)[0] == 0


def test_a_residual_keeps_its_name_beside_an_explained_part_as_large(sqlite_books):
    drawing = TWO_ALIKE.replace("    2026-10-04 12:00 not-billed 2\n", "")
    sqlite_books.draw(drawing)
    assert standing(sqlite_books) == [
        ("20261004T110000Z+0.7", "residual", "open"),
        ("20261004T110000Z+0.7:2", "not billed", "explained"),
    ]


# --- accepted ------------------------------------------------------------------------------


def test_an_accepted_break_explains_and_no_longer_alarms(books):
    books.draw(LESS)
    assert reconciled(books)[0] == 1
    assert accept(books, FIRST, "--owner", "anna").status == 0
    status, row = reconciled(books)
    assert (status, row["status"], row["residual"]) == (0, "explained", "0")
    (line,) = row["lines"]
    assert (line["kind"], line["credits"], line["reference"]) == ("accepted", "-12", FIRST)
    assert line["text"].startswith("accepted by tester on ")
    assert line["text"].endswith(": a gift")
    (kept,) = books.rows("recon", "breaks")
    assert (kept["status"], kept["owner"], kept["reason"]) == ("accepted", "anna", "a gift")
    assert books.type("check", "--full").status == 0


def test_an_accepted_break_does_not_reopen_as_messages_go_on(books):
    books.draw(LESS)
    accept(books, FIRST)
    books.draw("account sms-ab12345-1\n2026-10-06 09:00 sms 3\n2026-10-06 10:00 saw 75")
    assert reconciled(books)[0] == 0
    assert standing(books) == [(FIRST, "accepted", "accepted")]


def test_an_accepted_break_does_not_hide_a_new_one(books):
    books.draw(LESS)
    accept(books, FIRST)
    books.draw("account sms-ab12345-1\n2026-10-06 10:00 saw 70")
    status, row = reconciled(books)
    assert (status, row["explained"], row["residual"]) == (1, "-12", "-8")
    assert standing(books) == [
        (FIRST, "accepted", "accepted"),
        ("20261006T080000Z-8", "residual", "open"),
    ]


def test_an_accepted_break_does_not_hide_its_opposite_beside_another(sqlite_books):
    sqlite_books.draw(LESS)
    accept(sqlite_books, FIRST)
    sqlite_books.draw("account sms-ab12345-1\n2026-10-06 10:00 saw 83")
    status, row = reconciled(sqlite_books)
    assert (status, row["explained"], row["residual"]) == (1, "-12", "5")


def test_acceptance_covers_the_credits_that_were_seen_and_no_others(sqlite_books):
    """A row that comes late changes what the difference was: that is another break."""
    sqlite_books.draw(LESS)
    accept(sqlite_books, FIRST)
    sqlite_books.draw("account sms-ab12345-1\n2026-10-03 09:00 sms 4\n2026-10-06 10:00 saw 78")
    status, row = reconciled(sqlite_books)
    assert (status, row["residual"]) == (1, "-8")
    assert standing(sqlite_books, "--all") == [
        (FIRST, "residual", "closed"),
        ("20261003T080000Z-8", "residual", "open"),
    ]


def test_an_accepted_break_that_came_right_is_closed(sqlite_books):
    sqlite_books.draw(LESS)
    accept(sqlite_books, FIRST)
    sqlite_books.draw("account sms-ab12345-1\n2026-10-06 10:00 saw 90")
    assert reconciled(sqlite_books)[1]["status"] == "reconciled"
    assert standing(sqlite_books) == []
    assert standing(sqlite_books, "--all") == [(FIRST, "residual", "closed")]


def test_the_same_difference_again_is_another_break(sqlite_books):
    """What was accepted came right; as many credits are missing once more."""
    sqlite_books.draw(LESS)
    accept(sqlite_books, FIRST)
    sqlite_books.draw("account sms-ab12345-1\n2026-10-06 10:00 saw 90\n2026-10-07 10:00 saw 78")
    assert reconciled(sqlite_books)[0] == 1
    assert standing(sqlite_books, "--all") == [
        (FIRST, "residual", "closed"),
        ("20261007T080000Z-12", "residual", "open"),
    ]


def test_several_accepted_breaks_stand_beside_each_other(sqlite_books):
    sqlite_books.draw(LESS + "2026-10-04 10:00 saw 118")
    for id in (FIRST, "20261004T080000Z+40"):
        accept(sqlite_books, id)
    sqlite_books.draw("account sms-ab12345-1\n2026-10-06 10:00 saw 117")
    status, row = reconciled(sqlite_books)
    assert (status, row["explained"], row["residual"]) == (1, "28", "-1")
    accept(sqlite_books, "20261006T080000Z-1")
    assert reconciled(sqlite_books)[0] == 0
    assert [status for *_, status in standing(sqlite_books)] == ["accepted"] * 3


def test_a_break_is_not_accepted_twice(books):
    books.draw(LESS)
    assert accept(books, FIRST).status == 0
    before = books.table("SELECT COUNT(*) FROM event_log")
    again = accept(books, FIRST)
    assert (again.status, again.out) == (5, "")
    assert "expected a break that nobody decided on" in again.err
    assert f"{ACCOUNT}/{FIRST} was accepted by tester on " in again.err
    assert books.table("SELECT COUNT(*) FROM event_log") == before


def test_a_break_that_an_event_opened_is_accepted_by_its_kind_and_reference(books):
    books.draw(OPENED + "2026-10-02 09:30 break ? too-fine consumption-7")
    assert reconciled(books)[0] == 1
    assert accept(books, "too-fine:consumption-7").status == 0
    assert (reconciled(books)[0], reconciled(books)[1]["breaks"]) == (0, 0)
    assert books.rows("account", "show", ACCOUNT)[0]["breaks"] == []
    assert accept(books, "too-fine:consumption-7").status == 5
    assert books.type("check").status == 0


def test_the_credits_of_an_accepted_stored_break_stay_explained(books):
    books.draw(OPENED + "2026-10-03 09:30 break -4 line-conflict c-7\n2026-10-03 10:00 saw 86")
    assert accept(books, "line-conflict:c-7").status == 0
    books.draw("account sms-ab12345-1\n2026-10-04 10:00 sms 1\n2026-10-04 11:00 saw 85")
    status, row = reconciled(books)
    assert (status, row["status"], row["explained"]) == (0, "explained", "-4")
    assert [line["kind"] for line in row["lines"]] == ["accepted"]


def test_both_sides_of_a_foreign_transfer_are_accepted_together(books):
    books.draw(PANEL)
    ran = accept(books, "20261002T080000Z-25")
    assert ran.out.count(": accepted (") == 2
    assert [row["lines"][0]["kind"] for row in books.rows("recon", "run")] == ["accepted"] * 2


# --- booked --------------------------------------------------------------------------------


def test_an_adjustment_books_the_residual_when_it_was_first_seen(books):
    books.draw(LESS)
    ran = adjust(books, FIRST)
    assert "-12 credits booked as adjustment, 2026-10-03 08:00:00 UTC" in ran.out
    assert reconciled(books)[1]["status"] == "reconciled"
    (row,) = [row for row in books.rows("reg", ACCOUNT) if row["kind"] == "adjustment"]
    assert (row["credits"], row["happened_at"]) == ("-12", "2026-10-03T10:00:00+02:00")
    assert standing(books) == []
    (kept,) = books.rows("recon", "breaks", "--all")
    assert (kept["status"], kept["kind"], kept["movement"], kept["decided_by"]) == (
        "adjusted", "adjustment", row["reference"], "tester",
    )  # fmt: skip
    assert books.type("check", "--full").status == 0


def test_nothing_is_booked_by_itself(sqlite_books):
    sqlite_books.draw(PANEL)
    before = sqlite_books.table("SELECT COUNT(*) FROM event_log")
    for words in (("run",), ("show",), ("explain", ACCOUNT), ("breaks",)):
        sqlite_books.type("recon", *words)
    assert sqlite_books.table("SELECT COUNT(*) FROM event_log") == before


def test_a_break_is_not_booked_twice(books):
    books.draw(LESS)
    adjust(books, FIRST)
    again = adjust(books, FIRST)
    assert again.status == 5
    assert f"{ACCOUNT}/{FIRST} was booked as adjustment by tester on " in again.err
    assert accept(books, FIRST).status == 5


def test_a_foreign_transfer_is_booked_on_both_accounts_by_one_command(books):
    books.draw(PANEL)
    ran = adjust(books, "20261002T080000Z-25")
    assert ran.status == 0
    assert [line.split(": ")[1][:24] for line in ran.out.splitlines()] == [
        "-25 credits booked as tr", "25 credits booked as tra",
    ]  # fmt: skip
    assert [row["credits"] for row in books.rows("bal")] == ["75", "125"]
    rows = books.rows("recon", "run")
    assert [row["status"] for row in rows] == ["reconciled", "reconciled"]
    moved = [row for row in books.rows("reg") if row["kind"].startswith("transfer")]
    assert [row["kind"] for row in moved] == ["transfer-out", "transfer-in"]
    assert len({row["reference"] for row in moved}) == 1


def test_a_transfer_to_one_of_several_is_booked_when_a_person_names_which(sqlite_books):
    sqlite_books.draw(
        PANEL
        + """
        account sms-ab12345-3
        2026-10-01 09:00 opening 100
        2026-10-02 10:00 saw 125
        """
    )
    status, row = reconciled(sqlite_books)
    assert (status, row["status"]) == (1, "unexplained")
    hints = " ".join(row["differences"][0]["hints"])
    assert "sms-ab12345-2 shows the opposite" in hints
    assert "sms-ab12345-3 shows the opposite" in hints
    assert "nothing tells which it was" in hints
    id = "20261002T080000Z-25"
    alone = adjust(sqlite_books, id, "--as", "transfer")
    assert alone.status == 5
    assert "found none that shows the opposite: name it by --with ACCOUNT/BREAK" in alone.err
    assert adjust(sqlite_books, id, "--as", "transfer", "--with", "sms-ab12345-3").status == 0
    assert [row["credits"] for row in sqlite_books.rows("bal")] == ["75", "100", "125"]
    assert standing(sqlite_books) == [("20261002T080000Z+25", "residual", "open")]


def test_a_gift_is_booked_as_one(sqlite_books):
    sqlite_books.draw(OPENED + "2026-10-03 10:00 saw 130")
    assert adjust(sqlite_books, "20261003T080000Z+40", "--as", "gift").status == 0
    assert sqlite_books.rows("reg")[-1]["kind"] == "gift"


def test_an_unbooked_purchase_is_booked_by_its_bill_line(sqlite_books):
    """The bill's line is known: what it named is what came."""
    books = sqlite_books.draw(OPENED + "2026-10-03 10:00 saw 190")
    open_unreadable(books, "Pack 500 SMS, 100 crediti")
    status, row = reconciled(books)
    assert (status, row["residual"]) == (1, "0")
    (line,) = row["lines"]
    assert (line["kind"], line["credits"]) == ("purchase not booked", "100")
    assert line["reference"] == "880123"
    ran = adjust(books, "purchase-unreadable:880123")
    assert "100 credits booked as purchase" in ran.out
    last = books.rows("reg")[-1]
    assert (last["kind"], last["reference"], last["credits"]) == ("purchase", "880123", "100")
    assert (reconciled(books)[0], standing(books)) == (0, [])


def open_unreadable(books, description):
    from ledger import account as accounts

    at = datetime(2026, 10, 3, 7, 30, tzinfo=UTC)
    text = (
        "bill IT61000123: expected a number of credits in quantity '1' and description"
        f" {description!r}; not booked"
    )
    stamp = books.stamp()

    def decide(work: Work) -> None:
        account = work.account(ACCOUNT)
        work.record(
            account,
            accounts.open_break(
                account, "purchase-unreadable", "880123", credits=None, text=text,
                stamp=stamp, at=at,
            ),
        )  # fmt: skip

    with Ledger(books.address) as ledger:
        ledger.work(decide)


@pytest.mark.parametrize("decide", [accept, adjust])
@pytest.mark.parametrize("moved", ["2026-10-03 09:00 sms 12", "2026-10-03 11:00 saw 90"])
def test_a_sync_in_the_same_moment_has_the_decision_made_again(
    books, monkeypatch, decide, moved
):
    """What it recorded took the break away: nothing is decided on what is gone."""
    books.draw(LESS)
    reports = []

    def told_and_overtaken(*words, **more):
        found = reconcile(*words, **more)
        reports.append(found)
        if len(reports) == 1:
            books.draw(moved)
        return found

    monkeypatch.setattr("cli.actions.finding.reconcile", told_and_overtaken)
    ran = decide(books, FIRST)
    assert (ran.status, ran.out) == (2, "")
    assert f"found '{FIRST}' where these stand: none" in ran.err
    assert len(reports) == 2
    assert (reconciled(books)[0], standing(books, "--all")) == (0, [])


# --- refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["", ACCOUNT, f"{ACCOUNT}/", f"/{FIRST}"])
def test_a_break_is_named_by_its_account_and_itself(sqlite_books, named):
    sqlite_books.draw(LESS)
    ran = sqlite_books.type("recon", "accept", named, "--reason", "x")
    assert ran.status == 2
    assert "expected ACCOUNT/BREAK like sms-ab12345-1/20261031T170000Z-12.5, found" in ran.err


def test_a_break_that_does_not_stand_is_refused_with_those_that_do(sqlite_books):
    sqlite_books.draw(LESS)
    ran = accept(sqlite_books, "20261003T080000Z-13")
    assert ran.status == 2
    assert f"where these stand: {FIRST}; see" in ran.err


def test_the_beginning_of_a_name_will_do_where_it_is_the_only_one(sqlite_books):
    sqlite_books.draw(LESS + "2026-10-03 11:00 saw 77")
    ran = accept(sqlite_books, "20261003")
    assert ran.status == 2
    assert f"found several: type one of {FIRST}, 20261003T090000Z-1" in ran.err
    assert accept(sqlite_books, "20261003T08").status == 0


def test_nothing_is_decided_by_an_observation_that_tells_nothing(sqlite_books):
    sqlite_books.draw(OPENED + "2026-10-03 10:00 saw 78 moving")
    ran = accept(sqlite_books, FIRST)
    assert ran.status == 5
    assert "found that it is moving: type `sms-ledger sync sms-ab12345-1` first" in ran.err


def test_nothing_is_decided_on_a_closed_account(sqlite_books):
    sqlite_books.draw(LESS + "2026-10-04 09:00 close 90")
    ran = accept(sqlite_books, FIRST)
    assert ran.status == 5
    assert "found that sms-ab12345-1 was closed" in ran.err


def test_an_unknown_account_is_misuse(sqlite_books):
    sqlite_books.draw(LESS)
    assert accept(sqlite_books, FIRST, account="sms-none-1").status == 2


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_says_something(sqlite_books, reason):
    sqlite_books.draw(LESS)
    ran = sqlite_books.type("recon", "accept", f"{ACCOUNT}/{FIRST}", "--reason", reason)
    assert ran.status == 2
    assert "expected a reason in words" in ran.err


def test_an_owner_is_a_short_name_and_no_number(sqlite_books):
    sqlite_books.draw(LESS)
    for owner, said in (
        ("+39 347 0000000", "a telephone number (+3* *** *******)"),
        ("anna@example.org", "an e-mail address (an**@*******.***)"),
        ("anna-12345", "expected an owner like anna or finance-team"),
        ("x" * 33, "expected an owner like anna or finance-team"),
    ):
        ran = accept(sqlite_books, FIRST, "--owner", owner)
        assert ran.status == InvalidValue.status
        assert said in ran.err
    assert sqlite_books.type("recon", "assign", f"{ACCOUNT}/{FIRST}", "a b").status == 2


@pytest.mark.parametrize("how", ["gift", "purchase"])
def test_what_went_out_is_no_gift_and_no_purchase(sqlite_books, how):
    sqlite_books.draw(LESS)
    ran = adjust(sqlite_books, FIRST, "--as", how, "--bill", "880")
    assert ran.status == 5
    assert f"expected credits that came in to be booked as {how}, found -12" in ran.err


def test_a_purchase_needs_its_bill_line_once(sqlite_books):
    sqlite_books.draw(OPENED + "2026-10-03 09:00 purchase 100 880\n2026-10-03 10:00 saw 230")
    id = "20261003T080000Z+40"
    ran = adjust(sqlite_books, id, "--as", "purchase")
    assert (ran.status, "type --bill with its billDetailId" in ran.err) == (5, True)
    ran = adjust(sqlite_books, id, "--as", "purchase", "--bill", "880")
    assert ran.status == 5
    assert "expected a bill line that is not booked, found 880" in ran.err


def test_a_break_that_moves_no_credits_is_not_booked(sqlite_books):
    sqlite_books.draw(OPENED + "2026-10-02 09:30 break -3 line-conflict c-7")
    ran = adjust(sqlite_books, "line-conflict:c-7")
    assert ran.status == 5
    assert "explains none of the difference: type `sms-ledger recon accept`" in ran.err


def test_with_is_for_transfers_of_opposite_credits_of_one_customer(sqlite_books):
    books = sqlite_books.draw(
        LESS
        + """
        account sms-ab12345-2
        2026-10-01 09:00 opening 100
        2026-10-03 10:00 saw 105
        customer zz1-ovh
        account sms-zz1-1
        2026-10-01 09:00 opening 100
        2026-10-03 10:00 saw 112
        """
    )
    for words, told in (
        (("--as", "gift", "--with", OTHER), "expected --with for a transfer only"),
        (("--as", "transfer", "--with", OTHER), "found no difference of 12 credits there"),
        (
            ("--as", "transfer", "--with", f"{OTHER}/2026"),
            "found -12 of sms-ab12345-1 and 5 of",
        ),
        (("--as", "transfer", "--with", "sms-zz1-1"), "nothing crosses customers"),
        (("--as", "transfer", "--with", f"{ACCOUNT}/2026"), "nothing crosses customers"),
    ):
        ran = adjust(books, FIRST, *words)
        assert (ran.status, told in ran.err) == (5, True), ran
    assert len(standing(books)) == 3


# --- owners and notes ----------------------------------------------------------------------


def test_a_break_has_an_owner_and_notes_and_stays_as_it_is(books):
    books.draw(LESS)
    assert books.type("recon", "assign", f"{ACCOUNT}/{FIRST}", "anna").status == 0
    for text in ("asked OVH", "no answer yet"):
        assert books.type("recon", "note", f"{ACCOUNT}/{FIRST}", text).status == 0
    books.type("recon", "assign", f"{ACCOUNT}/{FIRST}", "bruno")
    (row,) = books.rows("recon", "breaks")
    assert (row["owner"], row["status"]) == ("bruno", "open")
    assert row["notes"] == ["asked OVH", "no answer yet"]
    assert reconciled(books)[0] == 1
    out = books.type("recon", "explain", ACCOUNT).out
    assert "bruno looks after it" in out
    assert "note: no answer yet" in out


def test_a_decided_break_may_still_be_noted_on(sqlite_books):
    sqlite_books.draw(LESS)
    adjust(sqlite_books, FIRST)
    assert sqlite_books.type("recon", "note", f"{ACCOUNT}/{FIRST}", "seen by audit").status == 0
    assert sqlite_books.rows("recon", "breaks", "--all")[0]["notes"] == ["seen by audit"]


def test_who_decided_and_why_stands_in_the_log(sqlite_books):
    sqlite_books.draw(LESS)
    adjust(sqlite_books, FIRST)
    rows = sqlite_books.rows("audit", "log", "--account", ACCOUNT)[-2:]
    assert [row["kind"] for row in rows] == ["credits-adjusted", "break-adjusted"]
    assert {(row["actor"], row["reason"]) for row in rows} == {("tester", "told so")}
