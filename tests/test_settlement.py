"""What both balances tell of a transfer, whatever else happened to them meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.credits import ZERO, Credits
from ledger.events import (
    BalanceBefore,
    CreditsAdjusted,
    CreditsPurchased,
    FromOperator,
    LineCorrected,
    LinesNotBilled,
    Reading,
    Stamp,
    TransferReceived,
    TransferSent,
)
from ledger.pages import Line, record_pages
from ledger.settlement import BalanceLater, InFlight, is_certain, judge, shows_the_same
from ledger.times import to_us

CALL = datetime(2026, 11, 2, 9, tzinfo=UTC)
LOOK = CALL + timedelta(minutes=6)
STAMP = Stamp(recorded_at=LOOK, actor="tester", command_id="c-1", source=FromOperator())
MINUTE = timedelta(minutes=1)


def before(owned="100", *, quiet=True, jobs=()) -> BalanceBefore:
    return BalanceBefore(
        reading=Reading(CALL, owned, "0"),
        owned=Credits.parse(owned),
        quiet=quiet,
        version=1,
        consumption_version=1,
        in_flight_ids=jobs,
    )


def later(owned="100", *, events=(), jobs=(), recharge=None, purchases=()) -> BalanceLater:
    return BalanceLater(
        reading=Reading(LOOK, owned, "0"),
        owned=Credits.parse(owned),
        jobs=jobs,
        recorded=list(events),
        recharge=recharge,
        purchases=list(purchases),
    )


def side(owned="100", *, quiet=True, known_jobs=(), **what):
    return before(quiet=quiet, jobs=known_jobs), later(owned, **what)


def sms(*costs: tuple[str, timedelta], first_id=1):
    lines = [
        Line(id=n, at_us=to_us(CALL + after), milli=Credits.parse(cost).milli, parts=1)
        for n, (cost, after) in enumerate(costs, first_id)
    ]
    return list(record_pages("consumption", lines, numbers="none", stamp=STAMP))


def bought(credits: str, after: timedelta) -> CreditsPurchased:
    nothing = dict.fromkeys((
        "bill_id", "order_id", "description", "quantity", "unit_price", "total_price", "tax",
        "bill_net", "bill_tax", "bill_gross",
    ))  # fmt: skip
    return CreditsPurchased(
        **STAMP.at(CALL + after),
        bill_detail_id="b-1",
        credits=Credits.parse(credits),
        gift_credits=ZERO,
        read_by="quantity",
        **nothing,
    )


def gift(credits: str, after: timedelta) -> CreditsAdjusted:
    return CreditsAdjusted(
        **STAMP.at(CALL + after), adjustment_id="g", kind="gift", credits=Credits.parse(credits)
    )


def leg(kind, credits: str, after: timedelta):
    return kind(
        **STAMP.at(CALL + after),
        transfer="t-0",
        counter_account="x",
        credits=Credits.parse(credits),
    )


def verdict(source, target, credits="40") -> str:
    told, _ = judge(Credits.parse(credits), source, target)
    return told


# --- two balances alone ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("60", "140", "sent"),
        ("100", "100", "void"),
        ("60", "100", "open"),
        ("100", "140", "open"),
        ("20", "180", "open"),  # twice: by us, and by somebody in the panel
        ("140", "60", "open"),
        ("60", "139.999", "open"),
    ],
)
def test_both_balances_must_tell_the_same(source, target, expected):
    assert verdict(side(source), side(target)) == expected


def test_the_evidence_is_the_sum_of_each_side():
    told, evidence = judge(Credits(40_000), side("58", events=sms(("2", MINUTE))), side("140"))
    assert told == "sent"
    assert evidence.source.recorded == Credits(-2_000)
    assert (evidence.source.unexplained, evidence.target.unexplained) == (
        Credits(-40_000), Credits(40_000),
    )  # fmt: skip
    assert is_certain(evidence)


@pytest.mark.parametrize("which", [0, 1])
def test_a_balance_that_moved_while_it_was_read_before_proves_nothing(which):
    sides = [side("60", quiet=which != 0), side("140", quiet=which != 1)]
    assert verdict(*sides) == "open"


# --- what went on meanwhile ------------------------------------------------------------------


def test_messages_of_the_time_between_do_not_hide_a_transfer():
    assert verdict(side("50", events=sms(("10", MINUTE))), side("140")) == "sent"
    assert verdict(side("90", events=sms(("10", MINUTE))), side("100")) == "void"


def test_messages_that_cost_as_much_do_not_feign_one():
    assert verdict(side("60", events=sms(("40", MINUTE))), side("100")) == "void"


def test_a_row_that_appears_late_had_left_before():
    """Its credits were gone when the balance was read before the call."""
    assert verdict(side("60", events=sms(("10", -60 * MINUTE))), side("140")) == "sent"


def test_a_row_of_a_job_in_flight_had_left_before():
    page = sms(("10", timedelta()), first_id=7)
    assert verdict(side("60", events=page, known_jobs=(7,)), side("140")) == "sent"
    assert verdict(side("50", events=page), side("140")) == "sent"


def test_jobs_that_are_in_flight_have_left_since():
    job = InFlight(9, CALL + MINUTE, Credits(10_000))
    assert verdict(side("50", jobs=[job]), side("140")) == "sent"
    assert verdict(side("60", jobs=[job], known_jobs=(9,)), side("140")) == "sent"


def test_without_a_look_at_jobs_a_row_of_that_second_may_be_of_either_side():
    page = sms(("10", timedelta()))
    assert verdict(side("60", events=page, known_jobs=None), side("140")) == "sent"
    assert verdict(side("50", events=page, known_jobs=None), side("140")) == "sent"


def test_purchases_and_recharges_with_their_bill_are_taken_off():
    assert verdict(side("160", events=[bought("100", 2 * MINUTE)]), side("140")) == "sent"
    assert verdict(side("200", events=[bought("100", 2 * MINUTE)]), side("100")) == "void"


def test_a_recharge_whose_bill_is_not_there_yet_is_assumed_where_it_fits():
    told, evidence = judge(Credits(40_000), side("160", recharge=100), side("140"))
    assert told == "sent"
    assert evidence.source.assumed == Credits(100_000)
    assert evidence.source.assumption == "a recharge of 100 credits is not billed yet"
    assert not is_certain(evidence)
    assert verdict(side("200", recharge=100), side("100")) == "void"


def test_a_side_that_shows_just_what_the_contrary_would_leave_is_not_assumed_away():
    """Nothing at the source, 100 at the target: a recharge here, or a gift there?"""
    assert verdict(side("100", recharge=100), side("200"), "100") == "open"
    assert verdict(side("100"), side("200", recharge=100), "100") == "open"
    assert verdict(side("100", recharge=100), side("200", recharge=100), "100") == "open"
    with_its_bill = side("100", recharge=100, events=[bought("100", 2 * MINUTE)])
    assert verdict(with_its_bill, side("200"), "100") == "sent"


def test_a_bill_whose_credits_come_later_is_assumed_where_it_fits():
    soon = bought("100", 2 * MINUTE)
    assert verdict(side("60", events=[soon]), side("140")) == "sent"
    assert verdict(side("160", purchases=[(CALL - MINUTE, Credits(100_000))]), side("140")) == (
        "sent"
    )
    long_ago = (CALL - 90 * MINUTE, Credits(100_000))
    assert verdict(side("160", purchases=[long_ago]), side("140")) == "open"


def test_a_bill_of_before_that_is_seen_late_had_brought_its_credits():
    assert verdict(side("60", events=[bought("100", -5 * MINUTE)]), side("140")) == "sent"


def test_a_recharge_that_the_transfer_starts_at_once_does_not_hide_it():
    """Its bill is of the very second of the call; as many credits came as had gone."""
    at_once = bought("100", timedelta())
    assert verdict(side("100", events=[at_once], recharge=100), side("200"), "100") == "sent"
    assert verdict(side("60", events=[at_once]), side("140")) == "sent"


def test_rows_of_a_file_have_ids_of_their_own():
    line = Line(id="old-7", at_us=to_us(CALL + MINUTE), milli=10_000, parts=1)
    page = list(record_pages("consumption", [line], numbers="none", stamp=STAMP))
    assert verdict(side("50", events=page, known_jobs=(7,)), side("140")) == "sent"


def test_a_gift_is_taken_off_when_it_is_recorded_and_leaves_a_doubt_until_then():
    assert verdict(side("67"), side("140")) == "open"
    assert verdict(side("67", events=[gift("7", MINUTE)]), side("140")) == "sent"
    assert verdict(side("60", events=[gift("7", -60 * MINUTE)]), side("140")) == "sent"


def test_another_transfer_that_was_settled_late_may_have_moved_since():
    sent, received = (
        leg(TransferSent, "5", -60 * MINUTE), leg(TransferReceived, "5", -60 * MINUTE)
    )  # fmt: skip
    assert verdict(side("55", events=[sent]), side("140")) == "sent"
    assert verdict(side("60"), side("140", events=[received])) == "sent"


def test_credits_of_a_line_may_come_back():
    corrected = LineCorrected(
        **STAMP.at(CALL - 60 * MINUTE),
        target_version=1,
        kind="consumption",
        line_id=1,
        previous=Credits(2_000),
        credits=ZERO,
    )
    not_billed = LinesNotBilled(
        **STAMP.at(LOOK), kind="consumption", line_ids=(1,), spent=Credits(2_000)
    )
    for event in (corrected, not_billed):
        assert verdict(side("62", events=[event]), side("140")) == "sent"
        assert verdict(side("60", events=[event]), side("140")) == "sent"


def test_both_sides_on_assumptions_is_not_enough():
    source = side("160", recharge=100)
    target = side("240", recharge=100)
    assert verdict(source, target) == "open"


def test_more_than_two_assumptions_on_a_side_are_too_many():
    bills = [(CALL - MINUTE, Credits(milli)) for milli in (1_000, 10_000, 100_000)]
    assert verdict(side("161", purchases=bills), side("140")) == "sent"
    assert verdict(side("171", purchases=bills), side("140")) == "open"


def test_too_many_assumptions_tell_nothing():
    many = [(CALL - MINUTE, Credits(2**n)) for n in range(16)]
    assert verdict(side("60", purchases=many), side("140")) == "open"


def test_a_look_that_finds_the_same_is_no_news():
    _, one = judge(Credits(40_000), side("60"), side("100"))
    _, two = judge(Credits(40_000), side("59", events=sms(("1", MINUTE))), side("100"))
    _, three = judge(Credits(40_000), side("59"), side("100"))
    assert shows_the_same(one, two)
    assert not shows_the_same(one, three)
    assert not shows_the_same(None, one)


AMOUNTS = st.integers(min_value=1, max_value=400_000)


@settings(max_examples=60, deadline=None)
@given(
    credits=AMOUNTS,
    sent=st.booleans(),
    spent=st.lists(AMOUNTS, max_size=4),
    received=st.lists(AMOUNTS, max_size=4),
    recharge=st.sampled_from([None, 100, 200]),
)
def test_what_is_recorded_never_changes_the_verdict(credits, sent, spent, received, recharge):
    """Whatever was spent on either side, with its rows read, the truth is told or left open."""
    moved = credits if sent else 0
    sides = []
    for costs, change in ((spent, -moved), (received, moved)):
        lines = [(str(Credits(milli)), MINUTE) for milli in costs]
        owned = Credits(1_000_000_000 - sum(costs) + change)
        begun = before("1000000")
        sides.append(
            (begun, later(str(owned), events=sms(*lines) if lines else (), recharge=recharge))
        )
    told, evidence = judge(Credits(credits), *sides)
    assert told == ("sent" if sent else "void")
    assert is_certain(evidence)
