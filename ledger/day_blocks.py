"""Sums by account, day and kind as they are kept: a month of them to a row.

A row for each day writes out names and times again and again, which takes twice the room on
SQLite and four times on PostgreSQL. The view `daily_total` shows the days one by one; who adds
to them puts whole months back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from ledger.database import Row, Rows, Table
from ledger.errors import IntegrityFailure

# `days` holds of each day its number, how many, thousandths, how long its first was after that
# of the month and its last after its first, both in units; and where that is not 0, by how many
# microseconds it was recorded later than `recorded_at_us`.
DAILY_BLOCK: Final = Table(
    "daily_block",
    ("account", "month", "kind"),
    ("first_at_us", "last_at_us", "unit_us", "recorded_at_us", "days"),
    """ON CONFLICT (account, month, kind) DO UPDATE SET
        first_at_us = excluded.first_at_us, last_at_us = excluded.last_at_us,
        unit_us = excluded.unit_us, recorded_at_us = excluded.recorded_at_us,
        days = excluded.days""",
    view="daily_total",
)
# The view of it.
DAILY_TOTAL: Final = Table(
    "daily_total",
    ("account", "day", "kind"),
    ("count", "milli", "first_at_us", "last_at_us", "recorded_at_us"),
)
_OF_ACCOUNT: Final = """
    SELECT month, kind, first_at_us, unit_us, recorded_at_us, days FROM daily_block
    WHERE account = :account AND month BETWEEN :first AND :last ORDER BY month, kind
"""
_EVER: Final = ("", "~")

_MONTH: Final = len("2026-10")

# A second, a millisecond, a microsecond: the largest in which all times of a block are whole.
UNITS_US: Final = (1_000_000, 1_000, 1)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[list[int]]).decode

# Account, month and kind; account, day and kind.
BlockKey = tuple[str, str, str]
DayKey = tuple[str, str, str]


@dataclass(slots=True)
class Sum:
    """What moved in one day, of one kind."""

    count: int
    milli: int
    first_at_us: int
    last_at_us: int
    recorded_at_us: int

    def add(self, other: Sum) -> None:
        self.count += other.count
        self.milli += other.milli
        self.first_at_us = min(self.first_at_us, other.first_at_us)
        self.last_at_us = max(self.last_at_us, other.last_at_us)
        self.recorded_at_us = max(self.recorded_at_us, other.recorded_at_us)


# By the number of the day.
Block = dict[int, Sum]


def add_days(rows: Rows, found: Iterable[tuple[DayKey, Sum]], *, empty: bool = False) -> None:
    """Add sums to those that are kept, of which there are none where the table is `empty`."""
    blocks = by_month(found)
    if not empty:
        for key, known in _known(rows, blocks):
            _join(known, blocks[key])
            blocks[key] = known
    table = DAILY_BLOCK.new if empty else DAILY_BLOCK
    rows.insert(table, (packed(key, block) for key, block in sorted(blocks.items())))


def by_month(found: Iterable[tuple[DayKey, Sum]]) -> dict[BlockKey, Block]:
    blocks: dict[BlockKey, Block] = defaultdict(dict)
    for (account, day, kind), one in found:
        blocks[account, day[:_MONTH], kind][int(day[_MONTH + 1 :])] = one
    return blocks


def _join(known: Block, more: Block) -> None:
    for day, found in more.items():
        earlier = known.setdefault(day, found)
        if earlier is not found:
            earlier.add(found)


def _known(rows: Rows, wanted: Mapping[BlockKey, Block]) -> Iterator[tuple[BlockKey, Block]]:
    """Give the wanted blocks that there are."""
    months: dict[str, set[str]] = defaultdict(set)
    for account, month, _ in wanted:
        months[account].add(month)
    for account, those in months.items():
        for month, kind, block in blocks_of(rows, account, (min(those), max(those))):
            if (account, month, kind) in wanted:
                yield (account, month, kind), block


def blocks_of(
    rows: Rows, account: str, months: tuple[str, str] = _EVER
) -> Iterator[tuple[str, str, Block]]:
    """Give month, kind and days of an account, of all months or from one to another.

    It is faster than the view by the time that JSON takes in SQL. Raises IntegrityFailure.
    """
    first, last = months
    for month, kind, *days in rows.execute(
        _OF_ACCOUNT, account=account, first=first, last=last
    ):
        yield month, kind, unpacked(*days)


def packed(key: BlockKey, block: Block) -> Row:
    """Give the row that keeps a block."""
    sums = block.values()
    first_us = min(one.first_at_us for one in sums)
    last_us = max(one.last_at_us for one in sums)
    recorded_us = min(one.recorded_at_us for one in sums)
    unit_us = next(unit for unit in UNITS_US if _is_whole(sums, first_us, unit))
    days = [
        [
            day, one.count, one.milli, (one.first_at_us - first_us) // unit_us,
            (one.last_at_us - one.first_at_us) // unit_us,
            *([later] if (later := one.recorded_at_us - recorded_us) else []),
        ]
        for day, one in sorted(block.items())
    ]  # fmt: skip
    return (*key, first_us, last_us, unit_us, recorded_us, _encode(days).decode())


def _is_whole(sums: Iterable[Sum], first_us: int, unit_us: int) -> bool:
    return not any(
        (one.first_at_us - first_us) % unit_us or (one.last_at_us - first_us) % unit_us
        for one in sums
    )


def unpacked(first_us: int, unit_us: int, recorded_us: int, days: str) -> Block:
    """Read what `packed` wrote. Raises IntegrityFailure."""
    block: Block = {}
    try:
        for day, count, milli, begin, span, *later in _decode(days):
            first = first_us + begin * unit_us
            recorded = recorded_us + sum(later)
            block[day] = Sum(count, milli, first, first + span * unit_us, recorded)
    except (msgspec.DecodeError, ValueError) as error:
        msg = (
            f"expected the days of a month, found something else ({error}); type `sms-ledger"
            " rebuild --only daily-totals`"
        )
        raise IntegrityFailure(msg) from error
    return block
