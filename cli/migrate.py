"""`migrate`: bring a database to this program's schema."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from cli.session import Session, create_database, pass_session
from ledger.database import SCHEMA_VERSION, Address, connect, schema_version
from ledger.errors import DatabaseUnusable


@dataclass(frozen=True, slots=True)
class State:
    """The schema of a database; no version: there is no ledger in it yet."""

    address: Address
    found: str | None

    @property
    def is_current(self) -> bool:
        return self.found == SCHEMA_VERSION


@click.group(invoke_without_command=True, short_help="Bring a database to this schema.")
@pass_session
@click.pass_context
def migrate(ctx: click.Context, session: Session) -> None:
    """Create the ledger's database, or bring it to this program's schema.

    A ledger in its default place is made by the first command that needs it; an older one is
    never migrated silently. Back it up first.

    Example: sms-ledger migrate
    """
    if ctx.invoked_subcommand is not None:
        return
    state = read_state(session.address)
    if state.is_current:
        click.echo(f"{state.address} has schema {SCHEMA_VERSION}: nothing to do")
        return
    create_database(state.address)
    click.echo(f"{state.address}: schema {state.found or 'none'} → {SCHEMA_VERSION}")


@migrate.command(short_help="Say which schema a database has.")
@pass_session
def status(session: Session) -> int:
    """Say which schema the database has and which this program expects; changes nothing.

    Exit status: 6 where they differ.

    Example: sms-ledger migrate status
    """
    state = read_state(session.address)
    found = state.found or "none"
    next_step = "up to date" if state.is_current else "type `sms-ledger migrate`"
    click.echo(f"{state.address} has schema {found}, expected {SCHEMA_VERSION}: {next_step}")
    return 0 if state.is_current else DatabaseUnusable.status


def read_state(address: Address) -> State:
    """Read the schema of a database. Raises DatabaseUnusable, for a newer one too."""
    if isinstance(address, Path) and not (address.exists() and address.stat().st_size):
        return State(address, None)
    database = connect(address)
    try:
        found = schema_version(database)
    finally:
        database.close()
    if found is not None and found > SCHEMA_VERSION:
        msg = (
            f"expected schema {SCHEMA_VERSION} or older, found {found} in {address}: a newer"
            " sms-ledger wrote it; update the program"
        )
        raise DatabaseUnusable(msg)
    return State(address, found)
