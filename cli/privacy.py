"""`privacy`: what stands outside the log because it may be personal, and how to erase it."""

from __future__ import annotations

import sys

import click

from cli.output import Output, show, with_output
from cli.session import Session, pass_session
from ledger.errors import Misuse


@click.group(short_help="What labels stand for, and how to erase it.")
def privacy() -> None:
    """What stands outside the log because it may be personal, and how to erase it."""


@privacy.command("list", short_help="What aliases stand for.")
@with_output
@pass_session
def list_(session: Session, *, output: Output) -> None:
    """List the tags, users and batches that events hold under a random word.

    Example: sms-ledger privacy list
    """
    from projections.privacy import list_aliases

    show(list_aliases(session.database), output, command="privacy-list")


@privacy.command(short_help="Forget for ever what an alias stands for.")
@click.argument("aliases", nargs=-1, required=True, metavar="ALIAS…")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def erase(session: Session, *, aliases: tuple[str, ...], yes: bool) -> None:
    """Erase what each ALIAS, such as ~0123456789, stands for; the events stay as they are.

    It cannot be undone. Dumps and backups that were made before still hold it.

    Example: sms-ledger privacy erase ~0123456789 --yes
    """
    from ledger.aliases import Aliases

    if not yes:
        if not sys.stdin.isatty():
            msg = "expected a person to ask, found none: type --yes to erase without a question"
            raise Misuse(msg)
        click.confirm("Erase it for ever?", abort=True, err=True)
    Aliases(session.database).erase(aliases)
    click.echo("erased; dumps and backups that were made before still hold it")
