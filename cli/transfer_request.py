"""`transfer request`: one transfer, asked for once, called once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

import click

from cli.options import reason_option
from cli.session import Session, pass_session
from ledger.errors import Misuse, Refused

if TYPE_CHECKING:
    from ledger.credits import Credits
    from ledger.sync.transfer_call import Intention
    from ledger.sync.transferring import Transferring

_ID_DIGITS: Final = 12


class NotConfirmed(Refused):
    """The person said no; nothing was recorded and nothing called."""


@click.command(short_help="Transfer credits from one account to another.",
                  context_settings={"ignore_unknown_options": True})  # fmt: skip
@click.argument("source")
@click.argument("target")
@click.argument("credits")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Check and show; call and record nothing.")
@reason_option()
@pass_session
def request(
    session: Session,
    source: str,
    target: str,
    credits: str,
    *,
    yes: bool,
    dry_run: bool,
    reason: str | None,
) -> None:
    """Transfer CREDITS from SOURCE to TARGET, two accounts of one customer.

    CREDITS are more than 0, with a point before decimals: 12.5. What quotas of users hold
    cannot be transferred. The key needs the rule `POST /sms/*/transferCredits`. On a terminal
    it asks first; elsewhere --yes is needed.

    Status 5: refused, nothing moved. Status 3 and a word of doubt: nobody knows whether it was
    made; do not repeat it, type `sms-ledger transfer resolve`.

    Example: sms-ledger transfer request sms-ab12345-1 sms-ab12345-2 100 --yes
    """
    from cli.progress import progress
    from cli.transfer_words import summary
    from ledger.sync.transfer_call import Intention

    if not (yes or dry_run or sys.stdin.isatty()):
        msg = "expected a terminal to ask on, found none: type --yes to transfer without asking"
        raise Misuse(msg)
    wanted = Intention(
        f"t-{session.command_id[:_ID_DIGITS]}",
        source,
        target,
        _unsigned(credits),
    )
    with _transferring(session, reason, dry_run=dry_run) as making:
        making.require_possible(wanted)
        if not yes or dry_run:
            click.echo("\n".join(summary(wanted, making.preview(wanted))))
        if dry_run:
            click.echo("dry run: nothing was called, nothing recorded")
            return
        if not (yes or click.confirm("Transfer?")):
            msg = "not confirmed: nothing was called, nothing recorded"
            raise NotConfirmed(msg)
        session.begun.advice = _see(wanted)
        with progress(color=session.color) as shown:
            made = making.make(wanted, shown)
        click.echo(
            f"{made.id}: {made.credits} credits went from {made.source} to {made.target};"
            " recorded on both"
        )


def _unsigned(credits: str) -> Credits:
    """Read an amount. Raises Impossible for a sign, InvalidValue, TooFine."""
    from ledger.credits import Credits
    from ledger.transfer import Impossible

    if credits[:1] in {"-", "+"}:
        msg = (
            f"expected more than 0 credits, without a sign, found {credits!r}: type how many,"
            " and the account that gives them first"
        )
        raise Impossible(msg)
    return Credits.parse(credits)


def _see(wanted: Intention) -> str:
    return (
        f"do not repeat transfer {wanted.id}, it may have been made: type"
        " `sms-ledger transfer list` to see what became of it"
    )


@contextmanager
def _transferring(
    session: Session, reason: str | None, *, dry_run: bool
) -> Iterator[Transferring]:
    from ledger.ovh.client import connect
    from ledger.ovh.profiles import load_profile
    from ledger.service import Ledger
    from ledger.sync.transferring import Transferring

    profile = load_profile(session.profile, environ=os.environ)
    with (
        session.for_reading() if dry_run else nullcontext(session.database) as database,
        Ledger(database.address) as ledger,
        connect(profile) as gateway,
    ):
        yield Transferring(
            gateway,
            ledger,
            database,
            stamp=lambda source: session.stamp(source, reason=reason),
            observed=session.stamp,
        )
