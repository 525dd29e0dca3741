"""A file of rates, or of prices: every row read and checked, with the line it stands in.

    billing_country,country,credits,valid_from
    billing_country,quantity_min,quantity_max,credit_price,currency,valid_from

The header tells which of the two it is.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final, Generic, TypeVar

from ledger.credits import ZERO, Credits
from ledger.errors import BadFile, InvalidValue
from ledger.events import FromFile, PackTier, Rate
from ledger.files.columns import nearest, shown
from ledger.files.origin import BOM, Origin
from ledger.files.parties import BadCell
from ledger.files.texts import texts
from ledger.money import Money
from ledger.names import country_code
from ledger.tariff import billing_country
from ledger.times import (
    is_bare_date,
    parse_date,
    parse_instant,
    start_of_day,
    zone,
    zone_of_subsidiary,
)

T = TypeVar("T")

RATES: Final = ("billing_country", "country", "credits", "valid_from")
PRICES: Final = (
    "billing_country", "quantity_min", "quantity_max", "credit_price", "currency", "valid_from",
)  # fmt: skip

# A file is held in memory whole, some 30 bytes for each of its own. This is room for all
# destinations of a billing country on hundreds of dates.
_LARGEST: Final = 2 << 20

_QUANTITY = re.compile(r"[0-9]{1,9}")
_EARLIEST: Final = parse_instant("2000-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Stated(Generic[T]):
    """What one row states, from when on."""

    line: int
    billing_country: str
    since: datetime
    value: T


@dataclass(slots=True)
class Group(Generic[T]):
    """What a file states of one billing country from one instant on."""

    billing_country: str
    since: datetime
    lines: list[int] = field(default_factory=list)
    values: list[T] = field(default_factory=list)

    def source(self, sha256: str) -> FromFile:
        return FromFile(sha256=sha256, first_line=min(self.lines), last_line=max(self.lines))


@dataclass(frozen=True, slots=True)
class RateFile:
    """A whole file, in the order of billing countries and dates."""

    name: str
    sha256: str
    rates: list[Group[Rate]]
    tiers: list[Group[PackTier]]

    @property
    def billing_countries(self) -> list[str]:
        named = [one.billing_country for one in self.rates]
        return sorted({*named, *(one.billing_country for one in self.tiers)})


def read_rate_file(origin: Origin) -> RateFile:
    """Read a file whole. Raises BadFile at its first bad row."""
    if origin.size > _LARGEST:
        raise _bad(origin, 1, f"a file of at most {_LARGEST} bytes", f"one of {origin.size}")
    rows = _rows(origin)
    header = _header(origin, next(rows, (1, []))[1])
    if "credits" in header:
        rates = list(_read(origin, rows, header, _rate))
        _require_once(origin, rates)
        return RateFile(origin.name, origin.sha256, _grouped(rates), [])
    tiers = list(_read(origin, rows, header, _tier))
    _require_apart(origin, tiers)
    return RateFile(origin.name, origin.sha256, [], _grouped(tiers))


# --- rows ----------------------------------------------------------------------------------


def _rows(origin: Origin) -> Iterator[tuple[int, list[str]]]:
    """Give the rows that are not wholly empty, with the line where each begins."""
    raw = origin.handle.read().removeprefix(BOM)
    reader = csv.reader((text for _, text in texts(origin.name, raw, 1)), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _bad(origin, line, "a row of CSV", str(error)) from None
        if row:
            yield line, row


def _header(origin: Origin, header: Sequence[str]) -> Sequence[str]:
    """Check the header, which tells what the file holds; columns may stand in any order."""
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        found = "semicolons or tabs: save the file as CSV with commas"
        raise _bad(origin, 1, "columns separated by commas", found)
    expected = PRICES if {"credit_price", "quantity_min"} & set(header) else RATES
    for name in header:
        if name not in expected:
            close = f"a known column, {nearest(name, expected)}"
            raise _bad(origin, 1, close, "that", column=shown(name))
    if sorted(header) != sorted(expected):
        found = shown(",".join(header))
        raise _bad(origin, 1, f"the header {','.join(expected)}", found)
    return header


def _read(
    origin: Origin,
    rows: Iterator[tuple[int, list[str]]],
    header: Sequence[str],
    value: Callable[[dict[str, str]], T],
) -> Iterator[Stated[T]]:
    for line, row in rows:
        if len(row) != len(header):
            expected = f"{len(header)} cells, as the header has"
            raise _bad(origin, line, expected, str(len(row)))
        cells = dict(zip(header, map(str.strip, row), strict=True))
        try:
            billing = _told("billing_country", billing_country, cells["billing_country"])
            yield Stated(line, billing, _since(cells["valid_from"], billing), value(cells))
        except BadCell as bad:
            raise _bad(origin, line, bad.expected, bad.found, column=bad.column) from None


def _grouped(rows: Sequence[Stated[T]]) -> list[Group[T]]:
    """Put together what begins at one instant in one billing country."""
    groups: dict[tuple[str, datetime], Group[T]] = {}
    for row in rows:
        key = (row.billing_country, row.since)
        group = groups.setdefault(key, Group(*key))
        group.lines.append(row.line)
        group.values.append(row.value)
    return [groups[key] for key in sorted(groups)]


def _require_once(origin: Origin, rows: Sequence[Stated[Rate]]) -> None:
    first: dict[tuple[str, str, datetime], int] = {}
    for row in rows:
        country = row.value.country
        before = first.setdefault((row.billing_country, country, row.since), row.line)
        if before != row.line:
            found = f"{country} again, as in line {before}"
            expected = "one rate of a country from a date on"
            raise _bad(origin, row.line, expected, found, column="country")


def _require_apart(origin: Origin, rows: Sequence[Stated[PackTier]]) -> None:
    """Refuse tiers that overlap. A maximum is exclusive: it is the next tier's minimum."""
    ordered = sorted(
        rows, key=lambda row: (row.billing_country, row.since, row.value.quantity_min)
    )
    for row, following in pairwise(ordered):
        if (row.billing_country, row.since) != (following.billing_country, following.since):
            continue
        end = row.value.quantity_max
        if end is None or end > following.value.quantity_min:
            found = f"{following.value.quantity_min}, which line {row.line} covers"
            expected = "tiers that do not overlap"
            raise _bad(origin, following.line, expected, found, column="quantity_min")


def _bad(
    origin: Origin, line: int, expected: str, found: str, *, column: str | None = None
) -> BadFile:
    return BadFile(origin.name, line=line, column=column, expected=expected, found=found)


# --- cells ---------------------------------------------------------------------------------


def _rate(cells: dict[str, str]) -> Rate:
    country = _told("country", country_code, cells["country"])
    credits = _told("credits", Credits.parse, cells["credits"])
    if credits == ZERO:
        raise BadCell("credits", "more than 0 credits", "0")
    return Rate(country=country, credits=credits, price=None, vat_rate=None)


def _tier(cells: dict[str, str]) -> PackTier:
    least = _quantity("quantity_min", cells["quantity_min"])
    most = _quantity("quantity_max", cells["quantity_max"]) if cells["quantity_max"] else None
    if most is not None and most <= least:
        expected = f"nothing, or more than the minimum of {least}"
        raise BadCell("quantity_max", expected, str(most))
    currency = _told("currency", _currency, cells["currency"])
    price = _told(
        "credit_price", lambda text: Money.parse(text, currency), cells["credit_price"]
    )
    if price.amount <= 0:
        raise BadCell("credit_price", "a price above 0", shown(cells["credit_price"]))
    return PackTier(
        quantity_min=least,
        quantity_max=most,
        credit_price=price,
        discount_price=None,
        vat_rate=None,
    )


def _quantity(column: str, text: str) -> int:
    if not _QUANTITY.fullmatch(text) or int(text) == 0:
        raise BadCell(column, "a whole number of credits like 100", shown(text))
    return int(text)


def _currency(text: str) -> str:
    return Money(Decimal(0), text).currency


def _since(text: str, billing_country: str) -> datetime:
    """Read a date, which begins where the billing country is, or a time with its offset."""
    if is_bare_date(text):
        day = _told("valid_from", parse_date, text)
        since = start_of_day(day, zone(zone_of_subsidiary(billing_country)))
    else:
        since = _told("valid_from", parse_instant, text)
    if since < _EARLIEST:
        raise BadCell("valid_from", "a date from 2000 on", shown(text))
    return since


def _told(column: str, read: Callable[[str], T], text: str) -> T:
    """Read a cell; what the vocabulary says of a bad one is said of this column."""
    try:
        return read(text)
    except InvalidValue as error:
        raise BadCell.told(column, error) from None
