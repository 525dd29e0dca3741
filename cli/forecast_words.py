"""A forecast in plain words, with a line of its balances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cli.tables import cell
from projections.forecasts import Day, Forecast
from projections.outlooks import AHEAD, FOR_A_RANGE
from projections.words import many

_BARS: Final = "▁▂▃▄▅▆▇█"
_NOW: Final = "┊"

# Columns on either side of now.
_WIDTH: Final = 30


def words(row: Forecast) -> Iterator[str]:
    """Say what is expected of an account, and what that rests on."""
    yield f"{row.account}: {cell(row.credits)} credits, {cell(row.as_of)}"
    yield from (f"  {line}" for line in _about(row))


def _about(row: Forecast) -> Iterator[str]:
    if row.days:
        yield sparkline(row.days)
    if row.credits is not None and row.method != "none":
        yield _runway(row)
    yield _basis(row)
    if row.runway_days is not None or row.recharge_on is not None:
        yield from _recharge(row)
    yield _month(row)
    yield from (f"advice: {line}" for line in row.advice)


def _runway(row: Forecast) -> str:
    if row.per_day is not None and row.per_day.milli <= 0:
        return "nothing was used: no end is in sight"
    if row.runway_days is None:
        return f"lasts more than {AHEAD} days"
    if row.runway_days == 0:
        return "is used up today" if row.credits and row.credits.milli > 0 else "is used up"
    text = f"lasts {many(row.runway_days, 'day')}, until {row.empty_on}, if nothing is bought"
    if not row.windows:
        return text
    most = "or more" if row.runway_most is None else f"to {row.runway_most}"
    return f"{text}; {row.runway_least} {most} days by what four weeks in a row used"


def _basis(row: Forecast) -> str:
    if row.method == "none":
        return "rests on nothing: no whole day of use is known yet"
    how = "weekday by weekday" if row.method == "weekdays" else "all days alike"
    text = (
        f"rests on {many(row.history_days, 'whole day')} from {row.history_from} on, {how}:"
        f" {row.per_day} credits a day"
    )
    return text if row.windows else f"{text}; no range before {FOR_A_RANGE} days are known"


def _recharge(row: Forecast) -> Iterator[str]:
    if row.amount is None:
        return
    what = f"a recharge of {row.amount} credits, below {row.threshold},"
    if row.recharge_on is None:
        yield f"{what} is not expected within {AHEAD} days"
        return
    latest = row.recharge_latest or "later"
    span = f" ({row.recharge_earliest} to {latest})" if row.windows else ""
    yield f"{what} is expected on {row.recharge_on}{span}"


def _month(row: Forecast) -> str:
    text = f"{row.month}: {row.used} credits used so far"
    if row.used_expected is not None:
        span = f" ({row.used_least} to {row.used_most})" if row.windows else ""
        text += f", {row.used_expected} expected{span}"
    if row.cost is None:
        return text
    expected = "" if row.cost_expected is None else f", {row.cost_expected} expected"
    source = "billed last" if row.price_from == "bill" else "listed by OVH"
    return (
        f"{text}; {row.cost} {row.currency}{expected}, at {row.price_per_credit} a credit,"
        f" {source}, excluding VAT"
    )


def sparkline(days: Sequence[Day]) -> str:
    """Draw balances as bars: the past, now, what is expected; nothing is below the lowest."""
    past = _thinned([one for one in days if one.kind == "past"][::-1])[::-1]
    ahead = _thinned([one for one in days if one.kind == "expected"])
    top = max(one.balance.milli for one in (*past, *ahead))
    line = [_bar(one.balance.milli, top) for one in past]
    return "".join([*line, _NOW, *(_bar(one.balance.milli, top) for one in ahead)])


def _thinned(days: Sequence[Day]) -> Sequence[Day]:
    """Leave out days at equal steps where there are too many; the first stays."""
    return days[:: -(-len(days) // _WIDTH) or 1]


def _bar(milli: int, top: int) -> str:
    if milli <= 0 or top <= 0:
        return " " if milli < 0 else _BARS[0]
    return _BARS[milli * (len(_BARS) - 1) // top]
