"""`recharge show` and `recharge set`: the guide's settings, at OVH and in the books."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from rigs import Ran, Rig, events_of, rig

from ledger.events import RechargeChangeRequested, RechargeSettingsSeen

FIRST, SECOND = "sms-ab12345-1", "sms-ab12345-2"
PUT = "PUT /sms/{serviceName}"


@pytest.fixture(scope="module")
def served(tmp_path_factory, sqlite) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("recharge"), store=sqlite) as made:
        made.sync()
        yield made


@pytest.fixture
def books(served: Rig) -> Rig:
    """A ledger that was read, with 100 credits below 20 on the first account."""
    served.ovh.do("clear-faults")
    served.ovh.do("knobs", knobs="recharge_settings=taken")
    served.ovh.do("set-recharge", account=FIRST, threshold=Decimal(20), amount=100)
    served.ovh.world.accounts[FIRST].smpp = False
    served.sl("sync", FIRST)
    served.ovh.requests.clear()
    return served


def sets(books: Rig, *words: str, account: str = FIRST, profile: str = "") -> Ran:
    return books.sl("recharge", "set", account, *words, "--yes", profile=profile)


def at_ovh(books: Rig, account: str = FIRST) -> tuple[Decimal, int | None]:
    found = books.ovh.world.accounts[account]
    return Decimal(found.threshold_milli) / 1000, found.recharge_credits


def recorded(books: Rig) -> list[RechargeSettingsSeen | RechargeChangeRequested]:
    kinds = (RechargeSettingsSeen, RechargeChangeRequested)
    return [event for _, event in events_of(books.database) if isinstance(event, kinds)]


def last_two(books: Rig) -> tuple[str, str]:
    """Give the last request and what was seen after it."""
    asked, seen = recorded(books)[-2:]
    assert isinstance(asked, RechargeChangeRequested)
    assert isinstance(seen, RechargeSettingsSeen)
    assert asked.command_id == seen.command_id
    return f"{asked.threshold} {asked.amount}", f"{seen.threshold} {seen.amount}"


# --- set -------------------------------------------------------------------------------------


def test_threshold_and_amount_are_set_read_back_and_recorded(store, tmp_path):
    with rig(tmp_path, store=store) as books:
        books.sync()
        ran = sets(books, "--threshold", "50", "--amount", "250", "--reason", "Christmas")
        assert ran.status == 0, ran
        assert ran.out == (
            f"{FIRST}: change 100 credits below 20 to 250 credits below 50\n"
            f"{FIRST}: OVH shows 250 credits below 50\n"
        )
        assert at_ovh(books) == (50, 250)
        assert last_two(books) == ("50 250", "50 250")
        asked, seen = recorded(books)[-2:]
        assert (asked.actor, asked.reason, asked.source.__class__.__name__) == (
            "tester", "Christmas", "FromOperator",
        )  # fmt: skip
        assert (seen.reason, seen.source.route) == (None, "/sms/{serviceName}")
        before = len(recorded(books))
        books.sync()
        assert len(recorded(books)) == before
        assert books.sl("check", "--full").status == 0


def test_ovh_is_asked_once(books):
    sets(books, "--amount", "500")
    assert books.ovh.requests.counts[PUT] == 1


def test_what_is_not_stated_stays(books):
    assert sets(books, "--threshold", "12.5").status == 0
    assert at_ovh(books) == (Decimal("12.5"), 100)
    assert sets(books, "--amount", "1000").status == 0
    assert at_ovh(books) == (Decimal("12.5"), 1000)


def test_it_is_switched_off(books):
    ran = sets(books, "--off")
    assert (ran.status, at_ovh(books)) == (0, (20, None))
    assert "OVH shows off (threshold 20)" in ran.out


def test_settings_that_are_in_force_already_change_nothing(books):
    before = recorded(books)
    ran = sets(books, "--amount", "100")
    assert (ran.status, ran.out) == (0, f"{FIRST}: nothing to change: 100 credits below 20\n")
    assert recorded(books) == before
    assert PUT not in books.ovh.requests.counts


def test_a_dry_run_tells_and_changes_nothing(books):
    before = recorded(books)
    ran = books.sl("recharge", "set", FIRST, "--amount", "500", "--dry-run")
    assert ran.status == 0
    assert ran.out == f"{FIRST}: would change 100 credits below 20 to 500 credits below 20\n"
    assert (recorded(books), at_ovh(books)) == (before, (20, 100))


def test_without_a_terminal_a_yes_must_be_typed(books):
    ran = books.sl("recharge", "set", FIRST, "--amount", "500")
    assert ran.status == 2
    assert "found no terminal to ask on: type --yes" in ran.err
    assert at_ovh(books) == (20, 100)


def test_what_others_changed_before_the_yes_is_not_undone(books, monkeypatch):
    """OVH is sent both settings, also the one that was not stated."""

    def yes(*_: object, **__: object) -> None:
        books.ovh.do("set-recharge", account=FIRST, threshold=Decimal(70), amount=100)

    monkeypatch.setattr("cli.recharge.click.confirm", yes)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    before = recorded(books)
    ran = books.sl("recharge", "set", FIRST, "--amount", "500")
    assert (ran.status, ran.err) == (
        5,
        "sms-ledger: expected 100 credits below 20 at OVH still, found that it was changed to"
        " 100 credits below 70 meanwhile: nothing was asked for, type it again\n",
    )
    assert (recorded(books), at_ovh(books)) == (before, (70, 100))
    assert PUT not in books.ovh.requests.counts


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("--amount", "150"), 5, "offers (100, 200, 250, 500, 1000, 5000, 10000), found 150"),
        (("--threshold", "-1"), 5, "expected a threshold of 0 or more, found -1"),
        (("--threshold", "0.0001"), 2, "at most three decimals"),
        (("--threshold", "many"), 2, "expected credits as digits"),
        (("--off", "--amount", "100"), 2, "--off cannot be combined with --amount"),
        ((), 2, "expected --threshold, --amount or --off"),
    ],
)
def test_what_cannot_be_set_is_refused_before_ovh_is_asked(books, words, status, told):
    before = recorded(books)
    ran = sets(books, *words)
    assert (ran.status, told in ran.err) == (status, True), ran
    assert (recorded(books), at_ovh(books)) == (before, (20, 100))
    assert PUT not in books.ovh.requests.counts


def test_an_smpp_account_is_refused(books):
    books.ovh.world.accounts[FIRST].smpp = True
    ran = sets(books, "--amount", "500")
    assert ran.status == 5
    assert "found an SMPP account, which OVH never recharges" in ran.err


def test_an_account_that_is_not_in_the_books_is_misuse(books):
    ran = sets(books, "--amount", "500", account="sms-zz99999-1")
    assert ran.status == 2
    assert "unknown account 'sms-zz99999-1'" in ran.err


def test_a_key_without_the_right_is_told_which_rule_to_add(books):
    keys = books.ovh.do("grant", rules="GET /sms;GET /sms/*")
    lines = [
        "[reader]",
        f"endpoint_url = {books.ovh.url}",
        *(f"{k} = {v}" for k, v in keys.items()),
    ]
    books.conf.write_text("\n".join([books.conf.read_text(), *lines, ""]))
    ran = sets(books, "--amount", "500", profile="reader")
    assert ran.status == 3
    assert "add the rule `PUT /sms/*` to it" in ran.err
    assert "`sms-ledger login --with recharge`; nothing was changed" in ran.err
    assert last_two(books) == ("20 500", "20 100")


# --- what OVH may answer ---------------------------------------------------------------------


def fault(books: Rig, match: str, kind: str, **more: object) -> None:
    books.ovh.do("fault", match=match, kind=kind, **more)


@pytest.mark.parametrize("kind", ["lost", "empty", "cut", "truncated"])
def test_a_change_whose_answer_was_lost_is_seen(books, kind):
    fault(books, "PUT /sms/*", kind)
    ran = sets(books, "--amount", "500")
    assert (ran.status, at_ovh(books)) == (0, (20, 500)), ran
    assert last_two(books) == ("20 500", "20 500")
    assert books.ovh.requests.counts[PUT] == 1


@pytest.mark.parametrize(
    ("kind", "status"), [("status", 503), ("status", 500), ("html", 502), ("reset", 0)]
)
def test_a_change_that_was_not_made_for_all_we_know_is_not_concluded(books, kind, status):
    fault(books, "PUT /sms/*", kind, status=status)
    ran = sets(books, "--amount", "500")
    assert (ran.status, at_ovh(books)) == (3, (20, 100)), ran
    assert "found that OVH shows 100 credits below 20: it is not known whether" in ran.err
    assert last_two(books) == ("20 500", "20 100")
    assert books.ovh.requests.counts[PUT] == 1


def test_a_definite_refusal_is_told_as_it_is(books):
    fault(books, "PUT /sms/*", "status", status=400)
    ran = sets(books, "--amount", "500")
    assert ran.status == 3
    assert "OVH answered 400" in ran.err
    assert last_two(books) == ("20 500", "20 100")


def test_a_change_that_cannot_be_read_back_is_left_to_the_next_synchronisation(books):
    fault(books, f"GET /sms/{FIRST}", "iam", times=1, after=2)
    ran = sets(books, "--amount", "500", "--reason", "more")
    assert ran.status == 3
    assert "OVH cannot be read" in ran.err
    assert isinstance(recorded(books)[-1], RechargeChangeRequested)
    books.sl("sync", FIRST)
    assert recorded(books)[-1].amount == 500


def test_an_answer_that_contradicts_the_request_is_a_finding_and_recorded_as_it_is(books):
    books.ovh.do("knobs", knobs="recharge_settings=ignored")
    ran = sets(books, "--amount", "500")
    assert ran.status == 1
    assert "found that OVH accepted it and shows 100 credits below 20" in ran.err
    assert last_two(books) == ("20 500", "20 100")


# --- show ------------------------------------------------------------------------------------


def shown(books: Rig, *words: str, account: str = FIRST) -> tuple[int, dict]:
    ran = books.sl("recharge", "show", account, *words, "-O", "json")
    return ran.status, ran.rows[0]


def test_threshold_amount_and_conditions_are_shown(books):
    status, row = shown(books)
    assert (status, row["status"], row["threshold"], row["amount"]) == (0, "on", "20", 100)
    assert {one["condition"]: one["holds"] for one in row["conditions"]} == {
        "payment": True, "age": True, "channel": True,
    }  # fmt: skip
    assert shown(books, account=SECOND)[1]["status"] == "off"


def test_the_person_who_asked_last_is_shown(books):
    sets(books, "--amount", "500", "--reason", "Christmas")
    asked = shown(books)[1]["requested"]
    assert (asked["actor"], asked["reason"], asked["amount"]) == ("tester", "Christmas", 500)
    out = books.sl("recharge", "show", FIRST).out
    assert f"{FIRST}: 500 credits below 20; on" in out
    assert "(Christmas): 500 credits below 20" in out


def test_what_ovh_says_now_is_shown_when_it_is_asked(books):
    books.ovh.do("set-recharge", account=FIRST, threshold=Decimal(30), amount=200)
    assert shown(books)[1]["amount"] == 100
    assert shown(books, "--live")[1]["amount"] == 200


def test_recharge_that_is_on_and_cannot_work_is_a_finding(books):
    methods = [m for m in books.ovh.world.methods.values() if m.type == "SEPA_DIRECT_DEBIT"]
    try:
        for method in methods:
            method.status = "EXPIRED"
        status, row = shown(books, "--live")
        assert (status, row["status"]) == (1, "cannot work")
        out = books.sl("recharge", "show", FIRST, "--live").out
        assert "DOES NOT HOLD: a valid SEPA direct debit is needed, it is EXPIRED" in out
    finally:
        for method in methods:
            method.status = "VALID"


def test_nothing_to_show_is_no_error(tmp_path: Path, books):
    ran = books.run(["--database", str(tmp_path / "none.db"), "recharge", "show", "-O", "json"])
    assert (ran.status, ran.rows) == (0, [])
