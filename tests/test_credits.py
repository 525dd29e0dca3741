"""Credits: exact thousandths, read strictly, printed with their digits."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.credits import ZERO, Credits
from ledger.errors import InvalidValue, TooFine

LIMIT_MILLI = 2**63 - 1

milli = st.integers(-(10**15) + 1, 10**15 - 1)
some_milli = st.integers(-(10**12), 10**12)


# --- what people write ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "milli"),
    [
        ("0", 0),
        ("1", 1000),
        ("0.1", 100),
        ("0.05", 50),
        ("0.001", 1),
        ("1.500", 1500),
        ("007", 7000),
        ("1987.2", 1_987_200),
        ("999999999999.999", 999_999_999_999_999),
    ],
)
def test_plain_digits_are_read_exactly(text: str, milli: int) -> None:
    assert Credits.parse(text).milli == milli


@pytest.mark.parametrize(
    "text",
    [
        "", " ", " 1", "1 ", "1\n", "\n1", "1\t", "1.", ".5", ".", "1..5", "1.5.0", "1e3",
        "1E3", "NaN", "nan", "Infinity", "inf", "-inf", "1,5", "1.000,5", "1'000", "1_000",
        "0x10", "--1", "+-1", "1-", "½", "١", "１", "१२", "1.٥", "one", "€5", "5 credits",
        "1/2", "\x001", "1\u200b", "1000000000000", "9" * 400,
    ],
)  # fmt: skip
@pytest.mark.parametrize("signed", [False, True])
def test_anything_else_is_refused_with_what_was_found(text: str, signed: bool) -> None:
    with pytest.raises(InvalidValue, match="expected credits as digits") as refused:
        Credits.parse(text, signed=signed)
    assert not isinstance(refused.value, TooFine)
    assert repr(text)[:40] in str(refused.value)


@pytest.mark.parametrize("text", ["0.0001", "1.0000", "12.12345", "0." + "0" * 50])
def test_a_fourth_decimal_is_refused_and_never_rounded(text: str) -> None:
    with pytest.raises(TooFine, match="at most three decimals"):
        Credits.parse(text)


@pytest.mark.parametrize("text", ["-5", "+5", "-0", "−5"])
def test_a_sign_is_refused_where_none_belongs(text: str) -> None:
    with pytest.raises(InvalidValue):
        Credits.parse(text)


@pytest.mark.parametrize(
    ("text", "milli"), [("-5", -5000), ("+5", 5000), ("5", 5000), ("-0.001", -1), ("-0", 0)]
)
def test_a_sign_is_read_where_it_is_asked_for(text: str, milli: int) -> None:
    assert Credits.parse(text, signed=True) == Credits(milli)


def test_a_signed_value_may_not_be_too_fine_either() -> None:
    with pytest.raises(TooFine):
        Credits.parse("-0.0001", signed=True)


# --- what OVH says -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "milli"),
    [
        ("12.300000000000001", 12_300),
        ("12.299999999999999", 12_300),
        ("0.1", 100),
        ("0.30000000000000004", 300),
        ("-3.0000000000000004", -3000),
        ("1E+3", 1_000_000),
        ("1e-20", 0),
        ("0.000001", 0),
        ("100", 100_000),
        ("123456789.10000001", 123_456_789_100),
    ],
)
def test_the_noise_of_a_binary_double_is_taken_away(number: str, milli: int) -> None:
    assert Credits.from_ovh(Decimal(number)) == Credits(milli)


@settings(deadline=None)
@given(some_milli)
def test_every_double_nearest_to_a_thousandth_means_that_thousandth(milli: int) -> None:
    assert Credits.from_ovh(Decimal(milli / 1000)) == Credits(milli)


@pytest.mark.parametrize("number", ["1.0005", "0.0001", "1.000002", "-7.9999", "0.33333333"])
def test_a_number_that_is_truly_finer_is_refused(number: str) -> None:
    with pytest.raises(TooFine, match="in thousandths"):
        Credits.from_ovh(Decimal(number))


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity", "1e30", "-1e400"])
def test_what_is_no_number_of_credits_is_refused(number: str) -> None:
    with pytest.raises(InvalidValue, match="expected a number of credits"):
        Credits.from_ovh(Decimal(number))


# --- what is printed -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("milli", "text"),
    [(0, "0"), (1, "0.001"), (-1, "-0.001"), (100, "0.1"), (10_000, "10"), (-3000, "-3"),
     (1_987_200, "1987.2"), (-50, "-0.05"), (LIMIT_MILLI, "9223372036854775.807")],
)  # fmt: skip
def test_the_exact_digits_come_out_without_needless_zeros(milli: int, text: str) -> None:
    assert str(Credits(milli)) == text


@settings(deadline=None)
@given(milli)
def test_what_is_printed_is_read_back_as_the_same(milli: int) -> None:
    assert Credits.parse(str(Credits(milli)), signed=True) == Credits(milli)


def test_the_representation_tells_thousandths() -> None:
    assert repr(Credits(-1500)) == "Credits(-1500)"


# --- a value -------------------------------------------------------------------------------


@settings(deadline=None)
@given(some_milli, some_milli)
def test_arithmetic_is_that_of_exact_fractions(one: int, other: int) -> None:
    def exact(credits: Credits) -> Fraction:
        return Fraction(str(credits))

    a, b = Credits(one), Credits(other)
    assert exact(a + b) == exact(a) + exact(b)
    assert exact(a - b) == exact(a) - exact(b)
    assert exact(-a) == -exact(a)
    assert (a < b) == (exact(a) < exact(b))
    assert (a >= b) == (exact(a) >= exact(b))


def test_a_tenth_added_ten_times_is_one_credit() -> None:
    assert sum((Credits(100) for _ in range(10)), ZERO) == Credits.parse("1")


def test_equal_credits_are_one_key_and_zero_is_false() -> None:
    assert {Credits(5), Credits(5)} == {Credits(5)}
    assert not ZERO
    assert Credits(-1)
    assert Credits(1000) != 1000


@pytest.mark.parametrize("milli", [LIMIT_MILLI + 1, -LIMIT_MILLI - 1])
def test_more_than_a_column_can_hold_is_refused(milli: int) -> None:
    with pytest.raises(InvalidValue, match="at most 9223372036854775 credits"):
        Credits(milli)


def test_a_sum_beyond_the_limit_is_refused() -> None:
    with pytest.raises(InvalidValue):
        _ = Credits(LIMIT_MILLI) + Credits(1)


def test_credits_cannot_be_changed() -> None:
    credits = Credits(5)
    with pytest.raises(AttributeError, match="immutable"):
        credits.milli = 6
    with pytest.raises(AttributeError):
        credits.note = "x"  # type: ignore[attr-defined]
    assert credits == Credits(5)


def test_copies_are_the_same_credits() -> None:
    assert copy.deepcopy(Credits(5)) == Credits(5)
    assert pickle.loads(pickle.dumps(Credits(5))) == Credits(5)
