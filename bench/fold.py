"""What a file comes to, added up line by line: the measure of every answer.

It is plain code over the text of the file and shares nothing with the product, nor with what
wrote the file. The local day is the first ten characters of a time, the month the first seven.
Sums are signed thousandths: what leaves an account is negative.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

LINES: Final = frozenset({"consumption", "reply", "hlr", "cleaning"})
DIMENSIONS: Final = ("country", "tag", "user", "batch", "kind")

_LEAVING: Final = LINES | {"refund"}

# Count and thousandths.
Sum = tuple[int, int]
Sums = dict[str, Sum]

Key = TypeVar("Key", tuple[str, str, str], tuple[str, str, str, str])


class Fact(NamedTuple):
    """One row of a statement, as the file writes it; a transfer is a row of both accounts."""

    at: str
    kind: str
    id: str
    milli: int


@dataclass(slots=True)
class Fold:
    """What the rows of a file come to.

    `days` is by account, day and kind; `months` by dimension, account, month and value, of
    messages alone; `statements` holds the rows of the accounts and months that were asked for.
    """

    rows: int = 0
    lines: int = 0
    openings: dict[str, int] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)
    days: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    months: dict[tuple[str, str, str, str], list[int]] = field(default_factory=dict)
    statements: dict[tuple[str, str], list[Fact]] = field(default_factory=dict)

    def balances(self, through: str = "9999") -> dict[str, int]:
        """Give what each account owns at the end of a day."""
        owned = dict(self.openings)
        for (account, day, _), (_, milli) in self.days.items():
            if day <= through:
                owned[account] = owned.get(account, 0) + milli
        return owned

    def by_day(self) -> dict[tuple[str, str, str], Sum]:
        return {key: (count, milli) for key, (count, milli) in self.days.items()}

    def by(self, dimension: str, month: str, account: str | None = None) -> Sums:
        """Give a month's messages by a dimension, of one account or of all."""
        found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for (name, of, when, value), (count, milli) in self.months.items():
            if name == dimension and when == month and account in {None, of}:
                found[value][0] += count
                found[value][1] += milli
        return {value: (count, milli) for value, (count, milli) in found.items()}

    def lines_of(self, account: str, month: str) -> int:
        return sum(count for count, _ in self.by("kind", month, account).values())


def fold(path: Path, *, statements: Iterable[tuple[str, str]] = ()) -> Fold:
    """Add up a file; keep the rows of the statements that are wanted, by account and month."""
    found = Fold(statements={wanted: [] for wanted in statements})
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            _count(found, row)
    return found


def _count(found: Fold, row: list[str]) -> None:
    customer, account, kind, id, at, credits, country, _, tag, user, batch, counter, *_ = row
    found.rows += 1
    found.customers[account] = customer
    milli = thousandths(credits)
    if kind in LINES:
        found.lines += 1
        month, values = at[:7], (country, tag, user, batch, kind)
        for dimension, value in zip(DIMENSIONS, values, strict=True):
            _add(found.months, (dimension, account, month, value), -milli)
    if kind == "opening":
        found.openings[account] = milli
    elif kind == "transfer":
        _move(found, account, Fact(at, "transfer-out", id, -milli))
        _move(found, counter, Fact(at, "transfer-in", id, milli))
    else:
        _move(found, account, Fact(at, kind, id, -milli if kind in _LEAVING else milli))


def _move(found: Fold, account: str, fact: Fact) -> None:
    _add(found.days, (account, fact.at[:10], fact.kind), fact.milli)
    wanted = found.statements.get((account, fact.at[:7]))
    if wanted is not None:
        wanted.append(fact)


def _add(sums: dict[Key, list[int]], key: Key, milli: int) -> None:
    known = sums.get(key)
    if known is None:
        sums[key] = [1, milli]
    else:
        known[0] += 1
        known[1] += milli


_known: dict[str, int] = {}


def thousandths(credits: str) -> int:
    """Read credits; a book has few different ones."""
    milli = _known.get(credits)
    if milli is None:
        whole, _, rest = credits.lstrip("-").partition(".")
        milli = int(whole) * 1000 + int(rest.ljust(3, "0"))
        milli = _known[credits] = -milli if credits.startswith("-") else milli
    return milli


def spent(found: Fold) -> Sums:
    """Give the messages of each account: how many, and what they cost."""
    sums: dict[str, Sum] = {}
    for (account, _, kind), (count, milli) in found.days.items():
        if kind in LINES:
            before = sums.get(account, (0, 0))
            sums[account] = (before[0] + count, before[1] - milli)
    return sums
