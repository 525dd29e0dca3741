"""Sums by dimension, month, account and value as they are kept: many values to a row.

A row for each value writes out its dimension, month and account again and again, on PostgreSQL
once more in an index. The view `monthly_total` shows the values one by one; who adds to them
puts whole blocks back.

An account has one block of each dimension and month. Only where every message has a batch or a
tag of its own there are more: to add one message would write all of them again. So a block
holds a stretch of the values in their order, and is divided where they become too many.
"""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Final

import msgspec

from ledger.database import Database, Row, Rows
from ledger.errors import IntegrityFailure
from projections.tables import MONTH_BLOCK

# Dimension, month and account; and the value from which on a block has them.
MonthKey = tuple[str, str, str]
BlockKey = tuple[str, str, str, str]

# By value: how many, thousandths.
Values = dict[str, list[int]]

# From where on the first block of a month has its values.
_FIRST: Final = ""

# Values in a block.
_AT_MOST: Final = 256

# Months, or blocks, that are read at once.
_AT_ONCE: Final = 100

_GONE: Final = """
    DELETE FROM month_block WHERE dimension = :dimension AND month = :month
        AND account = :account AND values_from = :values_from
"""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[tuple[str, int, int]]).decode


def add_values(rows: Rows, found: Mapping[MonthKey, Values], *, empty: bool = False) -> None:
    """Add sums to those that are kept, of which there are none where the table is `empty`.

    A value of which nothing is left leaves its block.
    """
    months = sorted(found.items())
    if empty:
        new = chain.from_iterable(packed((*key, _FIRST), values) for key, values in months)
        rows.insert(MONTH_BLOCK.new, new)
        return
    begins = _begins(rows, list(found))
    blocks = chain.from_iterable(
        _divided(key, values, begins.get(key, [])) for key, values in months
    )
    while some := dict(islice(blocks, _AT_ONCE)):
        _put_back(rows, some)


def _begins(rows: Rows, months: Sequence[MonthKey]) -> dict[MonthKey, list[str]]:
    """Give from where on the blocks of some months have their values, in order."""
    begins: dict[MonthKey, list[str]] = defaultdict(list)
    for at in range(0, len(months), _AT_ONCE):
        for dimension, month, account, begin in _known(rows, months[at : at + _AT_ONCE]):
            begins[dimension, month, account].append(begin)
    for some in begins.values():
        some.sort()
    return begins


def _divided(
    key: MonthKey, values: Values, begins: Sequence[str]
) -> Iterator[tuple[BlockKey, Values]]:
    """Give what is to be added to each block of a month."""

    def block_of(value: str) -> str:
        place = bisect(begins, value)
        return begins[place - 1] if place else _FIRST

    for begin, some in groupby(sorted(values), block_of):
        yield (*key, begin), {value: values[value] for value in some}


def _put_back(rows: Rows, more: dict[BlockKey, Values]) -> None:
    """Read some blocks, join to them what is more, and write them."""
    emptied = []
    for dimension, month, account, begin, sums in _known(rows, list(more), "sums"):
        key = dimension, month, account, begin
        more[key] = _joined(unpacked(sums), more[key])
        if not more[key]:
            emptied.append(dict(zip(MONTH_BLOCK.key, key, strict=True)))
    rows.execute_many(_GONE, emptied)
    rows.insert(MONTH_BLOCK, chain.from_iterable(packed(*block) for block in more.items()))


def _known(rows: Rows, keys: Sequence[tuple[str, ...]], *values: str) -> Sequence[Row]:
    """Give the keys, and values, of the blocks whose keys are these, or begin so."""
    names = ", ".join(MONTH_BLOCK.key[: len(keys[0])])
    each = {f"key{i}_{j}": text for i, key in enumerate(keys) for j, text in enumerate(key)}
    wanted = ", ".join(
        f"({', '.join(f':key{i}_{j}' for j in range(len(key)))})" for i, key in enumerate(keys)
    )
    return rows.execute(
        f"WITH wanted ({names}) AS (VALUES {wanted})"  # noqa: S608 (our own names)
        f" SELECT {', '.join((*MONTH_BLOCK.key, *values))}"
        f" FROM wanted JOIN month_block USING ({names})",
        **each,
    )


def _joined(known: Values, more: Values) -> Values:
    for value, (count, milli) in more.items():
        sums = known.setdefault(value, [0, 0])
        sums[0] += count
        sums[1] += milli
    return {value: sums for value, sums in known.items() if any(sums)}


def packed(key: BlockKey, values: Values) -> Iterator[Row]:
    """Give the rows that keep a block: several, of the same size, where it is too large."""
    kept = [(value, *sums) for value, sums in sorted(values.items()) if any(sums)]
    parts = -(-len(kept) // _AT_MOST)
    for part in range(parts):
        some = kept[len(kept) * part // parts : len(kept) * (part + 1) // parts]
        begin = some[0][0] if part else key[-1]
        yield (*key[:-1], begin, _encode(some).decode())


def unpacked(sums: str) -> Values:
    """Read what `packed` wrote. Raises IntegrityFailure."""
    try:
        return {value: [count, milli] for value, count, milli in _decode(sums)}
    except msgspec.DecodeError as error:
        msg = (
            f"expected the sums of a month, found something else ({error}); type `sms-ledger"
            " rebuild --only monthly-totals`"
        )
        raise IntegrityFailure(msg) from error


def misplaced(database: Database) -> Iterator[MonthKey]:
    """Give the months whose values are not in order, or not in the blocks that they are of."""
    rows = database.each(
        "SELECT dimension, month, account, values_from, sums FROM main.month_block"
        " ORDER BY dimension, month, account, values_from COLLATE BINARY"
    )
    for key, blocks in groupby(rows, itemgetter(0, 1, 2)):
        if not _in_order(blocks):
            yield key


def _in_order(blocks: Iterable[Row]) -> bool:
    before: list[str] = []
    for *_, begin, sums in blocks:
        values = [value for value, *_ in _decode(sums)]
        if before >= [begin] or values < [begin] or values != sorted(set(values)):
            return False
        before = values[-1:]
    return True
