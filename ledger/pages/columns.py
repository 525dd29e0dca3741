"""Lines, one by one and as columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count, repeat
from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from msgspec.structs import astuple

LineId = int | str

NUMBERS: Final = ("parts", "calling_code", "receipt", "deferral", "length", "inferred")
TEXTS: Final = ("country", "tariff", "batch", "tag")

UNKNOWN_COUNTRY: Final = "ZZ"


class Line(Struct, frozen=True, gc=False):
    """One SMS, received reply, HLR lookup or cleaned contact; made with named arguments.

    `milli` is what it cost, in thousandths of a credit; `inferred` is the number of the rule
    that told the cost where OVH did not (1: an HLR lookup costs 0.1 credit). `country` is the
    ISO code found from the number (`ZZ`: unknown), `calling_code` its dialling code. `receipt`
    is OVH's `deliveryReceipt` as first read, `deferral` its `differedDelivery` in minutes,
    `length` the message's in characters.
    """

    id: LineId
    at_us: int
    milli: int
    parts: int | None = None
    country: str = UNKNOWN_COUNTRY
    calling_code: int | None = None
    tariff: str | None = None
    receipt: int | None = None
    deferral: int | None = None
    length: int | None = None
    batch: str | None = None
    tag: str | None = None
    inferred: int | None = None


class Texts(Struct, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    """A column of texts: the different ones, and which of them each line has."""

    values: list[str | None]
    index: list[Annotated[int, Meta(ge=0)]]


class Columns(Struct, kw_only=True):
    """Lines of one kind, ordered by id, with ids of one type; each list has a value a line.

    The columns mean what the fields of `Line` do. A column that is empty in every line is None;
    without countries, every line's is unknown.
    """

    id: list[LineId]
    at_us: list[int]
    milli: list[int]
    parts: list[int | None] | None = None
    calling_code: list[int | None] | None = None
    receipt: list[int | None] | None = None
    deferral: list[int | None] | None = None
    length: list[int | None] | None = None
    inferred: list[int | None] | None = None
    country: Texts | None = None
    tariff: Texts | None = None
    batch: Texts | None = None
    tag: Texts | None = None


def order(line_id: LineId) -> tuple[bool, LineId]:
    """Give the place of an id: numbers by size, then texts."""
    return isinstance(line_id, str), line_id


def indexed(values: Sequence[str | None]) -> Texts:
    """Make a column of texts; the different ones stand in the order of their first line."""
    places: defaultdict[str | None, int] = defaultdict(count().__next__)
    index = list(map(places.__getitem__, values))
    return Texts(list(places), index)


def settled(texts: Texts) -> Texts:
    """Keep the texts that some line has, each once, in the order of their first line.

    So a column may come with the values of a larger one that it is a part of.
    """
    if len(set(texts.values)) < len(texts.values):
        return indexed(list(map(texts.values.__getitem__, texts.index)))
    used = list(dict.fromkeys(texts.index))
    if used == list(range(len(texts.values))):
        return texts
    places = dict(zip(used, range(len(used)), strict=True))
    values = list(map(texts.values.__getitem__, used))
    return Texts(values, list(map(places.__getitem__, texts.index)))


def columns_of(lines: Sequence[Line]) -> Columns:
    """Turn lines, ordered by id, into columns."""
    columns: dict[str, Any] = {"id": [], "at_us": [], "milli": []}
    transposed = zip(*map(astuple, lines), strict=True)
    for name, values in zip(Line.__struct_fields__, transposed, strict=False):
        columns[name] = _column(name, values)
    return Columns(**columns)


def _column(name: str, values: tuple[Any, ...]) -> Any:
    if is_empty(values):
        return None
    return indexed(values) if name in TEXTS else list(values)


def is_empty(values: Sequence[object]) -> bool:
    """Tell whether no line has a value."""
    return values[0] is None and values.count(None) == len(values)


def lines_of(columns: Columns) -> list[Line]:
    """Turn columns into lines."""
    many = len(columns.id)
    # The order is that of the fields: named arguments would cost four times as much.
    return list(
        map(
            Line,
            columns.id,
            columns.at_us,
            columns.milli,
            _numbers(columns.parts, many),
            _texts(columns.country, many, default=UNKNOWN_COUNTRY),
            _numbers(columns.calling_code, many),
            _texts(columns.tariff, many),
            _numbers(columns.receipt, many),
            _numbers(columns.deferral, many),
            _numbers(columns.length, many),
            _texts(columns.batch, many),
            _texts(columns.tag, many),
            _numbers(columns.inferred, many),
        )
    )


def _numbers(column: list[int | None] | None, many: int) -> Iterable[Any]:
    return repeat(None, many) if column is None else column


def _texts(column: Texts | None, many: int, *, default: str | None = None) -> Iterable[Any]:
    if column is None:
        return repeat(default, many)
    return map(column.values.__getitem__, column.index)
