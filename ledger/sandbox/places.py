"""Destinations: which country a number belongs to, and what an SMS there costs.

The rates are plausible figures written for the sandbox, in multiples of 0.05 credits; they
are nobody's price list. A message is rated by its number: Réunion is not France, Canada is
not the United States, and the Vatican is rated as Italy.
"""

import re
from decimal import Decimal
from random import Random
from typing import NamedTuple


class Place(NamedTuple):
    prefixes: tuple[str, ...]
    rate: int  # thousandths of a credit, billed in France
    numbers: tuple[str, ...]  # patterns of mobile numbers: # is any digit


PLACES: dict[str, Place] = {
    "ae": Place(("971",), 1650, ("97150#######",)),
    "ar": Place(("54",), 1850, ("5491155######",)),
    "at": Place(("43",), 2050, ("43664#######",)),
    "au": Place(("61",), 1450, ("6141#######",)),
    "be": Place(("32",), 1350, ("32470######", "32486######")),
    "bg": Place(("359",), 2150, ("35988#######",)),
    "br": Place(("55",), 1150, ("5511987######",)),
    "ca": Place((), 350, ("1416555####", "1514555####")),
    "ch": Place(("41",), 1000, ("41791######", "41781######")),
    "cn": Place(("86",), 1050, ("86138########",)),
    "cz": Place(("420",), 1250, ("420602######",)),
    "de": Place(("49",), 2300, ("4915112######", "49170#######")),
    "dk": Place(("45",), 850, ("4520######",)),
    "dz": Place(("213",), 4950, ("213551######",)),
    "es": Place(("34",), 850, ("34612######", "34655######")),
    "fi": Place(("358",), 1550, ("35840#######",)),
    "fr": Place(("33",), 1000, ("336########", "3374#######")),
    "gb": Place(("44",), 1050, ("447400######", "447700######")),
    "gp": Place(("590",), 1500, ("590690######",)),
    "gr": Place(("30",), 1150, ("30694#######",)),
    "hr": Place(("385",), 1950, ("38598#######",)),
    "hu": Place(("36",), 1750, ("3620#######",)),
    "ie": Place(("353",), 700, ("35387#######",)),
    "il": Place(("972",), 1050, ("97252#######",)),
    "in": Place(("91",), 2150, ("9198########",)),
    "it": Place(("39",), 1100, ("39347#######", "39320#######", "39338#######")),
    "jp": Place(("81",), 1800, ("8190########",)),
    "lu": Place(("352",), 1250, ("352621######",)),
    "ma": Place(("212",), 1200, ("212661######",)),
    "mq": Place(("596",), 1500, ("596696######",)),
    "mx": Place(("52",), 950, ("5255########",)),
    "nl": Place(("31",), 2050, ("316########",)),
    "no": Place(("47",), 1150, ("474#######",)),
    "pl": Place(("48",), 500, ("48601######", "48512######")),
    "pt": Place(("351",), 500, ("35191#######",)),
    "re": Place(("262",), 1500, ("262692######",)),
    "ro": Place(("40",), 1550, ("40722######",)),
    "ru": Place(("7",), 13950, ("7916#######",)),
    "se": Place(("46",), 1200, ("4670#######",)),
    "si": Place(("386",), 1850, ("38640######",)),
    "sm": Place(("378",), 1400, ("37866######",)),
    "sn": Place(("221",), 3950, ("22177#######",)),
    "tn": Place(("216",), 4800, ("21620######",)),
    "tr": Place(("90",), 250, ("90532#######",)),
    "us": Place(("1",), 350, ("1212555####", "1415555####")),
    "yt": Place(("262269", "262639"), 1500, ("262639######",)),
}

VATICAN = "3906698#####"

# What differs where another OVH company sends the bill.
HOME_RATES: dict[str, dict[str, int]] = {
    "es": {"es": 700, "in": 400},
    "fr": {},
    "gb": {"gb": 1000, "in": 400},
    "ie": {"ie": 800, "in": 400},
    "it": {"it": 700, "in": 400, "sm": 900},
    "pl": {"pl": 500, "in": 400},
}

CANADA = (  # area codes
    "204 226 236 249 250 263 289 306 343 354 365 367 368 382 "
    "403 416 418 428 431 437 438 450 468 474 506 514 519 548 "
    "579 581 584 587 604 613 639 647 672 683 705 709 742 753 "
    "778 780 782 807 819 825 867 873 879 902 905 "
)
CANADIAN = frozenset(CANADA.split())

PREFIXES = {prefix: country for country, place in PLACES.items() for prefix in place.prefixes}
LONGEST = max(map(len, PREFIXES))

# The price of one credit falls with the quantity; only the first is published by OVH.
PACKS: tuple[tuple[int, Decimal], ...] = (
    (100, Decimal("0.060")),
    (500, Decimal("0.058")),
    (1_000, Decimal("0.055")),
    (5_000, Decimal("0.052")),
    (10_000, Decimal("0.049")),
    (50_000, Decimal("0.046")),
    (100_000, Decimal("0.042")),
)
CURRENCY = {"gb": "GBP", "pl": "PLN"}
PRICE_FACTOR = {"EUR": Decimal(1), "GBP": Decimal(1), "PLN": Decimal("4.5")}
VAT = {
    "es": Decimal("0.21"),
    "fr": Decimal("0.20"),
    "gb": Decimal("0.20"),
    "ie": Decimal("0.23"),
    "it": Decimal("0.22"),
    "pl": Decimal("0.23"),
}


def digits(number: str) -> str | None:
    """Read `+39…` or `0039…` as bare digits; None when it is no international number."""
    found = re.fullmatch(r"(?:\+|00)([1-9]\d{6,14})", number.strip())
    return found[1] if found else None


def country(digits: str) -> str | None:
    """Tell the country that a number is rated as, by its longest known prefix."""
    for length in range(LONGEST, 0, -1):
        found = PREFIXES.get(digits[:length])
        if found is not None:
            return "ca" if found == "us" and digits[1:4] in CANADIAN else found
    return None


def rate(billing_country: str, country: str) -> int:
    """Tell the thousandths of a credit that one part to a country costs."""
    return HOME_RATES[billing_country].get(country, PLACES[country].rate)


def unit_price(credits: int, currency: str) -> Decimal:
    """Tell the price of one credit, without tax, when this many are bought at once."""
    found = next((unit for least, unit in reversed(PACKS) if credits >= least), PACKS[0][1])
    return found * PRICE_FACTOR[currency]


def some_number(random: Random, country: str) -> str:
    """Invent a mobile number of a country, as digits."""
    return _filled(random, random.choice(PLACES[country].numbers))


def some_vatican_number(random: Random) -> str:
    return _filled(random, VATICAN)


def _filled(random: Random, pattern: str) -> str:
    blanks = pattern.count("#")
    return pattern.replace("#" * blanks, f"{random.randrange(10**blanks):0{blanks}d}")
