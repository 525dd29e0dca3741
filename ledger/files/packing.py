"""Packing: chunks of new lines as the bodies of pages, in whichever process."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, compress
from typing import Any, Final, NamedTuple

from ledger.files.chunks import LABELS, LineColumns, Rows, columns_of
from ledger.pages import (
    LINES_PER_PAGE,
    Columns,
    LineId,
    Packed,
    PackedUsers,
    Texts,
    indexed,
    pack,
    pack_users,
)

# What events may keep of each label, by the name of its column.
Kept = dict[str, dict[str | None, str | None]]


class ToPack(NamedTuple):
    """Lines of one group in the order of their ids: some of those in these chunks.

    A chunk is its data, and the size of the labels in it. `skip` lines of the first belong to
    the pages before, and after so many `lines` those of the next pages begin.
    """

    chunks: list[tuple[bytes, int]]
    skip: int
    lines: int
    kept: Kept


class PackedPage(NamedTuple):
    """A page, who sent its lines where the file tells it, and where they stood in the file."""

    packed: Packed
    users: PackedUsers | None
    first_line: int
    last_line: int


def pack_chunks(task: ToPack) -> list[PackedPage]:
    """Pack lines into pages."""
    found = [columns_of(*chunk) for chunk in task.chunks]
    wanted = slice(task.skip, task.skip + task.lines)
    return _pages([column[wanted] for column in _joined(found, task.kept)])


def pack_rows(rows: Rows, kept: Kept) -> list[PackedPage]:
    """Pack rows of one group, which are ordered by id."""
    ids, lines, at_us, milli, parts, *texts = zip(*rows, strict=True)
    numbers = (list(ids), list(lines), list(at_us), list(milli), list(parts))
    return _pages(_joined([LineColumns(*numbers, *map(indexed, texts))], kept))


def _joined(found: Sequence[LineColumns], kept: Kept) -> list[list[Any]]:
    """Join the columns of chunks, with such texts only as may be kept."""
    numbers = zip(*(one[:5] for one in found), strict=True)
    texts = (
        (_texts(column, kept.get(name)) for column in columns)
        for name, *columns in zip(_TEXTS, *(one[5:] for one in found), strict=True)
    )
    return [list(chain.from_iterable(columns)) for columns in chain(numbers, texts)]


_TEXTS: Final = ("country", *LABELS)


def _texts(column: Texts, kept: dict[str | None, str | None] | None) -> Any:
    values = column.values if kept is None else [kept[value] for value in column.values]
    return map(values.__getitem__, column.index)


def _pages(columns: list[list[Any]]) -> list[PackedPage]:
    return [
        _page([column[start : start + LINES_PER_PAGE] for column in columns])
        for start in range(0, len(columns[0]), LINES_PER_PAGE)
    ]


def _page(found: list[list[Any]]) -> PackedPage:
    ids, lines, at_us, milli, parts, country, tag, users, batch = found
    columns = Columns(
        id=ids,
        at_us=at_us,
        milli=milli,
        parts=_if_any(parts),
        country=indexed(country),
        batch=indexed(batch) if any(batch) else None,
        tag=indexed(tag) if any(tag) else None,
    )
    return PackedPage(pack(columns), _packed_users(ids, users), min(lines), max(lines))


def _if_any(values: list[Any]) -> list[Any] | None:
    return None if values.count(None) == len(values) else values


def _packed_users(ids: list[LineId], users: list[str | None]) -> PackedUsers | None:
    known = [user is not None for user in users]
    if not any(known):
        return None
    return pack_users(list(compress(ids, known)), indexed(list(compress(users, known))))
