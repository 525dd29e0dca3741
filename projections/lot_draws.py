"""Draws of lots, read from the blocks in which they are kept: few of these, found by time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Final

from ledger.database import Rows
from ledger.draw_blocks import (
    LOT_DRAW_BLOCK,
    POSTED_DRAW_BLOCK,
    USED,
    DrawBlock,
    LotDraw,
    unpacked,
)

FOREVER_US: Final = 2**62

_PLACE: Final = attrgetter("at_us", "happened_us", "kind", "reference", "number")

_TABLES: Final[Mapping[bool, str]] = {
    False: LOT_DRAW_BLOCK.name,
    True: POSTED_DRAW_BLOCK.name,
}
_BLOCKS: Final = f"SELECT {', '.join(DrawBlock._fields)} FROM {{}}"  # noqa: S608 (our own names)
_OF_ACCOUNT: Final = f"{_BLOCKS} WHERE account = :account AND {{}}"


def draws_between(
    rows: Rows, account: str, since_us: int, until_us: int, *, posted: bool
) -> Iterator[LotDraw]:
    """Give the draws of an account from one instant up to another one, in their order."""
    sql = _OF_ACCOUNT.format(_TABLES[posted], _BETWEEN)
    for block in rows.execute(sql, account=account, since=since_us, until=until_us):
        for draw in sorted(unpacked(DrawBlock(*block)), key=_PLACE):
            if since_us <= draw.at_us < until_us:
                yield draw


_BETWEEN: Final = "last_at_us >= :since AND first_at_us < :until ORDER BY last_at_us"


def covered_between(
    rows: Rows, account: str, since_us: int, until_us: int, *, posted: bool
) -> list[LotDraw]:
    """Give draws from before an instant that were covered from then on, as they were."""
    sql = _OF_ACCOUNT.format(_TABLES[posted], _COVERED)
    found = [
        draw
        for block in rows.execute(sql, account=account, since=since_us)
        for draw in unpacked(DrawBlock(*block))
        if draw.at_us < since_us
        and draw.covered_us is not None
        and since_us <= draw.covered_us < until_us
    ]
    return sorted(found, key=attrgetter("covered_us", "kind", "reference", "number"))


_COVERED: Final = "covered_at_us >= :since AND first_at_us < :since"


def owed_of(rows: Rows, account: str, *, posted: bool) -> Iterator[LotDraw]:
    """Give draws that no lot covered when they happened: it was later, or is not yet."""
    for block in rows.execute(_OF_ACCOUNT.format(_TABLES[posted], _OWED), account=account):
        for draw in unpacked(DrawBlock(*block)):
            if draw.lot is None or draw.covered_us is not None:
                yield draw


_OWED: Final = "(covered_at_us IS NOT NULL OR lots LIKE '%[null]%')"


def next_used(rows: Rows, account: str, since_us: int, *, posted: bool) -> list[LotDraw]:
    """Give the draws of the first segment of messages that ends at an instant or later."""
    sql = _OF_ACCOUNT.format(_TABLES[posted], _NEXT)
    after_us = since_us
    while found := rows.execute(sql, account=account, since=after_us):
        block = DrawBlock(*found[0])
        used = [
            draw for draw in unpacked(block) if draw.kind == USED and draw.at_us >= since_us
        ]
        if used:
            first_us = min(draw.at_us for draw in used)
            at_once = (draw for draw in used if draw.at_us == first_us)
            return sorted(at_once, key=attrgetter("number"))
        after_us = block.last_at_us + 1
    return []


_NEXT: Final = "last_at_us >= :since ORDER BY last_at_us LIMIT 1"


def drawn_milli(rows: Rows, *, posted: bool) -> Mapping[str, int]:
    """Give how many thousandths left each account of the ledger, by all that is kept."""
    drawn: dict[str, int] = defaultdict(int)
    for block in rows.execute(_BLOCKS.format(f"main.{_TABLES[posted]}")):
        drawn[block[0]] += sum(draw.milli for draw in unpacked(DrawBlock(*block)))
    return drawn
