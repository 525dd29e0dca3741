"""Sums by account, dimension, month and value, gathered in memory and added to a table.

Memory is bounded also where every line has a batch of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, get_args

from ledger.calendars import month_of, months
from ledger.database import Database
from ledger.pages import Texts
from projections.counted import Counted
from projections.month_blocks import MonthKey, Values, add_values
from projections.shares import Shares

# What lines are told apart by. Other movements have a kind alone.
Dimension = Literal["tag", "country", "batch", "user", "kind"]
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)

# How a line without a tag, batch or user is kept; one without a country is of ZZ.
NONE: Final = ""
UNKNOWN_COUNTRY: Final = "ZZ"

# In memory; what goes beyond is added to the table.
_AT_MOST: Final = 50_000

# By account, dimension and month.
MonthTotals = dict[tuple[str, Dimension, str], Values]


class MonthSums:
    """Sums in memory: `found`, of so many values (`size`), for a table that may be empty."""

    def __init__(self, *, empty: bool = False) -> None:
        self.found: MonthTotals = {}
        self.size = 0
        self._is_empty = empty

    def add_kind(self, counted: Counted, at_us: int, kind: str, milli: int) -> None:
        """Add a movement that is no line."""
        if counted.counts(at_us):
            month = month_of(counted.zone, at_us).name
            self._add((counted.account, "kind", month), {kind: [1, milli]})

    def add_page(
        self, counted: Counted, kind: str, shares: Shares, users: Texts | None
    ) -> None:
        """Add a page; `users` are in the order of its ids."""
        for month, part in _parts(counted, shares):
            milli = shares.milli[part]
            found = {kind: [len(milli), -sum(milli)]}
            self._add((counted.account, "kind", month), found)
        self.add_lines(counted, shares, users, sign=1)

    def add_lines(
        self, counted: Counted, shares: Shares, users: Texts | None, *, sign: int
    ) -> None:
        """Add the lines of a page to all dimensions but the kind, or take them away."""
        labels: tuple[tuple[Dimension, Texts | None, str], ...] = (
            ("tag", shares.tag, NONE),
            ("country", shares.country, UNKNOWN_COUNTRY),
            ("batch", shares.batch, NONE),
            ("user", shares.by_time(users), NONE),
        )
        for month, part in _parts(counted, shares):
            milli = shares.milli[part]
            for dimension, texts, missing in labels:
                found: Values = {}
                for value, spent in _by_value(texts, part, milli):
                    sums = found.setdefault(value or missing, [0, 0])
                    sums[0] += sign * len(spent)
                    sums[1] -= sign * sum(spent)
                self._add((counted.account, dimension, month), found)

    def add_change(
        self,
        counted: Counted,
        at_us: int,
        line: Mapping[Dimension, str],
        milli: int,
        *,
        sign: int,
    ) -> None:
        """Add what a correction moved to the labels of its line; it is no further line."""
        if counted.counts(at_us):
            month = month_of(counted.zone, at_us).name
            for dimension, value in line.items():
                self._add((counted.account, dimension, month), {value: [0, sign * milli]})

    def merge(self, totals: MonthTotals) -> None:
        for key, found in totals.items():
            self._add(key, found)

    def _add(self, key: tuple[str, Dimension, str], found: Values) -> None:
        known = self.found.setdefault(key, {})
        before = len(known)
        for value, sums in found.items():
            earlier = known.setdefault(value, sums)
            if earlier is not sums:
                earlier[0] += sums[0]
                earlier[1] += sums[1]
        self.size += len(known) - before

    def has(self, account: str) -> bool:
        return any(key[0] == account for key in self.found)

    def forget(self, account: str) -> None:
        for key in [key for key in self.found if key[0] == account]:
            self.size -= len(self.found.pop(key))

    def flush(self, database: Database, *, everything: bool = True) -> None:
        """Add to the table what was gathered, or only where that is much."""
        if everything or self.size > _AT_MOST:
            found: dict[MonthKey, Values] = {
                (dimension, month, account): values
                for (account, dimension, month), values in self.found.items()
            }
            add_values(database, found, empty=self._is_empty)
            self._is_empty = False
            self.found.clear()
            self.size = 0


def _parts(counted: Counted, shares: Shares) -> Iterator[tuple[str, slice]]:
    """Give each month of a page, and which of its lines are of it."""
    begin = 0 if counted.since_us is None else shares.first_from(counted.since_us)
    if begin < len(shares.at):
        for span in months(counted.zone, shares.at_us(begin), shares.at_us(-1)):
            end = shares.first_from(span.end_us, begin)
            if begin < end:
                yield span.name, slice(begin, end)
            begin = end


def _by_value(
    texts: Texts | None, part: slice, milli: Sequence[int]
) -> Iterator[tuple[str | None, Sequence[int]]]:
    """Divide what some lines cost by their texts."""
    if texts is None or len(texts.values) == 1:
        yield texts.values[0] if texts else None, milli
        return
    # Put aside and summed at once, which takes half as long as to add them up one by one.
    costs: list[list[int]] = [[] for _ in texts.values]
    for place, cost in zip(texts.index[part], milli, strict=True):
        costs[place].append(cost)
    for value, spent in zip(texts.values, costs, strict=True):
        if spent:
            yield value, spent
