"""A plain loader of the same file, as a competent person would write it in an afternoon.

Usage: python -m bench.plain URL FILE

It reads with `csv`, converts and checks every value, and writes in batches, all of it in one
transaction: a bad row leaves nothing behind. The table and its indexes are there already.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Final

from bench.table import Row, open_table

_ROWS_AT_ONCE: Final = 10_000
_LINES: Final = {"consumption", "reply", "hlr", "cleaning"}
_KINDS: Final = _LINES | {
    "opening", "purchase", "recharge", "gift", "refund", "transfer", "adjustment",
}  # fmt: skip
_SMALLEST: Final = Decimal("0.001")


def main() -> None:
    url, file = sys.argv[1:]
    table = open_table(url)
    rows = _rows(Path(file))
    with table.together():
        while batch := list(islice(rows, _ROWS_AT_ONCE)):
            table.add(batch)
    table.close()


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for number, cells in enumerate(rows, start=2):
            try:
                yield _row(cells)
            except (ValueError, InvalidOperation) as error:
                sys.exit(f"line {number}: {error}")


def _row(cells: list[str]) -> Row:
    (customer, account, kind, id, at, credits, country, parts, tag, user, batch, counter, net,
     vat, currency, bill) = cells  # fmt: skip
    if not customer or not account:
        raise ValueError("a row without its customer or account")
    if kind not in _KINDS:
        raise ValueError(f"unknown kind {kind!r}")
    if not id and kind != "opening":
        raise ValueError("a row without its id")
    return (
        customer, account, kind, int(id or 0), _microseconds(at), _milli(credits),
        country or None, int(parts) if parts else None, tag or None, user or None,
        batch or None, counter or None, _cents(net), _cents(vat), currency or None,
        bill or None,
    )  # fmt: skip


def _microseconds(text: str) -> int:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"a time without its offset: {text!r}")
    return round(at.timestamp()) * 1_000_000 + at.microsecond


@lru_cache(4096)
def _milli(text: str) -> int:
    return _whole(text, _SMALLEST)


def _cents(text: str) -> int | None:
    return _whole(text, Decimal("0.01")) if text else None


def _whole(text: str, unit: Decimal) -> int:
    value = Decimal(text) / unit
    if value != int(value):
        raise ValueError(f"finer than {unit}: {text!r}")
    return int(value)


if __name__ == "__main__":
    main()
