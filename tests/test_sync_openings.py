"""What an opening holds already is not counted again; what it cannot hold is never lost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from rigs import events_of, lines_of, rig

from ledger.events import (
    BalanceObserved,
    BalanceOpened,
    BreakOpened,
    LinesNotBilled,
    OpeningRestated,
    RechargeSettingsSeen,
)

FIRST, SECOND = "sms-ab12345-1", "sms-ab12345-2"


@pytest.fixture
def small(store, tmp_path):
    with rig(tmp_path, store=store) as made:
        yield made


def of_type(made, kind, stream=""):
    return [
        e for s, e in events_of(made.database) if isinstance(e, kind) and s.startswith(stream)
    ]


def restated(made):
    return of_type(made, OpeningRestated)


# --- bills are never lost --------------------------------------------------------------------


def test_a_purchase_of_an_account_that_was_not_asked_for_is_booked_when_it_is(small):
    small.sync()
    small.ovh.do("panel-purchase", account=SECOND, credits=500)
    assert small.sl("sync", FIRST).status == 0
    small.sync()
    assert small.balances() == small.owned()


@pytest.mark.parametrize(
    "fault",
    [
        {"match": f"GET /sms/{SECOND}", "kind": "status", "status": 404},
        {"match": f"GET /sms/{SECOND}/outgoing*", "kind": "iam"},
        {"match": f"GET /sms/{SECOND}", "kind": "finer"},
    ],
    ids=["gone for a moment", "right missing for a moment", "too fine for a moment"],
)
def test_a_purchase_is_booked_after_its_account_could_not_be_read(small, fault):
    small.sync()
    small.ovh.do("panel-purchase", account=SECOND, credits=500)
    small.ovh.do("fault", times=9, **fault)
    assert small.sl("sync").status == 3
    small.ovh.do("clear-faults")
    small.sync()
    assert small.balances() == small.owned()


def test_the_bills_of_an_account_wait_until_ovh_lists_it(small):
    hidden = small.ovh.world.accounts.pop(SECOND)
    assert small.sl("sync").status == 0
    small.ovh.world.accounts[SECOND] = hidden
    small.sync()
    assert small.balances() == small.owned()
    kinds = [row["kind"] for row in small.sl("reg", SECOND, "-O", "json").rows]
    assert "purchase" in kinds


# --- what an observed opening held already ---------------------------------------------------


def test_a_bill_that_becomes_visible_late_is_not_counted_twice(store, tmp_path):
    with rig(tmp_path, bill_delay_s=3600, store=store) as made:
        made.ovh.do("panel-purchase", account=SECOND, credits=500)
        made.ovh.do("advance", by="5m")
        made.sync()
        assert made.balances() == made.owned()
        made.ovh.do("advance", by="5d")
        made.sync()
        assert made.balances() == made.owned()
        (event,) = restated(made)
        assert str(event.difference) == "-500"
        assert event.source.name == "opening-held-it-already"
        assert made.sl("check").status == 0


def test_lookups_that_the_key_may_list_only_now_are_not_counted_twice(small):
    small.ovh.do("hlr", account=FIRST, count=20)
    small.ovh.do("advance", by="5m")
    small.ovh.do("fault", match="GET /sms/*/hlr*", kind="iam", times=99)
    assert small.sl("sync").status == 0
    small.ovh.do("clear-faults")
    small.sync()
    assert small.balances() == small.owned()
    lookups = {line[:3] for line in lines_of(small.database) if line[1] == "hlr"}
    assert sum(event.difference.milli for event in restated(small)) == 100 * len(lookups)


def test_deferred_messages_that_were_in_flight_unseen_are_not_counted_twice(small):
    small.ovh.do("send", account=FIRST, count=5, deferred=600)
    small.ovh.do("advance", by="5m")
    small.ovh.do("fault", match="GET /sms/*/jobs*", kind="iam", times=99)
    assert small.sl("sync").status == 0
    small.ovh.do("clear-faults")
    small.ovh.do("advance", by="1d")
    small.sync()
    assert small.balances() == small.owned()


def test_a_gift_of_before_the_first_look_that_a_file_tells_later_is_not_counted_twice(small):
    small.ovh.do("gift", account=SECOND, credits=Decimal(40))
    small.ovh.do("advance", by="1h")
    small.sync()
    file = small.folder / "gift.csv"
    file.write_text(
        "customer,account,kind,id,happened_at,credits\n"
        f"ab12345-ovh,{SECOND},gift,g1,2026-10-31T18:00:00+01:00,40\n"
    )
    assert small.sl("import", str(file)).status == 0
    small.sync()
    assert small.balances() == small.owned()


def test_a_gift_after_the_first_look_is_a_drift_until_a_file_tells_it(small):
    small.sync()
    small.ovh.do("advance", by="1h")
    small.ovh.do("gift", account=SECOND, credits=Decimal(40))
    small.sync()
    assert small.drifts()[SECOND] == 40
    file = small.folder / "gift.csv"
    file.write_text(
        "customer,account,kind,id,happened_at,credits\n"
        f"ab12345-ovh,{SECOND},gift,g1,2026-10-31T19:00:00+01:00,40\n"
    )
    assert small.sl("import", str(file)).status == 0
    small.sync()
    assert set(small.drifts().values()) == {0}
    assert restated(small) == []


# --- how an opening is known -----------------------------------------------------------------


def test_an_opening_says_how_it_follows_from_the_observation(small):
    small.sync()
    (event,) = of_type(small, BalanceOpened, FIRST)
    derivation = event.derivation
    assert event.basis == "observed"
    assert derivation.owned + derivation.in_flight - derivation.moved == event.credits
    assert derivation.coverage.hlr is not None


def test_a_young_account_began_empty(store, tmp_path):
    with rig(tmp_path, "default", store=store) as made:
        made.sl("sync")
        (event,) = of_type(made, BalanceOpened, "sms-ab12345-3")
        assert (event.basis, str(event.credits)) == ("created", "0")


def test_a_young_account_whose_rows_do_not_reach_back_is_opened_from_what_ovh_shows(
    store, tmp_path
):
    with rig(tmp_path, "default", retention_months=1, store=store) as made:
        made.sync()
        assert made.balances() == made.owned()
        (event,) = of_type(made, BalanceOpened, "sms-ab12345-3")
        assert event.basis == "observed"
        (found,) = of_type(made, BreakOpened, "sms-ab12345-3")
        assert found.kind == "opening-difference"
        assert "should have begun empty" in found.text


def test_an_opening_that_a_file_only_assumed_gives_way_to_the_first_look(small):
    file = small.folder / "one.csv"
    file.write_text(
        "customer,account,kind,id,happened_at,credits\n"
        f"ab12345-ovh,{FIRST},consumption,17,2026-01-05T18:00:00+01:00,1.5\n"
    )
    assert small.sl("import", str(file)).status == 0
    small.sync()
    assert small.balances() == small.owned()
    (event,) = restated(small)
    assert event.basis == "observed"
    assert small.sl("check").status == 0


# --- evidence, receipts, odd values, absent accounts -----------------------------------------


def test_the_evidence_of_an_event_is_the_answer_that_it_was_read_from(store, tmp_path):
    with rig(tmp_path, "default", store=store) as made:
        made.sl("sync")
        observed = of_type(made, BalanceObserved)
        assert {event.source.route for event in observed} == {"/sms/{serviceName}"}
        assert len({event.source.query_id for event in observed}) == len(observed)
        settings = of_type(made, RechargeSettingsSeen)
        assert {event.source.route for event in settings} == {"/sms/{serviceName}"}


def test_a_message_marked_as_not_billed_afterwards_is_a_fact_of_its_own(small):
    small.sync()
    sent = small.ovh.do("send", account=FIRST, count=1, receipt=16)
    small.sync()
    small.ovh.do("advance", by="2d")
    small.sync()
    small.sync()
    noted = of_type(small, LinesNotBilled)
    assert [event.line_ids for event in noted] == [tuple(sent["ids"])]


def test_a_threshold_that_is_too_fine_is_put_before_a_person_and_the_sync_goes_on(small):
    small.ovh.do(
        "fault",
        match="GET /sms/*",
        kind="finer",
        field="creditThresholdForAutomaticRecredit",
        times=99,
    )
    assert small.sl("sync").status == 0
    breaks = of_type(small, BreakOpened)
    assert {event.reference for event in breaks} == {"creditThresholdForAutomaticRecredit"}
    assert small.balances() == small.owned()


def test_an_account_that_ovh_does_not_list_any_more_is_named(small):
    small.sync()
    del small.ovh.world.accounts[SECOND]
    ran = small.sl("sync")
    assert ran.status == 3
    assert f"expected OVH to show {SECOND}" in ran.err
    assert "account close" in ran.err
    assert small.sl("account", "close", SECOND, "--write-off").status == 0
    assert small.sl("sync").status == 0


def test_a_closed_account_that_moves_at_ovh_is_noted_and_shown(small):
    small.sync()
    assert small.sl("account", "close", FIRST, "--write-off").status == 0
    small.ovh.do("send", account=FIRST, count=2)
    small.ovh.do("advance", by="1h")
    ran = small.sl("sync")
    assert f"note: {FIRST} was closed on" in ran.err


def test_one_bad_profile_does_not_keep_the_others_from_being_read(store, tmp_path):
    with rig(tmp_path, "default", store=store) as made:
        text = made.conf.read_text()
        key = made.ovh.credentials["ab12345-ovh"].consumer_key
        made.conf.write_text(text.replace(key, "x" * len(key)))
        ran = made.sl("sync", "--all-profiles")
        assert ran.status == 3
        assert "profile rig:" in ran.err
        assert "sms-cd67890-1: opened" in ran.out


def test_equal_numbers_are_observed_again_where_the_ledger_moved(small):
    small.sync()
    small.ovh.do("advance", by="1h")
    sent = small.ovh.do("send", account=FIRST, count=1)
    cost = Decimal(str(sent["totalCreditsRemoved"]))
    small.ovh.do("advance", by="1h")
    small.ovh.do("gift", account=FIRST, credits=cost)
    small.sync()
    assert small.drifts()[FIRST] == cost
    small.table("DELETE FROM sync_run")
    assert len(of_type(small, BalanceObserved, FIRST)) == 2


def test_several_things_that_the_opening_held_become_known_one_by_one(store, tmp_path):
    with rig(tmp_path, bill_delay_s=3600, store=store) as made:
        made.ovh.do("send", account=SECOND, count=2, deferred=60)
        made.ovh.do("hlr", account=SECOND, count=7)
        made.ovh.do("panel-purchase", account=SECOND, credits=500)
        made.ovh.do("gift", account=SECOND, credits=Decimal(25))
        made.ovh.do("advance", by="5m")
        made.ovh.do("fault", match="GET /sms/*/hlr*", kind="iam", times=99)
        made.sync()  # two messages are in flight
        made.ovh.do("clear-faults")
        made.ovh.do("advance", by="1d")
        made.sync()
        assert made.balances() == made.owned()
        file = made.folder / "gift.csv"
        file.write_text(
            "customer,account,kind,id,happened_at,credits\n"
            f"ab12345-ovh,{SECOND},gift,g1,2026-10-31T18:00:00+01:00,25\n"
        )
        assert made.sl("import", str(file)).status == 0
        made.sync()
        assert made.balances() == made.owned()


def test_a_transfer_that_a_later_purchase_equals_stays_a_drift(small):
    small.sync()
    small.ovh.do("advance", by="2d")
    small.sync()
    small.ovh.do("panel-purchase", account=FIRST, credits=100)
    small.ovh.do("advance", by="1h")
    small.ovh.do("panel-transfer", source=FIRST, target=SECOND, credits=Decimal(100))
    small.sync()
    assert small.drifts() == {FIRST: -100, SECOND: 100}
    assert restated(small) == []


def test_older_history_with_holes_is_recorded_and_leaves_the_opening_where_it_is(small):
    small.sync()
    before = small.table("SELECT opening_at_us, opening_milli FROM account ORDER BY account")
    file = small.folder / "old.csv"
    file.write_text(
        "customer,account,kind,id,happened_at,credits\n"
        f"ab12345-ovh,{FIRST},purchase,old-1,2024-01-10T09:00:00+01:00,100000\n"
    )
    assert small.sl("import", str(file)).status == 0
    after = small.table("SELECT opening_at_us, opening_milli FROM account ORDER BY account")
    assert (after, small.balances()) == (before, small.owned())
    assert restated(small) == []
    assert small.sl("check").status == 0
