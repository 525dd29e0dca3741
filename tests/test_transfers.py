"""Credits move between two accounts of one customer: the story, over real HTTP."""

from __future__ import annotations

import dataclasses
import io
import os
import shutil
import signal
import time
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace
from rigs import Rig, events_of, rig
from transfers import (
    FIRST,
    POST,
    SECOND,
    Killed,
    making,
    posts,
    request_in_doubt,
    synchronise,
)

from cli.progress import Silent
from cli.session import Session
from cli.transfer_words import sentence
from ledger.credits import Credits
from ledger.database import connect, parse_address
from ledger.errors import DatabaseUnusable, IntegrityFailure
from ledger.events import (
    BalanceBefore,
    FromOperator,
    Reading,
    Stamp,
    TransferConfirmed,
    TransferReceived,
    TransferRequested,
    TransferSent,
    TransferSettledLate,
    TransferUnknown,
    TransferVoided,
)
from ledger.sandbox import profiles
from ledger.sandbox.people import MARTIN
from ledger.service import Ledger, Work
from ledger.sync.settling import Settled
from ledger.sync.transfer_call import Intention, NotCalled, NotKnown, NotTransferred
from ledger.transfer import InDoubt, request
from projections.transfers import list_transfers

OTHER = "sms-cd67890-1"


@pytest.fixture
def small(store, tmp_path):
    with rig(tmp_path, store=store) as made:
        made.sync()
        yield made


@pytest.fixture(scope="module")
def synced(sqlite, tmp_path_factory):
    """A ledger after its first synchronisation: the same for every world of one seed."""
    folder = tmp_path_factory.mktemp("synced")
    with rig(folder, store=sqlite) as made:
        made.sync()
        shutil.copyfile(made.database, folder / "kept.db")
    return folder / "kept.db"


@pytest.fixture
def file(sqlite, synced, tmp_path):
    with rig(tmp_path, store=sqlite) as made:
        shutil.copyfile(synced, made.database)
        yield made


@pytest.fixture
def two_customers(file, tmp_path):
    """A second customer: two accounts in the ledger, and at OVH a key that reads none."""
    book = tmp_path / "other.csv"
    book.write_text(
        "customer,account,kind,happened_at,credits\n"
        f"cd67890-ovh,{OTHER},opening,2026-10-01T00:00:00+02:00,70\n"
        "cd67890-ovh,sms-cd67890-2,opening,2026-10-01T00:00:00+02:00,70\n"
    )
    assert file.sl("import", str(book), "--time-zone", "Europe/Paris").status == 0
    world = file.ovh.world
    world.customers["cd67890-ovh"] = replace(MARTIN)
    key = world.grant("cd67890-ovh")
    file.profiles += profiles.write(file.conf, "other", file.ovh.url, [key])
    file.ovh.requests.clear()
    return file


def pass_time(made: Rig, by: str = "10m") -> None:
    made.ovh.do("advance", by=by)


def listed(made: Rig) -> list[dict]:
    return made.sl("transfer", "list", "-O", "json").rows


def only(made: Rig) -> dict:
    (row,) = listed(made)
    return row


def agrees(made: Rig) -> bool:
    """Tell whether, a while later, ledger and OVH agree, and the ledger with itself."""
    pass_time(made)
    made.sync()
    return made.balances() == made.owned() and made.sl("check", "--full").status == 0


WANTED = Intention("t-1", FIRST, SECOND, Credits(4_000))

# --- the story -------------------------------------------------------------------------------


def test_a_transfer_moves_credits_and_is_on_both_accounts(small):
    before = small.owned()
    ran = small.sl("transfer", "request", FIRST, SECOND, "7.125", "--yes", "--reason", "sale")
    assert ran.status == 0, ran
    assert ran.out.startswith("t-")
    assert ran.out.endswith(f"7.125 credits went from {FIRST} to {SECOND}; recorded on both\n")
    assert small.owned()[FIRST] == before[FIRST] - Decimal("7.125")
    assert small.owned()[SECOND] == before[SECOND] + Decimal("7.125")
    assert small.balances() == small.owned()
    assert posts(small) == 1
    row = only(small)
    assert (row["source"], row["target"], row["credits"], row["status"], row["reason"]) == (
        FIRST, SECOND, "7.125", "sent", "sale",
    )  # fmt: skip
    assert agrees(small)


def test_legs_are_in_the_register_and_in_one_save_with_the_outcome(file):
    file.sl("transfer", "request", FIRST, SECOND, "5", "--yes")
    events = [(stream, type(event)) for stream, event in events_of(file.database)]
    assert events[-4:] == [
        ("customer/ab12345-ovh/transfers", TransferRequested),
        ("customer/ab12345-ovh/transfers", TransferConfirmed),
        (FIRST, TransferSent),
        (SECOND, TransferReceived),
    ]
    rows = [
        (row["account"], row["kind"], row["credits"], row["reference"])
        for row in file.sl("reg", "-O", "json").rows
        if "transfer" in row["kind"]
    ]
    transfer = only(file)["transfer"]
    assert rows == [
        (FIRST, "transfer-out", "-5", transfer), (SECOND, "transfer-in", "5", transfer)
    ]  # fmt: skip


def test_a_transfer_there_and_back_leaves_both_as_they_were(file):
    before = file.owned()
    for source, target in ((FIRST, SECOND), (SECOND, FIRST)):
        assert file.sl("transfer", "request", source, target, "3", "--yes").status == 0
    assert file.owned() == before
    assert agrees(file)


def test_an_empty_ledger_lists_no_transfer(sqlite, tmp_path):
    with rig(tmp_path, store=sqlite) as made:
        assert made.sl("transfer", "list", "-O", "json").rows == []
        assert made.sl("transfer", "resolve").out == "no transfer is in doubt\n"


# --- refused before any call -----------------------------------------------------------------

REFUSED = [
    ([FIRST, FIRST, "1"], 5, "as source and target"),
    ([FIRST, "sms-ab12345-9", "1"], 2, "unknown account 'sms-ab12345-9'"),
    (["sms-ab12345-9", FIRST, "1"], 2, "unknown account 'sms-ab12345-9'"),
    ([FIRST, SECOND, "0"], 5, "more than 0"),
    ([FIRST, SECOND, "-1"], 5, "more than 0 credits, without a sign, found '-1'"),
    ([FIRST, SECOND, "1,5"], 2, "with a point, like 12.5, found '1,5'"),
    ([FIRST, SECOND, "0.0001"], 2, "at most three decimals"),
    ([FIRST, SECOND, "1,5"], 2, "found '1,5'"),
    ([FIRST, SECOND, "1e3"], 2, "found '1e3'"),
    ([FIRST, SECOND, "1000000"], 5, "expected at most what"),
    # 25.3 of its credits are held by a user's quota
    ([SECOND, FIRST, "30"], 5, "more that quotas hold"),
]


@pytest.fixture(scope="module")
def untouched(sqlite, tmp_path_factory):
    with rig(tmp_path_factory.mktemp("untouched"), store=sqlite) as made:
        made.sync()
        yield made


@pytest.mark.parametrize(("words", "status", "text"), REFUSED)
def test_what_cannot_be_transferred_is_refused_in_one_line_before_the_call(
    untouched, words, status, text
):
    ran = untouched.sl("transfer", "request", "--yes", "--", *words)
    assert (ran.status, ran.err.count("\n")) == (status, 1), ran
    assert text in ran.err
    assert posts(untouched) == 0
    assert listed(untouched) == []


def test_accounts_of_two_customers_are_refused_before_any_call(two_customers):
    ran = two_customers.sl("transfer", "request", FIRST, OTHER, "1", "--yes")
    assert (ran.status, ran.err.count("\n"), len(two_customers.ovh.requests)) == (5, 1, 0)
    assert "nothing crosses customers" in ran.err


@pytest.mark.parametrize(
    ("pair", "profile"), [((FIRST, SECOND), "other"), ((OTHER, "sms-cd67890-2"), "rig")]
)
def test_the_key_of_another_customer_is_refused(two_customers, pair, profile):
    ran = two_customers.sl("transfer", "request", *pair, "1", "--yes", profile=profile)
    assert (ran.status, ran.err.count("\n"), posts(two_customers)) == (2, 1, 0)
    assert "unknown account" in ran.err


def test_accounts_that_the_ledger_has_under_another_customer_are_refused(sqlite, tmp_path):
    book = tmp_path / "moved.csv"
    book.write_text(
        "customer,account,kind,happened_at,credits\n"
        f"zz99999-ovh,{FIRST},opening,2026-10-01T00:00:00+02:00,70\n"
        f"zz99999-ovh,{SECOND},opening,2026-10-01T00:00:00+02:00,70\n"
    )
    with rig(tmp_path, store=sqlite) as made:
        assert made.sl("import", str(book), "--time-zone", "Europe/Rome").status == 0
        ran = made.sl("transfer", "request", FIRST, SECOND, "1", "--yes")
        assert (ran.status, ran.err.count("\n"), posts(made)) == (5, 1, 0)
        assert "expected a key of zz99999-ovh, found one of ab12345-ovh" in ran.err


def test_a_closed_account_is_refused(file):
    assert file.sl("account", "close", SECOND, "--write-off").status == 0
    ran = file.sl("transfer", "request", FIRST, SECOND, "1", "--yes")
    assert (ran.status, posts(file)) == (5, 0)
    assert "was closed on" in ran.err


def test_without_a_terminal_it_needs_yes(untouched):
    ran = untouched.sl("transfer", "request", FIRST, SECOND, "1")
    assert (ran.status, posts(untouched)) == (2, 0)
    assert "type --yes" in ran.err


def test_a_dry_run_shows_both_accounts_and_calls_nothing(untouched):
    before = untouched.table("SELECT * FROM event_log")
    ran = untouched.sl("transfer", "request", FIRST, SECOND, "3", "--dry-run")
    assert (ran.status, posts(untouched)) == (0, 0)
    assert "transfer 3 credits" in ran.out
    assert "dry run: nothing was called" in ran.out
    assert untouched.table("SELECT * FROM event_log") == before
    refused = untouched.sl("transfer", "request", FIRST, SECOND, "99999", "--dry-run")
    assert refused.status == 5


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "status", "calls"), [("y\n", 0, 1), ("n\n", 5, 0)])
def test_on_a_terminal_it_asks(file, monkeypatch, answer, status, calls):
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    ran = file.sl("transfer", "request", FIRST, SECOND, "2.5")
    assert (ran.status, posts(file)) == (status, calls), ran
    assert "creditsLeft  afterwards" in ran.out
    assert "Transfer?" in ran.out
    if status:
        assert "nothing was called, nothing recorded" in ran.err
        assert listed(file) == []


# --- OVH says no -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_a_definite_refusal_voids_the_transfer(file, status):
    before = file.owned()
    file.ovh.do("fault", match=POST, kind="status", status=status)
    ran = file.sl("transfer", "request", FIRST, SECOND, "1", "--yes")
    assert (ran.status, ran.err.count("\n"), posts(file)) == (5, 1, 1), ran
    assert "is voided, nothing moved" in ran.err
    row = only(file)
    assert row["status"] == "voided"
    assert f"OVH answered {status}" in row["reason"]
    assert file.owned() == file.balances() == before


def test_a_missing_right_names_the_rule_to_add(file):
    world = file.ovh.world
    key = world.credential_of("ab12345-ovh")
    key.rules = tuple(rule for rule in key.rules if rule.method == "GET")
    ran = file.sl("transfer", "request", FIRST, SECOND, "1", "--yes")
    assert (ran.status, ran.err.count("\n")) == (3, 1), ran
    assert "add the rule `POST /sms/*/transferCredits`" in ran.err
    assert only(file)["status"] == "voided"
    assert file.balances() == file.owned()


def test_an_ovh_that_cannot_be_read_before_leaves_nothing(file, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    file.ovh.do("fault", match="GET /sms*", kind="status", status=503, times=50)
    ran = file.sl("transfer", "request", FIRST, SECOND, "1", "--yes")
    assert (ran.status, posts(file), listed(file)) == (3, 0, [])


# --- nobody knows ----------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_lost_answer_is_never_asked_for_again_and_both_balances_settle_it(small):
    transfer = request_in_doubt(small, "lost")
    assert only(small)["status"] == "unknown"
    assert "connection cut off" in only(small)["reason"]
    early = small.sl("transfer", "resolve")
    assert early.status == 1
    assert "too early to tell" in early.out
    again = small.sl("transfer", "request", SECOND, FIRST, "1", "--yes")
    assert (again.status, posts(small)) == (5, 1)
    assert f"transfer resolve {transfer}` first" in again.err
    small.ovh.do("send", account=FIRST, count=3)
    pass_time(small)
    settled = small.sl("transfer", "resolve", transfer)
    assert settled.status == 0
    assert f"{transfer}: 4 credits went from {FIRST} to {SECOND}, as both" in settled.out
    row = only(small)
    assert (row["status"], posts(small)) == ("sent", 1)
    assert [one["unexplained"] for one in row["evidence"]] == ["-4", "4"]
    assert agrees(small)


def test_a_synchronisation_settles_it_too(file):
    transfer = request_in_doubt(file, "status", status=503)
    assert "in doubt, and too early" in file.sl("sync").out
    pass_time(file)
    ran = file.sl("sync")
    assert (ran.status, posts(file)) == (0, 1)
    assert f"{transfer}: nothing went from {FIRST} to {SECOND}" in ran.out
    assert only(file)["status"] == "voided"
    assert agrees(file)


def test_settle_after_says_how_long_to_wait(file):
    request_in_doubt(file, "reset")
    pass_time(file, "2m")
    assert file.sl("transfer", "resolve").status == 1
    assert file.sl("transfer", "resolve", "--settle-after", "60").status == 0


def test_while_in_doubt_it_explains_a_drift_and_check_tells_of_it(file):
    transfer = request_in_doubt(file, "lost")
    pass_time(file, "2m")
    file.sync()
    recon = file.sl("recon", "run", "-O", "json")
    assert recon.status == 0
    assert {(row["account"], row["status"], row["drift"]) for row in recon.rows} == {
        (FIRST, "explained", "-4"), (SECOND, "explained", "4"),
    }  # fmt: skip
    assert {line["kind"] for row in recon.rows for line in row["lines"]} >= {
        "transfer in doubt"
    }
    check = file.sl("check")
    assert check.status == 1
    assert f"transfer resolve {transfer}" in check.out


def test_an_account_with_a_transfer_in_doubt_is_not_closed(file):
    transfer = request_in_doubt(file, "lost")
    ran = file.sl("account", "close", SECOND, "--write-off")
    assert ran.status == 5
    assert f"transfer resolve {transfer}" in ran.err


def test_what_two_balances_cannot_tell_is_left_to_a_person_with_the_evidence(file):
    transfer = request_in_doubt(file, "lost")
    file.ovh.do("gift", account=SECOND, credits=Decimal(11))
    pass_time(file)
    ran = file.sl("transfer", "resolve")
    assert ran.status == 1
    assert "does not tell whether 4 credits went" in ran.out
    assert f"resolve {transfer} --as sent" in ran.out
    row = only(file)
    assert row["status"] == "unknown"
    assert [one["unexplained"] for one in row["evidence"]] == ["-4", "15"]
    file.sync()
    unknown = [e for _, e in events_of(file.database) if isinstance(e, TransferUnknown)]
    assert len(unknown) == 2, "the same evidence is not recorded again"

    told = file.sl("transfer", "resolve", transfer, "--as", "sent", "--reason", "saw it")
    assert told.status == 0
    assert only(file)["status"] == "sent"
    assert file.drifts() == {FIRST: 0, SECOND: 11}
    (confirmed,) = (e for _, e in events_of(file.database) if isinstance(e, TransferConfirmed))
    assert (confirmed.by, confirmed.reason, confirmed.actor) == ("operator", "saw it", "tester")


def test_what_explains_the_rest_settles_it_without_a_person(file, tmp_path):
    request_in_doubt(file, "lost")
    file.ovh.do("gift", account=SECOND, credits=Decimal(11))
    pass_time(file)
    assert file.sl("transfer", "resolve").status == 1
    gift = tmp_path / "gift.csv"
    gift.write_text(
        "customer,account,kind,id,happened_at,credits\n"
        f"ab12345-ovh,{SECOND},gift,g-1,2026-10-31T18:05:00+01:00,11\n"
    )
    assert file.sl("import", str(gift)).status == 0
    pass_time(file)
    assert file.sl("transfer", "resolve").status == 0
    assert agrees(file)


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_void_transfer_that_takes_effect_late_is_reopened(small):
    transfer = request_in_doubt(small, "hung")
    pass_time(small)
    small.sync()
    assert only(small)["status"] == "voided"
    # what OVH does late looks exactly like this
    small.ovh.do("panel-transfer", source=FIRST, target=SECOND, credits=Decimal(4))
    small.ovh.do("send", account=SECOND)
    pass_time(small)
    ran = small.sl("sync")
    assert f"{transfer}: 4 credits went from {FIRST} to {SECOND} after all" in ran.out
    row = only(small)
    assert row["status"] == "sent"
    assert row["reason"].startswith("after it was taken for void")
    kinds = [type(event) for _, event in events_of(small.database)]
    assert kinds.count(TransferVoided) == kinds.count(TransferSettledLate) == 1
    assert agrees(small)


def test_what_ovh_refused_is_not_reopened_by_what_somebody_does_in_the_panel(file):
    file.ovh.do("fault", match=POST, kind="status", status=403)
    file.sl("transfer", "request", FIRST, SECOND, "4", "--yes")
    file.ovh.do("panel-transfer", source=FIRST, target=SECOND, credits=Decimal(4))
    pass_time(file)
    file.sync()
    assert only(file)["status"] == "voided"
    assert file.drifts() == {FIRST: -4, SECOND: 4}


def test_a_person_may_reopen_what_was_voided_but_not_void_what_was_sent(file):
    transfer = request_in_doubt(file, "reset")
    word = ["transfer", "resolve", transfer, "--reason", "told by OVH's support", "--as"]
    assert file.sl(*word, "voided").status == 0
    assert file.sl(*word, "sent").status == 0
    assert only(file)["reason"] == "after it was taken for void; told by OVH's support"
    ran = file.sl(*word, "voided")
    assert ran.status == 5
    assert "is in the books" in ran.err


def test_a_transfer_of_all_that_starts_a_recharge_is_settled_by_its_bill(file):
    """The recharge comes two minutes later, its bill is seen after three hours."""
    file.ovh.service.turn({"bill_delay_s": "10800"})
    left = str(Decimal(file.ovh.world.accounts[FIRST].milli) / 1000)
    file.ovh.do("fault", match=POST, kind="lost")
    assert file.sl("transfer", "request", FIRST, SECOND, left, "--yes").status == 3
    pass_time(file)
    settled = file.sl("transfer", "resolve")
    assert settled.status == 0, settled
    assert "assumed that a recharge of 100 credits is not billed yet" in only(file)["reason"]
    pass_time(file, "4h")
    assert agrees(file)


def test_a_ledger_that_fails_after_the_call_says_what_became_of_it(file):
    """The disk is full, say: the transfer is in doubt here, and settled later as any other."""
    with (
        making(file, step="the outcome cannot be recorded") as one,
        pytest.raises(DatabaseUnusable, match="the transfer was made, which could not be"),
    ):
        one.make(WANTED, Silent())
    assert only(file)["status"] == "requested"
    assert agrees(file)
    assert (only(file)["status"], posts(file)) == ("sent", 1)


def test_whatever_the_ledger_says_after_the_call_it_is_not_to_be_repeated(file):
    with (
        making(file, step="the outcome cannot be recorded", fault=IntegrityFailure) as one,
        pytest.raises(IntegrityFailure, match=r"the transfer was made.* do not repeat it"),
    ):
        one.make(WANTED, Silent())


@pytest.mark.parametrize("output", ["unwritable", "closed"])
def test_a_transfer_whose_outcome_cannot_be_written_is_not_to_be_repeated(file, output):
    if output == "unwritable":
        written = os.open(os.devnull, os.O_RDONLY)
    else:
        read, written = os.pipe()
        os.close(read)
    words = ("transfer", "request", FIRST, SECOND, "4", "--yes")
    with file.start(*words, stdout=written) as begun:
        _, err = begun.communicate(timeout=60)
    os.close(written)
    assert (begun.returncode, err.count("\n")) == (70, 1), err
    assert f"do not repeat transfer {only(file)['transfer']}, it may have been made" in err
    assert "again" not in err
    assert (only(file)["status"], posts(file)) == ("sent", 1)


def test_a_transfer_that_is_interrupted_is_not_to_be_repeated(file):
    file.ovh.do("fault", match=POST, kind="slow", seconds=3)
    begun = file.start("transfer", "request", FIRST, SECOND, "4", "--yes")
    deadline = time.monotonic() + 30
    while not posts(file) and time.monotonic() < deadline:
        time.sleep(0.01)
    begun.send_signal(signal.SIGINT)
    _, err = begun.communicate(timeout=60)
    assert begun.returncode == 130, err
    told = (
        f"interrupted: do not repeat transfer {only(file)['transfer']}, it may have been made"
    )
    assert told in err
    assert "again" not in err
    pass_time(file)
    file.sync()
    assert (only(file)["status"], posts(file)) == ("sent", 1)


def test_a_transfer_is_not_to_be_repeated_when_ctrl_c_comes_after_it(file, monkeypatch):
    def interrupted(_: Session) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "close", interrupted)
    ran = file.sl("transfer", "request", FIRST, SECOND, "4", "--yes")
    monkeypatch.undo()
    assert (ran.status, only(file)["status"]) == (130, "sent")
    assert f"interrupted: do not repeat transfer {only(file)['transfer']}" in ran.err
    assert "again" not in ran.err


def test_what_is_interrupted_or_cannot_be_written_before_the_transfer_may_be_repeated(
    file, monkeypatch
):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(""))  # the end of it, as Ctrl-D and Ctrl-C are
    ran = file.sl("transfer", "request", FIRST, SECOND, "4")
    assert (ran.status, listed(file), posts(file)) == (130, [], 0)
    assert "run it again" in ran.err
    with open(os.devnull) as unwritable:
        begun = file.start(
            "transfer", "request", FIRST, SECOND, "4", "--dry-run", stdout=unwritable
        )
        _, err = begun.communicate(timeout=60)
    assert begun.returncode == 2, err
    assert "the output cannot be written" in err


# --- others at the same time -----------------------------------------------------------------


def test_two_requests_at_once_are_one(file):
    """The second one comes while the first waits for its answer."""
    seen = []

    def again() -> None:
        seen.append(file.sl("transfer", "request", SECOND, FIRST, "1", "--yes"))

    with making(file, meanwhile=again) as one:
        assert one.make(WANTED, Silent()).status == "sent"
    assert (seen[0].status, posts(file)) == (5, 1)
    assert "transfer resolve t-1` first" in seen[0].err
    assert agrees(file)


def test_an_answer_counts_more_than_what_was_said_before_it_came(file):
    def void() -> None:
        ran = file.sl("transfer", "resolve", "t-1", "--as", "voided", "--reason", "impatient")
        assert ran.status == 0

    with making(file, meanwhile=void) as one:
        assert one.make(WANTED, Silent()).status == "sent"
    assert only(file)["reason"].startswith("after it was taken for void")
    assert agrees(file)


def test_a_refusal_does_not_undo_what_a_person_said_before_it_came(file):
    def confirm() -> None:
        ran = file.sl("transfer", "resolve", "t-1", "--as", "sent", "--reason", "in the panel")
        assert ran.status == 0

    file.ovh.do("fault", match=POST, kind="status", status=403)
    with making(file, meanwhile=confirm) as one, pytest.raises(NotTransferred):
        one.make(WANTED, Silent())
    assert (only(file)["status"], only(file)["reason"]) == ("sent", "in the panel")


def test_a_request_that_was_cut_off_before_the_call_is_voided_by_the_balances(file):
    with making(file, step="before the call") as one, pytest.raises(Killed):
        one.make(WANTED, Silent())
    assert (only(file)["status"], posts(file)) == ("requested", 0)
    assert only(file)["reason"] == "no outcome was recorded: under way, or cut off"
    pass_time(file)
    file.sync()
    assert (only(file)["status"], posts(file)) == ("voided", 0)


def make_unrecorded(made: Rig, transfer: str) -> None:
    """A transfer that OVH made, and whose process has not recorded it yet."""
    with making(made, step="before the outcome is recorded") as one, pytest.raises(Killed):
        one.make(Intention(transfer, FIRST, SECOND, Credits(4_000)), Silent())


def record_as_sent(made: Rig, transfer: str) -> None:
    ran = made.sl("transfer", "resolve", transfer, "--as", "sent", "--reason", "answered")
    assert ran.status == 0, ran


def test_a_void_transfer_is_not_reopened_by_one_that_is_recorded_while_it_is_looked_at(file):
    """The looks hold the second transfer; its legs are recorded before anything is judged."""
    void = request_in_doubt(file, "status", status=503)
    pass_time(file)
    file.sync()
    pass_time(file)
    make_unrecorded(file, "t-again")
    synchronise(file, ("payment_methods", [lambda: record_as_sent(file, "t-again")]))
    statuses = {row["transfer"]: row["status"] for row in listed(file)}
    assert statuses == {void: "voided", "t-again": "sent"}
    assert posts(file) == 2
    assert agrees(file)


def test_a_transfer_in_doubt_is_not_judged_by_looks_older_than_what_was_recorded(
    file, tmp_path
):
    transfer = request_in_doubt(file, "lost")
    pass_time(file)
    gift = tmp_path / "gift.csv"
    gift.write_text(
        "customer,account,kind,id,happened_at,credits\n"
        f"ab12345-ovh,{SECOND},gift,g-1,2026-10-31T18:05:00+01:00,4\n"
    )
    imported = []
    others = [lambda: imported.append(file.sl("import", str(gift)).status)]
    result = synchronise(file, ("payment_methods", others))
    assert imported == [0]
    assert [(one.transfer.id, one.how) for one in result.transfers] == [(transfer, "unread")]


def test_a_transfer_that_others_settled_since_it_was_looked_at_is_told_as_it_is(file):
    request_in_doubt(file, "lost")
    (early,) = synchronise(file, ("payment_methods", [])).transfers
    told = Settled(dataclasses.replace(early.transfer, status="sent"), "unread")
    assert sentence(told) == "is sent, as was recorded meanwhile"


def test_a_transfer_is_not_voided_for_one_that_was_under_way_when_it_was_requested(file):
    """The same command, typed twice: the second one looks before the first one is recorded."""

    def answered() -> None:
        record_as_sent(file, "t-first")
        file.ovh.do("fault", match=POST, kind="lost")

    others = [lambda: make_unrecorded(file, "t-first"), answered]
    with making(file, before=("time", others)) as one, pytest.raises(NotKnown):
        one.make(WANTED, Silent())
    pass_time(file)
    file.sync()
    assert [row["status"] for row in listed(file)] == ["sent", "sent"]
    assert posts(file) == 2
    assert agrees(file)


def test_a_transfer_is_refused_where_others_are_under_way_at_every_look(file):
    def other() -> None:
        assert file.sl("transfer", "request", SECOND, FIRST, "0.5", "--yes").status == 0

    others = [other, lambda: None] * 3
    with (
        making(file, before=("time", others)) as one,
        pytest.raises(InDoubt, match=r"expected no other transfer while .* nothing recorded"),
    ):
        one.make(WANTED, Silent())
    assert (len(listed(file)), posts(file)) == (3, 3)
    assert agrees(file)


@pytest.mark.parametrize(
    ("outcome", "advice"),
    [("voided", "see `sms-ledger transfer list` before"), ("sent", "take it out of the books")],
)
def test_a_request_that_others_settled_before_its_call_is_not_called(file, outcome, advice):
    def settle() -> None:
        ran = file.sl("transfer", "resolve", "t-1", "--as", outcome, "--reason", "asleep")
        assert ran.status == 0, ran

    text = f"^not called: .*; nothing moved at OVH, and t-1 stands as {outcome}: {advice}"
    with making(file, requested=settle) as one, pytest.raises(NotCalled, match=text):
        one.make(WANTED, Silent())
    assert (only(file)["status"], posts(file)) == (outcome, 0)


def test_a_request_that_stood_for_long_is_not_called_but_voided(file):
    """A laptop sleeps between the record and the call, say."""

    def sleep() -> None:
        pass_time(file, "2m")
        one._learn_time()  # its own clock went on, too

    with (
        making(file, requested=sleep) as one,
        pytest.raises(NotCalled, match="and t-1 stands as voided"),
    ):
        one.make(WANTED, Silent())
    assert (only(file)["status"], posts(file)) == ("voided", 0)
    assert only(file)["reason"].startswith("not called: 1")
    assert agrees(file)


def test_an_outcome_that_nobody_knows_counts_more_than_what_was_said_before_it_came(file):
    def void() -> None:
        ran = file.sl("transfer", "resolve", "t-1", "--as", "voided", "--reason", "impatient")
        assert ran.status == 0

    file.ovh.do("fault", match=POST, kind="lost")
    with making(file, meanwhile=void) as one, pytest.raises(NotKnown):
        one.make(WANTED, Silent())
    assert (only(file)["status"], only(file)["resolved_at"]) == ("unknown", None)
    pass_time(file)
    file.sync()
    assert only(file)["status"] == "sent"
    assert agrees(file)


def test_two_transfers_in_doubt_of_one_account_are_left_to_a_person(file):
    """The second one came while the first was called, and stood as voided."""

    def void_and_repeat() -> None:
        ran = file.sl("transfer", "resolve", "t-1", "--as", "voided", "--reason", "impatient")
        assert ran.status == 0
        make_unrecorded(file, "t-2")

    file.ovh.do("fault", match=POST, kind="status", status=503)
    with making(file, meanwhile=void_and_repeat) as one, pytest.raises(NotKnown):
        one.make(WANTED, Silent())
    pass_time(file)
    file.sync()
    file.sync()  # the first one's evidence is there already: now the second one's, too
    assert [row["status"] for row in listed(file)] == ["unknown", "unknown"]
    ran = file.sl("transfer", "resolve", "t-1", "--as", "voided", "--reason", "by support")
    assert ran.status == 0
    file.sync()
    assert [row["status"] for row in listed(file)] == ["voided", "sent"]
    assert agrees(file)


# --- the words of resolve --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["t-nothing"], "found 't-nothing'"),
        (["--as", "sent", "--reason", "x"], "exactly one TRANSFER"),
        (["--reason", "x"], "--reason goes with --as"),
        (["--settle-after", "-1"], "--settle-after"),
    ],
)
def test_what_resolve_is_told_must_fit(untouched, words, text):
    ran = untouched.sl("transfer", "resolve", *words)
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert text in ran.err


def test_a_person_must_say_why(file):
    transfer = request_in_doubt(file, "reset")
    ran = file.sl("transfer", "resolve", transfer, "--as", "voided")
    assert (ran.status, only(file)["status"]) == (2, "unknown")


def test_a_dry_run_of_resolve_reads_and_records_nothing(file):
    transfer = request_in_doubt(file, "reset")
    file.ovh.requests.clear()
    ran = file.sl("transfer", "resolve", "--dry-run")
    assert ran.status == 1
    assert ran.out.startswith(f"would look at {transfer}: 4 credits from")
    told = file.sl(
        "transfer", "resolve", transfer, "--dry-run", "--as", "sent", "--reason", "x"
    )
    assert told.out.startswith("would record as sent: t-")
    assert (len(file.ovh.requests), only(file)["status"]) == (0, "unknown")


def test_resolve_needs_a_key_of_that_customer(two_customers):
    request_in_doubt(two_customers, "reset")
    ran = two_customers.sl("transfer", "resolve", profile="other")
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "--profile" in ran.err


def test_resolve_names_what_is_settled_already(file):
    file.sl("transfer", "request", FIRST, SECOND, "1", "--yes")
    ran = file.sl("transfer", "resolve", only(file)["transfer"])
    assert (ran.status, ran.out) == (
        0,
        f"{only(file)['transfer']}: is sent; nothing new shows\n",
    )


def test_resolve_leaves_what_another_profile_must_read(two_customers):
    """Both customers have a transfer in doubt; the key at hand reads one of them."""
    request_in_doubt(two_customers, "reset")
    request_of_another(two_customers, OTHER, "sms-cd67890-2")
    pass_time(two_customers)
    ran = two_customers.sl("transfer", "resolve", profile="rig")
    assert ran.status == 1
    assert "nothing went from" in ran.out
    assert "t-other: is of cd67890-ovh: name its profile with --profile\n" in ran.out


def request_of_another(made: Rig, source: str, target: str) -> None:
    """Record a request that was cut off before its call, as another program's key could."""
    at = datetime(2026, 10, 31, 17, tzinfo=UTC)
    before = BalanceBefore(
        reading=Reading(at, "70", "0"),
        owned=Credits(70_000),
        quiet=True,
        version=2,
        consumption_version=0,
        in_flight_ids=(),
    )

    def decide(work: Work) -> None:
        state = work.transfers("cd67890-ovh")
        requested = request(
            state,
            work.account(source),
            work.account(target),
            Credits(1_000),
            transfer="t-other",
            source_before=before,
            target_before=before,
            stamp=Stamp(recorded_at=at, actor="x", command_id="c-9", source=FromOperator()),
            at=at,
        )
        work.record(state, requested)

    with Ledger(parse_address(str(made.database))) as ledger:
        ledger.work(decide)


def test_the_report_says_in_words_how_each_is_known(file):
    request_in_doubt(file, "lost")
    pass_time(file)
    file.sync()
    with closing(connect(parse_address(str(file.database)))) as database:
        report = list_transfers(database)
    assert report.rows[0].reason == (
        f"since the call {FIRST} moved by -4 and {SECOND} by +4 beyond what is recorded"
    )
