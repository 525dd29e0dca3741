"""`dump FILE`: a whole ledger, or one customer's, byte for byte."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cli.session import Session, pass_session
from ledger.errors import DatabaseUnusable

if TYPE_CHECKING:
    from ledger.dumps.form import Totals

STANDARD_OUTPUT: Final = "-"


@click.command(short_help="Write the whole ledger to a file, byte for byte.")
@click.argument("file")
@click.option("--customer", metavar="NICHANDLE", help="Only this customer's accounts.")
@click.option(
    "--without-private",
    is_flag=True,
    help="Leave out what aliases stand for, and OVH's descriptions of accounts.",
)
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@pass_session
def dump(
    session: Session, *, file: str, customer: str | None, without_private: bool, force: bool
) -> None:
    """Write the ledger to FILE (- is standard output), for `load` on any database.

    One state of the ledger, every event byte for byte with its digest; others may go on
    writing. FILE appears when it is whole, compressed where its name ends in .gz.

    Example: sms-ledger dump ledger-2026-10.jsonl.gz
    """
    from cli.endings import cleared_up
    from ledger.dumps.files import written
    from ledger.dumps.take import take

    _require_ledger(session)
    run = partial(
        take,
        session.database,
        customer=customer,
        private=not without_private,
        now=datetime.now(UTC),
    )
    if file == STANDARD_OUTPUT:
        run(sys.stdout.buffer.write)
        return
    with cleared_up(), written(Path(file), force=force) as handle:
        totals = run(handle.write)
    click.echo(f"{file}: {_told(totals)}")


def _require_ledger(session: Session) -> None:
    """A backup of a ledger that is made on the spot would hide a mistyped name."""
    address = session.address
    if isinstance(address, Path) and not address.exists():
        msg = f"expected a ledger, found no {address}: name it with --database"
        raise DatabaseUnusable(msg)


def _told(totals: Totals) -> str:
    from projections.words import many

    return (
        f"{many(totals.events, 'event')}, {many(totals.rows, 'row')} beside them;"
        f" SHA-256 of all digests {totals.sha256}"
    )
