"""Charts of balances as they were and as they are expected to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cli.forms.shapes import BOTTOM, LEFT, RIGHT, TOP, Heights, across, line, svg, text
from ledger.credits import Credits
from projections.forecasts import Day, Forecast

_HEIGHT: Final = 240

_STYLE: Final = (
    ".name{font-size:14px;font-weight:bold}"
    ".past{stroke:#1d4e89;stroke-width:2;fill:none}"
    ".expected{stroke:#1d4e89;stroke-width:2;fill:none;stroke-dasharray:5 4}"
    ".range{fill:#1d4e89;fill-opacity:0.15}"
    ".threshold{stroke:#a4343a;stroke-dasharray:2 3}"
)


def chart(rows: Sequence[Forecast]) -> str:
    """Draw a panel for each account: past balance, expected balance, range, threshold."""
    height = max(len(rows), 1) * _HEIGHT
    panels = "\n".join(
        f'<g transform="translate(0 {number * _HEIGHT})">{"".join(_panel(row))}</g>'
        for number, row in enumerate(rows)
    )
    nothing = text(LEFT, TOP, "nothing to show")
    return svg(height, "Balances of SMS credits, past and expected", _STYLE, panels or nothing)


def _panel(row: Forecast) -> Iterator[str]:
    yield text(LEFT, 24, row.account, style="name")
    yield text(RIGHT, 24, _caption(row), anchor="end")
    if not row.days:
        yield text(LEFT, TOP + 40, "nothing can be drawn: the balance is not known")
        return
    scale = _Scale(row)
    yield from scale.axes()
    past = [one for one in row.days if one.kind == "past"]
    ahead = [*past[-1:], *(one for one in row.days if one.kind == "expected")]
    if row.windows:
        edge = [*scale.points(ahead, "most"), *scale.points(ahead, "least")[::-1]]
        yield f'<polygon class="range" points="{" ".join(edge)}"/>'
    if row.amount is not None and row.threshold is not None:
        yield from scale.threshold(row.threshold)
    yield f'<polyline class="past" points="{" ".join(scale.points(past))}"/>'
    yield f'<polyline class="expected" points="{" ".join(scale.points(ahead))}"/>'


def _caption(row: Forecast) -> str:
    if row.empty_on is None:
        return f"{'?' if row.credits is None else row.credits} credits"
    return f"{row.credits} credits, used up {row.empty_on}"


class _Scale:
    """Places days from left to right and credits from 0, or the lowest, up."""

    def __init__(self, row: Forecast) -> None:
        self._place = {one.day: number for number, one in enumerate(_by_day(row.days))}
        ends = [one.milli for day in row.days for one in (day.least, day.most)]
        # What is expected goes on below zero; the chart ends there.
        was = [one.balance.milli for one in row.days if one.kind == "past"]
        self._low = min(0, *was)
        self._high = max(*ends, 1000, row.threshold.milli if row.threshold else 0)
        self._heights = Heights(self._low, self._high)
        self._days = list(self._place)

    def axes(self) -> Iterator[str]:
        for milli in (self._low, 0, self._high) if self._low < 0 else (0, self._high):
            yield from self._line(milli, "axis")
        yield text(LEFT, BOTTOM + 20, self._days[0])
        yield text(RIGHT, BOTTOM + 20, self._days[-1], anchor="end")

    def threshold(self, credits: Credits) -> Iterator[str]:
        yield from self._line(credits.milli, "threshold")

    def _line(self, milli: int, style: str) -> Iterator[str]:
        y = self._heights.y(milli)
        yield line(y, style)
        yield text(LEFT - 8, y, str(Credits(milli)), anchor="end")

    def points(self, days: Sequence[Day], edge: str = "balance") -> list[str]:
        last = len(self._days) - 1
        return [
            f"{across(self._place[one.day], last)},{self._heights.y(getattr(one, edge).milli)}"
            for one in days
        ]


def _by_day(days: Sequence[Day]) -> list[Day]:
    """Give each day once: the one that is not over is past and expected."""
    return list({one.day: one for one in days}.values())
