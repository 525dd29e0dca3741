"""`export`: the books for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.forms.files import write
from cli.known_at import known_at_option
from cli.options import basis_option, customers_option, with_period
from cli.output import Output, in_languages, show, unposted, with_form, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from projections.basis import Basis
    from projections.entries import EntryLine
    from projections.moments import Period
    from projections.report import Report

_FILE = click.option(
    "-o", "file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    show_envvar=False, allow_from_autoenv=False, help="Write to a file. Default: the output.",
)  # fmt: skip


@click.group(short_help="The books for other programs.")
def export() -> None:
    """Write the books for other programs."""


@export.command(short_help="A journal for hledger.")
@customers_option
@known_at_option
@basis_option("posted")
@_FILE
@pass_session
def hledger(
    session: Session, *, customers: tuple[str, ...], basis: Basis, file: Path | None
) -> None:
    """Write what was bought, used, sent and given back, lot by lot, as hledger reads it.

    Credits and their cost stand in accounts of their own, with an assertion of each balance at
    the end of every month.

    Example: sms-ledger export hledger -o sms.journal
    """
    _write(session, customers, basis, file, "Hledger")


@export.command(short_help="A journal for beancount.")
@customers_option
@known_at_option
@basis_option("posted")
@_FILE
@pass_session
def beancount(
    session: Session, *, customers: tuple[str, ...], basis: Basis, file: Path | None
) -> None:
    """Write what was bought, used, sent and given back, lot by lot, as beancount reads it.

    Credits are booked by lot, and their cost in accounts of its own; an assertion of each
    balance stands at the end of every month.

    Example: sms-ledger export beancount -o sms.beancount
    """
    _write(session, customers, basis, file, "Beancount")


@export.command(short_help="Entries for the customer's own books.")
@customers_option
@with_period
@known_at_option
@basis_option("posted")
@with_output
@with_form("csv", "fec")
@in_languages
@pass_session
def entries(
    session: Session,
    *,
    customers: tuple[str, ...],
    period: Period,
    basis: Basis,
    output: Output,
) -> None:
    """Show the double entries of whole months, for the accounting program to import.

    Invoices go into prepaid expenses, consumption out of them, month by month; each entry
    balances to the cent. `account entries` tells which accounts are used, and sets others.
    A closed month keeps its entries: what is recorded late for it, and what its credits turn
    out to have cost more or less (prior-period), is booked in the month that was open.
    Lines in the shape of the FEC have its 18 fields; they are lines to import, not the FEC.

    Example: sms-ledger export entries -p 2026-10 --format fec -o october.txt
    """
    from projections.entries import entries as booked

    found = booked(session.database, period, customers, basis)
    if output.format == "fec":
        _write_fec(found, output)
        return
    several = len({row.customer for row in found.rows}) > 1
    hide = [*(() if several else ("customer",)), *unposted(found)]
    if "posted" in hide:
        hide.append("happened_on")
    show(found, output, command="entries", hide=hide)


def _write_fec(found: Report[EntryLine], output: Output) -> None:
    from cli.forms.fec import as_fec, foreign
    from cli.forms.labels import Labels

    for note in [*found.notes, *foreign(found)]:
        click.echo(f"note: {note}", err=True)
    write(as_fec(found, Labels(output.language or "fr")), output.file)


def _write(
    session: Session, customers: tuple[str, ...], basis: Basis, file: Path | None, dialect: str
) -> None:
    from cli import journals
    from projections.journal import journal

    found = journal(session.database, customers, basis)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    written = journals.lines(found, getattr(journals, dialect)(found))
    write("\n".join(written) + "\n", file)
