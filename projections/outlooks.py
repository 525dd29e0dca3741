"""What an account will use, told from the days that it had: exact, and without chance.

What is expected of a day is the mean of its weekday. How far it may be off is told by replay:
every four weeks in a row that the history holds are lived through again, over and over, each
day on its own weekday; the first and the last of these futures are the range. A history of
fewer than eight weeks claims no range.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate, cycle, islice
from typing import Final, Literal

Method = Literal["weekdays", "mean", "none"]

# In days. The history that is looked at; the one from which on weekdays are told apart; the
# one from which on a range is claimed; how far ahead is looked.
LATELY: Final = 91
BY_WEEKDAY: Final = 14
FOR_A_RANGE: Final = 56
AHEAD: Final = 731

_WEEK: Final = 7
_WINDOW: Final = 28

# What is used on a day, on the day after, and so on; then again from the beginning.
Pattern = Sequence[Fraction | int]


@dataclass(frozen=True, slots=True)
class History:
    """What was used on each whole day from `first` on, in thousandths; a day without is 0."""

    first: date
    used: Sequence[int]

    @property
    def method(self) -> Method:
        if not self.used:
            return "none"
        return "weekdays" if len(self.used) >= BY_WEEKDAY else "mean"

    @property
    def per_day(self) -> Fraction:
        """The mean of all days, 0 without any."""
        return Fraction(sum(self.used), len(self.used) or 1)

    def expected(self, day: date) -> Pattern:
        """Give what is expected of a day and of those after it."""
        if self.method != "weekdays":
            return [self.per_day]
        ahead = (day - self.first).days
        days = [self.used[(ahead + offset) % _WEEK :: _WEEK] for offset in range(_WEEK)]
        return [Fraction(sum(one), len(one)) for one in days]

    def windows(self, day: date) -> list[Pattern]:
        """Give every four weeks in a row, each begun at the weekday of a day to come."""
        if len(self.used) < FOR_A_RANGE:
            return []
        ahead = (day - self.first).days
        return [
            _turned(self.used[begin : begin + _WINDOW], (ahead - begin) % _WEEK)
            for begin in range(len(self.used) - _WINDOW + 1)
        ]


def _turned(window: Sequence[int], by: int) -> Pattern:
    return [*window[by:], *window[:by]]


@dataclass(frozen=True, slots=True)
class Outlook:
    """A balance and the days to come: the first of them is `day`.

    Of that day `already` thousandths were used before; what is expected of it is the rest.
    """

    history: History
    day: date
    balance: int
    already: int = 0

    @property
    def pattern(self) -> Pattern:
        return self.history.expected(self.day)

    @property
    def patterns(self) -> list[Pattern]:
        return self.history.windows(self.day)

    def uses(self, pattern: Pattern) -> Iterator[Fraction | int]:
        """Give what each day to come uses, without end."""
        days = cycle(pattern)
        yield max(next(days) - self.already, 0)
        yield from days

    def balances(self, pattern: Pattern, days: int) -> list[Fraction | int]:
        """Give the balance at the end of each of the days to come."""
        used = accumulate(islice(self.uses(pattern), days))
        return [self.balance - one for one in used]

    def used_in(self, pattern: Pattern, days: int) -> Fraction | int:
        """Give what the next days use together."""
        return sum(islice(self.uses(pattern), days))

    def day_below(self, level: int, pattern: Pattern) -> date | None:
        """Give the first day that ends with less than a level; None: too far ahead."""
        left: Fraction | int = self.balance
        if left < level:
            return self.day
        for ahead, used in enumerate(islice(self.uses(pattern), AHEAD)):
            left -= used
            if left < level:
                return self.day + timedelta(days=ahead)
        return None


@dataclass(frozen=True, slots=True)
class Dates:
    """When something is expected, at the earliest and at the latest; None: too far ahead.

    Without a range, the earliest and the latest say nothing.
    """

    expected: date | None
    earliest: date | None = None
    latest: date | None = None


def dates_below(outlook: Outlook, level: int) -> Dates:
    """Tell when a balance will be below a level. What is expected is within the range."""
    expected = outlook.day_below(level, outlook.pattern)
    if outlook.history.method == "none":
        return Dates(None)
    found = [outlook.day_below(level, pattern) for pattern in outlook.patterns]
    if not found:
        return Dates(expected)
    found.append(expected)
    known = [one for one in found if one is not None]
    latest = max(known) if len(known) == len(found) else None
    return Dates(expected, min(known, default=None), latest)


@dataclass(frozen=True, slots=True)
class Amount:
    """What is expected, the least and the most of it, in thousandths."""

    expected: Fraction | int
    least: Fraction | int
    most: Fraction | int


def used_in(outlook: Outlook, days: int) -> Amount:
    """Tell what the next days use; without a range, all three are the same."""
    expected = outlook.used_in(outlook.pattern, days)
    found = [expected, *(outlook.used_in(pattern, days) for pattern in outlook.patterns)]
    return Amount(expected, min(found), max(found))


def balances_ahead(outlook: Outlook, days: int) -> list[Amount]:
    """Tell the balance at the end of each of the next days."""
    expected = outlook.balances(outlook.pattern, days)
    futures = [expected, *(outlook.balances(pattern, days) for pattern in outlook.patterns)]
    return [
        Amount(one, min(day), max(day))
        for one, day in zip(expected, zip(*futures, strict=True), strict=True)
    ]
