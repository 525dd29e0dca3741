"""Names: customers, accounts, their streams, and the labels that may be kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InvalidValue
from ledger.names import (
    ALIAS_MARK,
    account_name,
    account_of,
    consumption_stream,
    customer_name,
    customer_of,
    customer_stream,
    may_be_kept,
    observations_stream,
)

good_names = (
    st.text("acemorstuAZ019._-", min_size=1, max_size=12)
    .map(lambda text: f"c{text}")
    .filter(lambda name: name != "customer")
)


@pytest.mark.parametrize("name", ["ab12345-ovh", "ab12345", "AB-1", "7", "a" * 63])
def test_a_customer_is_named_by_its_nichandle(name: str) -> None:
    assert customer_name(name) == name


@pytest.mark.parametrize("name", ["sms-ab12345-1", "sms_old.2", "x"])
def test_an_account_is_named_by_its_service_name(name: str) -> None:
    assert account_name(name) == name


BAD_NAMES = [
    "", " ", "a b", "sms-ab12345-1\n", "a/b", "../x", "a/consumption", "-a", ".a", "_a",
    "a" * 64, "é", "a\x00", "a'b", "a%b", "a@b", "ａ",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_of_another_shape_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match="expected an OVH customer identifier like ab12345"):
        customer_name(name)
    with pytest.raises(InvalidValue, match="expected an SMS account like sms-ab12345-1"):
        account_name(name)


@pytest.mark.parametrize("name", ["customer", "rates"])
def test_an_account_is_not_named_like_the_first_word_of_other_streams(name: str) -> None:
    with pytest.raises(InvalidValue):
        account_name(name)


def test_streams_are_named_after_what_they_tell_of() -> None:
    assert customer_stream("ab12345-ovh") == "customer/ab12345-ovh"
    assert consumption_stream("sms-ab12345-1") == "sms-ab12345-1/consumption"
    assert observations_stream("sms-ab12345-1") == "sms-ab12345-1/observations"


@settings(deadline=None)
@given(good_names, good_names)
def test_no_stream_of_an_account_is_taken_for_a_customers(account: str, customer: str) -> None:
    account, customer = account_name(account), customer_name(customer)
    own = customer_stream(customer)
    streams = [account, consumption_stream(account), observations_stream(account)]
    assert own not in streams
    assert customer_of(own) == customer
    assert account_of(own) is None
    for stream in streams:
        assert account_of(stream) == account
        assert customer_of(stream) is None


def test_a_customers_second_stream_is_still_the_customers() -> None:
    assert customer_of("customer/ab12345-ovh/transfers") == "ab12345-ovh"
    assert account_of("customer/ab12345-ovh/transfers") is None


@pytest.mark.parametrize("stream", ["customer", "customer/"])
def test_a_stream_that_names_no_customer_has_none(stream: str) -> None:
    assert customer_of(stream) is None


@pytest.mark.parametrize(
    "label",
    ["newsletter", "spring_2026", "a.b-c", "1234", "2026.10", "A", "-", "1234a5678", "x" * 32],
)
def test_a_short_plain_word_may_be_kept(label: str) -> None:
    assert may_be_kept(label)


@pytest.mark.parametrize(
    "label",
    [
        "",
        "12345",  # a run of five digits could be part of a phone number
        "promo12345",
        "+393331234567",
        "anna@example.org",
        "Anna Rossi",
        "Dupont\n",
        "x" * 33,
        "é",
        "αβγ",
        "a/b",
        "<b>",
        "١٢٣",
    ],
)
def test_anything_else_may_not_be_kept(label: str) -> None:
    assert not may_be_kept(label)


def test_no_label_passes_for_an_alias() -> None:
    assert not may_be_kept(f"{ALIAS_MARK}0123abcd")
