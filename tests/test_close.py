"""`close`: its list, item by item, what may be accepted, and every refusal."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime

import pytest

from cli.actions import closing_months
from cli.actions.closing_months import close_month
from ledger.credits import Credits
from ledger.errors import LedgerError
from ledger.events import BalanceBefore, FromOperator, Reading, Stamp, TransferRequested
from ledger.service import Ledger

ONE, TWO = "sms-ab12345-1", "sms-ab12345-2"

# 40 of 100 credits for 10.00 are used in October; OVH shows what is left.
COVERED = f"""
    customer ab12345-ovh
    account {ONE}
    2025-10-01 09:00 opening 0
    2025-10-01 09:30 purchase 100 b-1 net=10.00
    2025-10-02 10:00 sms 40
    2025-11-01 06:00 saw 60
"""


@pytest.fixture
def ledger(sqlite_books):
    """Where one database is enough."""
    return sqlite_books


def open_items(books, month="2025-10", *words):
    ran = books.type("close", "month", month, "--dry-run", *words, "-O", "json")
    found = [(row["subject"], row["account"]) for row in ran.rows if row["status"] == "open"]
    assert ran.status == (1 if found else 0)
    return found


def refused(ran, *parts, status=5):
    assert ran.status == status, ran
    line = ran.err.splitlines()[-1]
    assert line.startswith("sms-ledger: ")
    for part in parts:
        assert part in line
    return line


def closes(books):
    rows = books.rows("close", "status", "--all")
    return [(row["month"], row["status"]) for row in rows if row["status"] != "open"]


# --- the list -------------------------------------------------------------------------------


def test_a_month_whose_list_is_done_is_closed(books):
    books.draw(COVERED)
    ran = books.type("close", "month", "2025-10", "--reason", "October, with Paolo")
    assert ran.status == 0
    assert ran.out.partition("checkpoint")[0] == (
        "done      2025-10 is over\n"
        "done      no month is closed yet: with this one, all before it is\n"
        "done      no import is unfinished\n"
        "done      no transfer is in doubt\n"
        f"done      {ONE}: its balance is known\n"
        f"done      {ONE}: OVH's lists were read through its end, at 2025-11-01 06:00:00\n"
        f"done      {ONE}: no difference to OVH is unexplained\n"
        f"done      {ONE}: no break is open\n"
        "account        balance  used      cost  of unknown cost  left  its cost\n"
        f"{ONE}       60    40  4.00 EUR                0    60  6.00 EUR\n"
        "2025-10 of ab12345-ovh is closed with these figures, as the ledger had them at\n"
        "log position 6\n"
    )
    (closed, after) = books.rows("close", "status")
    assert (closed["month"], closed["status"], closed["closed_by"]) == (
        "2025-10", "closed", "tester",
    )  # fmt: skip
    assert (closed["position"], closed["event"], closed["reason"]) == (
        6, 7, "October, with Paolo",
    )  # fmt: skip
    assert closed["checkpoint"] in ran.out
    assert f"checkpoint of ab12345-ovh {closed['customer_checkpoint']}" in ran.out
    assert (after["month"], after["status"]) == ("2025-11", "open")


def test_a_dry_run_goes_through_the_list_and_records_nothing(ledger):
    ledger.draw(COVERED)
    before = ledger.table("SELECT COUNT(*) FROM event_log")
    assert open_items(ledger) == []
    assert ledger.table("SELECT COUNT(*) FROM event_log") == before


def test_an_account_that_was_seen_only_before_the_end_is_not_covered(ledger):
    ledger.draw(COVERED.replace("2025-11-01 06:00 saw", "2025-10-31 23:59 saw"))
    assert open_items(ledger) == [("covered", ONE)]
    ran = ledger.type("close", "month", "2025-10")
    refused(ran, "ready to be closed, found 1 item open", f"sms-ledger sync {ONE}")
    assert f"open      {ONE}: no look at OVH covers the month through its end" in ran.out
    assert closes(ledger) == []


def test_an_account_of_files_alone_is_closed_when_it_is_accepted_by_name(ledger):
    ledger.draw(COVERED.replace("2025-11-01 06:00 saw 60", ""))
    assert open_items(ledger) == [("covered", ONE)]
    assert ledger.type("close", "month", "2025-10", "--accept", ONE).status == 0
    closed, _ = ledger.rows("close", "status")
    assert closed["accepted"] == [ONE]


def test_an_account_without_an_opening_has_no_balance_until_that_is_accepted(ledger):
    ledger.draw(COVERED.replace("2025-10-01 09:00 opening 0", ""))
    assert open_items(ledger) == [("opening", ONE)]
    assert ledger.type("close", "month", "2025-10", "--accept", ONE).status == 0
    closed, _ = ledger.rows("close", "status")
    assert closed["accounts"][0]["balance"] is None
    assert closed["accounts"][0]["used"] == "40"


def test_an_account_that_left_the_books_in_the_month_needs_no_look_at_ovh(ledger):
    ledger.draw(
        f"""
        customer ab12345-ovh
        account {ONE}
        2025-10-01 09:00 opening 20
        2025-10-20 09:00 close 20
        """
    )
    assert open_items(ledger) == []
    assert "it left the books on 2025-10-20" in ledger.type("close", "month", "2025-10").out
    closed, _ = ledger.rows("close", "status")
    assert closed["accounts"][0]["balance"] == "0"


def test_an_account_that_came_later_is_no_matter_of_the_month(ledger):
    ledger.draw(f"{COVERED}\n account {TWO}\n 2025-11-01 00:00 opening 0")
    assert open_items(ledger) == []
    assert open_items(ledger, "2025-11") == [("covered", ONE), ("covered", TWO)]


def test_what_is_unexplained_is_open_until_it_is_accepted(books):
    books.draw(COVERED.replace("saw 60", "saw 59"))
    assert open_items(books) == [("reconciled", ONE)]
    name = f"{ONE}/20251101T050000Z-1"
    refused(books.type("close", "month", "2025-10"), "1 item open", f"recon adjust {name}")
    ran = books.type("close", "month", "2025-10", "--accept", f"{ONE}/2025", "--reason", "lost")
    assert ran.status == 0, ran
    closed, _ = books.rows("close", "status")
    assert closed["accepted"] == [name]
    (shown,) = books.rows("audit", "show", "customer/ab12345-ovh/periods@1")
    assert shown["event"]["accounts"][0]["unexplained_milli"] == -1000
    (stands,) = books.rows("recon", "breaks")
    assert (stands["status"], stands["decided_by"], stands["reason"]) == (
        "accepted", "tester", "lost",
    )  # fmt: skip


def test_what_was_accepted_before_does_not_hold_a_month_up_and_is_named(ledger):
    ledger.draw(COVERED.replace("saw 60", "saw 59"))
    name = f"{ONE}/20251101T050000Z-1"
    assert ledger.type("recon", "accept", name, "--reason", "lost").status == 0
    assert ledger.type("close", "month", "2025-10").status == 0
    assert ledger.rows("close", "status")[0]["accepted"] == [name]
    shown = ledger.type("audit", "show", "customer/ab12345-ovh/periods@1").out
    assert re.search(rf"^{ONE} unexplained +-1 credits, accepted$", shown, re.MULTILINE)


def test_a_difference_that_arose_after_the_month_does_not_hold_it_up(ledger):
    ledger.draw(f"{COVERED}\n 2025-11-05 06:00 saw 59")
    assert open_items(ledger) == []
    assert ("reconciled", ONE) in open_items(ledger, "2025-11")


def test_what_is_explained_and_not_booked_is_told(ledger):
    """Ten credits went from one account to the other in OVH's panel."""
    ledger.draw(
        f"""
        {COVERED.replace("saw 60", "saw 50")}
        account {TWO}
        2025-10-01 09:00 opening 0
        2025-11-01 06:00 saw 10
        """
    )
    assert open_items(ledger) == []
    out = ledger.type("close", "month", "2025-10", "--dry-run").out
    told = "no difference to OVH is unexplained; 1 explained one not booked: foreign transfer"
    assert f"{ONE}: {told} -10\n" in out
    assert f"{TWO}: {told} 10\n" in out


def test_nothing_is_concluded_from_a_look_during_which_the_balance_moved(ledger):
    ledger.draw(COVERED.replace("saw 60", "saw 60 moving"))
    assert open_items(ledger) == [("reconciled", ONE)]
    assert (
        "the last look at OVH saw its balance move"
        in ledger.type("close", "month", "2025-10").out
    )


def test_nothing_is_concluded_from_a_look_that_contradicts_itself(ledger):
    ledger.draw(COVERED.replace("saw 60", "saw 60 owned 20"))
    assert open_items(ledger) == [("reconciled", ONE)]
    assert (
        "the last look at OVH contradicts itself"
        in ledger.type("close", "month", "2025-10").out
    )


def test_an_open_break_holds_a_month_up_until_it_is_accepted_by_name(books):
    books.draw(f"{COVERED}\n 2025-10-20 06:00 break ? line-conflict consumption-7")
    assert open_items(books) == [("break", ONE)]
    name = f"{ONE}/line-conflict:consumption-7"
    refused(books.type("close", "month", "2025-10"), "1 item open", f"--accept {name}")
    assert books.type("close", "month", "2025-10", "--accept", name).status == 0
    assert books.rows("close", "status")[0]["accepted"] == [name]
    assert open_items(books, "2025-11") == [("covered", ONE)]


@pytest.mark.parametrize("way", ["close", "recon"])
def test_a_break_that_explains_no_difference_is_accepted_without_credits(ledger, way):
    """Else the ledger would wait for the five credits to be missing at OVH."""
    ledger.draw(f"{COVERED}\n 2025-10-20 06:00 break 5 purchase-conflict b-9")
    name = f"{ONE}/purchase-conflict:b-9"
    if way == "recon":
        assert ledger.type("recon", "accept", name, "--reason", "x").status == 0
    words = ["--accept", name] if way == "close" else []
    assert ledger.type("close", "month", "2025-10", *words).status == 0
    ((accepted,),) = [
        [row["event"] for row in ledger.rows("audit", "show", str(place["position"]))]
        for place in ledger.rows("audit", "log", "--kind", "break-accepted")
    ]
    assert accepted["credits_milli"] is None
    assert ledger.rows("close", "status")[0]["accepted"] == [name]
    assert open_items(ledger, "2025-11") == [("covered", ONE)]
    (row,) = ledger.rows("recon", "run")
    assert (row["drift"], row["status"]) == ("0", "reconciled")


@pytest.mark.parametrize(
    ("since", "told"),
    [
        ("2025-10-31T23:59", "; rows of 1 job were still to come, of 2 credits"),
        ("2025-11-01T00:00", ""),
    ],
)
def test_messages_of_the_month_whose_rows_are_still_to_come_are_told(ledger, since, told):
    ledger.draw(COVERED.replace("saw 60", f"saw 58 jobs 1 2 since {since}"))
    out = ledger.type("close", "month", "2025-10", "--dry-run").out
    assert f"OVH's lists were read through its end, at 2025-11-01 06:00:00{told}\n" in out


def test_a_break_of_a_later_month_does_not_hold_it_up(ledger):
    ledger.draw(f"{COVERED}\n 2025-11-20 06:00 break ? line-conflict consumption-7")
    assert open_items(ledger) == []


def test_a_transfer_in_doubt_holds_a_month_up(ledger):
    ledger.draw(
        f"""
        {COVERED}
        account {TWO}
        2025-10-01 09:00 opening 0
        2025-11-01 06:00 saw 0
        """
    )
    request_transfer(ledger, datetime(2025, 10, 30, tzinfo=UTC), "t-1")
    request_transfer(ledger, datetime(2025, 11, 3, tzinfo=UTC), "t-2")
    assert open_items(ledger) == [("transfers", None)]
    refused(ledger.type("close", "month", "2025-10"), "type `sms-ledger transfer resolve t-1`")


def request_transfer(books, at, name):
    """Record that a transfer is about to be called, and nothing after it."""
    before = BalanceBefore(
        reading=Reading(at, "60", "0"), owned=Credits(60_000), quiet=True, version=3,
        consumption_version=1, in_flight_ids=(),
    )  # fmt: skip
    requested = TransferRequested(
        **books.stamp().at(at), transfer=name, source_account=ONE, target_account=TWO,
        credits=Credits(4000), source_before=before, target_before=before,
    )  # fmt: skip
    with Ledger(books.address) as ledger:
        ledger.work(lambda work: work.record(work.transfers("ab12345-ovh"), [requested]))


def test_an_unfinished_import_holds_a_month_up(ledger):
    ledger.draw(f"{COVERED}\n 2025-11-20 06:00 import {'ab' * 32}")
    assert open_items(ledger) == [("imports", None)]
    refused(ledger.type("close", "month", "2025-10"), "run `sms-ledger import` with that file")
    ledger.draw(f"2025-11-20 06:00 imported {'ab' * 32}")
    assert open_items(ledger) == []


# --- by name --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [TWO, ONE, f"{ONE}/line-conflict", "nonsense"])
def test_only_what_is_open_can_be_accepted(ledger, name):
    ledger.draw(COVERED)
    ran = ledger.type("close", "month", "2025-10", "--accept", name)
    refused(ran, f"found '{name}': of these, one may be accepted: none", status=2)
    assert closes(ledger) == []


def test_a_name_that_several_breaks_begin_with_is_refused(ledger):
    ledger.draw(
        f"{COVERED}\n 2025-10-20 06:00 break ? line-conflict consumption-7"
        "\n 2025-10-21 06:00 break ? line-conflict consumption-8"
    )
    ran = ledger.type("close", "month", "2025-10", "--accept", f"{ONE}/line")
    refused(
        ran,
        f"found several that begin with {ONE}/line: type one of"
        f" {ONE}/line-conflict:consumption-7, {ONE}/line-conflict:consumption-8",
        status=2,
    )


# --- refusals -------------------------------------------------------------------------------


def test_a_month_is_not_closed_twice(ledger):
    ledger.draw(COVERED)
    ledger.type("close", "month", "2025-10")
    refused(
        ledger.type("close", "month", "2025-10"),
        "found 2025-10, which was closed by tester on",
        "sms-ledger close reopen 2025-10 --customer ab12345-ovh",
    )
    ran = ledger.type("close", "month", "2025-10", "--dry-run")
    assert ran.status == 1
    assert "open      2025-10 is closed; type `sms-ledger close reopen 2025-10" in ran.out


def test_months_are_closed_in_order(ledger):
    ledger.draw(COVERED)
    ledger.type("close", "month", "2025-10")
    ran = ledger.type("close", "month", "2025-12", "--accept", ONE)
    refused(ran, "expected the month after 2025-10", "found 2025-12", "close status")
    ran = ledger.type("close", "month", "2025-12", "--dry-run")
    assert "2025-10 is the last month that is closed; close the month after 2025-10" in ran.out


def test_a_month_before_the_first_close_is_closed_with_it(ledger):
    ledger.draw(COVERED.replace("2025-10-01 09", "2025-08-01 09"))
    ledger.type("close", "month", "2025-10")
    refused(
        ledger.type("close", "month", "2025-09"),
        "expected a month after 2025-10, found 2025-09",
    )
    ran = ledger.type("close", "month", "2025-09", "--dry-run")
    assert "all up to 2025-10 was closed with it: close a month after 2025-10" in ran.out


def test_a_month_that_is_not_over_is_refused(ledger):
    ledger.draw(COVERED)
    ran = ledger.type("close", "month", "2999-10", "--accept", ONE)
    refused(ran, "expected a month that is over, found 2999-10", "2999-11-01 begins")
    ran = ledger.type("close", "month", "2999-10", "--dry-run")
    assert "open      2999-10 is not over; wait until 2999-11-01 begins" in ran.out


def test_a_month_before_the_books_began_is_refused(ledger):
    ledger.draw(COVERED)
    ran = ledger.type("close", "month", "2025-09")
    refused(ran, "found 2025-09, and books from 2025-10 on", status=2)


def test_a_customer_without_accounts_has_no_month_to_close(ledger):
    ledger.draw("customer ab12345-ovh")
    refused(ledger.type("close", "month", "2025-09"), "found 2025-09, and none", status=2)
    assert ledger.rows("close", "status") == []


@pytest.mark.parametrize("word", ["2025", "2025-1", "2025-13", "2025-10-01", "october"])
def test_what_is_no_month_is_refused(ledger, word):
    ledger.draw(COVERED)
    for words in (["close", "month", word], ["close", "reopen", word, "--reason", "x"]):
        refused(ledger.type(*words), "expected a month like 2026-10, found", status=2)


def test_the_customer_is_asked_for_where_there_are_several(ledger):
    ledger.draw(f"{COVERED}\n customer cd67890-ovh\n account sms-cd67890-1")
    for words in (["month", "2025-10"], ["reopen", "2025-10", "--reason", "x"]):
        ran = ledger.type("close", *words)
        refused(
            ran,
            "expected --customer, found 2 in the ledger: name one of ab12345-ovh, cd67890-ovh",
            status=2,
        )
    ran = ledger.type("close", "month", "2025-10", "--customer", "ab12345-ovh")
    assert ran.status == 0
    assert [row["customer"] for row in ledger.rows("close", "status")] == [
        "ab12345-ovh", "ab12345-ovh", "cd67890-ovh",
    ]  # fmt: skip


def test_an_unknown_customer_is_refused(ledger):
    ledger.draw(COVERED)
    for words in (
        ["month", "2025-10"], ["reopen", "2025-10", "--reason", "x"], ["status"],
    ):  # fmt: skip
        ran = ledger.type("close", *words, "--customer", "xy1-ovh")
        refused(ran, "found 'xy1-ovh'; there is ab12345-ovh", status=2)


def test_an_empty_ledger_has_no_customer(ledger):
    ran = ledger.type("close", "month", "2025-10")
    refused(ran, "there is none: run `sms-ledger sync` first", status=2)
    assert ledger.rows("close", "status") == []


def test_an_open_month_cannot_be_reopened(ledger):
    ledger.draw(COVERED)
    refused(
        ledger.type("close", "reopen", "2025-10", "--reason", "x"),
        "found 2025-10, which is open: none is closed",
    )
    ledger.type("close", "month", "2025-10")
    refused(
        ledger.type("close", "reopen", "2025-11", "--reason", "x"),
        "found 2025-11, which is open: 2025-10 to 2025-10 are closed",
    )


@pytest.mark.parametrize("words", [[], ["--reason", " "]])
def test_a_month_is_reopened_with_a_reason(ledger, words):
    ledger.draw(COVERED)
    ledger.type("close", "month", "2025-10")
    refused(ledger.type("close", "reopen", "2025-10", *words), "reason", status=2)
    assert closes(ledger) == [("2025-10", "closed")]


def test_of_two_closes_at_once_the_second_is_told_that_the_month_is_closed(books):
    books.draw(COVERED)
    ran = []
    both = threading.Barrier(2)

    def close(actor):
        now = datetime.now(UTC)
        stamp = Stamp(recorded_at=now, actor=actor, command_id=actor, source=FromOperator())
        database = books.database()
        try:
            with Ledger(books.address) as ledger:
                both.wait(timeout=20)
                tried = close_month(ledger, database, None, "2025-10", stamp=stamp, now=now)
            ran.append("closed" if tried.closed else "open")
        except LedgerError as error:
            ran.append(str(error))
        finally:
            database.close()

    threads = [threading.Thread(target=close, args=(name,)) for name in ("anna", "paolo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ran)[0] == "closed", ran
    assert "found 2025-10, which was closed by" in sorted(ran)[1]
    assert closes(books) == [("2025-10", "closed")]


@pytest.mark.parametrize("read_first", [True, False])
def test_a_close_that_is_overtaken_is_told_so(books, monkeypatch, read_first):
    """Somebody else closes the month just before its figures are read, or just after."""
    books.draw(COVERED)
    read, others = closing_months.closing, []

    def overtaken(*words, **options):
        before = read(*words, **options) if read_first else None
        if not others:
            others.append("paolo")
            assert books.type("--actor", "paolo", "close", "month", "2025-10").status == 0
        return before or read(*words, **options)

    monkeypatch.setattr(closing_months, "closing", overtaken)
    line = refused(
        books.type("close", "month", "2025-10"), "found 2025-10, which was closed by"
    )
    assert "closed by paolo on" in line
    assert closes(books) == [("2025-10", "closed")]


# --- nothing is dated in a closed month -----------------------------------------------------

SEEN_BEFORE = COVERED.replace("2025-11-01 06:00", "2025-10-20 06:00 saw 60\n 2025-11-01 06:00")


def test_an_adjustment_is_not_booked_in_a_closed_month(books):
    """A message of October becomes known late; OVH's look of the 20th does not have it."""
    books.draw(SEEN_BEFORE)
    assert books.type("close", "month", "2025-10").status == 0
    books.draw("2025-10-15 10:00 sms 1")
    name = f"{ONE}/20251020T040000Z+1"
    before = books.rows("reg", ONE)
    ran = books.type("recon", "adjust", name, "--reason", "a test of theirs")
    line = refused(ran, f"expected {name} after the months that are closed, found it dated")
    assert "dated 2025-10-20 04:00:00 UTC, while 2025-10 was closed by tester" in line
    assert line.endswith(
        'type `sms-ledger close reopen 2025-10 --customer ab12345-ovh --reason "…"` first'
    )
    assert books.rows("reg", ONE) == before
    books.type("close", "reopen", "2025-10", "--reason", "it belongs there")
    assert books.type("recon", "adjust", name, "--reason", "a test of theirs").status == 0


def test_a_foreign_transfer_is_not_booked_in_a_closed_month(ledger):
    ledger.draw(
        f"""
        {SEEN_BEFORE.replace("saw 60", "saw 50")}
        account {TWO}
        2025-10-01 09:00 opening 0
        2025-10-20 06:00 saw 10
        2025-11-01 06:00 saw 10
        """
    )
    (name,) = [row["break_id"] for row in ledger.rows("recon", "breaks", ONE)]
    assert ledger.type("close", "month", "2025-10").status == 0
    ran = ledger.type("recon", "adjust", f"{ONE}/{name}", "--reason", "panel")
    refused(ran, "after the months that are closed, found it dated 2025-10-20 04:00:00 UTC")


def test_what_is_dated_after_the_closed_months_is_booked(ledger):
    ledger.draw(f"{COVERED}\n 2025-11-05 06:00 saw 59")
    assert ledger.type("close", "month", "2025-10").status == 0
    name = f"{ONE}/20251105T050000Z-1"
    assert ledger.type("recon", "adjust", name, "--reason", "x").status == 0


def test_an_account_cannot_be_closed_in_a_closed_month(ledger):
    ledger.draw(COVERED)
    ledger.type("close", "month", "2025-10")
    ran = ledger.type("account", "close", ONE, "--write-off", "--at", "2025-10-20")
    refused(ran, f"expected the end of {ONE} after the months that are closed", "close reopen")
    assert ledger.type("account", "close", ONE, "--write-off", "--at", "2025-11-02").status == 0


def test_facts_of_a_closed_month_are_recorded_all_the_same(ledger, tmp_path):
    ledger.draw(COVERED)
    assert ledger.type("close", "month", "2025-10").status == 0
    late = tmp_path / "late.csv"
    late.write_text(
        "customer,account,kind,id,happened_at,credits\n"
        f"ab12345-ovh,{ONE},adjustment,a-1,2025-10-15T10:00:00+02:00,-3\n"
    )
    assert ledger.type("import", str(late)).status == 0
    assert ledger.rows("bal")[0]["credits"] == "57"
