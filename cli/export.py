"""`export`: the books for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.known_at import known_at_option
from cli.options import basis_option
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from projections.basis import Basis

_FILE = click.option(
    "-o", "file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    show_envvar=False, allow_from_autoenv=False, help="Write to a file. Default: the output.",
)  # fmt: skip
_CUSTOMER = click.option(
    "--customer", "customers", multiple=True, metavar="NICHANDLE",
    help="Only this one's accounts; may be repeated.",
)  # fmt: skip


@click.group(short_help="The books for hledger and beancount.")
def export() -> None:
    """Write the books for other programs."""


@export.command(short_help="A journal for hledger.")
@_CUSTOMER
@basis_option("posted")
@known_at_option
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
@_CUSTOMER
@basis_option("posted")
@known_at_option
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


def _write(
    session: Session, customers: tuple[str, ...], basis: Basis, file: Path | None, dialect: str
) -> None:
    from cli import journals
    from cli.output import write
    from projections.journal import journal

    found = journal(session.database, customers, basis)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    written = journals.lines(found, getattr(journals, dialect)(found))
    write("\n".join(written) + "\n", file)
