"""Rows by their ids, fifty in one request where OVH allows it.

`X-Ovh-Batch` is what OVH's own panel uses; its documentation does not mention it. So a route
that refuses it is read row by row, from then on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Generic, TypeVar

from ledger.errors import OvhBadAnswer, OvhNotFound, OvhRefused
from ledger.ovh.answers import read
from ledger.ovh.calls import Calls
from ledger.ovh.routes import Route, batch, route

K = TypeVar("K", int, str)
T = TypeVar("T")

CHUNK: Final = 50
_HEADER: Final = {"X-Ovh-Batch": ","}
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")  # ids that the separator cannot split


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows(Generic[K, T]):
    """A kind of row: its route, whose last hole is the id, its shape and its id."""

    pattern: str
    shape: type[T]
    id_of: Callable[[T], K]
    batched: bool = True

    def at(self, one: K, parts: Mapping[str, str]) -> Route:
        hole = self.pattern.rpartition("/")[2].strip("{}")
        return route(self.pattern, **parts, **{hole: one})


class Batches:
    """Reads rows, and remembers for its life which routes take no batches."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._one_by_one: set[str] = set()

    def rows(self, kind: Rows[K, T], ids: Iterable[K], **parts: str) -> dict[K, T]:
        """The rows that are there, in the order asked; an id unknown to OVH is absent."""
        found: dict[K, T] = {}
        for chunk in _chunks(dict.fromkeys(ids)):
            found.update(self._chunk(kind, chunk, parts))
        return found

    def _chunk(
        self, kind: Rows[K, T], chunk: Sequence[K], parts: Mapping[str, str]
    ) -> dict[K, T]:
        if not self._takes_batch(kind, chunk):
            return self._each(kind, chunk, parts)
        at = batch(kind.pattern, tuple(str(one) for one in chunk), **parts)
        try:
            items = _items(self._calls.get(at, headers=_HEADER))
        except OvhRefused:
            items = None
        except OvhNotFound:
            return self._after_not_found(kind, chunk, parts)
        if items is None:
            self._one_by_one.add(kind.pattern)
            return self._each(kind, chunk, parts)
        return self._sorted_out(kind, chunk, parts, items)

    def _takes_batch(self, kind: Rows[K, T], chunk: Sequence[K]) -> bool:
        separable = all(_PLAIN.fullmatch(str(one)) for one in chunk)
        possible = kind.batched and separable and len(chunk) > 1
        return possible and kind.pattern not in self._one_by_one

    def _after_not_found(
        self, kind: Rows[K, T], chunk: Sequence[K], parts: Mapping[str, str]
    ) -> dict[K, T]:
        """404 may mean the batch form or all of these rows: a row that is there tells."""
        found = self._each(kind, chunk, parts)
        if found:
            self._one_by_one.add(kind.pattern)
        return found

    def _sorted_out(
        self,
        kind: Rows[K, T],
        chunk: Sequence[K],
        parts: Mapping[str, str],
        items: Mapping[str, Mapping[str, object]],
    ) -> dict[K, T]:
        """Take what came; ask again alone for what failed, since then OVH says why."""
        found: dict[K, T] = {}
        at = kind.at(chunk[0], parts)  # an id is not shown: the words are those of every row
        for one in chunk:
            item = items.get(str(one), {})
            if item.get("value") is not None and not item.get("error"):
                found[one] = self._row(kind, one, at, item["value"])
            elif not _is_unknown(item.get("error")):
                found.update(self._each(kind, (one,), parts))
        return found

    def _each(self, kind: Rows[K, T], ids: Iterable[K], parts: Mapping[str, str]) -> dict[K, T]:
        found: dict[K, T] = {}
        for one in ids:
            at = kind.at(one, parts)
            try:
                raw = self._calls.get(at)
            except OvhNotFound:
                continue
            found[one] = self._row(kind, one, at, raw)
        return found

    def _row(self, kind: Rows[K, T], one: K, at: Route, raw: object) -> T:
        query_id = self._calls.last.query_id
        row = read(kind.shape, raw, at, query_id=query_id)
        if kind.id_of(row) != one:
            msg = f"GET {at.shown}: expected the row that was asked for, found another one"
            raise OvhBadAnswer(f"{msg}; what was read before is recorded", query_id=query_id)
        return row


def _chunks(ids: Iterable[K]) -> Iterator[tuple[K, ...]]:
    left = iter(ids)
    while chunk := tuple(islice(left, CHUNK)):
        yield chunk


def _items(raw: object) -> dict[str, Mapping[str, object]] | None:
    """The list form by key, whether numbers or text; None when it is not the list form."""
    if not isinstance(raw, list):
        return None
    items: dict[str, Mapping[str, object]] = {}
    for item in raw:
        if not (isinstance(item, dict) and "key" in item and item.keys() & {"value", "error"}):
            return None
        key = str(item["key"])
        if not items.get(key, {}).get("value"):
            items[key] = item
    return items


def _is_unknown(error: object) -> bool:
    """Whether an item's error is a 404, in either form of OVH's error bodies."""
    if not isinstance(error, Mapping):
        return False
    status = str(error.get("httpCode") or error.get("status") or "")
    return status.startswith("404") or str(error.get("class", "")).endswith("::NotFound")
