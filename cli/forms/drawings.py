"""The charts of pages: a balance with what came and went, what is left, costs by month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from cli.forms.labels import Labels
from cli.forms.shapes import (
    BOTTOM,
    LEFT,
    RIGHT,
    WIDTH,
    Heights,
    across,
    line,
    svg,
    tenths,
    text,
)
from cli.forms.writing import writing_of
from ledger.credits import Credits
from ledger.times import to_us
from projections.rounding import money

_HEIGHT: Final = 240
_MOST_BARS: Final = 30
_BAR: Final = 22
_NAMES: Final = 250
_FIGURES: Final = 130
_LONGEST: Final = 38

_STYLE: Final = (
    ".balance{stroke:#1d4e89;stroke-width:2;fill:none}.bar{fill:#1d4e89}"
    ".purchase{fill:#2e7d32}.recharge{fill:#8bc34a}.transfer{fill:#c98a00}"
)

# What is marked on a balance, and as what.
_MARKS: Final[Mapping[str, str]] = {
    "purchase": "purchase", "recharge": "recharge", "transfer-in": "transfer",
    "transfer-out": "transfer",
}  # fmt: skip


def _digits(number: Any, labels: Labels) -> str:
    return writing_of(labels.language).number(str(number))


# --- a balance ------------------------------------------------------------------------------


def balance(rows: Sequence[Any], labels: Labels) -> str | None:
    """Draw the balance of a statement, with its purchases, recharges and transfers."""
    known = [row for row in rows if row.balance is not None]
    if not known:
        return None
    body = "\n".join([*_balance(known, labels), *_legend(known, labels)])
    return svg(_HEIGHT, labels.title("stmt"), _STYLE, body)


def _balance(rows: Sequence[Any], labels: Labels) -> Iterator[str]:
    low = min(0, *(row.balance.milli for row in rows))
    high = max(1000, *(row.balance.milli for row in rows))
    heights = Heights(low, high)
    for milli in (low, 0, high) if low < 0 else (0, high):
        yield line(heights.y(milli))
        yield text(LEFT - 8, heights.y(milli), _digits(Credits(milli), labels), anchor="end")
    writing = writing_of(labels.language)
    for x, row, anchor in ((LEFT, rows[0], "start"), (RIGHT, rows[-1], "end")):
        day = writing.moment(row.happened_at.date())
        yield text(x, BOTTOM + 20, day, anchor=anchor)
    place = _places(rows)
    points = _steps([(place(row.happened_at), heights.y(row.balance.milli)) for row in rows])
    yield f'<polyline class="balance" points="{" ".join(points)}"/>'
    for row in rows:
        if row.kind in _MARKS:
            yield _mark(_MARKS[row.kind], place(row.happened_at), heights.y(row.balance.milli))


def _places(rows: Sequence[Any]) -> Callable[[datetime], str]:
    """Place times from the first on the left to the last on the right."""
    first, last = to_us(rows[0].happened_at), to_us(rows[-1].happened_at)
    return lambda at: across(to_us(at) - first, last - first)


def _steps(points: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Hold each balance until the next."""
    before: tuple[str, str] | None = None
    for x, y in points:
        if before is not None and before[0] != x:
            yield f"{x},{before[1]}"
        if before != (x, y):
            yield f"{x},{y}"
        before = (x, y)


def _mark(style: str, x: str, y: str) -> str:
    return f'<circle class="{style}" cx="{x}" cy="{y}" r="4"/>'


def _legend(rows: Sequence[Any], labels: Labels) -> Iterator[str]:
    kinds = [kind for kind in _MARKS if any(row.kind == kind for row in rows)]
    styles = list(dict.fromkeys(_MARKS[kind] for kind in kinds))
    for number, style in enumerate(styles):
        x = LEFT + number * (RIGHT - LEFT) // len(_MARKS)
        yield _mark(style, str(x + 4), "20")
        yield text(x + 14, 24, labels.value("kind", style))


# --- bars -----------------------------------------------------------------------------------


def lots_left(rows: Sequence[Any], labels: Labels) -> str | None:
    """Draw what is left of each lot, as long as its credits, with its value."""
    some = [row for row in rows if row.lot is not None and row.left.milli > 0]
    bars = [(_named(row), row.left.milli, _told(row, labels)) for row in some]
    return _bars(bars, labels.title("value"))


def _named(row: Any) -> str:
    return f"{row.account} · {row.bill or row.lot}"


def _told(row: Any, labels: Labels) -> str:
    value = getattr(row, "value", None)
    worth = f" · {_digits(value, labels)} {row.currency or ''}".rstrip() if value else ""
    return f"{_digits(row.left, labels)}{worth}"


def costs_by_month(rows: Sequence[Any], labels: Labels) -> str | None:
    """Draw what each month cost, where all of it is in one currency."""
    cents: dict[str, int] = defaultdict(int)
    for row in rows:
        if row.cost is not None:
            cents[row.period] += int(row.cost.replace(".", ""))
    currencies = {row.currency for row in rows if row.currency}
    if len(currencies) != 1 or len(cents) <= 1:
        return None
    unit = currencies.pop()
    bars = [
        (month, of, f"{_digits(money(of), labels)} {unit}")
        for month, of in sorted(cents.items())
        if of >= 0
    ]
    return _bars(bars[-_MOST_BARS:], labels.title("cost"))


def _bars(bars: Sequence[tuple[str, int, str]], title: str) -> str | None:
    """Draw bars of names, lengths and figures, one below the other; the first thirty."""
    if not bars:
        return None
    shown = bars[:_MOST_BARS]
    longest = max(1, *(length for _, length, _ in shown))
    room = WIDTH - _NAMES - _FIGURES
    body = []
    for number, (name, length, figure) in enumerate(shown):
        y, width = number * _BAR, tenths(room * 10 * length // longest)
        body += [
            text(_NAMES - 8, y + 16, _short(name), anchor="end"),
            f'<rect class="bar" x="{_NAMES}" y="{y + 4}" width="{width}" height="{_BAR - 8}"/>',
            text(_NAMES + room * length // longest + 6, y + 16, figure),
        ]
    if len(bars) > len(shown):
        body.append(text(_NAMES, len(shown) * _BAR + 16, f"+ {len(bars) - len(shown)}"))
    return svg((len(shown) + 1) * _BAR, title, _STYLE, "\n".join(body))


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


DRAWINGS: Final[Mapping[str, Callable[[Sequence[Any], Labels], str | None]]] = {
    "balance": balance, "lots-left": lots_left, "costs-by-month": costs_by_month,
}  # fmt: skip
