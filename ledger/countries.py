"""The country of a phone number, by a maintained number library.

The receiver is not kept, so the country must be right at once; the page's header names the
library and its version.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Final

import phonenumbers

UNKNOWN: Final = "ZZ"

# What phonenumbers calls a number without a country: satellite phones, international freephone.
_NO_COUNTRY: Final = "001"


@cache
def numbers_library() -> str:
    """Name the library and its version, as a page's header keeps it."""
    return f"phonenumberslite {version('phonenumberslite')}"


def all_countries() -> list[str]:
    """Give every country that the library knows numbers of, some 245."""
    return sorted(phonenumbers.SUPPORTED_REGIONS)


def country_of(number: str) -> tuple[str, int | None]:
    """Give the ISO country and the dialling code of a number as OVH prints it.

    OVH writes `+39…`, sometimes `0039…`; short numbers and texts are unknown (`ZZ`, None).
    """
    international = f"+{number[2:]}" if number.startswith("00") else number
    try:
        parsed = phonenumbers.parse(international, None)
    except phonenumbers.NumberParseException:
        return UNKNOWN, None
    region = phonenumbers.region_code_for_number(parsed)
    if region is None:
        # Not a number that the plan of its country knows: the dialling code may still tell.
        region = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    known = region not in {None, UNKNOWN, _NO_COUNTRY}
    return (region if known else UNKNOWN), parsed.country_code
