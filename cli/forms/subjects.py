"""What a report on paper is of: whose it is, and of which time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from cli.forms.parts import Part
from cli.forms.writing import writing_of

if TYPE_CHECKING:
    from cli.forms.labels import Labels
    from projections.moments import Moment, Period

# Columns that people are spared where all rows say the same.
_WHOSE = ("customer", "account")


def subject(part: Part, labels: Labels) -> list[str]:
    """Give the lines below a title: what hidden columns say, and what time was asked for."""
    context = click.get_current_context(silent=True)
    asked = context.params if context else {}
    return [
        *_whose(part, labels),
        *_during(asked.get("period"), labels),
        *_at(asked.get("as_of"), labels),
    ]


def _whose(part: Part, labels: Labels) -> Iterator[str]:
    for name in _WHOSE:
        values = {getattr(row, name) for row in part.report.rows if name in part.hide}
        if len(values) == 1:
            yield f"{labels.column(name)}: {values.pop()}"


def _during(period: Period | None, labels: Labels) -> Iterator[str]:
    if period is None or (period.begin is None and period.end is None):
        return
    first = "…" if period.begin is None else _written(period.begin.at, labels)
    last = "…" if period.end is None else _written(period.end.at, labels)
    if period.last_day is not None:
        last = _written(period.last_day.at, labels)
    yield f"{labels.column('period')}: {first} – {last}"


def _at(moment: Moment | None, labels: Labels) -> Iterator[str]:
    if moment is not None:
        yield f"{labels.phrase('as of')} {_written(moment.at, labels)}"


def _written(at: date, labels: Labels) -> str:
    told = writing_of(labels.language).moment(at)
    return f"{told} UTC" if isinstance(at, datetime) else told
