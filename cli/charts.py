"""Charts of balances as SVG: plain shapes with text, drawn in whole tenths of a pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from ledger.credits import Credits
from projections.forecasts import Day, Forecast

_WIDTH: Final = 720
_HEIGHT: Final = 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 700, 50, 200

_STYLE: Final = (
    "text{font:12px sans-serif;fill:#222}.name{font-size:14px;font-weight:bold}"
    ".axis{stroke:#888}.past{stroke:#1d4e89;stroke-width:2;fill:none}"
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
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}"'
        f' viewBox="0 0 {_WIDTH} {height}" role="img">\n'
        "<title>Balances of SMS credits, past and expected</title>\n"
        f"<style>{_STYLE}</style>\n"
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>\n'
        f"{panels or _text(_LEFT, _TOP, 'nothing to show')}\n</svg>\n"
    )


def _panel(row: Forecast) -> Iterator[str]:
    yield _text(_LEFT, 24, row.account, style="name")
    yield _text(_RIGHT, 24, _caption(row), anchor="end")
    if not row.days:
        yield _text(_LEFT, _TOP + 40, "nothing can be drawn: the balance is not known")
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
        self._days = list(self._place)

    def axes(self) -> Iterator[str]:
        for milli in (self._low, 0, self._high) if self._low < 0 else (0, self._high):
            y = self._y(milli)
            yield f'<line class="axis" x1="{_LEFT}" y1="{y}" x2="{_RIGHT}" y2="{y}"/>'
            yield _text(_LEFT - 8, y, str(Credits(milli)), anchor="end")
        yield _text(_LEFT, _BOTTOM + 20, self._days[0])
        yield _text(_RIGHT, _BOTTOM + 20, self._days[-1], anchor="end")

    def threshold(self, credits: Credits) -> Iterator[str]:
        y = self._y(credits.milli)
        yield f'<line class="threshold" x1="{_LEFT}" y1="{y}" x2="{_RIGHT}" y2="{y}"/>'
        yield _text(_LEFT - 8, y, str(credits), anchor="end")

    def points(self, days: Sequence[Day], edge: str = "balance") -> list[str]:
        return [f"{self._x(one.day)},{self._y(getattr(one, edge).milli)}" for one in days]

    def _x(self, day: str) -> str:
        last = max(len(self._days) - 1, 1)
        return _tenths(_LEFT * 10 + (_RIGHT - _LEFT) * 10 * self._place[day] // last)

    def _y(self, milli: int) -> str:
        above = max(milli, self._low) - self._low
        return _tenths(_BOTTOM * 10 - (_BOTTOM - _TOP) * 10 * above // (self._high - self._low))


def _by_day(days: Sequence[Day]) -> list[Day]:
    """Give each day once: the one that is not over is past and expected."""
    return list({one.day: one for one in days}.values())


def _tenths(number: int) -> str:
    return f"{number // 10}.{number % 10}"


def _text(x: int, y: int | str, words: str, *, style: str = "", anchor: str = "start") -> str:
    known = f' class="{style}"' if style else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{known}>{escape(words)}</text>'
