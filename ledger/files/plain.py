"""Plain lines: blocks of rows read column by column, each distinct text once.

This is how nearly all rows of a long file are read. It takes what it can take whole, and
leaves every doubt to the reader of single rows (`rows`), which is also the one that says what
is wrong: the two never differ in what they make of a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar, cast

from ledger.events import LineKind
from ledger.files.blocks import Block, Odd
from ledger.files.chunks import Group, Rows, Sorter
from ledger.files.columns import COLUMNS
from ledger.files.parties import BadCell, Parties
from ledger.files.rows import LONGEST_NUMBER, country_of, label_of, milli_of, parts_of

Value = TypeVar("Value")

# Minutes and seconds, with the colons before them.
_WITHIN_HOUR_US: Final = {
    f":{minute:02d}:{second:02d}": (60 * minute + second) * 1_000_000
    for minute in range(60)
    for second in range(60)
}


class _Memo(dict[str, Value]):
    """What each text means, found out when it comes first."""

    def __init__(self, meaning: Callable[[str], Value]) -> None:
        self._meaning = meaning

    def __missing__(self, text: str) -> Value:
        value = self[text] = self._meaning(text)
        return value


class PlainReader:
    """Reads blocks of rows into a sorter. Its memory lasts for a segment."""

    def __init__(
        self,
        header: Sequence[str],
        parties: Parties,
        sorter: Sorter,
        *,
        instant: Callable[[str], int],
        first_us: int,
        last_us: int,
    ) -> None:
        self._header = header
        self._parties = parties
        self._sorter = sorter
        self._first_us, self._last_us = first_us, last_us
        self._rows: dict[tuple[str, str, str], Rows] = {}
        self._hours = _Memo(lambda text: instant(f"{text[:13]}:00:00{text[13:]}"))
        self._spent = _Memo(lambda text: -milli_of(text, "consumption"))
        self._memos: tuple[_Memo[Any], ...] = (
            _Memo(parts_of),
            _Memo(country_of),
            *(_Memo(partial(label_of, column)) for column in ("tag", "user", "batch")),
        )

    def read(self, block: Block) -> None:
        """Take in rows of lines whole. Raises Odd, then nothing of them was taken in."""
        if block.lines:
            cells: dict[str, Sequence[str]] = dict.fromkeys(COLUMNS, ("",) * len(block.lines))
            cells.update(zip(self._header, block.columns, strict=True))
            try:
                self._take(cells, block.lines)
            except (BadCell, LookupError, ValueError):
                raise Odd from None

    def _take(self, cells: dict[str, Sequence[str]], lines: Sequence[int]) -> None:
        ids = _ids(cells["id"])
        at_us = self._instants(cells["happened_at"])
        spent = list(map(self._spent.__getitem__, cells["credits"]))
        names = ("parts", "country", "tag", "user", "batch")
        details = (
            map(memo.__getitem__, cells[name])
            for name, memo in zip(names, self._memos, strict=True)
        )
        made = list(zip(ids, lines, at_us, spent, *details, strict=True))
        parties = list(zip(cells["customer"], cells["account"], cells["kind"], strict=True))
        self._make_room(parties, lines)
        self._count(cells["customer"], spent, lines)
        for rows, one in zip(map(self._rows.__getitem__, parties), made, strict=True):
            rows.append(one)

    def _instants(self, texts: Sequence[str]) -> list[int]:
        hours, within = self._hours, _WITHIN_HOUR_US
        at_us = [hours[text[:13] + text[19:]] + within[text[13:19]] for text in texts]
        if min(at_us) < self._first_us or max(at_us) > self._last_us:
            raise Odd
        return at_us

    def _make_room(self, parties: Sequence[tuple[str, str, str]], lines: Sequence[int]) -> None:
        """Find the list of each account's lines of a kind, in the order of the rows."""
        for party in dict.fromkeys(parties):
            if party not in self._rows:
                customer, name, kind = party
                if not customer or not name:
                    raise Odd
                line = lines[parties.index(party)]
                account = self._parties.account("account", name, customer, line)
                group = Group(account.number, cast(LineKind, kind), False)
                self._rows[party] = self._sorter.into(group)

    def _count(
        self, customers: Sequence[str], spent: Sequence[int], lines: Sequence[int]
    ) -> None:
        milli = dict.fromkeys(customers, 0)
        for customer, one in zip(customers, spent, strict=True):
            milli[customer] += one
        rows, last_line = Counter(customers), dict(zip(customers, lines, strict=True))
        for customer, sum_milli in milli.items():
            self._parties.count(
                customer, last_line[customer], rows=rows[customer],
                milli=-sum_milli, gross_milli=sum_milli,
            )  # fmt: skip


def _ids(texts: Sequence[str]) -> list[int]:
    """Read ids that are all numbers, as OVH's are."""
    ids = list(map(int, texts))
    if list(map(str, ids)) != list(texts) or max(ids) >= 10**LONGEST_NUMBER or min(ids) < 0:
        raise Odd
    return ids
