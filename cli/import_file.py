"""`import FILE`: history from a CSV or JSONL file, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, cast

import click

from cli.options import reason_option
from cli.percent import percent
from cli.session import Session, pass_session
from ledger.times import DEFAULT_ZONE

if TYPE_CHECKING:
    from ledger.files.importing import Outcome
    from ledger.files.origin import FileFormat
    from ledger.files.plan import AccountPlan, CustomerPlan

_NAMED: Final = 5


@click.command(name="import")
@click.argument("file")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["csv", "jsonl"]),
    help="How FILE is written. Default: by its extension, else by its first character.",
)
@click.option(
    "--time-zone",
    metavar="ZONE",
    default=DEFAULT_ZONE,
    show_default=True,
    help="Where the days of customers are counted that the ledger does not know yet.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 2),
    help="How many processes read and pack a long file. Default: 2 where there are two cores.",
)
@click.option("--dry-run", is_flag=True, help="Check the file and tell; record nothing.")
@reason_option("Kept with every event that is recorded.")
@pass_session
def import_file(
    session: Session,
    *,
    file: str,
    format_name: str | None,
    time_zone: str,
    processes: int | None,
    dry_run: bool,
    reason: str | None,
) -> None:
    """Record the movements of FILE (- is standard input), for history that OVH has no more.

    FILE is recorded whole, or at its first bad row not at all. Importing it again records
    nothing. Columns: customer,account,kind,id,happened_at,credits,country,parts,tag,user,
    batch,counter_account,net,vat,currency,bill

    Example: sms-ledger import history-2025.csv --time-zone Europe/Rome
    """
    from ledger.files.importing import Import
    from ledger.files.origin import open_origin

    with open_origin(file) as origin, percent() as watch:
        one = Import.of(
            origin,
            file,
            format=cast("FileFormat | None", format_name),
            time_zone=time_zone,
            now=datetime.now(UTC),
            watch=watch,
            processes=processes,
        )
        if dry_run:
            with session.for_reading() as database:
                outcome = one.check(database)
        else:
            outcome = one.record(
                session.ledger,
                session.database,
                partial(session.stamp, reason=reason),
                waits=_say_waiting,
            )
    _tell(origin.name, outcome, dry_run=dry_run)


def _say_waiting() -> None:
    click.echo("sms-ledger: another import is under way: waiting for it to end", err=True)


# --- the summary ---------------------------------------------------------------------------


def _tell(name: str, outcome: Outcome, *, dry_run: bool) -> None:
    if outcome.before:
        click.echo(f"{name}: imported before, whole; nothing was recorded")
    elif not outcome.customers:
        click.echo(f"{name}: nothing to import")
    for customer in outcome.customers:
        click.echo(_summary(customer, dry_run=dry_run))


def _summary(plan: CustomerPlan, *, dry_run: bool) -> str:
    """Say what was recorded for one customer; the counts add up to its rows."""
    counts = [
        _counted(plan.openings, "opening"),
        _counted(plan.movements, "movement"),
        _counted(plan.lines, "line"),
    ]
    new = ", ".join(count for count in counts if not count.startswith("0 ")) or "nothing"
    known = plan.totals.rows - plan.new
    text = (
        f"{plan.name}: {_counted(plan.totals.rows, 'row')},"
        f" {new} {'to record' if dry_run else 'recorded'}, {known} already known"
    )
    return "\n  ".join([text, *_notes(plan.accounts)])


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _notes(plans: list[AccountPlan]) -> Iterator[str]:
    """Say which accounts are new, and what became of their openings."""
    opened = [
        (plan, f"{plan.named.name} at {plan.open.at.isoformat()}")
        for plan in plans
        if plan.open
    ]
    assumed = [
        text
        for plan, text in opened
        if plan.before is None and plan.open and plan.open.basis == "assumed"
    ]
    for said, texts in (
        ("new accounts", [plan.named.name for plan in plans if plan.is_new]),
        ("begin with 0 credits, since the file states no opening", assumed),
        ("openings that move back", [text for plan, text in opened if plan.before is not None]),
    ):
        if texts:
            yield f"{said}: {_some(texts)}"


def _some(texts: list[str]) -> str:
    """Name the first few; a file may be about thousands of accounts."""
    more = len(texts) - _NAMED
    return ", ".join(texts[:_NAMED]) + (f" and {more} more" if more > 0 else "")
