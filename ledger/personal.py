"""Free text that goes into events: reasons, notes, names of people who act or look after.

Events are never erased, so a telephone number or an e-mail address in them would stay for ever.
They are refused as far as their shape tells them, by the library that tells countries too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ledger.errors import InvalidValue

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

# Where OVH sells SMS, and numbers are written without the country: with a 0 before them, or in
# Italy as they are.
_NATIONAL: Final = ("IT", "FR", "BE", "CH", "DE", "FI", "GB", "IE", "MA", "NL")

# Where they have no 0: only in the groups of that country do they differ from other numbers.
_IN_GROUPS: Final = ("CA", "CZ", "ES", "LT", "PL", "PT", "SN", "TN")

_LEAST_DIGITS: Final = 7
# Of a number that its country's plan does not know, such as those of examples.
_LEAST_INTERNATIONAL: Final = 9

_MOST_GROUPS: Final = 7

_FIGURES = re.compile(r"(?<![^\W_])[+(\d][\d\s()./\-]*\d(?![^\W_])")
_DIGIT = re.compile(r"\d")
_MAIL = re.compile(r"[^\s@<>()]+@[^\s@<>()]+\.[^\W\d_]{2,}")
# What is no number though its digits may look like one of some country: a day, a transfer's id,
# a UUID.
_NO_NUMBER = re.compile(
    r"(?<![\d.\-/])(?:\d{4}([-./])\d{1,2}\1\d{1,2}|\d{1,2}([-./])\d{1,2}\2\d{4})(?![\d\-/])"
    r"|\bt-[0-9a-f]{12}\b|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
)


class PersonalData(InvalidValue):
    """A text for the log that holds a telephone number or an e-mail address."""


@lru_cache(maxsize=16)
def impersonal(text: str) -> str:
    """Give a text that may stand in an event. Raises PersonalData; it shows no number."""
    for what, found in _personal(text):
        msg = (
            f"expected a text for the log, which is never erased, without personal data, found"
            f" {what} ({_masked(found)}): leave it out; of a number that is none of a person,"
            " such as an order's, the last five digits will do"
        )
        raise PersonalData(msg)
    return text


def _personal(text: str) -> Iterator[tuple[str, str]]:
    for mail in _MAIL.findall(text):
        yield "an e-mail address", mail
    if _digits(text) >= _LEAST_DIGITS:
        for part in _parts(_NO_NUMBER.sub(lambda found: ";" * len(found[0]), text)):
            for number in _numbers(part):
                yield "a telephone number", number


def _parts(text: str) -> Iterator[str]:
    """Give what may be a number: the text, and what stands between blanks of its figures.

    The library takes `333 1234567 4711` for one number, which is too long for any.
    """
    yield text
    for run in _FIGURES.findall(text):
        words = run.split()
        for first in range(len(words)):
            for end in range(first + 1, min(first + _MOST_GROUPS, len(words)) + 1):
                if _digits(part := " ".join(words[first:end])) >= _LEAST_DIGITS:
                    yield part


def _numbers(text: str) -> Iterator[str]:
    from phonenumbers import Leniency, PhoneNumberMatcher  # noqa: PLC0415 (start-up is felt)

    for found in PhoneNumberMatcher(text, None, leniency=Leniency.POSSIBLE):
        if _digits(found.raw_string) >= _LEAST_INTERNATIONAL:
            yield found.raw_string
    for region in _NATIONAL:
        for found in PhoneNumberMatcher(text, region, leniency=Leniency.VALID):
            if _digits(found.raw_string) >= _LEAST_DIGITS and _is_of_somebody(found.number):
                yield found.raw_string
    for region in _IN_GROUPS:
        for found in PhoneNumberMatcher(text, region, leniency=Leniency.EXACT_GROUPING):
            if not found.raw_string.isdecimal() and _is_of_somebody(found.number):
                yield found.raw_string


def _digits(text: str) -> int:
    return len(_DIGIT.findall(text))


def _is_of_somebody(number: PhoneNumber) -> bool:
    """Tell whether it is no number of a service, which is nobody's."""
    from phonenumbers import PhoneNumberType, number_type  # noqa: PLC0415

    return number_type(number) not in {
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
    }


def _masked(found: str) -> str:
    """Show where it begins and how long it is, and nothing that tells whose it is."""
    return found[:2] + re.sub(r"[^\W_]", "*", found[2:])
