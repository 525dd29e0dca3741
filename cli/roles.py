"""`roles`: who owns, writes and reads a ledger on PostgreSQL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cli.session import Session, pass_session
from ledger.database import Database

if TYPE_CHECKING:
    from ledger.database.roles import Powers, Roles

# Also short enough for PostgreSQL, with what is put behind it; `pg_…` is the server's own.
_PREFIX: Final = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,39}")


@click.group(short_help="Who owns, writes and reads a ledger on PostgreSQL.")
def roles() -> None:
    """The roles of a ledger on PostgreSQL: an owner, writers and readers.

    Writers add events, and cannot edit them; readers run the reports and `check`. The owner
    migrates; triggers refuse the owner, too, to edit an event.

    Example: sms-ledger roles show
    """


def _prefix(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if not _PREFIX.fullmatch(value):
        msg = (
            "expected a lower-case letter, then letters, digits or _ (at most 40 together,"
            f" not pg_…), found {value!r}"
        )
        raise click.BadParameter(msg)
    return value


@roles.command(short_help="Make the roles, or make their rights right again.")
@click.option(
    "--prefix", default="ledger", show_default=True, metavar="NAME", callback=_prefix,
    help="What the names of the roles begin with.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print the SQL; change nothing.")
@pass_session
def create(session: Session, *, prefix: str, dry_run: bool) -> None:
    """Make the roles and hand the ledger to its owner; safe to run again.

    Run it after `migrate`, as a superuser or as the role that owns the database and may create
    roles; and again after each migration. The roles cannot log in: grant them to those who do.

    Example: sms-ledger roles create --dry-run
    """
    from ledger.database.roles import Roles, statements

    database = _on_postgres(session)
    made = Roles.of(prefix)
    if dry_run:
        for statement in ("BEGIN", *statements(database, made), "COMMIT"):
            click.echo(f"{statement};")
        return
    with database.transaction():
        for statement in statements(database, made):
            database.execute(statement)
    _show_next(database, made)


def _show_next(database: Database, made: Roles) -> None:
    ((name,),) = database.execute("SELECT quote_ident(current_database())")
    click.echo(
        f"{made.owner} owns the ledger in {database.address}; {made.writer} records,"
        f" {made.reader} reads. To give a login one of them, type in psql:\n"
        f"  GRANT {made.writer} TO importer;   -- sync, import, every report\n"
        f"  GRANT {made.reader} TO auditor;    -- reports, check, the views v_…\n"
        f"  GRANT {made.owner} TO migrator;    -- migrate\n"
        f"To keep others out of the database:\n"
        f"  REVOKE ALL ON DATABASE {name} FROM PUBLIC;"
    )


@roles.command(short_help="Say what the role at hand may do.")
@pass_session
def show(session: Session) -> None:
    """Say what the role that the address names may do with the ledger; changes nothing.

    Example: sms-ledger roles show
    """
    from ledger.database.roles import powers

    database = _on_postgres(session)
    for line in _said(powers(database)):
        click.echo(line)


def _said(found: Powers) -> list[str]:
    groups = f", a member of {', '.join(found.member_of)}" if found.member_of else ""
    answers = (
        ("read reports and views", _yes(found.reads)),
        ("check", _yes(found.checks)),
        ("record (sync, import)", _yes(found.writes)),
        ("migrate", _yes(found.migrates)),
        ("edit or delete events", _editing(found)),
    )
    return [f"{found.role}{groups}, may", *(f"  {what:<24}{said}" for what, said in answers)]


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


def _editing(found: Powers) -> str:
    if not found.is_guarded:
        return "YES: the triggers that refuse it are gone or switched off"
    if found.edits:
        return "no: its rights would allow it, the database's triggers refuse it"
    return "no: it has no right to, and the database's triggers refuse it"


def _on_postgres(session: Session) -> Database:
    if isinstance(session.address, Path):
        msg = (
            "expected a ledger on PostgreSQL, which has roles, found the SQLite file"
            f" {session.address}: its rights are those of the file"
        )
        raise click.UsageError(msg, click.get_current_context())
    return session.database
