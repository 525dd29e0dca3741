"""Reading pages: a body is believed when its digest and the header's totals agree with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any, NamedTuple

from ledger.credits import Credits
from ledger.errors import IntegrityFailure
from ledger.events import PageRecorded
from ledger.pages.body import COSTS, PAGE, RATED, PageBody, opened, readable, require
from ledger.pages.columns import NUMBERS, TEXTS, Columns, Line, LineId, Texts, lines_of
from ledger.times import from_us


class Costs(NamedTuple):
    """When each line of a page was, in microseconds since 1970, and what it cost, by time."""

    at_us: list[int]
    milli: list[int]


class Rated(NamedTuple):
    """When each line of a page was, what it cost, its parts and its country, ordered by id."""

    at_us: list[int]
    milli: list[int]
    parts: list[int | None]
    country: Texts


def page_columns(page: PageRecorded) -> Columns:
    """Read the lines of a page as columns, ordered by id. Raises IntegrityFailure."""
    with readable():
        columns = _columns(opened(page, PAGE))
        at_us = columns.at_us
        ids = {"first_id": columns.id[0], "last_id": columns.id[-1]}
        totals = {**ids, **_totals(min(at_us), max(at_us), columns.milli)}
    _compare(page, totals)
    return columns


def page_costs(page: PageRecorded) -> Costs:
    """Read only what sums need, at half the price, ordered by time. Raises IntegrityFailure."""
    with readable():
        body = opened(page, COSTS)
        at_us, milli = _times(body.at, body.unit_us), body.milli
        require(len(at_us) == len(milli), "a cost for each time")
        if min(body.at[1:], default=0) < 0:
            pairs = sorted(zip(at_us, milli, strict=True))
            at_us, milli = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        totals = _totals(at_us[0], at_us[-1], milli)
    _compare(page, totals)
    return Costs(at_us, milli)


def page_rated(page: PageRecorded) -> Rated | None:
    """Read what tells whether lines cost what their rates ask; None where nothing does.

    Raises IntegrityFailure.
    """
    with readable():
        body = opened(page, RATED)
        at_us, milli = _times(body.at, body.unit_us), body.milli
        require(len(at_us) == len(milli), "a cost for each time")
        totals = _totals(min(at_us), max(at_us), milli)
        parts, country = body.parts, body.country
        if parts is not None and country is not None:
            sizes = {len(at_us), len(milli), len(parts), len(country.index)}
            require(len(sizes) == 1, "a value for each line in every column")
            require(max(country.index) < len(country.values), "an index of a country")
    _compare(page, totals)
    if parts is None or country is None:
        return None
    return Rated(at_us, milli, parts, country)


def unpack(page: PageRecorded) -> list[Line]:
    """Read the lines of a page, ordered by id. Raises IntegrityFailure."""
    return lines_of(page_columns(page))


def _columns(body: PageBody) -> Columns:
    count = len(body.milli)
    numbers = {name: getattr(body, name) for name in NUMBERS}
    texts = {name: getattr(body, name) for name in TEXTS}
    present = [text for text in texts.values() if text is not None]
    lists = [body.id, body.at, *numbers.values(), *(text.index for text in present)]
    require(
        all(len(one) == count for one in lists if one is not None),
        f"a value for each of {count} lines in every column",
    )
    for text in present:
        require(max(text.index) < len(text.values), "an index of a text that is there")
    at_us = _times(body.at, body.unit_us)
    return Columns(id=_ids(body.id), at_us=at_us, milli=body.milli, **numbers, **texts)


def _ids(ids: list[Any]) -> list[LineId]:
    if ids and isinstance(ids[0], str):
        require(set(map(type, ids)) == {str}, "ids of one type")
        return ids
    return list(accumulate(ids))


def _times(steps: list[int], unit_us: int) -> list[int]:
    return [at * unit_us for at in accumulate(steps)]


def _totals(first_us: int, last_us: int, milli: Sequence[int]) -> dict[str, Any]:
    return {
        "count": len(milli),
        "first_at": _instant(first_us),
        "last_at": _instant(last_us),
        "spent": Credits(sum(milli)),
    }


def _instant(us: int) -> datetime:
    """Read the time of a line. Raises ValueError, as all columns that are none of lines do."""
    try:
        return from_us(us)
    except IntegrityFailure as error:
        raise ValueError(str(error)) from error


def _compare(page: PageRecorded, totals: dict[str, Any]) -> None:
    """Hold a header against its lines. Raises IntegrityFailure."""
    for name, total in totals.items():
        if getattr(page, name) != total:
            msg = f"expected {name} {getattr(page, name)} in a page, found {total}"
            raise IntegrityFailure(msg)
