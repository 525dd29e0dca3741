"""Automatic recharge: what OVH's rules say, and which purchases it made."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from rigs import NOW, Rig, events_of, rig

from ledger.account import Account, evolve, see_recharge_settings
from ledger.credits import Credits
from ledger.events import (
    CreditsPurchased,
    FromOperator,
    PurchaseAttributed,
    RechargeSettingsSeen,
    Stamp,
)
from ledger.recharge import (
    Move,
    NotOffered,
    OrderSeen,
    Stretch,
    answer,
    attribute_recharge,
    check_settings,
    fall_before,
    in_question,
)
from ledger.recharge_rules import Facts, conditions, rules_on
from ledger.sandbox.moments import DAY, months_before
from ledger.sandbox.scenario import HISTORY_MONTHS
from ledger.times import to_us

FIRST = "sms-ab12345-1"
TODAY = date(2026, 10, 31)
NOON = datetime(2026, 10, 31, 12, tzinfo=UTC)
STAMP = Stamp(recorded_at=NOON, actor="anna", command_id="c0ffee", source=FromOperator())
RULES = rules_on(TODAY)
SEPA = [("SEPA_DIRECT_DEBIT", "VALID"), ("CREDIT_CARD", "VALID")]


# --- the rules, dated ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "most", "months", "with_smpp"),
    [
        ("2019-01-01", 1_000, 0, True),
        ("2022-08-04", 1_000, 0, True),
        ("2022-08-05", 10_000, 0, True),
        ("2023-02-09", 10_000, 2, True),
        ("2025-03-01", 10_000, 2, False),
    ],
)
def test_each_day_has_the_rules_that_held_then(day, most, months, with_smpp):
    rules = rules_on(date.fromisoformat(day))
    assert (max(rules.amounts), rules.least_age_months) == (most, months)
    assert rules.with_smpp is with_smpp


def test_ovh_offers_seven_amounts_today():
    assert RULES.amounts == (100, 200, 250, 500, 1_000, 5_000, 10_000)


def judged(**facts) -> dict[str, bool | None]:
    given = {"created_on": date(2020, 1, 1), "smpp": False, "methods": SEPA, **facts}
    return {one.condition: one.holds for one in conditions(RULES, Facts(**given), TODAY)}


def test_an_old_account_with_a_valid_sepa_debit_can_be_recharged():
    assert set(judged().values()) == {True}


@pytest.mark.parametrize(
    ("facts", "condition", "holds"),
    [
        ({"methods": [("CREDIT_CARD", "VALID")]}, "payment", False),
        ({"methods": [("SEPA_DIRECT_DEBIT", "VALIDATING")]}, "payment", False),
        ({"methods": [("BANK_ACCOUNT", "VALID")]}, "payment", True),
        ({"methods": None}, "payment", None),
        ({"created_on": date(2026, 8, 31)}, "age", True),
        ({"created_on": date(2026, 9, 1)}, "age", False),
        ({"created_on": None}, "age", None),
        ({"smpp": True}, "channel", False),
        ({"smpp": None}, "channel", None),
    ],
)
def test_one_condition_that_does_not_hold(facts, condition, holds):
    assert judged(**facts)[condition] is holds


@pytest.mark.parametrize(
    ("threshold", "amount", "smpp", "told"),
    [
        (100, 150, False, "offers (100, 200, 250, 500, 1000, 5000, 10000), found 150"),
        (100, 0, False, "found 0"),
        (-1, 100, False, "expected a threshold of 0 or more, found -0.001"),
        (100, 100, True, "found an SMPP account"),
    ],
)
def test_what_ovh_does_not_offer_is_refused(threshold, amount, smpp, told):
    with pytest.raises(NotOffered) as refused:
        check_settings(Credits(threshold), amount, rules=RULES, smpp=smpp)
    assert told in str(refused.value)


def test_recharge_may_always_be_switched_off():
    check_settings(Credits(0), None, rules=RULES, smpp=True)


# --- the fall before a purchase --------------------------------------------------------------


def at(minutes: float) -> int:
    return to_us(NOON + timedelta(minutes=minutes))


def stretch(begin: int, *moves: tuple[float, str, int]) -> Stretch:
    """Draw a stretch in whole credits: minutes, bill line or nothing, credits."""
    return Stretch(begin * 1000, [Move(at(m), name, n * 1000) for m, name, n in moves])


@pytest.mark.parametrize(
    ("drawn", "since"),
    [
        (stretch(120, (0, "", -25), (2, "b", 500)), 0),
        (stretch(120, (0, "", -20), (2, "b", 500)), 0),  # `<` or `<=`: OVH does not say
        (stretch(120, (0, "", -19), (2, "b", 500)), None),
        (stretch(90, (0, "", -5), (2, "b", 500)), None),  # below long before
        (stretch(120, (0, "", -25), (1, "", 30), (2, "b", 500)), None),  # above again
        (stretch(120, (0, "", -25), (1, "", -5), (2, "b", 500)), 0),
        (stretch(-900, (0, "a", 500), (2, "b", 500)), 0),  # one was not enough
        (stretch(120, (0, "", -25), (2, "a", 500), (3, "b", 500)), None),
    ],
)
def test_a_purchase_answers_a_fall_to_the_threshold(drawn, since):
    fall = fall_before("b", drawn, 100_000)
    assert (fall.since_us if fall else None) == (None if since is None else at(since))


def account(*settings: tuple[float, int, int | None], credits: int = 500) -> Account:
    """Draw an account with purchases a and b, and settings seen at these minutes."""
    made = Account(FIRST)
    for minutes, threshold, amount in settings:
        seen = NOON + timedelta(minutes=minutes)
        evolve(
            made,
            RechargeSettingsSeen(
                **STAMP.at(seen), threshold=Credits(threshold * 1000), amount=amount
            ),
        )
    for minutes, name in ((2, "a"), (4, "b")):
        when = NOON + timedelta(minutes=minutes)
        nothing = dict.fromkeys(
            ("bill_id", "order_id", "description", "quantity", "unit_price", "total_price",
             "tax", "bill_net", "bill_tax", "bill_gross")
        )  # fmt: skip
        event = CreditsPurchased(
            **STAMP.at(when), **nothing, bill_detail_id=name, credits=Credits(credits * 1000),
            gift_credits=Credits(0), read_by="quantity",
        )  # fmt: skip
        evolve(made, event)
    return made


def attributed(
    made: Account, drawn: Stretch, purchase: str = "a", order: OrderSeen | None = None
) -> list[PurchaseAttributed]:
    found = answer(made, purchase, drawn, rules=RULES)
    return [] if found is None else list(attribute_recharge(made, found, order, stamp=STAMP))


FALL = stretch(120, (0, "", -25), (2, "a", 500))


def test_a_purchase_of_the_amount_in_force_after_the_threshold_is_automatic():
    (event,) = attributed(account((-60, 100, 500)), FALL)
    assert (event.origin, event.bill_detail_id) == ("automatic", "a")
    assert event.evidence == (
        "automaticRecreditAmount 500 below 100, as OVH showed it at 2026-10-31T11:00:00Z,"
        " before the bill; the balance fell to the threshold at 2026-10-31T12:00:00Z and was 95"
        " before the bill, 120 s later; the bill names no order"
    )
    assert event.source.name == "recharge-followed-threshold"


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (OrderSeen(7, shown=False), "no order of ours: OVH shows no order 7"),
        (OrderSeen(7, shown=None), "whether order 7 was ours is not known"),
        (
            OrderSeen(7, shown=True),
            "no order of ours before the fall: order 7 is without a date",
        ),
        (
            OrderSeen(7, shown=True, placed_at=NOON),
            "no order of ours before the fall: order 7 is of 2026-10-31T12:00:00Z",
        ),
    ],
)
def test_the_evidence_names_the_order(order, told):
    (event,) = attributed(account((-60, 100, 500)), FALL, order=order)
    assert told in event.evidence


def test_what_was_ordered_before_the_fall_is_no_recharge():
    order = OrderSeen(7, shown=True, placed_at=NOON - timedelta(seconds=1))
    assert attributed(account((-60, 100, 500)), FALL, order=order) == []


def test_it_is_attributed_once():
    made = account((-60, 100, 500))
    evolve(made, attributed(made, FALL)[0])
    assert attributed(made, FALL) == []


@pytest.mark.parametrize(
    "settings",
    [
        (-60, 100, 250),  # another amount
        (-60, 100, None),  # off
        (-60, 50, 500),  # the threshold was not reached
    ],
)
def test_other_settings_make_no_recharge(settings):
    assert attributed(account(settings), FALL) == []


@pytest.mark.parametrize("seen", [-1200, 1200])
def test_what_is_bought_more_than_an_hour_after_the_fall_is_no_recharge(seen):
    made = account((seen, 100, 500))
    assert attributed(made, stretch(120, (-58, "", -25), (2, "a", 500)))
    assert attributed(made, stretch(120, (-59, "", -25), (2, "a", 500))) == []
    assert attributed(made, stretch(120, (-18 * 60, "", -25), (2, "a", 500))) == []


def test_a_balance_that_rested_on_the_threshold_falls_when_it_leaves_it():
    rested = stretch(120, (-300, "", -20), (0, "", -5), (2, "a", 500))
    assert attributed(account((600, 100, 500)), rested)


def test_settings_around_a_purchase_are_the_last_before_and_the_first_after():
    made = account((-90, 10, 500), (-60, 100, 500), (1, 20, 500), (60, 30, 500), (90, 40, 500))
    found = in_question(made, "a", rules=RULES)
    assert [seen.threshold for seen in found] == [Credits(20_000), Credits(30_000)]


def test_settings_are_found_by_time_in_whatever_order_they_were_recorded():
    """OVH's clock was ahead once: what it showed then stands before what was seen later."""
    made = account((90, 40, 250), (-90, 10, 500), (1, 20, 500), (-60, 100, 500))
    found = in_question(made, "a", rules=RULES)
    assert [seen.threshold for seen in found] == [Credits(20_000)]
    assert made.recharge == (Credits(100_000), 500)
    assert not see_recharge_settings(made, Credits(100_000), 500, stamp=STAMP, at=NOON)


def test_of_two_purchases_after_one_fall_nobody_can_tell_which():
    both = stretch(120, (0, "", -25), (2, "a", 500), (4, "b", 500))
    made = account((-60, 100, 500))
    assert attributed(made, both, "a") == []
    assert attributed(made, both, "b") == []


def test_two_falls_make_two_recharges():
    both = stretch(120, (0, "", -25), (2, "a", 500), (3, "", -520), (4, "b", 500))
    made = account((-60, 100, 500))
    assert attributed(made, both, "a")
    assert attributed(made, both, "b")


# --- in a synchronisation --------------------------------------------------------------------


@pytest.fixture
def small(store, tmp_path: Path):
    with rig(tmp_path, store=store) as made:
        yield made


def automatic(made: Rig) -> set[str]:
    """Give the bill lines of OVH's automatic recharges."""
    world = made.ovh.world
    return {b.detail_id for b in world.bills.values() if world.orders[b.order].automatic}


def recharges(made: Rig) -> list[str]:
    return [
        e.bill_detail_id
        for _, e in events_of(made.database)
        if isinstance(e, PurchaseAttributed)
    ]


def test_recharges_that_happened_are_told_apart_from_purchases(small):
    """The guide: below the minimum threshold, a new amount is added automatically."""
    small.sync()
    assert set(recharges(small)) == automatic(small)
    small.ovh.do("set-recharge", account=FIRST, threshold=Decimal(20), amount=100)
    small.sync()
    small.ovh.do("panel-purchase", account=FIRST, credits=200)
    small.ovh.do("send", account=FIRST, count=300)
    small.ovh.do("advance", by="2h")
    small.ovh.do("panel-purchase", account=FIRST, credits=100)  # as much, but not needed
    small.ovh.do("advance", by="1h")
    small.sync()
    assert len(automatic(small)) >= 2
    assert set(recharges(small)) == automatic(small)
    assert len(recharges(small)) == len(automatic(small))
    kinds = {
        row["reference"]: row["kind"]
        for row in small.sl("reg", FIRST, "-O", "json").rows
        if row["kind"] in {"purchase", "recharge"}
    }
    assert {one for one, kind in kinds.items() if kind == "recharge"} <= automatic(small)
    assert kinds[recharges(small)[-1]] == "recharge"
    small.sync()
    assert len(recharges(small)) == len(automatic(small))
    assert small.balances() == small.owned()


def test_a_whole_history_is_told_apart_without_an_error(sqlite, tmp_path):
    """None is called automatic that was ordered, whatever else happened unseen."""
    with rig(tmp_path, "busy", messages=600, seed=3, store=sqlite) as made:
        made.sync()
        found = set(recharges(made))
        assert found <= automatic(made)
        unseen = last_unseen(made)
        world = made.ovh.world
        after = {b.detail_id for b in world.bills.values() if b.billed_at > unseen}
        assert after & automatic(made), "some recharges came after all that no list shows"
        assert after & found == after & automatic(made)
        for account in ("sms-ab12345-1", "sms-cd67890-1"):
            happened, replayed = made.sl("recharge", "whatif", account, "-O", "json").rows
            assert happened["recharges"] == replayed["recharges"]


def last_unseen(made: Rig) -> int:
    """Give when the last thing happened that shifts every balance before it: see `unseen`."""
    start = months_before(NOW, HISTORY_MONTHS) + DAY
    return start + 8 * ((NOW - start) // 10)


def test_a_purchase_by_hand_is_none_while_the_sepa_mandate_is_not_valid(sqlite, tmp_path):
    """OVH buys nothing then; somebody who sees it buys as much at once."""
    with rig(tmp_path, store=sqlite) as made:
        made.ovh.do("set-recharge", account=FIRST, threshold=Decimal(20), amount=100)
        debits = [m for m in made.ovh.world.methods.values() if m.type == "SEPA_DIRECT_DEBIT"]
        for debit in debits:
            debit.status = "EXPIRED"
        made.sync()
        found = recharges(made)
        made.ovh.do("send", account=FIRST, count=10)
        assert made.ovh.world.accounts[FIRST].milli < 20_000
        made.ovh.do("advance", by="10m")
        made.ovh.do("panel-purchase", account=FIRST, credits=100)
        for debit in debits:
            debit.status = "VALID"  # what is seen later says nothing of that day
        made.ovh.do("advance", by="5m")
        made.sync()
        assert made.balances() == made.owned()
        assert recharges(made) == found
        assert set(found) <= automatic(made)


def evidence(made: Rig) -> list[str]:
    return [
        e.evidence for _, e in events_of(made.database) if isinstance(e, PurchaseAttributed)
    ]


def test_a_pack_that_was_ordered_before_the_fall_and_came_after_it_is_a_purchase(small):
    """As many credits, soon after the fall: only the order's date tells that it is none."""
    small.sync()
    told = evidence(small)
    assert told
    assert all("no order of ours before the fall: order 23" in one for one in told)
    small.ovh.service.turn({"purchase_delay_s": "300", "recharge_delay_s": "9000"})
    small.ovh.do("set-recharge", account=FIRST, threshold=Decimal(20), amount=100)
    small.sync()
    small.ovh.do("advance", by="1h")
    small.ovh.do("panel-purchase", account=FIRST, credits=100)
    small.ovh.do("advance", by="1m")
    assert small.ovh.world.accounts[FIRST].milli >= 20_000
    while small.ovh.world.accounts[FIRST].milli >= 20_000:
        small.ovh.do("send", account=FIRST, count=5)
    small.ovh.do("advance", by="10m")
    small.sync()
    assert len(recharges(small)) == len(told)
    small.ovh.requests.clear()
    small.sync()
    assert not [route for route in small.ovh.requests.counts if "order" in route]


def test_without_the_right_the_evidence_says_that_orders_were_not_read(sqlite, tmp_path):
    with rig(tmp_path, store=sqlite) as made:
        made.ovh.do("fault", match="GET /me/order/*", kind="iam", times=9)
        ran = made.sl("sync")
        assert ran.status == 0
        assert ran.err.count("note: orders of recharges not read: the key lacks the rule") == 1
        assert set(recharges(made)) == automatic(made)
        assert all("orders were not read" in one for one in evidence(made))


def test_a_dry_run_attributes_nothing(sqlite, tmp_path):
    with rig(tmp_path, store=sqlite) as made:
        assert made.sl("sync", "--dry-run").status == 0
        assert not Path(made.database).exists()
