"""The table: aligned columns for people, then what the ledger held when they were read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cli.forms.parts import Part, columns
from cli.forms.writing import writing_of
from cli.tables import draw

if TYPE_CHECKING:
    from cli.forms.labels import Labels
    from projections.checkpoints import Checkpoint
    from projections.report import Report


def as_table(
    parts: Sequence[Part],
    words: Sequence[str] = (),
    seals: Sequence[Checkpoint] = (),
    *,
    labels: Labels | None = None,
    color: bool = False,
) -> str:
    """Give aligned columns, then the words; several parts each under their name."""
    lines: list[str] = []
    for part in parts:
        if len(parts) > 1:
            name = labels.title(part.name) if labels else part.name.replace("-", " ")
            lines += ["", name] if lines else [name]
        lines.append(_columns(part, labels, color=color))
    return "\n".join([*lines, *words, *position(parts[0].report, seals, labels)]) + "\n"


def position(
    report: Report[object], seals: Sequence[Checkpoint], labels: Labels | None = None
) -> list[str]:
    """Say what the ledger held when the report was made: whoever keeps it keeps an anchor."""
    if report.position is None:
        return []
    named = labels.phrase if labels else str
    lines = [f"{named('log position')} {report.position}"]
    for one in seals:
        of = f"{named('checkpoint of')} {one.customer}" if one.customer else named("checkpoint")
        lines.append(f"{of} {one} {one.recorded_at:%Y-%m-%dT%H:%M:%SZ}")
    return lines


def _columns(part: Part, labels: Labels | None, *, color: bool) -> str:
    rows = [*part.report.rows, *part.totals]
    if not rows:
        return labels.phrase("nothing") if labels else "nothing to show"
    found = columns(part.report, part.hide)
    return draw(
        [labels.column(one.name) if labels else one.name.replace("_", " ") for one in found],
        [list(_cells(row, [one.name for one in found], labels)) for row in rows],
        numbers=[one.kind.is_number for one in found],
        missing=[one.missing for one in found],
        color=color,
        writing=writing_of(labels.language if labels else None),
    )


def _cells(row: object, names: Sequence[str], labels: Labels | None) -> Iterator[object]:
    for name in names:
        value = getattr(row, name)
        yield labels.value(name, value) if labels else value
