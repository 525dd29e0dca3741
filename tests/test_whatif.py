"""`recharge whatif`: the real history, lived through again with other settings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from books import Books
from hypothesis import given, settings
from hypothesis import strategies as st
from rigs import Rig, rig

from projections.replay import (
    Gauge,
    Moves,
    Past,
    Recharge,
    Settings,
    as_it_happened,
    replay,
    waits,
)

FIRST, SECOND = "sms-ab12345-1", "sms-ab12345-2"
PRICES = """\
billing_country,quantity_min,quantity_max,credit_price,currency,valid_from
IT,100,500,0.06,EUR,2022-08-05
IT,500,5000,0.05,EUR,2022-08-05
"""
END = 1_000


def past(opening: int, *moves: tuple[int, int], came: tuple[tuple[int, int], ...] = ()) -> Past:
    return Past(0, END, opening, Moves(moves), came)


def came(drawn: Past, threshold: int, amount: int | None, delay: int = 0) -> list[Recharge]:
    return list(replay(drawn, Settings(threshold, amount), delay).recharges)


# --- the rule --------------------------------------------------------------------------------


def test_a_recharge_starts_when_fewer_than_the_threshold_are_left():
    assert came(past(100, (1, -50)), 50, 200) == []
    assert came(past(100, (1, -51)), 50, 200) == [(1, 200, 49)]


def test_what_brings_credits_starts_none():
    assert came(past(10, (1, 5)), 50, 200) == []
    assert came(past(10, (1, 5), (2, -1)), 50, 200) == [(2, 200, 14)]


def test_it_comes_later_one_at_a_time():
    drawn = past(100, (1, -60), (2, -30), (5, -5), (30, -190))
    assert came(drawn, 50, 200, delay=10) == [(11, 200, 5), (40, 200, 15)]


def test_one_that_leaves_too_little_is_followed_by_the_next():
    assert came(past(100, (1, -460)), 50, 200) == [(1, 200, -360), (1, 200, -160), (1, 200, 40)]
    assert [one.at_us for one in came(past(100, (1, -460)), 50, 200, delay=7)] == [8, 15, 22]


def test_what_would_come_after_the_end_does_not_count():
    assert came(past(100, (995, -60)), 50, 200, delay=5) == []
    assert came(past(100, (994, -60)), 50, 200, delay=5) == [(999, 200, 40)]


def test_switched_off_nothing_comes():
    went = replay(past(100, (1, -160)), Settings(50, None), 0)
    assert (went.recharges, went.gauge.balance, went.gauge.lowest) == ([], -60, -60)


def test_the_gauge_knows_the_lowest_point_and_the_dry_stretches():
    gauge = Gauge(0, 5)
    for at, milli in ((10, -5), (20, -3), (30, -1), (30, 10), (40, -6), (50, 6)):
        gauge.move(at, milli)
    gauge.wait(60)
    assert (gauge.lowest, gauge.lowest_at_us, gauge.balance) == (-4, 30, 6)
    assert gauge.dry == [(10, 30), (40, 50)]
    assert gauge.below == [(20, 30)]


def test_what_happened_is_lived_through_with_the_recharges_that_came():
    went = as_it_happened(past(100, (1, -60), (9, -10), came=((5, 200),)))
    assert went.recharges == [(5, 200, 40)]
    assert (went.gauge.balance, went.gauge.lowest) == (230, 40)


def test_delays_are_measured_from_the_fall_or_from_the_recharge_before():
    drawn = past(100, (1, -60), (2, -200), (90, -95), came=((4, 100), (9, 200), (50, 10)))
    # 3 after the fall, 5 after the first; the third answers nothing
    assert waits(drawn, lambda _: 50) == [3, 5]
    assert waits(drawn, lambda _: None) == []


moves = st.lists(st.tuples(st.integers(0, END - 1), st.integers(-400, 120)), max_size=30).map(
    sorted
)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(-200, 500), moves, st.integers(0, 300), st.integers(1, 900), st.integers(0, 9)
)
def test_no_credit_is_lost_or_made(opening, drawn, threshold, amount, delay):
    """Opening + recharges + all that moved = closing; without a delay, none is missing."""
    made = past(opening, *drawn)
    went = replay(made, Settings(threshold, amount), delay)
    moved = sum(milli for _, milli in drawn)
    assert opening + went.recharged + moved == went.gauge.balance
    assert went.gauge.lowest <= min(opening, went.gauge.balance)
    # lived through as what happened, it is the same once more
    again = as_it_happened(
        Past(0, END, opening, Moves(drawn), [(one.at_us, one.milli) for one in went.recharges])
    )
    assert again.gauge.balance == went.gauge.balance
    if delay == 0:
        assert all(one.left < threshold for one in went.recharges)
    if delay == 0 and any(milli < 0 for _, milli in drawn):
        last = max(place for place, (_, milli) in enumerate(drawn) if milli < 0)
        assert went.gauge.balance - sum(milli for _, milli in drawn[last + 1 :]) >= threshold


# --- in the sandbox --------------------------------------------------------------------------


def spend(made: Rig) -> None:
    """Use the first account for a while: messages, campaigns, two at a time, a pack."""
    made.ovh.do("panel-purchase", account=FIRST, credits=250)
    for counts in ((300,), (70, 15), (130,), (9,), (140,), (60,), (90,)):
        for count in counts:
            made.ovh.do("send", account=FIRST, count=count)
        made.ovh.do("advance", by="20h")
    made.ovh.do("panel-purchase", account=FIRST, credits=250)
    for count in (*[40] * 9, 125):
        made.ovh.do("send", account=FIRST, count=count)
        made.ovh.do("advance", by="31m")
    made.ovh.do("advance", by="6h")


DELAYS = {120: "two-minutes", 0: "at-once", 3000: "fifty-minutes"}


@pytest.fixture(scope="module", params=list(DELAYS), ids=list(DELAYS.values()))
def recharged(request, sqlite, tmp_path_factory) -> Iterator[Rig]:
    """A ledger of an account that OVH recharged again and again."""
    folder = tmp_path_factory.mktemp("recharged")
    with rig(folder, store=sqlite, recharge_delay_s=request.param) as made:
        made.sync()
        spend(made)
        made.sync()
        yield made


def test_the_settings_in_force_reproduce_the_recharges_that_happened(recharged):
    """The same number on the same days, to the second, as OVH's own orders tell."""
    world = recharged.ovh.world
    at_ovh = sorted(
        datetime.fromtimestamp(bill.billed_at, UTC)
        for bill in world.bills.values()
        if world.orders[bill.order].automatic and world.orders[bill.order].domain == FIRST
    )
    happened, replayed = recharged.sl("recharge", "whatif", FIRST, "-O", "json").rows
    assert len(at_ovh) >= 6
    for row in (happened, replayed):
        assert [datetime.fromisoformat(one["at"]) for one in row["came"]] == at_ovh
        assert row["recharges"] == len(at_ovh)
        assert Decimal(row["closing"]) == recharged.owned()[FIRST]
    delay_s = world.knobs.recharge_delay_s
    assert replayed["delay_s"] == delay_s
    if delay_s:  # without one, a second holds the fall and the recharge in any order
        assert replayed["came"] == happened["came"]
        for same in ("lowest", "lowest_at", "days_dry", "days_below_zero"):
            assert replayed[same] == happened[same]


def test_a_delay_that_is_not_ovhs_moves_moments_and_keeps_the_number(recharged):
    words = ("recharge", "whatif", FIRST, "--delay", "30m", "-O", "json")
    happened, replayed = recharged.sl(*words).rows
    assert happened["recharges"] == replayed["recharges"] >= 6
    assert happened["closing"] == replayed["closing"]
    assert [one["at"] for one in happened["came"]] != [one["at"] for one in replayed["came"]]


# --- the command -----------------------------------------------------------------------------

STORY = f"""
    customer ab12345-ovh Europe/Rome IT
    account {FIRST}
    2026-09-01 00:00 opening 100
    2026-09-01 08:00 threshold 50 100
    2026-09-01 10:00 sms 40
    2026-09-02 10:00 sms 20
    2026-09-02 10:02 recharge 100 r-1
    2026-09-10 10:00 sms 95
    2026-09-10 10:02 recharge 100 r-2
    2026-09-11 09:00 purchase 30 p-1
    2026-09-20 10:00 sms 126
    2026-09-20 10:02 recharge 100 r-3
    2026-09-30 12:00 sms 19
    2026-09-30 23:59 saw 130
"""


@pytest.fixture
def story(sqlite_books: Books) -> Books:
    return sqlite_books.draw(STORY)


@pytest.fixture
def prices(tmp_path: Path) -> str:
    path = tmp_path / "prices.csv"
    path.write_text(PRICES)
    return str(path)


def whatif(books: Books, *words: str) -> tuple[dict, dict]:
    happened, replayed = books.rows("recharge", "whatif", FIRST, *words)
    for row in (happened, replayed):
        came = sum(Decimal(one["credits"]) for one in row["came"])
        assert came == Decimal(row["recharged"])
        assert Decimal(row["opening"]) + came + Decimal(row["other"]) - Decimal(
            row["used"]
        ) == Decimal(row["closing"])
    return happened, replayed


def test_settings_in_force_and_what_happened_are_the_same_history(books):
    happened, replayed = whatif(books.draw(STORY))
    assert happened["came"] == replayed["came"]
    assert [one["at"] for one in replayed["came"]] == [
        "2026-09-02T10:02:00+02:00", "2026-09-10T10:02:00+02:00", "2026-09-20T10:02:00+02:00",
    ]  # fmt: skip
    assert (happened["scenario"], replayed["scenario"]) == ("happened", "replayed")
    for row in (happened, replayed):
        assert (row["threshold"], row["amount"], row["lowest"]) == ("50", 100, "40")
    assert (happened["delay_s"], replayed["delay_s"]) == (None, 120)


def test_other_settings_make_other_recharges(story):
    happened, replayed = whatif(story, "--threshold", "10", "--amount", "250")
    assert happened["recharges"] == 3
    assert replayed["came"] == [
        {"at": "2026-09-10T10:02:00+02:00", "credits": "250", "left": "-55"}
    ]
    assert (replayed["lowest"], replayed["lowest_at"]) == ("-55", "2026-09-10T10:00:00+02:00")
    assert (replayed["days_dry"], replayed["days_below_zero"]) == (1, 1)
    assert (replayed["closing"], replayed["used"], replayed["other"]) == ("80", "300", "30")


def test_without_recharges_the_account_runs_dry(story):
    _, replayed = whatif(story, "--off")
    assert (replayed["recharges"], replayed["closing"], replayed["amount"]) == (0, "-170", None)
    # from 10 September on, and never again
    assert (replayed["days_dry"], replayed["days_below_zero"]) == (21, 21)


def test_a_period_begins_with_the_balance_of_then(story):
    happened, replayed = whatif(story, "-b", "2026-09-10", "-e", "2026-09-20")
    assert (happened["opening"], happened["begin"]) == ("140", "2026-09-10T00:00:00+02:00")
    assert (happened["recharges"], happened["recharged"]) == (1, "100")
    assert (happened["closing"], replayed["closing"]) == ("175", "175")
    assert happened["cost_per_year"] is None


def test_money_is_told_by_the_tier_of_the_quantity_bought_at_once(story, prices):
    happened, replayed = whatif(story, "--amount", "500", "--rates", prices)
    assert (happened["price_per_credit"], happened["cost"]) == ("0.06", "18.00")
    assert (replayed["price_per_credit"], replayed["cost"]) == ("0.05", "25.00")
    # 300 used less 30 bought by hand in 30 days: 3285 credits a year
    assert (happened["cost_per_year"], replayed["cost_per_year"]) == ("197.10", "164.25")
    assert happened["currency"] == replayed["currency"] == "EUR"
    offered = {one["amount"]: one for one in replayed["offered"]}
    assert list(offered) == [100, 200, 250, 500, 1000, 5000, 10000]
    assert offered[100]["recharges"] == 3
    assert (offered[500]["price"], offered[500]["cost_per_year"]) == ("25.00", "164.25")
    assert offered[5000]["price"] is None  # the list ends before


def test_prices_of_the_ledger_are_those_of_the_customers_country(story, prices):
    assert story.type("rates", "import", prices).status == 0
    happened, replayed = whatif(story, "--amount", "500")
    assert (happened["cost"], replayed["cost"]) == ("18.00", "25.00")
    assert story.type("recharge", "whatif", FIRST).err.count("note:") == 0


def test_a_larger_amount_is_advised_where_it_costs_less(story, prices):
    ran = story.type("recharge", "whatif", FIRST, "--rates", prices)
    assert (
        "advice: 500 credits bought at once cost 0.05 EUR each instead of 0.06 for 100: about"
        " 32.85 EUR less a year if use stays at 9 a day; they last about 56 days and cost"
        " 25.00 EUR at once\n"
    ) in ran.out
    assert whatif(story, "--amount", "500", "--rates", prices)[1]["advice"] == []


def test_without_prices_credits_alone_are_told_and_what_to_type(story):
    ran = story.type("recharge", "whatif", FIRST)
    assert "credits alone are told; run `sms-ledger rates update`, or give a file" in ran.err
    assert "cost" not in ran.out
    happened, replayed = whatif(story)
    assert {happened["cost"], replayed["cost"], replayed["cost_per_year"]} == {None}


def test_the_words_stand_beside_what_happened(story, prices):
    ran = story.type("recharge", "whatif", FIRST, "--amount", "500", "--rates", prices)
    assert ran.status == 0
    words = [line.split("  ") for line in ran.out.splitlines()]
    found = {line[0]: [one.strip() for one in line[1:] if one] for line in words}
    assert found["settings"] == ["100 below 50", "500 below 50"]
    assert found["recharges"] == ["3", "1"]
    assert found["lowest balance"] == ["40", "40"]
    assert found["recharges cost"] == ["18.00 EUR", "25.00 EUR"]
    assert "it comes 120 s later, one at a time.\n" in ran.out
    assert "below zero, where" not in ran.out
    ran = story.type("recharge", "whatif", FIRST, "--off")
    assert "on 21 days the balance was below zero, where OVH would have refused" in ran.out


def test_what_the_replay_cannot_know_is_said(sqlite_books):
    sqlite_books.draw(f"""
        customer ab12345-ovh Europe/Rome IT
        account {FIRST}
        2026-09-01 00:00 opening 100
        2026-09-01 08:00 threshold 50 100
        2026-09-02 09:00 purchase 100 p-1
        2026-09-02 10:00 sms 20
        2026-09-05 08:00 threshold 60 200
        2026-09-06 10:00 sms 20
        2026-09-06 11:00 saw 100 held 60
    """)
    notes = sqlite_books.type("recharge", "whatif", FIRST, "-O", "json").document["notes"]
    for told in (
        "the history is shorter than four weeks",
        "OVH holds 60 credits back for users' quotas",
        "1 purchase of as many credits as a recharge is not known to be automatic",
        "the settings changed 1 time meanwhile",
    ):
        assert any(told in one for one in notes), told


def test_a_correction_counts_as_use_and_a_transfer_does_not(sqlite_books):
    sqlite_books.draw(f"""
        customer ab12345-ovh Europe/Rome IT
        account {SECOND}
        2026-09-01 00:00 opening 10
        account {FIRST}
        2026-09-01 00:00 opening 100
        2026-09-02 10:00 sms 20
        2026-09-03 10:00 correct 1 15
        2026-09-04 10:00 transfer 60 {SECOND} t-1
    """)
    _, replayed = whatif(sqlite_books, "--threshold", "30", "--amount", "100")
    assert (replayed["used"], replayed["other"], replayed["recharges"]) == ("15", "-60", 1)
    assert replayed["delay_s"] == 0


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ((FIRST, "--threshold", "-1"), 5, "expected a threshold of 0 or more, found -1"),
        (
            (FIRST, "--amount", "150"),
            5,
            "offers (100, 200, 250, 500, 1000, 5000, 10000), found",
        ),
        ((FIRST, "--amount", "0"), 5, "found 0"),
        ((FIRST, "--threshold", "0.0001"), 2, "at most three decimals"),
        ((FIRST, "--off", "--amount", "100"), 2, "--off cannot be combined with --amount"),
        ((FIRST, "--delay", "soon"), 2, "expected an age like 90s"),
        ((FIRST, "-p", "2020"), 2, "found one from 2026-09-01 to 2026-09-30 alone"),
        ((FIRST, "-p", "2026-09-05"), 2, "found no movement in that time: name another"),
        ((FIRST, "--rates", "nowhere.csv"), 2, "nowhere.csv"),
        (("sms-none-1",), 2, "unknown account 'sms-none-1'"),
        (
            (SECOND,),
            2,
            "expected --threshold, found that automatic recharge of sms-ab12345-2 is",
        ),
        ((SECOND, "--threshold", "5"), 2, "expected --amount"),
        (
            ("sms-ab12345-3", "--off"),
            2,
            "found no opening: run `sms-ledger sync sms-ab12345-3`",
        ),
    ],
)
def test_bad_input_is_told_in_one_line(story, words, status, told):
    story.draw(f"""
        customer ab12345-ovh Europe/Rome IT
        account {SECOND}
        2026-09-01 00:00 opening 10
        2026-09-02 00:00 sms 1
        account sms-ab12345-3
    """)
    ran = story.type("recharge", "whatif", *words)
    assert (ran.status, ran.out, told in ran.err) == (status, "", True), ran
    assert ran.err.count("\n") == 1


def test_recharge_that_is_off_needs_an_amount(sqlite_books):
    sqlite_books.draw(f"""
        customer ab12345-ovh
        account {FIRST}
        2026-09-01 00:00 opening 10
        2026-09-01 08:00 threshold 0 off
        2026-09-02 00:00 sms 1
    """)
    ran = sqlite_books.type("recharge", "whatif", FIRST)
    assert (ran.status, "automatic recharge of sms-ab12345-1 is off" in ran.err) == (2, True)
    assert "type --threshold and --amount, or --off" in ran.err


def test_an_smpp_account_is_never_recharged(sqlite, tmp_path):
    with rig(tmp_path, store=sqlite) as made:
        made.ovh.world.accounts[FIRST].smpp = True
        made.sync()
        ran = made.sl("recharge", "whatif", FIRST, "--threshold", "5", "--amount", "100")
        assert (ran.status, "found an SMPP account" in ran.err) == (5, True)
