"""Money: the digits of its document, in one currency."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InvalidValue
from ledger.money import Money


@pytest.mark.parametrize(
    "digits", ["4.20", "4.2", "0", "0.00", "-4.20", "0.00000001", "9" * 15]
)
def test_the_digits_are_kept_as_they_were_read(digits: str) -> None:
    assert str(Money.parse(digits, "EUR")) == f"{digits} EUR"


def test_equal_amounts_are_equal_whatever_their_zeros() -> None:
    assert Money.parse("4.20", "EUR") == Money.parse("4.2", "EUR")


def test_the_same_amount_in_another_currency_is_other_money() -> None:
    assert Money.parse("4.20", "EUR") != Money.parse("4.20", "PLN")


@pytest.mark.parametrize(
    "text",
    ["", " 4", "4 ", "4\n", "4.", ".5", "4,20", "1e3", "NaN", "Infinity", "+4", "1_000", "٤",
     "4.123456789", "9" * 16, "4.20 EUR", "€4"],
)  # fmt: skip
def test_an_amount_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"expected an amount like 4\.20"):
        Money.parse(text, "EUR")


@pytest.mark.parametrize("currency", ["", "eur", "EU", "EURO", "€", "EUR\n", "E R", "ÀÉÎ"])
def test_a_currency_has_three_capital_letters(currency: str) -> None:
    with pytest.raises(InvalidValue, match="three capital letters"):
        Money.parse("1", currency)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_an_amount_is_a_number(amount: str) -> None:
    with pytest.raises(InvalidValue, match="an amount of money"):
        Money(Decimal(amount), "EUR")


@settings(deadline=None)
@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15),
    st.sampled_from(["EUR", "GBP", "PLN"]),
)
def test_the_stored_form_is_read_back_as_the_same_digits(
    amount: Decimal, currency: str
) -> None:
    money = Money(amount, currency)
    assert Money.from_text(str(money)) == money
    assert str(Money.from_text(str(money))) == str(money)


@pytest.mark.parametrize(
    "text",
    ["", "EUR", "4.20", "4.20EUR", " 4.20 EUR", "4.20  EUR", "4.20 EUR ", "4,20 EUR", "1e3 EUR",
     "1_000 EUR", "NaN EUR", "٤ EUR", "+4 EUR", "4. EUR", ".5 EUR", "4.20 eur"],
)  # fmt: skip
def test_a_stored_form_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        Money.from_text(text)


def test_money_is_shown_to_a_programmer_by_its_stored_form() -> None:
    assert repr(Money.parse("4.20", "EUR")) == "Money('4.20 EUR')"


def test_equal_money_is_one_key() -> None:
    assert len({Money.parse("4.20", "EUR"), Money.parse("4.2", "EUR")}) == 1


def test_money_cannot_be_changed() -> None:
    money = Money.parse("1", "EUR")
    with pytest.raises(AttributeError, match="immutable"):
        money.currency = "PLN"
    assert money == Money.parse("1", "EUR")


def test_copies_are_the_same_money() -> None:
    money = Money.parse("4.20", "EUR")
    assert str(copy.deepcopy(money)) == str(money)
    assert str(pickle.loads(pickle.dumps(money))) == str(money)
