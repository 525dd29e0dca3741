"""Every measured answer is held against the fold; a wrong one ends the benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from bench import product
from bench.fold import Fact, Fold

_SHOWN: Final = 5

# The file's words that the ledger's totals know by another one.
_AS_TOTALLED: Final = {"recharge": "purchase"}


class WrongAnswer(Exception):
    """Something that was measured gave another answer than the file."""


def same(what: str, found: Any, expected: Any) -> None:
    """Refuse an answer that differs. Raises WrongAnswer."""
    if found == expected:
        return
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        told = _differences(found, expected)
    else:
        told = f"expected {_short(expected)}, found {_short(found)}"
    raise WrongAnswer(f"{what}: {told}")


def _differences(found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> str:
    keys = [key for key in {**expected, **found} if found.get(key) != expected.get(key)]
    shown = [
        f"{key}: expected {expected.get(key)}, found {found.get(key)}"
        for key in islice(keys, _SHOWN)
    ]
    more = f"; and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return "; ".join(shown) + more


def _short(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"{len(value)} of {value[:_SHOWN]}"
    return str(value)


def ledger(what: str, url: str, truth: Fold) -> None:
    """Hold balances, and totals by account, day and kind, against the file."""
    with product.reading(url) as database:
        balances = database.execute("SELECT account, balance_milli FROM v_balance")
        same(f"{what}: balances", dict(map(tuple, balances)), truth.balances())
        days = database.execute("SELECT account, day, kind, count, credits_milli FROM v_daily")
        found = {(account, day, kind): (n, milli) for account, day, kind, n, milli in days}
        same(f"{what}: totals by day", found, _totalled(truth))


def _totalled(truth: Fold) -> dict[tuple[str, str, str], tuple[int, int]]:
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    for (account, day, kind), (count, milli) in truth.by_day().items():
        key = (account, day, _AS_TOTALLED.get(kind, kind))
        before = sums.get(key, (0, 0))
        sums[key] = (before[0] + count, before[1] + milli)
    return sums


def statement(what: str, rows: Sequence[Any], truth: Fold, account: str, month: str) -> None:
    """Hold a month's statement against the file: each row, and the balance after each."""
    first, *moved, last = rows
    forward = truth.balances(through=f"{month}-00").get(account)
    same(f"{what}: brought forward", first.balance.milli, forward)
    found = [
        Fact(row.happened_at.isoformat(), row.kind, row.reference, row.credits.milli)
        for row in moved
    ]
    same(f"{what}: rows", sorted(found), sorted(truth.statements[account, month]))
    balance = first.balance.milli
    for row in moved:
        balance += row.credits.milli
        same(f"{what}: balance after {row.reference}", row.balance.milli, balance)
    same(f"{what}: closing", last.balance.milli, balance)
    same(f"{what}: closing", balance, truth.balances(through=f"{month}-99")[account])
