"""Draws of lots as they are kept: so many of them to a row, one after the other in time.

A row for each of them writes out accounts, lots and times again and again: that takes three
times the room on SQLite and eight times on PostgreSQL. A draw that begins where the one
before it of the same lot ended, as nearly all do, does not say so. The views `lot_draw` and
`posted_draw` show the draws one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import groupby
from math import gcd
from operator import attrgetter
from typing import Annotated, Final, NamedTuple

import msgspec

from ledger.database import Row, Table
from ledger.day_blocks import UNITS_US
from ledger.errors import IntegrityFailure
from ledger.lots import LotId

LOT_DRAW_BLOCK: Final = Table(
    "lot_draw_block",
    ("account", "last_at_us"),
    ("first_at_us", "covered_at_us", "day", "unit_us", "lots", "draws"),
    view="lot_draw",
)
POSTED_DRAW_BLOCK: Final = Table(
    "posted_draw_block", LOT_DRAW_BLOCK.key, LOT_DRAW_BLOCK.values, view="posted_draw"
)

USED: Final = "used"

# As many as a month of a busy account: a kilobyte. Who reads a month decodes one or two rows.
_TO_A_ROW: Final = 48

_DAY_US: Final = 86_400_000_000


class LotDraw(NamedTuple):
    """What left an account, of one piece of a lot (None: of none, yet); times in microseconds.

    The first fields are the order of draws. `number` counts the pieces of one draw, from 1 on.
    Thousandths of the lot from `first` on; what no lot covers begins at 0.
    """

    at_us: int
    happened_us: int
    kind: str
    reference: str
    number: int
    day: str
    lot: LotId | None
    first: int
    milli: int
    covered_us: int | None


class DrawBlock(NamedTuple):
    """A row of the tables: draws of an account from `first_at_us` to `last_at_us`.

    `covered_at_us` is the last at which any was covered later, None if none was; `day` is that
    of the first. All times are whole in `unit_us`. `lots` and `draws` are JSON.
    """

    account: str
    last_at_us: int
    first_at_us: int
    covered_at_us: int | None
    day: str
    unit_us: int
    lots: str
    draws: str


class _Lot(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A lot, where its first draw of the block begins, and which other account bought it."""

    name: str | None
    first: int = 0
    account: str = ""


class _Coded(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A draw of a block.

    Its day and time as days after the block's first, and units after the same time of day;
    which of the block's lots; how many thousandths of it were skipped; when it was covered and
    by how much it stands later than it happened, in units.
    """

    days: int
    rest: int
    milli: int
    lot: Annotated[int, msgspec.Meta(ge=0)] = 0
    kind: str = USED
    reference: str = ""
    skipped: int = 0
    covered: int | None = None
    late: int = 0


_UNSAID: Final = (0, USED, "", 0, None, 0)

_encode = msgspec.json.Encoder().encode
_lots_of = msgspec.json.Decoder(list[_Lot]).decode
_draws_of = msgspec.json.Decoder(list[_Coded]).decode


# --- writing --------------------------------------------------------------------------------


def blocks(account: str, draws: Iterable[LotDraw]) -> Iterator[DrawBlock]:
    """Give the rows that keep the draws of an account."""
    block: list[LotDraw] = []
    # No two rows hold draws of one instant: rows are found by time.
    for _, at_once in groupby(sorted(draws, key=_order), attrgetter("at_us")):
        block += at_once
        if len(block) >= _TO_A_ROW:
            yield packed(account, block)
            block = []
    if block:
        yield packed(account, block)


def _order(draw: LotDraw) -> tuple[object, ...]:
    """Sort as lots are drawn, at one instant by messages first: it leaves least to be said."""
    at_us, happened_us, kind, reference, number, *_ = draw
    return at_us, happened_us, kind != USED, kind, reference, number


def packed(account: str, draws: Sequence[LotDraw]) -> DrawBlock:
    """Give the row that keeps some draws, which are in their order."""
    first, last_us = draws[0], draws[-1].at_us
    covered = [draw.covered_us for draw in draws if draw.covered_us is not None]
    unit_us = _unit_us(draws)
    lots, coded = _coded(account, draws, unit_us)
    return DrawBlock(
        account, last_us, first.at_us, max(covered, default=None), first.day, unit_us,
        _encode(lots).decode(), _encode(coded).decode(),
    )  # fmt: skip


def _unit_us(draws: Sequence[LotDraw]) -> int:
    """Give the largest unit in which all times are whole, counted from the first draw's."""
    first_us = draws[0].at_us
    times = {draw.at_us for draw in draws} | {draw.happened_us for draw in draws}
    times |= {draw.covered_us for draw in draws if draw.covered_us is not None}
    whole = gcd(*(at_us - first_us for at_us in times))
    return next(unit for unit in UNITS_US if whole % unit == 0)


def _coded(account: str, draws: Sequence[LotDraw], unit_us: int) -> tuple[list[Row], list[Row]]:
    """Give the lots of a block, each once, and its draws."""
    first_us, first_day = draws[0].at_us, draws[0].day
    places: dict[LotId | None, int] = {}
    lots: list[Row] = []
    nexts: list[int] = []
    coded: list[Row] = []
    for at_us, happened_us, kind, reference, _, day, lot, first, milli, covered_us in draws:
        place = places.setdefault(lot, len(lots))
        if place == len(lots):
            lots.append(_shown_lot(account, lot, first))
            nexts.append(first)
        days = _days_from(first_day, day)
        rest = (at_us - first_us - days * _DAY_US) // unit_us
        covered = None if covered_us is None else (covered_us - at_us) // unit_us
        late = (at_us - happened_us) // unit_us
        more = _told((place, kind, reference, first - nexts[place], covered, late))
        nexts[place] = 0 if lot is None else first + milli
        coded.append((days, rest, milli, *more))
    return lots, coded


def _shown_lot(account: str, lot: LotId | None, first: int) -> Row:
    if lot is None:
        return (None,)
    return (lot.name, first) if lot.account == account else (lot.name, first, lot.account)


def _told(values: Row) -> Row:
    """Leave out what is as it is with most draws."""
    end = len(values)
    while end and values[end - 1] == _UNSAID[end - 1]:
        end -= 1
    return values[:end]


@lru_cache(4096)
def _days_from(first: str, day: str) -> int:
    return (date.fromisoformat(day) - date.fromisoformat(first)).days


# --- reading --------------------------------------------------------------------------------


def unpacked(block: DrawBlock) -> list[LotDraw]:
    """Read what `packed` wrote. Raises IntegrityFailure."""
    try:
        return list(_decoded(block))
    except (msgspec.MsgspecError, ValueError, TypeError, LookupError, OverflowError) as error:
        msg = (
            f"expected draws of lots of {block.account}, found what is none ({error});"
            " type `sms-ledger rebuild --only lots`"
        )
        raise IntegrityFailure(msg) from error


def _decoded(block: DrawBlock) -> Iterator[LotDraw]:
    account, last_us, first_us, _, day, unit_us, lots, draws = block
    found = _lots_of(lots)
    nexts = [one.first for one in found]
    known = [
        None if one.name is None else LotId(one.account or account, one.name) for one in found
    ]
    key: tuple[object, ...] = ()
    at_us = number = 0
    for one in _draws_of(draws):
        at_us = first_us + one.days * _DAY_US + one.rest * unit_us
        happened_us = at_us - one.late * unit_us
        previous, key = key, (at_us, happened_us, one.kind, one.reference)
        number = number + 1 if key == previous else 1
        place, milli = one.lot, one.milli
        lot = known[place]
        first = nexts[place] + one.skipped
        nexts[place] = 0 if lot is None else first + milli
        covered_us = None if one.covered is None else at_us + one.covered * unit_us
        yield LotDraw(
            at_us, happened_us, one.kind, one.reference, number, _day_after(day, one.days),
            lot, first, milli, covered_us,
        )  # fmt: skip
    if at_us != last_us:
        msg = f"the last one at {at_us} instead of {last_us} µs"
        raise ValueError(msg)


@lru_cache(4096)
def _day_after(first: str, days: int) -> str:
    return (date.fromisoformat(first) + timedelta(days=days)).isoformat()
