"""The report of a run: a table on the terminal, JSON, and a page of the documentation."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from bench.goals import MEASURES, Goal
from bench.results import Found, Result
from bench.timing import Contender, Figures

_SCHEMA: Final = "sms-ledger/bench/1"
_RESULTS: Final = ("measure", "database", "median", "from – to", "goal", "verdict", "remark")
_CONTENDERS: Final = (
    "contender",
    "rounds",
    "median",
    "from – to",
    "variation",
    "processor",
    "lines/s",
)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the benchmark, whole."""

    lines: int
    rounds: int
    on: date
    machine: dict[str, str]
    found: Found

    def as_json(self) -> str:
        document = {
            "schema": _SCHEMA,
            "lines": self.lines,
            "rounds": self.rounds,
            "date": self.on.isoformat(),
            "machine": self.machine,
            "results": [result.plain() for result in self.found.results],
            "contenders": [_plain(one) for one in self.found.contenders],
        }
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    def results(self) -> list[list[str]]:
        order = list(MEASURES)
        shown = sorted(self.found.results, key=lambda result: order.index(result.key))
        return [list(_RESULTS), *map(_row, shown)]

    def contenders(self) -> list[list[str]]:
        timed = [one for one in self.found.contenders if one.seconds]
        return [list(_CONTENDERS), *(_timed(one) for one in timed)]


def _plain(one: Contender) -> dict[str, Any]:
    return {"name": one.name, "lines": one.lines, "seconds": one.seconds, "cpu_s": one.cpu_s}


# --- rows of the tables --------------------------------------------------------------------


def _row(result: Result) -> list[str]:
    unit, figures = result.measure.unit, result.figures
    return [
        result.measure.title,
        result.place,
        f"{_number(figures.median)} {unit}" if figures else "–",
        _span(figures),
        _goal(result.goal, unit),
        result.verdict,
        result.note,
    ]


def _timed(one: Contender) -> list[str]:
    scale, unit = (1, "s") if one.took.median >= 1 else (1000, "ms")
    took = Figures(*(scale * seconds for seconds in one.took))
    rate = _number(one.lines_per_s().median) if one.lines > 1 else ""
    return [
        one.name,
        str(len(one.seconds)),
        f"{_number(took.median)} {unit}",
        _span(took),
        f"{one.variation:.0%}",
        f"{_number(scale * statistics.median(one.cpu_s))} {unit}" if one.cpu_s else "",
        rate,
    ]


def _goal(goal: Goal | None, unit: str) -> str:
    if goal is None:
        return ""
    return f"{'≥' if goal.at_least else '≤'} {_number(goal.bound)} {unit}"


def _span(figures: Figures | None) -> str:
    if figures is None or figures.low == figures.high:
        return ""
    return f"{_number(figures.low)} – {_number(figures.high)}"


def _number(value: float) -> str:
    """Write three digits that tell something; large numbers whole, in groups."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


# --- on a terminal -------------------------------------------------------------------------


def as_text(rows: Sequence[Sequence[str]]) -> str:
    """Align the columns of a table."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(max(lines, key=len)), *lines[1:]])


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], f"|{'---|' * len(rows[0])}", *lines[1:]])


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
