"""Synchronisation tells the truth: against the sandbox, over real HTTP."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from meddling import Meddler, synchronise
from rigs import events_of, lines_of, rig

from ledger.events import (
    ApiCallsSeen,
    BalanceObserved,
    BreakOpened,
    LineCorrected,
    PageRecorded,
)

FIRST, SECOND = "sms-ab12345-1", "sms-ab12345-2"


@pytest.fixture
def small(store, tmp_path):
    with rig(tmp_path, store=store) as made:
        yield made


# The first two on both databases, the others on one of them.
SEEDS = [
    ("sqlite", 1), ("sqlite", 2), ("sqlite", 3), ("sqlite", 4),
    ("postgresql", 1), ("postgresql", 2),
]  # fmt: skip


@pytest.mark.parametrize(("store", "seed"), SEEDS, indirect=["store"])
def test_every_balance_agrees_with_ovh_after_a_first_synchronisation(store, tmp_path, seed):
    with rig(tmp_path, "default", seed=seed, store=store) as made:
        made.sync()
        assert made.balances() == made.owned()
        reconciled = made.sl("recon", "run", "-O", "json")
        assert reconciled.status == 0
        assert {row["status"] for row in reconciled.rows} == {"reconciled"}


def test_reading_again_records_nothing(small):
    small.sync()
    before = small.table("SELECT * FROM event_log")
    small.sync()
    assert small.table("SELECT * FROM event_log") == before


def test_a_dry_run_makes_no_file(sqlite, tmp_path):
    with rig(tmp_path, store=sqlite) as made:
        assert made.sl("sync", "--dry-run").status == 0
        assert not Path(made.database).exists()


def test_a_dry_run_tells_what_is_new_and_records_nothing(small):
    ran = small.sl("sync", "--dry-run")
    assert ran.status == 0
    assert "would record" in ran.out
    small.sync()
    small.ovh.do("send", account=FIRST, count=2)
    small.ovh.do("advance", by="1h")
    before = small.table("SELECT * FROM event_log"), small.table("SELECT * FROM sync_run")
    assert "would record 2 lines" in small.sl("sync", "--dry-run").out
    after = small.table("SELECT * FROM event_log"), small.table("SELECT * FROM sync_run")
    assert before == after


def test_only_the_named_accounts_are_read(small):
    assert small.sl("sync", FIRST).status == 0
    assert small.table("SELECT account FROM account") == [(FIRST,)]
    small.sync()
    assert small.balances() == small.owned()


def test_an_account_that_ovh_does_not_know_is_misuse(small):
    ran = small.sl("sync", "sms-zz99999-1")
    assert ran.status == 2
    assert "unknown account 'sms-zz99999-1'" in ran.err


# --- requests ------------------------------------------------------------------------------


def test_a_first_synchronisation_stays_within_its_requests(store, tmp_path):
    with rig(tmp_path, "default", store=store) as made:
        assert made.sl("sync").status == 0
        lines = made.table(
            "SELECT SUM(count) FROM daily_total WHERE kind IN ('consumption', 'reply', 'hlr')"
        )[0][0]
        accounts = made.table("SELECT COUNT(*) FROM account")[0][0]
        bills = sum(1 for one in made.ovh.world.bills.values() if one.customer == "ab12345-ovh")
        assert len(made.ovh.requests) <= lines / 50 + 15 * accounts + 3 * bills + 10


def test_an_idle_synchronisation_asks_eight_times_an_account_and_ten_more(store, tmp_path):
    with rig(tmp_path, "default", store=store) as made:
        made.sync()
        made.ovh.requests.clear()
        assert made.sl("sync").status == 0
        assert len(made.ovh.requests) <= 3 * 8 + 10, made.ovh.requests.counts


# --- behind the client's back --------------------------------------------------------------


def test_a_panel_transfer_shows_as_opposite_drifts_that_explain_each_other(small):
    small.sync()
    small.ovh.do("panel-transfer", source=FIRST, target=SECOND, credits=Decimal("12.5"))
    small.sync()
    assert small.drifts() == {FIRST: Decimal("-12.5"), SECOND: Decimal("12.5")}
    assert small.sl("recon", "run").status == 0


def test_the_log_of_api_calls_corroborates_a_panel_transfer(small):
    small.sync()
    small.ovh.do("panel-transfer", source=FIRST, target=SECOND, credits=Decimal("12.5"))
    small.ovh.requests.clear()
    small.sync()
    assert small.ovh.requests.counts["GET /me/api/logs/self"] == 1
    (seen,) = [
        event for _, event in events_of(small.database) if isinstance(event, ApiCallsSeen)
    ]
    assert [(call.account, call.call) for call in seen.calls] == [(FIRST, "transferCredits")]
    (line,) = small.sl("recon", "show", FIRST, "-O", "json").rows[0]["lines"]
    assert f"OVH's log of API calls has transferCredits of {FIRST} at" in line["text"]
    small.sync()
    assert sum(isinstance(event, ApiCallsSeen) for _, event in events_of(small.database)) == 1


def test_without_the_right_to_the_log_a_transfer_lacks_that_evidence_only(small):
    small.sync()
    small.ovh.do("panel-transfer", source=FIRST, target=SECOND, credits=Decimal("12.5"))
    small.ovh.do("fault", match="GET /me/api/logs*", kind="iam", times=9)
    small.sync()
    (line,) = small.sl("recon", "show", FIRST, "-O", "json").rows[0]["lines"]
    assert line["kind"] == "foreign transfer"
    assert "log of API calls" not in line["text"]


def test_the_log_is_not_read_where_no_transfer_can_have_been(small):
    small.sync()
    small.ovh.do("gift", account=SECOND, credits=Decimal(40))
    small.ovh.requests.clear()
    small.sync()
    assert "GET /me/api/logs/self" not in small.ovh.requests.counts


def test_a_gift_shows_as_a_positive_drift(small):
    small.sync()
    small.ovh.do("gift", account=SECOND, credits=Decimal(40))
    small.sync()
    assert small.drifts() == {FIRST: 0, SECOND: 40}


def test_a_quota_moves_credits_from_left_to_held_and_is_no_drift(store, tmp_path):
    with rig(tmp_path, "default", store=store) as made:
        made.sync()
        name, account = next((n, a) for n, a in made.ovh.world.accounts.items() if a.users)
        made.ovh.do(
            "set-quota", account=name, user=next(iter(account.users)), credits=Decimal(7)
        )
        made.sync()
        assert set(made.drifts().values()) == {0}


def test_a_row_deleted_before_it_was_read_is_a_drift_and_one_deleted_after_is_none(small):
    small.sync()
    sent = small.ovh.do("send", account=FIRST, count=2)
    gone = small.ovh.do("delete-row", account=FIRST)
    small.ovh.do("advance", by="1h")
    small.sync()
    assert small.drifts()[FIRST] == -Decimal(str(gone["credits"]))
    kept = next(i for i in sent["ids"] if i != gone["id"])
    small.ovh.do("delete-row", account=FIRST, id=kept)
    ran = small.sl("sync")
    assert "1 recorded line no longer at OVH (kept here)" in ran.out
    assert small.drifts()[FIRST] == -Decimal(str(gone["credits"]))


def test_a_purchase_in_the_panel_is_booked_from_its_bill(small):
    small.sync()
    small.ovh.do("panel-purchase", account=FIRST, credits=500)
    small.ovh.do("advance", by="1h")
    small.sync()
    assert small.balances() == small.owned()
    last = small.sl("reg", FIRST, "-O", "json").rows[-1]
    assert (last["kind"], last["credits"]) == ("purchase", "500")


# --- late, deferred, changed ---------------------------------------------------------------


def test_a_deferred_message_is_in_flight_until_its_row_appears_with_its_old_time(small):
    small.sync()
    small.ovh.do("send", account=FIRST, count=3, deferred=600)
    small.sync()
    row = next(r for r in small.sl("recon", "run", "-O", "json").rows if r["account"] == FIRST)
    assert row["residual"] == "0"
    assert Decimal(row["drift"]) < 0
    assert [line["kind"] for line in row["lines"]] == ["timing"]
    small.ovh.do("advance", by="1d")
    small.sync()
    assert small.balances() == small.owned()
    assert set(small.drifts().values()) == {0}


def test_messages_in_flight_at_the_first_look_are_not_counted_twice_later(small):
    small.ovh.do("send", account=FIRST, count=3, deferred=600)
    small.sync()
    small.ovh.do("advance", by="1d")
    small.sync()
    assert small.balances() == small.owned()


def test_credits_that_ovh_changes_afterwards_become_a_correction(store, tmp_path):
    with rig(tmp_path, receipt_16="zeroed", store=store) as made:
        made.sync()
        made.ovh.do("send", account=FIRST, count=1, receipt=16)
        made.sync()
        made.ovh.do("advance", by="2d")
        made.sync()
        corrections = [e for _, e in events_of(made.database) if isinstance(e, LineCorrected)]
        assert [str(c.credits) for c in corrections] == ["0"]
        made.ovh.requests.clear()
        made.sync()
        read = [
            seen for seen in made.ovh.requests.raw if seen.batch and "/outgoing/" in seen.path
        ]
        assert read == []


def test_a_row_with_credits_finer_than_a_thousandth_opens_a_break_and_the_sync_goes_on(small):
    small.ovh.do("fault", match="GET /sms/*/outgoing/*", kind="finer", field="credits", times=1)
    ran = small.sl("sync")
    assert ran.status == 0
    breaks = [event for _, event in events_of(small.database) if isinstance(event, BreakOpened)]
    assert {event.kind for event in breaks} == {"too-fine"}
    assert "three decimals" in breaks[0].text or "thousandths" in breaks[0].text


# --- moving ----------------------------------------------------------------------------------


def test_an_account_that_moves_while_it_is_read_is_read_again(small):
    result = synchronise(small, Meddler(small, 1))
    assert all(outcome.quiet for outcome in result.outcomes)
    assert small.balances() == small.owned()


def test_an_account_that_never_stops_moving_is_not_opened_until_it_does(small):
    result = synchronise(small, Meddler(small, 1_000))
    assert {outcome.account: outcome.quiet for outcome in result.outcomes}[FIRST] is False
    observed = [
        e
        for s, e in events_of(small.database)
        if isinstance(e, BalanceObserved) and s.startswith(FIRST)
    ]
    assert [event.quiet for event in observed] == [False]
    assert small.table(f"SELECT opening_milli FROM account WHERE account = '{FIRST}'") == [
        (None,)
    ]
    small.sync()
    assert small.balances() == small.owned()


# --- rights ----------------------------------------------------------------------------------


def test_missing_optional_rights_are_noted_once_and_the_status_stays_zero(small):
    small.ovh.do("fault", match="GET /me/payment/method*", kind="iam", times=99)
    small.ovh.do("fault", match="GET /sms/*/hlr*", kind="iam", times=99)
    ran = small.sl("sync")
    assert ran.status == 0, ran
    assert ran.err.count("note: HLR lookups not read") == 1
    assert ran.err.count("note: payment methods not read") == 1


def test_a_missing_required_right_is_named_with_its_rule(small):
    small.ovh.do("fault", match="GET /sms/*/outgoing*", kind="iam", times=99)
    ran = small.sl("sync")
    assert ran.status == 3
    assert "may not GET /sms/" in ran.err


def test_lines_hold_the_country_and_no_number(small):
    small.sync()
    countries = {line[5] for line in lines_of(small.database)}
    assert "IT" in countries
    pages = [e for _, e in events_of(small.database) if isinstance(e, PageRecorded)]
    assert all(page.numbers.startswith("phonenumberslite ") for page in pages)
