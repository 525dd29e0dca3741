"""How reports are shown: one decorator gives a command its -O and -o, one function draws.

Columns come from the row's dataclass. JSON and CSV are contracts for scripts; the other forms
are for people (`forms`). Each is imported when it is asked for: a report must start as fast as
click does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import click
from click.core import ParameterSource

from cli.forms.files import binary, write
from cli.forms.parts import Part

if TYPE_CHECKING:
    from cli.forms.labels import Labels, Language
    from projections.checkpoints import Checkpoint
    from projections.report import Report

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

FORMATS: Final = ("table", "json", "csv", "tsv", "xlsx", "html")
_FORMAT_OF_SUFFIX: Final = {f".{form}": form for form in FORMATS[1:]} | {".htm": "html"}
_SEPARATED: Final = ("csv", "tsv")

# As `forms.labels.LANGUAGES`, which is imported by who speaks one; a test holds them together.
LANGUAGES: Final = ("it", "fr", "en")
_WITH_COMMA: Final = ("it", "fr")


@dataclass(frozen=True, slots=True)
class Output:
    """Where a report goes, and in which form.

    `language` is that of people's forms; `separated_in` that of CSV and TSV: scripts read them,
    so that only a language which was typed changes them.
    """

    format: str
    file: Path | None
    language: Language | None = None
    separated_in: Language | None = None
    decimal_mark: str | None = None
    bom: bool = False

    @property
    def for_people(self) -> bool:
        return self.format == "table"

    @property
    def labels(self) -> Labels | None:
        """The words of its language, if one was asked for."""
        language = self.separated_in if self.format in _SEPARATED else self.language
        if language is None:
            return None
        from cli.forms.labels import Labels

        return Labels(language)


def with_output(command: CommandT) -> CommandT:
    """Give a command -O, -o and how CSV is written; it is called with `output=Output(…)`."""

    def together(ctx: click.Context, _param: click.Parameter, file: Path | None) -> None:
        taken = {name: ctx.params.pop(name, None) for name in _OPTIONS}
        suffix = file.suffix.lower() if file else ""
        asked = ctx.meta.get(_ASKED)
        if asked and taken["output_format"]:
            msg = f"--format cannot be combined with -O, found both: leave -O out for {asked}"
            raise click.UsageError(msg, ctx)
        form = asked or taken["output_format"] or _FORMAT_OF_SUFFIX.get(suffix, "table")
        language = cast("Language | None", taken["language"])
        ctx.params["output"] = Output(
            form,
            file,
            language,
            language if _is_typed(ctx, "language") else None,
            taken["decimal_mark"],
            bool(taken["bom"]),
        )
        for name, option in (("decimal_mark", "--decimal-mark"), ("bom", "--bom")):
            if form not in _SEPARATED and _is_typed(ctx, name):
                msg = f"{option} is of CSV and TSV, found {form}: type -O csv"
                raise click.UsageError(msg, ctx)

    command = click.option(
        "-o", "file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
        expose_value=False, callback=together, show_envvar=False, allow_from_autoenv=False,
        help="Write to a file; its ending tells the format.",
    )(command)  # fmt: skip
    command = click.option(
        "--bom", is_flag=True, is_eager=True,
        help="Mark CSV as UTF-8, as some spreadsheets want it.",
    )(command)  # fmt: skip
    command = click.option(
        "--decimal-mark", type=click.Choice((".", ",")), is_eager=True,
        help="Of CSV; a comma puts semicolons between fields. Default: a point.",
    )(command)  # fmt: skip
    return click.option(
        "-O", "--output-format", "output_format", type=click.Choice(FORMATS), is_eager=True,
        help="Default: table.",
    )(command)  # fmt: skip


# Where a command's own --format is kept until -o is read.
_ASKED: Final = "cli.output.form"


def with_form(*forms: str) -> Callable[[CommandT], CommandT]:
    """Give a command of `with_output` --format: forms that it alone has, or prefers."""

    def kept(ctx: click.Context, _param: click.Parameter, form: str | None) -> None:
        ctx.meta[_ASKED] = form

    return click.option(
        "--format", type=click.Choice(forms), is_eager=True, expose_value=False, callback=kept,
        help="In place of -O.",
    )  # fmt: skip


_OPTIONS: Final = ("output_format", "language", "decimal_mark", "bom")


def _is_typed(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def in_languages(command: CommandT) -> CommandT:
    """Give a command of `with_output` --lang: how people write labels, numbers and dates."""
    return click.option(
        "--lang", "language", type=click.Choice(LANGUAGES), is_eager=True,
        envvar="SMS_LEDGER_LANG", show_envvar=True,
        help="Of labels, numbers and dates, for people; typed, of CSV too.",
    )(command)  # fmt: skip


def show(
    report: Report[Any],
    output: Output,
    *,
    command: str,
    words: Sequence[str] = (),
    hide: Iterable[str] = (),
    account: str | None = None,
    totals: Sequence[Any] = (),
    summed: Sequence[str] = (),
    chart: str | None = None,
) -> None:
    """Write a report; its notes go to stderr too, so that a pipe does not lose them.

    `words` follow a table; `hide` names columns that people are spared. A report of one
    `account` shows the checkpoint of its customer too. `totals` stand below the rows for
    people, `summed` are the columns that they add up; `chart` is drawn on a page.
    """
    part = Part(command, report, totals, summed, hide=frozenset(hide), chart=chart)
    show_parts([part], output, command=command, words=words, account=account)


def show_parts(
    parts: Sequence[Part],
    output: Output,
    *,
    command: str,
    words: Sequence[str] = (),
    account: str | None = None,
) -> None:
    """Write a report of several parts; CSV and TSV hold the first one."""
    report = parts[0].report
    for note in report.notes:
        click.echo(f"note: {note}", err=True)
    if output.format in _SEPARATED:
        write(_separated(parts[0], output), output.file)
        return
    seals = sealed(report, account)
    match output.format:
        case "json":
            from cli.forms.objects import as_json

            write(as_json(parts, command, seals), output.file)
        case "xlsx":
            from cli.forms.labels import Labels
            from cli.forms.workbooks import write_workbook

            with binary(output.file) as file:
                write_workbook(file, parts, command, seals, output.labels or Labels("en"))
        case "html":
            from cli.forms.labels import Labels
            from cli.forms.pages import as_page

            write(as_page(parts, command, seals, output.labels or Labels("en")), output.file)
        case _:
            from cli.forms.text import as_table

            color = _colored(output)
            table = as_table(parts, words, seals, labels=output.labels, color=color)
            write(table, output.file, for_people=True)


def _separated(part: Part, output: Output) -> str:
    from cli.forms.separated import Separation, as_separated

    mark = output.decimal_mark or ("," if output.separated_in in _WITH_COMMA else ".")
    comma = ";" if mark == "," else ","
    separator = "\t" if output.format == "tsv" else comma
    return as_separated(part, Separation(separator, mark, output.bom, output.labels))


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
    from cli.forms.text import position

    for note in report.notes:
        click.echo(f"note: {note}", err=True)
    ending = position(report, sealed(report, account)) if with_position else []
    write("\n".join([*words, *ending]) + "\n", output.file, for_people=True)


def sealed(report: Report[Any], account: str | None = None) -> list[Checkpoint]:
    """Give the checkpoints that belong to what a report knew, the ledger's first."""
    context = click.get_current_context(silent=True)
    if not report.position or context is None:
        return []
    from projections.checkpoints import checkpoints

    return checkpoints(context.obj.database, report.position, account=account)


def _colored(output: Output) -> bool:
    context = click.get_current_context(silent=True)
    wanted = bool(context and context.obj and context.obj.color)
    return wanted and output.file is None and sys.stdout.isatty()
