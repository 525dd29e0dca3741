"""How reports are shown: one decorator gives a command its -O and -o, one function draws.

Columns come from the row's dataclass. JSON and CSV are contracts for scripts; the table is for
people. Drawing it needs no library: a report must start as fast as click does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from cli.tables import draw
from ledger.credits import Credits
from ledger.errors import Misuse

if TYPE_CHECKING:
    from projections.checkpoints import Checkpoint
    from projections.report import Report

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

FORMATS: Final = ("table", "json", "csv", "tsv")
_FORMAT_OF_SUFFIX: Final = {".json": "json", ".csv": "csv", ".tsv": "tsv"}

# A spreadsheet takes text that begins so for a formula.
_FORMULA_MARKS: Final = ("=", "+", "-", "@", "\t", "\r")


class Unwritable(Misuse):
    """The file of -o, or standard output, cannot be written."""


@dataclass(frozen=True, slots=True)
class Output:
    """Where a report goes, and in which form."""

    format: str
    file: Path | None

    @property
    def for_people(self) -> bool:
        return self.format == "table"


def with_output(command: CommandT) -> CommandT:
    """Give a command -O and -o; it is called with `output=Output(…)`."""

    def both(ctx: click.Context, _param: click.Parameter, file: Path | None) -> None:
        given = ctx.params.pop("output_format", None)
        suffix = file.suffix.lower() if file else ""
        ctx.params["output"] = Output(given or _FORMAT_OF_SUFFIX.get(suffix, "table"), file)

    command = click.option(
        "-o", "file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
        expose_value=False, callback=both, show_envvar=False, allow_from_autoenv=False,
        help="Write to a file; its ending tells the format.",
    )(command)  # fmt: skip
    return click.option(
        "-O", "--output-format", "output_format", type=click.Choice(FORMATS), is_eager=True,
        help="Default: table.",
    )(command)  # fmt: skip


def show(
    report: Report[Any],
    output: Output,
    *,
    command: str,
    words: Sequence[str] = (),
    hide: Iterable[str] = (),
    account: str | None = None,
) -> None:
    """Write a report; its notes go to stderr too, so that a pipe does not lose them.

    `words` follow a table; `hide` names columns that a table leaves out. A report of one
    `account` shows the checkpoint of its customer too.
    """
    for note in report.notes:
        click.echo(f"note: {note}", err=True)
    if output.format == "json":
        text = as_json(report, command, sealed(report, account))
    elif output.for_people:
        seals = sealed(report, account)
        text = as_table(report, words, seals, hide=frozenset(hide), color=_colored(output))
    else:
        text = as_separated(report, "\t" if output.format == "tsv" else ",")
    write(text, output.file)


def unposted(report: Report[Any]) -> list[str]:
    """Name the column `posted` where nothing stands in another month than it happened in."""
    return [] if any(row.posted for row in report.rows) else ["posted"]


def show_words(
    report: Report[Any],
    output: Output,
    words: Sequence[str],
    *,
    with_position: bool = True,
    account: str | None = None,
) -> None:
    """Write a report that no table fits, for people."""
    for note in report.notes:
        click.echo(f"note: {note}", err=True)
    ending = _position(report, sealed(report, account)) if with_position else []
    write("\n".join([*words, *ending]) + "\n", output.file)


def sealed(report: Report[Any], account: str | None = None) -> list[Checkpoint]:
    """Give the checkpoints that belong to what a report knew, the ledger's first."""
    context = click.get_current_context(silent=True)
    if not report.position or context is None:
        return []
    from projections.checkpoints import checkpoints

    return checkpoints(context.obj.database, report.position, account=account)


def write(text: str, file: Path | None) -> None:
    """Write to a file or to stdout. Raises Unwritable."""
    try:
        if file is None:
            click.echo(text, nl=False)
        else:
            file.write_text(text, encoding="utf-8", newline="")
    except BrokenPipeError:
        raise
    except OSError as error:
        if file is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        where = file or "the output"
        msg = f"expected to write {where}, found that it cannot be ({error.strerror})"
        raise Unwritable(msg) from error


def _colored(output: Output) -> bool:
    context = click.get_current_context(silent=True)
    wanted = bool(context and context.obj and context.obj.color)
    return wanted and output.file is None and sys.stdout.isatty()


# --- JSON ---------------------------------------------------------------------------------


def as_json(report: Report[Any], command: str, seals: Sequence[Checkpoint] = ()) -> str:
    """Give one object: schema, position and what seals it, notes, rows."""
    import json

    whole = {
        "schema": f"sms-ledger/{command}/1",
        "position": report.position,
        **({} if report.position is None else _seals(seals)),
        "notes": report.notes,
        "rows": [plain(row) for row in report.rows],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _seals(seals: Sequence[Checkpoint]) -> dict[str, str | None]:
    whole = seals[0] if seals else None
    return {
        "checkpoint": str(whole) if whole else None,
        "checkpoint_at": whole.recorded_at.isoformat() if whole else None,
        **({"customer_checkpoint": str(seals[1])} if len(seals) > 1 else {}),
    }


def plain(value: Any) -> Any:
    """Give a value as JSON knows it: credits as exact digits, times as ISO 8601."""
    match value:
        case Credits():
            return str(value)
        case datetime():
            return value.isoformat()
        case tuple() | list():
            return [plain(one) for one in value]
        case _ if is_dataclass(value):
            return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return value


# --- CSV and TSV --------------------------------------------------------------------------


def as_separated(report: Report[Any], separator: str) -> str:
    """Give a header and one line for each row; nested fields are left out."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    names = _flat(report)
    writer.writerow(names)
    for row in report.rows:
        writer.writerow([_cell(getattr(row, name)) for name in names])
    return text.getvalue()


def _flat(report: Report[Any]) -> list[str]:
    return [
        field.name for field in fields(report.row) if not field.metadata.get("nested", False)
    ]


def _cell(value: Any) -> Any:
    """Make a text that a spreadsheet would compute harmless; numbers stay numbers."""
    match value:
        case None:
            return ""
        case int():
            return value
        case str():
            text = f"'{value}" if value.startswith(_FORMULA_MARKS) else value
            return text.replace("\r", " ")  # csv quotes line feeds only
        case _:
            return plain(value)


# --- the table ----------------------------------------------------------------------------


def as_table(
    report: Report[Any],
    words: Sequence[str],
    seals: Sequence[Checkpoint] = (),
    *,
    hide: frozenset[str],
    color: bool,
) -> str:
    """Give aligned columns, then the words, then what the ledger held when they were read."""
    table = _columns(report, hide, color=color)
    return "\n".join([table, *words, *_position(report, seals)]) + "\n"


def _position(report: Report[Any], seals: Sequence[Checkpoint]) -> list[str]:
    """Say what the ledger held when the report was made: whoever keeps it keeps an anchor."""
    if report.position is None:
        return []
    lines = [f"log position {report.position}"]
    for one in seals:
        of = f" of {one.customer}" if one.customer else ""
        lines.append(f"checkpoint{of} {one} {one.recorded_at:%Y-%m-%dT%H:%M:%SZ}")
    return lines


def _columns(report: Report[Any], hide: frozenset[str], *, color: bool) -> str:
    if not report.rows:
        return "nothing to show"
    types = {field.name: str(field.type) for field in fields(report.row)}
    names = [name for name in _flat(report) if name not in hide]
    return draw(
        [name.replace("_", " ") for name in names],
        [[getattr(row, name) for name in names] for row in report.rows],
        numbers=[_is_number(types[name]) for name in names],
        color=color,
    )


def _is_number(type_name: str) -> bool:
    return type_name == "int" or "Credits" in type_name or "Amount" in type_name
