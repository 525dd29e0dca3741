"""What sums need of a page, read without the rest of it: times, costs, labels, users."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

import msgspec

from ledger.events import PageRecorded
from ledger.pages import Columns, LineId, Texts, indexed
from ledger.pages.body import opened, readable, require
from ledger.times import to_us


class Shares(NamedTuple):
    """When each line of a page was, what it cost in thousandths of a credit, and its labels.

    The lines are in the order of time, `at` in units of `unit_us` microseconds since 1970;
    `order` gives their places by id, where that differs.
    """

    at: Sequence[int]
    unit_us: int
    milli: Sequence[int]
    country: Texts | None
    batch: Texts | None
    tag: Texts | None
    order: Sequence[int] | None = None

    def at_us(self, line: int) -> int:
        return self.at[line] * self.unit_us

    def first_from(self, at_us: int, after: int = 0) -> int:
        """Give the first line of an instant or later, not looking before a line."""
        return bisect_left(self.at, -(-at_us // self.unit_us), after)

    def by_time(self, texts: Texts | None) -> Texts | None:
        """Order a column as these are that is in the order of ids."""
        if texts is None or self.order is None:
            return texts
        return Texts(texts.values, [texts.index[place] for place in self.order])


def page_shares(page: PageRecorded) -> Shares:
    """Read the shares of a page. Raises IntegrityFailure."""
    with readable():
        return _shares(page, opened(page, _BODY))


def page_shares_and_ids(page: PageRecorded) -> tuple[Shares, list[LineId]]:
    """Read the shares of a page, and the ids of its lines. Raises IntegrityFailure."""
    with readable():
        body = opened(page, _BODY_WITH_IDS)
        require(len(body.id) == page.count, f"{page.count} ids")
        ids = body.id if isinstance(body.id[0], str) else list(accumulate(body.id))
        return _shares(page, body), ids


def _shares(page: PageRecorded, body: _Body) -> Shares:
    """Raises ValueError."""
    at = list(accumulate(body.at))
    shares = Shares(at, body.unit_us, body.milli, body.country, body.batch, body.tag)
    _require_lengths(page, shares)
    if min(body.at[1:], default=0) < 0:
        shares = _ordered(shares)
    _require_totals(page, shares)
    return shares


def shares_of(columns: Columns) -> Shares:
    """Take the shares from a page that was read whole."""
    labels = (columns.country, columns.batch, columns.tag)
    return _ordered(Shares(columns.at_us, 1, columns.milli, *labels))


def _ordered(shares: Shares) -> Shares:
    """Bring lines into the order of time, in which those of a page mostly are."""
    at = shares.at
    order = sorted(range(len(at)), key=at.__getitem__)
    by_time = shares._replace(order=order).by_time
    return Shares(
        [at[place] for place in order],
        shares.unit_us,
        [shares.milli[place] for place in order],
        by_time(shares.country),
        by_time(shares.batch),
        by_time(shares.tag),
        order,
    )


def users_of(ids: Sequence[LineId], told: Sequence[tuple[list[LineId], Texts]]) -> Texts | None:
    """Give the user of each line of a page; what was said last holds."""
    if not told:
        return None
    if told[-1][0] == ids:
        return told[-1][1]
    known: dict[LineId, str | None] = {}
    for named, users in told:
        known.update(zip(named, map(users.values.__getitem__, users.index), strict=True))
    return indexed(list(map(known.get, ids)))


class _Body(msgspec.Struct):
    unit_us: int
    at: list[int]
    milli: list[int]
    country: Texts | None = None
    batch: Texts | None = None
    tag: Texts | None = None


class _BodyWithIds(_Body, kw_only=True):
    id: list[LineId]


_BODY: Final = msgspec.json.Decoder(_Body)
_BODY_WITH_IDS: Final = msgspec.json.Decoder(_BodyWithIds)


def _require_lengths(page: PageRecorded, shares: Shares) -> None:
    """Raises ValueError where a column has too few values, or too many."""
    texts = (shares.country, shares.batch, shares.tag)
    lengths = {len(shares.at), len(shares.milli)}
    lengths.update(len(text.index) for text in texts if text is not None)
    require(lengths == {page.count}, f"a value for each of {page.count} lines")


def _require_totals(page: PageRecorded, shares: Shares) -> None:
    """Raises ValueError where the header tells something else."""
    require(sum(shares.milli) == page.spent.milli, f"{page.spent} credits spent")
    times = (to_us(page.first_at), to_us(page.last_at))
    found = (shares.at_us(0), shares.at_us(-1))
    require(found == times, "the times that the header tells")
