"""The tariff: what held when, whatever order it was told in, and which quantity costs what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.credits import Credits
from ledger.events import FromFile, FromOvh, PackTier, Rate, RatesSeen, Stamp
from ledger.money import Money
from ledger.rates import RateBook, evolve, see_packs, see_rates, state_packs, state_rates
from ledger.tariff import Tariff, price_of, tier_of, whole

START = datetime(2020, 1, 1, tzinfo=UTC)
FILE = FromFile(sha256="ab" * 32, first_line=2, last_line=9)
READ = FromOvh("/sms/rates/destinations", START, None)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def rate(country: str, credits: str | None) -> Rate:
    given = None if credits is None else Credits.parse(credits)
    return Rate(country=country, credits=given, price=None, vat_rate=None)


def tier(least: int, most: int | None, price: str, discount: str | None = None) -> PackTier:
    return PackTier(
        quantity_min=least,
        quantity_max=most,
        credit_price=Money(Decimal(price), "EUR"),
        discount_price=Money(Decimal(discount), "EUR") if discount else None,
        vat_rate=None,
    )


def stamp(source=FILE) -> Stamp:
    return Stamp(recorded_at=day(3000), actor="anna", command_id="c", source=source)


def taken(book: RateBook, events) -> int:
    for event in events:
        evolve(book, event)
    return len(events)


INDIA = ("IN", [(0, "0.1"), (500, "0.4"), (2400, "2.15")])


def test_a_rate_holds_from_its_date_until_the_next():
    tariff = Tariff("IT")
    for number, credits in INDIA[1]:
        tariff.add_rates(day(number), [rate("IN", credits)], FILE)
    found = [tariff.rate("IN", day(n)) for n in (-1, 0, 499, 500, 2399, 2400, 9000)]
    shown = [str(one.value.credits) if one else None for one in found]
    assert shown == [None, "0.1", "0.1", "0.4", "0.4", "2.15", "2.15"]
    assert tariff.rate("FR", day(9000)) is None


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), max_size=12), st.integers(-1, 10)
)
def test_the_order_in_which_dates_are_told_does_not_count_but_the_last_word_on_one_does(
    told, asked
):
    tariff = Tariff("IT")
    for number, milli in told:
        single = Rate(country="IN", credits=Credits(milli), price=None, vat_rate=None)
        tariff.add_rates(day(number), [single], FILE)
    said = dict(told)
    held = [number for number in sorted(said) if number <= asked]
    found = tariff.rate("IN", day(asked))
    assert (found.value.credits.milli if found else None) == (said[held[-1]] if held else None)
    history = tariff.rates.get("IN", ())
    assert [one.since for one in history] == sorted(day(number) for number in said)


TIERS = (tier(100, 500, "0.06"), tier(500, 1000, "0.058", "0.05"), tier(2500, None, "0.042"))


@pytest.mark.parametrize(
    ("bought", "price"),
    [
        ("99.999", None), ("100", "0.06"), ("499", "0.06"), ("499.999", "0.06"),
        ("500", "0.05"), ("999", "0.05"), ("1000", None), ("2499", None), ("2500", "0.042"),
        ("1000000", "0.042"),
    ],
)  # fmt: skip
def test_a_tier_begins_with_its_minimum_and_ends_before_its_maximum(bought, price):
    found = tier_of(TIERS, Credits.parse(bought))
    assert (str(price_of(found).amount) if found else None) == price


def test_whole_credits_are_a_thousand_thousandths_each():
    assert whole(250) == Credits(250_000)


# --- what is news ----------------------------------------------------------------------------


def test_what_ovh_shows_is_recorded_only_where_it_changed():
    book = RateBook("IT")
    first = [rate("IT", "0.7"), rate("IN", "0.4")]
    assert taken(book, see_rates(book, first, stamp=stamp(READ), at=day(0))) == 1
    assert see_rates(book, first, stamp=stamp(READ), at=day(1)) == ()
    (event,) = see_rates(
        book, [rate("IT", "0.7"), rate("IN", "2.15")], stamp=stamp(READ), at=day(2)
    )
    assert isinstance(event, RatesSeen)
    assert event.rates == (rate("IN", "2.15"),)
    assert event.happened_at == day(2)


def test_rates_stand_in_an_event_in_the_order_of_their_countries():
    (event,) = see_rates(
        RateBook("IT"), [rate("ZA", "1"), rate("AD", "3")], stamp=stamp(), at=day(0)
    )
    assert [one.country for one in event.rates] == ["AD", "ZA"]


def test_what_a_file_states_is_recorded_once_even_where_the_same_rate_held_before():
    """Between the two, another rate may still become known."""
    book = RateBook("IT")
    taken(book, state_rates(book, [rate("IN", "0.4")], stamp=stamp(), at=day(0)))
    assert taken(book, state_rates(book, [rate("IN", "0.4")], stamp=stamp(), at=day(50))) == 1
    assert state_rates(book, [rate("IN", "0.4")], stamp=stamp(), at=day(50)) == ()
    taken(book, state_rates(book, [rate("IN", "0.1")], stamp=stamp(), at=day(20)))
    held = [book.known().rate("IN", day(n)).value.credits.milli for n in (10, 30, 60)]
    assert held == [400, 100, 400]


def test_prices_are_recorded_only_where_they_changed():
    book = RateBook("IT")
    args = {"country": "IT", "stamp": stamp(READ)}
    assert taken(book, see_packs(book, TIERS, at=day(0), **args)) == 1
    assert see_packs(book, TIERS, at=day(1), **args) == ()
    assert taken(book, see_packs(book, TIERS[:1], at=day(2), **args)) == 1
    assert book.known().tiers_at(day(1)) == TIERS
    assert book.known().tiers_at(day(2)) == TIERS[:1]
    assert state_packs(book, TIERS[:1], stamp=stamp(), at=day(2)) == ()
    assert taken(book, state_packs(book, TIERS[:1], stamp=stamp(), at=day(3))) == 1


def test_a_draft_of_the_state_spoils_nothing():
    """A decision that was overtaken works on a copy that shares what it did not replace."""
    book = RateBook("IT")
    taken(book, state_rates(book, [rate("IN", "0.4")], stamp=stamp(), at=day(0)))
    draft = RateBook("IT", book.version, book.tariff)
    taken(draft, state_rates(draft, [rate("IN", "0.9")], stamp=stamp(), at=day(1)))
    assert book.known().rate("IN", day(2)).value.credits == Credits(400)
    assert draft.known().rate("IN", day(2)).value.credits == Credits(900)
