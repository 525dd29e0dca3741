"""What was found: one row for each measure and database, held against its goal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bench.goals import MEASURES, Goal, Measure
from bench.timing import Contender, Figures


@dataclass(frozen=True, slots=True)
class Result:
    """One figure; without one, `note` says why."""

    key: str
    place: str
    lines: int
    figures: Figures | None
    note: str = ""

    @property
    def measure(self) -> Measure:
        return MEASURES[self.key]

    @property
    def goal(self) -> Goal | None:
        return self.measure.goal(self.place, self.lines)

    @property
    def verdict(self) -> str:
        if self.goal is None or self.figures is None:
            return ""
        return "met" if self.goal.is_met(self.figures.median) else "not met"

    def plain(self) -> dict[str, Any]:
        """Give it as JSON values."""
        figures = self.figures._asdict() if self.figures else {}
        return {
            "measure": self.key,
            "title": self.measure.title,
            "database": self.place,
            "lines": self.lines,
            "unit": self.measure.unit,
            **figures,
            "goal": self.goal.bound if self.goal else None,
            "verdict": self.verdict or None,
            "note": self.note,
        }


@dataclass(slots=True)
class Found:
    """What one part of the benchmark found, with the contenders that it timed."""

    results: list[Result] = field(default_factory=list)
    contenders: list[Contender] = field(default_factory=list)

    def add(self, other: Found) -> None:
        self.results += other.results
        self.contenders += other.contenders
