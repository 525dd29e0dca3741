"""Pages: consumption lines as compact columns, readable with any zlib and JSON tool.

The body of a page is zlib of one JSON object of columns, one value a line:

- `id`: integers, each the difference to the one before (the first: to 0); or texts;
- `at`: times as whole `unit_us` microseconds since 1970 (UTC), as differences too;
- whole numbers (`milli`, `parts`, `calling_code`, …) as they are, `null` where unknown;
- texts (`country`, `tariff`, `batch`, `tag`) as `[values, index of each line]`.

A column that is empty in every line is left out. Pages hold one kind and one type of id.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import Any, Final

import msgspec

from ledger.credits import Credits
from ledger.errors import IntegrityFailure
from ledger.events import LineKind, LinesAttributed, PageRecorded, Stamp
from ledger.times import from_us

LINES_PER_PAGE: Final = 1000

# Columns give most of the compression; the fastest level of zlib is 17 % larger, 3 × faster.
_ZLIB_LEVEL: Final = 1

_TIME_UNITS_US: Final = (1_000_000, 1_000, 1)
_NUMBERS: Final = (
    "milli", "parts", "calling_code", "receipt", "deferral", "length", "inferred",
)  # fmt: skip
_TEXTS: Final = ("country", "tariff", "batch", "tag")

LineId = int | str


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One SMS, received reply, HLR lookup or cleaned contact.

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
    country: str = "ZZ"
    calling_code: int | None = None
    tariff: str | None = None
    receipt: int | None = None
    deferral: int | None = None
    length: int | None = None
    batch: str | None = None
    tag: str | None = None
    inferred: int | None = None


def order(line_id: LineId) -> tuple[bool, LineId]:
    """Give the place of an id: numbers by size, then texts."""
    return isinstance(line_id, str), line_id


def record_pages(
    kind: LineKind, lines: Iterable[Line], *, numbers: str, stamp: Stamp
) -> Iterator[PageRecorded]:
    """Make the pages that record lines of one kind, ordered by id."""
    ordered = sorted(lines, key=lambda line: order(line.id))
    texts = next(
        (n for n, line in enumerate(ordered) if isinstance(line.id, str)), len(ordered)
    )
    for same_type in (ordered[:texts], ordered[texts:]):
        for start in range(0, len(same_type), LINES_PER_PAGE):
            chunk = same_type[start : start + LINES_PER_PAGE]
            yield _page(kind, chunk, numbers=numbers, stamp=stamp)


def _page(kind: LineKind, lines: Sequence[Line], *, numbers: str, stamp: Stamp) -> PageRecorded:
    totals = _totals(lines)
    body = _pack(lines)
    return PageRecorded(
        **stamp.at(totals["last_at"]),
        kind=kind,
        **totals,
        numbers=numbers,
        body_sha256=hashlib.sha256(body).hexdigest(),
        body=body,
    )


def _totals(lines: Sequence[Line]) -> dict[str, Any]:
    """Give what the header says of the lines."""
    times = [line.at_us for line in lines]
    return {
        "count": len(lines),
        "first_id": lines[0].id,
        "last_id": lines[-1].id,
        "first_at": from_us(min(times)),
        "last_at": from_us(max(times)),
        "spent": Credits(sum(line.milli for line in lines)),
    }


def _pack(lines: Sequence[Line]) -> bytes:
    times = [line.at_us for line in lines]
    unit = next(unit for unit in _TIME_UNITS_US if all(at % unit == 0 for at in times))
    columns: dict[str, Any] = {
        "id": _differences([line.id for line in lines]),
        "unit_us": unit,
        "at": _differences([at // unit for at in times]),
    }
    for name in _NUMBERS:
        values = list(map(attrgetter(name), lines))
        if any(value is not None for value in values):
            columns[name] = values
    for name in _TEXTS:
        texts = list(map(attrgetter(name), lines))
        if any(text is not None for text in texts):
            columns[name] = _indexed(texts)
    return zlib.compress(msgspec.json.encode(columns), _ZLIB_LEVEL)


def _differences(values: Sequence[Any]) -> list[Any]:
    if isinstance(values[0], str):
        return list(values)
    return [values[0], *(after - before for before, after in pairwise(values))]


def _indexed(texts: Sequence[str | None]) -> tuple[list[str | None], list[int]]:
    places: dict[str | None, int] = {}
    index = [places.setdefault(text, len(places)) for text in texts]
    return list(places), index


def unpack(page: PageRecorded) -> list[Line]:
    """Read the lines of a page, ordered by id. Raises IntegrityFailure."""
    with _readable():
        lines = _lines(_columns(page))
        totals = _totals(lines)
    for name, total in totals.items():
        if getattr(page, name) != total:
            msg = f"expected {name} {getattr(page, name)} in a page, found {total}"
            raise IntegrityFailure(msg)
    return lines


@contextmanager
def _readable() -> Iterator[None]:
    """Take what goes wrong inside for what it is: a body of another shape."""
    try:
        yield
    except (
        zlib.error, msgspec.DecodeError, ArithmeticError, LookupError, TypeError, ValueError,
    ) as error:  # fmt: skip
        msg = f"expected columns of lines in a body, found something else: {error}"
        raise IntegrityFailure(msg) from error


def _lines(columns: dict[str, Any]) -> list[Line]:
    ids = columns.pop("id")
    if ids and not isinstance(ids[0], str):
        ids = list(accumulate(ids))
    unit = columns.pop("unit_us")
    names = ["id", "at_us"]
    values: list[Iterable[Any]] = [ids, (at * unit for at in accumulate(columns.pop("at")))]
    for name, column in columns.items():
        names.append(name)
        values.append([column[0][n] for n in column[1]] if name in _TEXTS else column)
    return [Line(**dict(zip(names, row, strict=True))) for row in zip(*values, strict=True)]


def _columns(event: PageRecorded | LinesAttributed) -> dict[str, Any]:
    if hashlib.sha256(event.body).hexdigest() != event.body_sha256:
        msg = f"expected a body with the digest {event.body_sha256}, found another"
        raise IntegrityFailure(msg)
    columns: dict[str, Any] = msgspec.json.decode(zlib.decompress(event.body))
    return columns


def attribute(
    kind: LineKind, users: Sequence[tuple[LineId, str]], *, stamp: Stamp, at_us: int
) -> LinesAttributed:
    """Record which user (a login or its alias) sent which lines."""
    ordered = sorted(users, key=lambda pair: order(pair[0]))
    columns = {"id": [pair[0] for pair in ordered], "user": _indexed([p[1] for p in ordered])}
    body = zlib.compress(msgspec.json.encode(columns), _ZLIB_LEVEL)
    return LinesAttributed(
        **stamp.at(from_us(at_us)),
        kind=kind,
        count=len(ordered),
        body_sha256=hashlib.sha256(body).hexdigest(),
        body=body,
    )


def attributed(event: LinesAttributed) -> dict[LineId, str]:
    """Read which user sent which lines. Raises IntegrityFailure."""
    with _readable():
        columns = _columns(event)
        values, index = columns["user"]
        users = {line: values[n] for line, n in zip(columns["id"], index, strict=True)}
    if len(users) != event.count:
        msg = f"expected the users of {event.count} lines, found {len(users)}"
        raise IntegrityFailure(msg)
    return users
