"""`forecast`: how long credits last, from the days before, exactly and without chance."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from books import Books
from hypothesis import given, settings
from hypothesis import strategies as st
from rigs import rig

import cli.forecast
from cli.charts import chart
from cli.forecast_words import sparkline
from ledger.credits import Credits
from projections import outlooks
from projections.advice import Standing, larger_amount, moves_first
from projections.forecasts import Day, Forecast
from projections.outlooks import (
    Amount,
    Dates,
    History,
    Outlook,
    balances_ahead,
    dates_below,
    used_in,
)
from projections.prices import listed
from projections.rounding import cents, credits_of, digits, nearest

MONDAY = date(2026, 8, 3)
FIRST, SECOND = "sms-ab12345-1", "sms-ab12345-2"
PRICES = """\
billing_country,quantity_min,quantity_max,credit_price,currency,valid_from
IT,100,500,0.06,EUR,2022-08-05
IT,500,1000,0.058,EUR,2022-08-05
IT,1000,,0.055,EUR,2022-08-05
"""


def outlook(*used: int, balance: int = 0, already: int = 0) -> Outlook:
    """Draw days from a Monday on, and what is left after them."""
    history = History(MONDAY, used)
    return Outlook(history, MONDAY + timedelta(days=len(used)), balance, already)


# --- what is expected of a day ---------------------------------------------------------------


def test_a_weekday_uses_what_its_like_used_on_average():
    weeks = [10, 0, 0, 0, 4, 0, 0, 20, 0, 0, 0, 5, 0, 0]
    assert outlook(*weeks).pattern == [15, 0, 0, 0, Fraction(9, 2), 0, 0]


def test_weekends_make_the_same_credits_last_longer():
    office = [10, 10, 10, 10, 10, 0, 0] * 2
    on_monday = outlook(*office, balance=45)
    assert dates_below(on_monday, 1).expected == date(2026, 8, 21)  # a Friday
    on_friday = outlook(*office, *office[:4], balance=45)
    assert dates_below(on_friday, 1).expected == date(2026, 8, 27)  # six days, not four


def test_below_two_weeks_all_days_are_alike():
    short = outlook(10, 0, 0, 0, 4)
    assert (short.history.method, short.pattern) == ("mean", [Fraction(14, 5)])


def test_without_a_day_nothing_is_expected():
    nothing = outlook(balance=100)
    assert nothing.history.method == "none"
    assert dates_below(nothing, 1) == Dates(None)


def test_what_a_day_used_already_is_not_expected_again():
    days = [7] * 14
    assert used_in(outlook(*days, already=5), 2).expected == 9
    assert used_in(outlook(*days, already=30), 2).expected == 7


@pytest.mark.parametrize(("days", "windows"), [(55, 0), (56, 29), (91, 64)])
def test_a_range_is_claimed_from_eight_weeks_on(days, windows):
    assert len(outlook(*[1] * days).patterns) == windows


def test_the_range_is_that_of_the_busiest_and_the_quietest_four_weeks():
    made = outlook(*[1] * 28, *[3] * 28, balance=60)
    found = dates_below(made, 1)
    ahead = [(one - made.day).days for one in (found.earliest, found.expected, found.latest)]
    assert ahead == [19, 29, 59]  # 60 / 3, 60 / 2 and 60 / 1 days
    assert used_in(made, 10) == Amount(20, 10, 30)


def test_windows_keep_each_day_on_its_weekday():
    mondays = [9, 0, 0, 0, 0, 0, 0] * 8
    made = outlook(*mondays, 9, 0, balance=18)  # the next day is a Wednesday
    assert dates_below(made, 1) == Dates(*[date(2026, 10, 12)] * 3)


def test_what_is_quiet_for_four_weeks_may_last_for_ever():
    made = outlook(*[0] * 28, *[2] * 28, balance=10)
    assert dates_below(made, 1).latest is None


def test_a_balance_that_is_below_already_is_below_today():
    made = outlook(*[2] * 14, balance=5)
    assert dates_below(made, 6).expected == made.day


histories = st.lists(st.integers(0, 5000), min_size=1, max_size=91)


@settings(max_examples=40, deadline=None)
@given(histories, st.integers(0, 100_000), st.integers(2, 9))
def test_a_history_of_k_times_as_much_makes_a_forecast_of_k_times_as_much(used, balance, k):
    once = outlook(*used, balance=balance, already=used[0])
    often = outlook(*(k * n for n in used), balance=k * balance, already=k * used[0])
    one, many = used_in(once, 20), used_in(often, 20)
    assert (many.expected, many.least, many.most) == (
        k * one.expected, k * one.least, k * one.most,
    )  # fmt: skip
    assert dates_below(often, k * 700) == dates_below(once, 700)


@settings(max_examples=40, deadline=None)
@given(histories, st.integers(0, 100_000))
def test_what_is_expected_is_within_the_range(used, balance):
    made = outlook(*used, balance=balance)
    found = dates_below(made, 1)
    if made.patterns and found.expected is not None:
        assert found.earliest <= found.expected
        assert found.latest is None or found.expected <= found.latest
    for day in balances_ahead(made, 15):
        assert day.least <= day.expected <= day.most


# --- rounding --------------------------------------------------------------------------------


def test_figures_are_rounded_once_halves_up():
    assert [nearest(Fraction(n, 2)) for n in (-3, -1, 0, 1, 3)] == [-1, 0, 0, 1, 2]
    assert credits_of(Fraction(10_000, 3)) == Credits(3333)
    assert [cents(Fraction(12_345, 1000)), cents(Fraction(0)), cents(Fraction(-1, 2))] == [
        "12.35", "0.00", "-0.50",
    ]  # fmt: skip
    assert [digits(Fraction(29, 500)), digits(Fraction(1, 3)), digits(Fraction(2))] == [
        "0.058", "0.333333", "2",
    ]  # fmt: skip


# --- the command -----------------------------------------------------------------------------


def days(first: date, *used: str | int) -> str:
    """Draw a message at noon of each day; nothing where a day uses 0."""
    return "\n".join(
        f"{first + timedelta(days=n)} 12:00 sms {one}" for n, one in enumerate(used) if one
    )


def drawn(books: Books, *used: int, opening: int = 1000, more: str = "") -> Books:
    """Draw an account that was opened on a Monday, and looked at after its last day."""
    last = MONDAY + timedelta(days=len(used))
    return books.draw(f"""
        customer ab12345-ovh Europe/Rome IT
        account {FIRST}
        {MONDAY} 00:00 opening {opening}
        {days(MONDAY, *used)}
        {more}
        {last} 00:00 saw {opening - sum(used)}
    """)


def test_the_runway_of_an_office(books):
    """Ten credits each workday; 1000 less 500 last for fifty workdays."""
    drawn(books, *[10, 10, 10, 10, 10, 0, 0] * 10)
    (row,) = books.rows("forecast")
    assert (row["credits"], row["method"], row["history_days"]) == ("500", "weekdays", 70)
    assert (row["history_from"], row["per_day"]) == ("2026-08-03", "7.143")
    assert (row["runway_days"], row["runway_least"], row["runway_most"]) == (67, 67, 67)
    assert row["empty_on"] == "2026-12-18"  # a Friday
    assert [row["month"], row["used"], row["used_expected"]] == ["2026-10", "70", "220"]
    assert (row["threshold"], row["recharge_on"]) == (None, None)


def test_days_without_sending_count_from_the_opening_on(sqlite_books):
    drawn(sqlite_books, *[0] * 20, 30, 0, 0, 0, 0, 0, 0, 0)
    (row,) = sqlite_books.rows("forecast")
    assert (row["history_days"], row["history_from"]) == (28, "2026-08-03")
    assert row["per_day"] == "1.071"


def test_an_opening_in_the_middle_of_a_day_leaves_that_day_out(sqlite_books):
    sqlite_books.draw(f"""
        customer ab12345-ovh
        account {FIRST}
        2026-08-03 09:00 opening 100
        2026-08-03 12:00 sms 50
        2026-08-04 12:00 sms 1
        2026-08-06 09:00 sms 7
        2026-08-06 10:00 saw 42
    """)
    (row,) = sqlite_books.rows("forecast")
    assert (row["history_days"], row["per_day"], row["method"]) == (2, "0.5", "mean")
    # today is not over, and used more than a day is expected to use
    assert (row["runway_days"], row["windows"], row["runway_least"]) == (84, 0, None)
    assert row["used"] == "58"


def test_short_history_is_told_and_claims_no_range(sqlite_books):
    drawn(sqlite_books, *[2] * 20)
    ran = sqlite_books.type("forecast")
    assert "rests on 20 whole days from 2026-08-03 on, weekday by weekday" in ran.out
    assert "no range before 56 days are known" in ran.out
    assert "lasts 479 days, until 2027-12-15, if nothing is bought\n" in ran.out


def test_the_words_of_a_long_history(sqlite_books):
    drawn(sqlite_books, *[1] * 28, *[3] * 28, opening=200)
    out = sqlite_books.type("forecast").out
    assert "lasts 43 days, until 2026-11-10, if nothing is bought; 29 to 87 days by what" in out
    assert "2026-09: 81 credits used so far, 87 expected (84 to 90)\n" in out


def test_the_next_recharge_is_expected_where_it_is_on(sqlite_books):
    drawn(sqlite_books, *[10] * 60, more="2026-08-10 09:00 threshold 100 500")
    (row,) = sqlite_books.rows("forecast")
    assert (row["credits"], row["threshold"], row["amount"]) == ("400", "100", 500)
    assert row["recharge_on"] == row["recharge_earliest"] == "2026-11-01"  # 31 days: 90 left
    assert "below 100, is expected on 2026-11-01" in sqlite_books.type("forecast").out
    (then,) = sqlite_books.rows("forecast", "--as-of", "2026-08-09")
    assert (then["amount"], then["recharge_on"]) == (None, None)


def test_a_recharge_that_is_off_or_has_no_threshold_is_not_expected(sqlite_books):
    drawn(sqlite_books, *[10] * 20, more="2026-08-10 09:00 threshold 0 500")
    assert sqlite_books.rows("forecast")[0]["recharge_on"] is None
    assert "is not expected within 731 days" in sqlite_books.type("forecast").out


def test_the_past_is_told_as_it_looked_then(sqlite_books):
    drawn(sqlite_books, *[5] * 14, *[50] * 10)
    (row,) = sqlite_books.rows("forecast", "--as-of", "2026-08-16")
    assert (row["credits"], row["per_day"], row["history_days"]) == ("930", "5", 14)
    assert row["as_of"] == "2026-08-16T23:59:59.999999+02:00"
    past = [one["balance"] for one in row["days"] if one["kind"] == "past"]
    assert (past[0], past[-1], len(past)) == ("995", "930", 14)


def test_balances_of_past_and_coming_days_are_in_the_json(sqlite_books):
    drawn(sqlite_books, *[5] * 20)
    document = sqlite_books.type("forecast", "--days", "3", "-O", "json").document
    assert document["schema"] == "sms-ledger/forecast/1"
    assert [tuple(one.values()) for one in document["rows"][0]["days"]] == [
        ("2026-08-21", "past", "905", "905", "905"),
        ("2026-08-22", "past", "900", "900", "900"),
        ("2026-08-23", "past", "900", "900", "900"),
        ("2026-08-23", "expected", "895", "895", "895"),
        ("2026-08-24", "expected", "890", "890", "890"),
        ("2026-08-25", "expected", "885", "885", "885"),
    ]


@pytest.mark.parametrize(
    ("drawing", "told"),
    [
        ("2026-08-03 00:00 opening 5\n 2026-08-25 00:00 saw 5", "no end is in sight"),
        ("2026-08-03 00:00 opening 5\n 2026-08-03 12:00 sms 5", "rests on nothing"),
        (
            "2026-08-03 00:00 opening 5\n 2026-08-03 12:00 sms 5\n 2026-08-04 12:00 saw 0",
            "is used up\n",
        ),
        (
            "2026-08-03 00:00 opening 9000\n 2026-08-03 12:00 sms 1\n 2026-08-04 12:00 saw 1",
            "lasts more than 731 days",
        ),
    ],
)
def test_what_can_be_said_of_odd_accounts(sqlite_books, drawing, told):
    sqlite_books.draw(f"customer ab12345-ovh\naccount {FIRST}\n{drawing}")
    ran = sqlite_books.type("forecast")
    assert (ran.status, told in ran.out) == (0, True), ran


def test_an_account_without_an_opening_has_no_runway(sqlite_books):
    sqlite_books.draw(f"customer ab12345-ovh\naccount {FIRST}\n2026-08-03 12:00 sms 1")
    ran = sqlite_books.type("forecast")
    assert ran.out.startswith(f"{FIRST}: ? credits")
    assert "no opening was read yet" in ran.err


def test_before_the_opening_nothing_is_known(sqlite_books):
    drawn(sqlite_books, *[5] * 20)
    ran = sqlite_books.type("forecast", "--as-of", "2026-07-01")
    assert "the balance of sms-ab12345-1 is known from 2026-08-03T00:00:00+02:00 on" in ran.err
    assert "rests on nothing" in ran.out


def test_a_closed_account_is_shown_only_when_it_is_named(sqlite_books):
    drawn(sqlite_books, *[5] * 20, more="2026-08-23 00:00 close 900")
    assert sqlite_books.rows("forecast") == []
    ran = sqlite_books.type("forecast", FIRST)
    assert "sms-ab12345-1 was closed: nothing more is expected of it" in ran.err


def test_an_empty_ledger_answers_no_rows(sqlite_books, tmp_path):
    assert sqlite_books.rows("forecast") == []
    ran = sqlite_books.type("forecast", "-o", str(tmp_path / "none.svg"))
    assert ran.status == 0
    assert ET.parse(tmp_path / "none.svg").getroot().tag.endswith("svg")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sms-none-1",), "unknown account 'sms-none-1'"),
        (("--days", "0"), "0 is not in the range 1<=x<=731"),
        (("--as-of", "yesterday"), "expected a time like 2026-10-31"),
        (("--as-of", "2026-08-16T10:00+02:00"), "expected --as-of as a date like 2026-10-31"),
        (("-o", "/nowhere/chart.svg"), "expected to write /nowhere/chart.svg"),
    ],
)
def test_bad_input_is_told_in_one_line(sqlite_books, words, told):
    drawn(sqlite_books, 1)
    ran = sqlite_books.type("forecast", *words)
    assert (ran.status, ran.out, told in ran.err) == (2, "", True), ran


def test_the_limit_of_the_option_is_that_of_the_report():
    assert cli.forecast.AHEAD == outlooks.AHEAD


# --- money -----------------------------------------------------------------------------------


def test_without_a_price_credits_are_told_and_what_to_type(sqlite_books):
    drawn(sqlite_books, *[5] * 20)
    ran = sqlite_books.type("forecast")
    assert "no price is known for sms-ab12345-1: money is left out" in ran.err
    assert "run `sms-ledger rates update`" in ran.err
    assert "2026-08: 100 credits used so far, 145 expected\n" in ran.out


def test_the_price_is_that_of_the_list_where_no_bill_tells_one(sqlite_books, tmp_path):
    drawn(sqlite_books, *[5] * 20)
    (tmp_path / "prices.csv").write_text(PRICES)
    assert sqlite_books.type("rates", "import", str(tmp_path / "prices.csv")).status == 0
    (row,) = sqlite_books.rows("forecast")
    assert (row["price_per_credit"], row["price_from"]) == ("0.06", "tariff")
    assert (row["cost"], row["cost_expected"], row["currency"]) == ("6.00", "8.70", "EUR")
    assert (
        "6.00 EUR, 8.70 expected, at 0.06 a credit, listed" in sqlite_books.type("forecast").out
    )


def test_the_last_bill_tells_the_price_of_an_account(sqlite_books, tmp_path):
    drawn(sqlite_books, *[5] * 20)
    (tmp_path / "bought.csv").write_text(
        "customer,account,kind,id,happened_at,credits,net,vat,currency\n"
        f"ab12345-ovh,{FIRST},purchase,1,2026-08-05T09:00:00+02:00,500,29.00,6.38,EUR\n"
        f"ab12345-ovh,{FIRST},purchase,2,2026-08-04T09:00:00+02:00,100,6.00,1.32,EUR\n"
    )
    assert sqlite_books.type("import", str(tmp_path / "bought.csv")).status == 0
    (row,) = sqlite_books.rows("forecast")
    assert (row["price_per_credit"], row["price_from"]) == ("0.058", "bill")
    assert (row["cost"], row["cost_expected"]) == ("5.80", "8.41")


# --- advice ----------------------------------------------------------------------------------


def tiers():
    from ledger.events import PackTier
    from ledger.money import Money

    return [
        PackTier(
            quantity_min=low, quantity_max=high, credit_price=Money.parse(price, "EUR"),
            discount_price=None, vat_rate=None,
        )
        for low, high, price in ((100, 500, "0.06"), (500, 1000, "0.058"), (1000, None, "0.05"))
    ]  # fmt: skip


def test_a_larger_amount_is_advised_with_what_it_saves():
    line = larger_amount(tiers(), 100, (100, 200, 500, 1000), Fraction(10_000))
    assert line == (
        "1000 credits bought at once cost 0.05 EUR each instead of 0.06 for 100: about 36.50"
        " EUR less a year if use stays at 10 a day; they last about 100 days and cost 50.00 EUR"
        " at once"
    )


@pytest.mark.parametrize(
    ("bought", "per_day"),
    [
        (1000, 10_000),  # the best already
        (500, 2_000),  # 1000 would last longer than a year
        (200, 1_000),
    ],
)
def test_an_amount_that_saves_nothing_or_lasts_too_long_is_not_advised(bought, per_day):
    assert larger_amount(tiers(), bought, (100, 200, 500, 1000), Fraction(per_day)) is None


def test_without_prices_no_amount_is_advised():
    assert larger_amount([], 100, (100, 1000), Fraction(10_000)) is None
    assert listed([], Credits(100_000)) is None


def test_credits_of_another_account_come_before_buying():
    soon = date(2026, 11, 5)
    needs = Standing("ab12345-ovh", FIRST, soon, 10_000, 90_000)
    rich = Standing("ab12345-ovh", SECOND, None, 500_500, 90_000)
    (line,) = moves_first(needs, [needs, rich])
    assert "up to 410 could be moved there from sms-ab12345-2" in line
    assert "about 2026-11-05" in line
    for other in (
        replace(rich, customer="cd67890-ovh"),  # nothing crosses customers
        replace(rich, buys_on=soon),
        replace(rich, owned=90_900),
    ):
        assert list(moves_first(needs, [needs, other])) == []
    assert list(moves_first(rich, [needs, rich])) == []


def test_advice_is_printed_with_the_forecast(sqlite_books, tmp_path):
    first = MONDAY
    sqlite_books.draw(f"""
        customer ab12345-ovh Europe/Rome IT
        account {FIRST}
        {first} 00:00 opening 1000
        {first} 09:00 threshold 100 100
        {days(first, *[15] * 60)}
        2026-10-02 00:00 saw 100
        account {SECOND}
        {first} 00:00 opening 1000
        {days(first, *[1] * 60)}
        2026-10-02 00:00 saw 940 held 140
    """)
    (tmp_path / "prices.csv").write_text(PRICES)
    assert sqlite_books.type("rates", "import", str(tmp_path / "prices.csv")).status == 0
    one, two = sqlite_books.rows("forecast")
    # 940 owned, 140 of it held by quotas, 90 kept
    assert "up to 710 could be moved there from sms-ab12345-2" in one["advice"][0]
    assert one["advice"][1].startswith("1000 credits bought at once cost 0.055 EUR each")
    assert two["advice"] == []
    # naming one account asks about it alone; its customer's others are looked at all the same
    assert sqlite_books.rows("forecast", FIRST) == [one]
    assert sqlite_books.type("forecast", FIRST).out.count("advice: ") == 2


# --- drawn -----------------------------------------------------------------------------------


def test_the_chart_is_well_formed_and_the_words_still_come(sqlite_books, tmp_path):
    drawn(sqlite_books, *[1] * 28, *[3] * 28, more="2026-08-10 09:00 threshold 100 500")
    file = tmp_path / "chart.svg"
    ran = sqlite_books.type("forecast", "-o", str(file))
    assert ran.out.startswith(FIRST)
    root = ET.parse(file).getroot()
    kinds = [one.get("class") for one in root.iter() if one.get("class")]
    for kind in ("past", "expected", "range", "threshold"):
        assert kinds.count(kind) == 1
    lines = {
        one.get("class"): one.get("points").split() for one in root.iter() if one.get("points")
    }
    assert len(lines["past"]) == 30
    assert len(lines["expected"]) == 31  # from the last day that is known
    assert lines["past"][-1] == lines["expected"][0]
    texts = [one.text for one in root.iter() if one.tag.endswith("text")]
    assert FIRST in texts
    assert texts.count("100") == 1  # the threshold
    ran = sqlite_books.type("forecast", "-O", "json", "-o", str(file))
    assert ran.rows[0]["account"] == FIRST


def row(**changes) -> Forecast:
    made = Forecast(
        customer="ab12345-ovh", account=FIRST, as_of=datetime(2026, 10, 1, tzinfo=UTC),
        credits=Credits(5000), method="none", history_days=0, history_from=None, windows=0,
        per_day=None, threshold=None, amount=None, month="2026-10", used=Credits(0),
        price_per_credit=None, price_from=None, currency=None, cost=None,
    )  # fmt: skip
    return replace(made, **changes)


def test_what_stands_in_a_chart_is_escaped():
    root = ET.fromstring(chart([row(account="<script>&\"'")]))
    assert "<script>&\"'" in [one.text for one in root.iter()]
    assert not [one for one in root.iter() if one.tag.endswith("script")]


def test_a_chart_goes_below_zero_only_where_the_balance_was():
    def day(number: int, kind: str, milli: int) -> Day:
        return Day(f"2026-10-0{number}", kind, *[Credits(milli)] * 3)

    below = row(days=(day(1, "past", 1000), day(2, "past", -1000), day(3, "expected", -9000)))
    texts = [one.text for one in ET.fromstring(chart([below])).iter()]
    assert {"-1", "0", "1"} <= set(texts)
    above = row(days=(day(1, "past", 1000), day(2, "expected", -9000)))
    assert "-9" not in [one.text for one in ET.fromstring(chart([above])).iter()]


def test_the_sparkline_shows_past_and_expected_balances():
    def run(kind: str, *milli: int) -> list[Day]:
        return [
            Day(f"2026-10-{n + 1:02}", kind, *[Credits(one)] * 3) for n, one in enumerate(milli)
        ]

    assert sparkline([*run("past", 7, 6, 5), *run("expected", 4, 0, -1)]) == "█▇▆┊▅▁ "
    assert sparkline(run("past", 0)) == "▁┊"
    long = sparkline([*run("past", *range(31)), *run("expected", *range(30, -1, -1))])
    before, _, after = long.partition("┊")
    assert (len(before), len(after)) == (16, 16)
    assert before[-1] == after[0] == "█"


# --- in the sandbox --------------------------------------------------------------------------


def test_a_recharge_that_cannot_work_is_not_to_be_counted_on(sqlite, tmp_path):
    with rig(tmp_path, store=sqlite) as made:
        for method in made.ovh.world.methods.values():
            method.status = "EXPIRED"
        made.sync()
        ran = made.sl("forecast", FIRST)
        assert f"automatic recharge of {FIRST} is on and cannot work" in ran.err
        assert "billed last" in ran.out
