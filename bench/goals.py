"""The goals: for each measure what it is called, in which unit, and what must be reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bench.places import POSTGRESQL, SQLITE

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound, and from how many lines on it is one."""

    bound: float
    at_least: bool
    from_lines: int = 0

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured, its unit, and its goals on each database."""

    key: str
    title: str
    unit: str
    sqlite: tuple[Goal, ...] = ()
    postgres: tuple[Goal, ...] = ()

    def goal(self, place: str, lines: int) -> Goal | None:
        """Give the goal that counts at a size: that of the largest size not above it."""
        of = {SQLITE: self.sqlite, POSTGRESQL: self.postgres}.get(place, ())
        reached = [goal for goal in of if goal.from_lines <= lines]
        return max(reached, key=lambda goal: goal.from_lines, default=None)


def _least(key: str, title: str, unit: str, sqlite: float, postgres: float) -> Measure:
    """Give a measure that should be large."""
    goals = (Goal(sqlite, at_least=True), Goal(postgres, at_least=True))
    return Measure(key, title, unit, goals[:1], goals[1:])


def _most(key: str, title: str, unit: str, sqlite: float, postgres: float) -> Measure:
    """Give a measure that should be small."""
    goals = (Goal(sqlite, at_least=False), Goal(postgres, at_least=False))
    return Measure(key, title, unit, goals[:1], goals[1:])


def _disk(key: str, title: str) -> Measure:
    """Give the measure of the disk: what every ledger takes weighs less in a large one."""
    goals = (Goal(18, at_least=False, from_lines=_MILLION),
             Goal(12, at_least=False, from_lines=10 * _MILLION))  # fmt: skip
    return Measure(key, title, "B", goals, goals)


_ALL: Final = (
    Measure("start", "`bal`, small ledger ÷ `python -c 'import click'`, time", "×",
            sqlite=(Goal(2.5, at_least=False),)),
    _least("recording", "pages, balance and day totals ÷ `COPY`, `executemany`", "×", 2.7, 1.8),
    Measure("recording.lines", "the same from messages one by one", "×"),
    Measure("recording.page", "the same, a page to a transaction", "×"),
    _least("import.plain", "`import` ÷ plain Python loader", "×", 1.5, 1.5),
    _least("import.one", "`import` in one process ÷ plain Python loader", "×", 1.0, 1.0),
    _least("import.defaults", "`import` ÷ the event library's defaults", "×", 8, 15),
    Measure("import.duckdb", "`import` ÷ DuckDB's load without keys", "×"),
    Measure("import.rate", "`import`", "lines/s"),
    Measure("import.scattered", "`import`, ids at random ÷ in order, time", "×"),
    Measure("pieces", "the last of ten files, ids at random ÷ the first, time", "×"),
    _disk("disk", "disk per line, everything included"),
    Measure("disk.plain", "disk per line of the plain table", "B"),
    _most("memory.import", "peak memory of `import`", "MB", 120, 120),
    _most("memory.tenth", "peak memory of `import`, a tenth of the lines", "MB", 120, 120),
    _most("memory.sync", "peak memory of a first `sync`", "MB", 120, 120),
    _most("memory.sync.tenth", "peak memory of a first `sync`, a tenth of the messages", "MB",
          120, 120),
    _most("memory.rebuild", "peak memory of a rebuild", "MB", 120, 120),
    _most("balance", "balance of an account, warm", "ms", 0.2, 0.5),
    _most("balance.past", "balance at the end of a past day", "ms", 5, 5),
    _most("balance.instant", "balance at a past instant", "ms", 5, 5),
    _most("month.country", "a month by country", "ms", 5, 5),
    _most("month.tag", "a month by tag", "ms", 5, 5),
    Measure("month.user", "a month by user", "ms"),
    Measure("month.batch", "a month by batch", "ms"),
    _most("statement", "a month's statement with lines, an ordinary account", "ms", 30, 30),
    Measure("statement.largest", "a month's statement with lines, the largest account", "ms"),
    _least("rebuild", "rebuild of all projections, the command", "lines/s", _MILLION, _MILLION),
    _least("refold", "refold of balances from headers", "lines/s", 30 * _MILLION,
           10 * _MILLION),
    Measure("hledger", "hledger's `bal` of the same book ÷ `bal`, time", "×"),
    Measure("beancount", "beancount's balances of the same book ÷ `bal`, time", "×"),
)  # fmt: skip

# In the order in which they are shown.
MEASURES: Final = {measure.key: measure for measure in _ALL}
