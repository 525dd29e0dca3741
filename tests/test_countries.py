"""Countries: told from the number at once, since the number is not kept."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.countries import UNKNOWN, country_of, numbers_library

NOWHERE = (UNKNOWN, None)


@pytest.mark.parametrize(
    ("number", "country", "calling_code"),
    [
        ("+393471234567", "IT", 39),
        ("+390669812345", "VA", 39),  # the Vatican's numbers are Roman
        ("+37866661212", "SM", 378),
        ("+33612345678", "FR", 33),
        ("+37761234567", "MC", 377),
        ("+262692123456", "RE", 262),
        ("+262269601234", "YT", 262),
        ("+590690123456", "GP", 590),
        ("+12125551234", "US", 1),
        ("+14165550123", "CA", 1),
        ("+18095551234", "DO", 1),
        ("+18295551234", "DO", 1),
        ("+77011234567", "KZ", 7),
        ("+79161234567", "RU", 7),
        ("+447911123456", "GG", 44),
        ("+447624123456", "IM", 44),
        ("+447400123456", "GB", 44),
        ("+34612345678", "ES", 34),
        ("+48512345678", "PL", 48),
        ("+353861234567", "IE", 353),
    ],
)
def test_a_number_tells_its_country(number: str, country: str, calling_code: int) -> None:
    assert country_of(number) == (country, calling_code)
    assert country_of(f"00{number[1:]}") == (country, calling_code)


def test_spaces_do_not_hide_a_country() -> None:
    assert country_of("+33 6 12 34 56 78") == ("FR", 33)


def test_a_number_unknown_to_its_plan_still_has_its_dialling_code() -> None:
    assert country_of("+39000") == ("IT", 39)


@pytest.mark.parametrize(
    "sender",
    [
        "38100",
        "3471234567",
        "0612345678",
        "OVH",
        "MyShop",
        "007",
        "00",
        "+",
        "",
        "+39",
        "+999123",
    ],
)
def test_short_numbers_and_texts_have_no_country(sender: str) -> None:
    assert country_of(sender) == NOWHERE


@pytest.mark.parametrize(
    ("number", "calling_code"),
    [
        ("+870773123456", 870),
        ("+881612345678", 881),
        ("+882161234567", 882),
        ("+80012345678", 800),
    ],
)
def test_satellites_and_international_services_belong_to_no_country(
    number: str, calling_code: int
) -> None:
    assert country_of(number) == (UNKNOWN, calling_code)


@settings(deadline=None)
@given(st.text(max_size=30) | st.from_regex(r"(\+|00)?[0-9]{0,20}", fullmatch=True))
def test_no_text_at_all_breaks_the_reading(text: str) -> None:
    country, calling_code = country_of(text)
    assert len(country) == 2
    assert country.isupper()
    assert calling_code is None or 1 <= calling_code <= 999


def test_a_page_can_name_the_library_that_told_the_countries() -> None:
    assert numbers_library() == f"phonenumberslite {version('phonenumberslite')}"


def test_all_countries_are_codes_of_two_capitals_and_hold_those_that_bill() -> None:
    from ledger.countries import all_countries

    found = all_countries()
    assert {"ES", "FR", "GB", "IE", "IN", "IT", "PL"} <= set(found)
    assert all(len(one) == 2 and one.isupper() for one in found)
    assert found == sorted(set(found))
