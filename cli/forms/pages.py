"""HTML: one page that stands alone and prints; no script, nothing from outside, all escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

from cli.forms.drawings import DRAWINGS
from cli.forms.parts import Column, Kind, Part, columns, zone_of
from cli.forms.subjects import subject
from cli.forms.text import position
from cli.forms.writing import writing_of
from cli.tables import written

if TYPE_CHECKING:
    from cli.forms.labels import Labels
    from projections.checkpoints import Checkpoint

_TIMES: Final = frozenset((Kind.TIME, Kind.DAY))

# Whatever a text brought along, a browser would load nothing and run nothing.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"

_NOWRAP: Final = frozenset(("customer", "account"))

_STYLE: Final = """
body{font:14px/1.4 system-ui,sans-serif;color:#222;margin:2em auto;max-width:72em;padding:0 1em}
h1{font-size:1.5em;margin:0 0 .2em}p{margin:.1em 0}h2{font-size:1.15em;margin:1.6em 0 .4em}
table{border-collapse:collapse;width:100%;font-size:.92em;margin-top:.8em}
th,td{padding:.25em .6em;text-align:left;vertical-align:top}
thead th{border-bottom:2px solid #1d4e89;font-weight:600;vertical-align:bottom}
tbody tr:nth-child(even){background:#f3f6fa}
tfoot td{border-top:2px solid #1d4e89;font-weight:600}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.t{white-space:nowrap}.minus{color:#a4343a}
.notes{border-left:4px solid #c98a00;padding:.2em .8em;margin:1em 0}
footer{margin-top:2em;font-size:.8em;color:#555;overflow-wrap:anywhere}
svg{max-width:100%;height:auto;margin:.4em 0}
@page{size:A4 landscape;margin:14mm}
@media print{body{margin:0;max-width:none;padding:0;font-size:10pt}
thead{display:table-header-group}tr,svg{break-inside:avoid}
h2{break-after:avoid}tbody tr:nth-child(even){background:none}
tbody td{border-bottom:1px solid #ddd}}
"""


def as_page(
    parts: Sequence[Part], command: str, seals: Sequence[Checkpoint], labels: Labels
) -> str:
    """Give the whole page."""
    return "\n".join(_page(parts, labels.title(command), seals, labels)) + "\n"


def _page(
    parts: Sequence[Part], title: str, seals: Sequence[Checkpoint], labels: Labels
) -> Iterator[str]:
    yield f'<!DOCTYPE html>\n<html lang="{labels.language}">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
    yield f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    yield f"<h1>{escape(title)}</h1>"
    yield from (f"<p>{escape(line)}</p>" for line in subject(parts[0], labels))
    report = parts[0].report
    if report.notes:
        told = "".join(f"<p>{escape(note)}</p>" for note in report.notes)
        yield f'<div class="notes">{told}</div>'
    for part in parts:
        if part is not parts[0]:
            yield f"<h2>{escape(labels.title(part.name))}</h2>"
        if part.chart:
            yield DRAWINGS[part.chart](part.report.rows, labels) or ""
        yield from _table(part, labels)
    lines = "".join(f"<div>{escape(line)}</div>" for line in position(report, seals, labels))
    yield f"<footer>{lines}</footer>\n</body>\n</html>"


def _table(part: Part, labels: Labels) -> Iterator[str]:
    body, foot = part.report.rows, part.totals
    if not body:
        yield f"<p>{escape(labels.phrase('nothing'))}</p>"
        return
    found = columns(part.report, part.hide)
    cells = [_cells(column, [*body, *foot], labels) for column in found]
    lines = ["".join(line) for line in zip(*cells, strict=True)]
    headings = "".join(_heading(column, part, labels) for column in found)
    yield f"<table>\n<thead><tr>{headings}</tr></thead>\n<tbody>"
    yield from (f"<tr>{line}</tr>" for line in lines[: len(body)])
    yield "</tbody>"
    if foot:
        yield "<tfoot>"
        yield from (f"<tr>{line}</tr>" for line in lines[len(body) :])
        yield "</tfoot>"
    yield "</table>"


def _heading(column: Column, part: Part, labels: Labels) -> str:
    zone = None
    if column.kind is Kind.TIME:
        zone = zone_of([getattr(row, column.name) for row in part.report.rows])
    told = f" ({zone})" if zone else ""
    return f"<th{_class(column)}>{escape(labels.column(column.name))}{escape(told)}</th>"


def _cells(column: Column, rows: Sequence[Any], labels: Labels) -> Iterator[str]:
    values = [labels.value(column.name, getattr(row, column.name)) for row in rows]
    writing = writing_of(labels.language)
    number = column.kind.is_number
    for text in written(values, writing, number=number, missing=column.missing):
        minus = number and text.startswith("-")
        yield f"<td{_class(column, minus=minus)}>{escape(text)}</td>"


def _class(column: Column, *, minus: bool = False) -> str:
    names = [
        *(["n"] if column.kind.is_number else []),
        *(["t"] if column.kind in _TIMES or column.name in _NOWRAP else []),
        *(["minus"] if minus else []),
    ]
    return f' class="{" ".join(names)}"' if names else ""
