"""`transfer`: credits between two accounts of one customer."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from cli.output import Output, show, with_output
from cli.session import Session, pass_session
from ledger.errors import LedgerError, Misuse, Refused

if TYPE_CHECKING:
    from ledger.credits import Credits
    from ledger.sync.customer import Result
    from ledger.sync.transferring import Intention, Transferring
    from projections.transfer_states import TransferState

FINDINGS: Final = 1
_LONGEST_S: Final = 7 * 86_400
_ID_DIGITS: Final = 12


class Interrupted(LedgerError):
    """Ctrl-C while a transfer was made, or after it."""

    status = 130


class NotTold(LedgerError):
    """What became of a transfer could not be written to the output."""

    status = 70


class NotConfirmed(Refused):
    """The person said no; nothing was recorded and nothing called."""


@click.group(short_help="Move credits between two accounts of one customer.")
def transfer() -> None:
    """Move credits between two accounts of one customer.

    A transfer is recorded, called once, and recorded as it ended. Where nobody knows how it
    ended, it is never called again: `resolve` and every `sync` settle it by both balances.
    """


@transfer.command(short_help="Transfer credits from one account to another.",
                  context_settings={"ignore_unknown_options": True})  # fmt: skip
@click.argument("source")
@click.argument("target")
@click.argument("credits")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Check and show; call and record nothing.")
@click.option("--reason", metavar="TEXT", help="Why; kept with the event.")
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
    from ledger.sync.transferring import Intention

    if not (yes or dry_run or sys.stdin.isatty()):
        msg = "expected a terminal to ask on, found none: type --yes to transfer without asking"
        raise Misuse(msg)
    wanted = Intention(
        f"t-{session.command_id[:_ID_DIGITS]}",
        source,
        target,
        _unsigned(credits),
    )
    with (
        _never_repeated(wanted) as begin,
        _transferring(session, reason, dry_run=dry_run) as making,
    ):
        making.require_possible(wanted)
        if not yes or dry_run:
            click.echo("\n".join(summary(wanted, making.preview(wanted))))
        if dry_run:
            click.echo("dry run: nothing was called, nothing recorded")
            return
        if not (yes or click.confirm("Transfer?")):
            msg = "not confirmed: nothing was called, nothing recorded"
            raise NotConfirmed(msg)
        begin()
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


@contextmanager
def _never_repeated(wanted: Intention) -> Iterator[Callable[[], None]]:
    """Advise nobody to repeat a transfer that has begun. Raises Interrupted or NotTold.

    It begins when what this gives is called: until then, nothing is recorded or called.
    """
    begun = False

    def begin() -> None:
        nonlocal begun
        begun = True

    try:
        yield begin
    except (click.Abort, KeyboardInterrupt) as error:
        if not begun:
            raise
        msg = f"interrupted: {_see(wanted)}"
        raise Interrupted(msg) from error
    except OSError as error:
        if not begun:
            raise
        _discard_output()
        msg = f"the output cannot be written ({error.strerror or error}): {_see(wanted)}"
        raise NotTold(msg) from error


def _see(wanted: Intention) -> str:
    return (
        f"do not repeat transfer {wanted.id}, it may have been made: type"
        " `sms-ledger transfer list` to see what became of it"
    )


def _discard_output() -> None:
    """Keep what could not be written from being written again as the process ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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


@transfer.command("list", short_help="Every transfer, and what became of it.")
@with_output
@pass_session
def list_(session: Session, *, output: Output) -> None:
    """List the transfers that were requested here: requested, sent, voided or unknown.

    Transfers that somebody made in OVH's panel are not among them: OVH lists none.

    Example: sms-ledger transfer list
    """
    from projections.transfers import list_transfers

    with session.for_reading() as database:
        report = list_transfers(database)
    show(report, output, command="transfer-list", hide=("customer",))


@transfer.command(short_help="Settle transfers whose outcome is not known.")
@click.argument("transfers", nargs=-1, metavar="[TRANSFER]…")
@click.option(
    "--settle-after", "settle_after_s", metavar="SECONDS", default=300, show_default=True,
    type=click.IntRange(0, _LONGEST_S), help="How long after its call an effect must show.",
)  # fmt: skip
@click.option(
    "--as", "outcome", type=click.Choice(("sent", "voided")),
    help="What you know of one TRANSFER; needs --reason.",
)  # fmt: skip
@click.option("--reason", metavar="TEXT", help="How you know; kept with the event.")
@click.option("--dry-run", is_flag=True, help="Show what is in doubt; read and record nothing.")
@pass_session
def resolve(
    session: Session,
    transfers: tuple[str, ...],
    *,
    settle_after_s: int,
    outcome: str | None,
    reason: str | None,
    dry_run: bool,
) -> int:
    """Settle the transfers in doubt, or the named ones, by what both balances show.

    Both accounts are read as `sync` does. If credits left the source and came to the target
    beyond all that is recorded, it was sent; if neither moved, it is voided; else it stays
    unknown, with what was seen. Then a person says it: --as sent or --as voided, with --reason.

    Status 1: a transfer is still in doubt.

    Example: sms-ledger transfer resolve --settle-after 600
    """
    from projections.transfer_states import all_transfer_states

    with session.for_reading() as database:
        wanted = _wanted(all_transfer_states(database), transfers)
    if outcome is not None:
        return _as_told(session, wanted, sent=outcome == "sent", named=transfers, reason=reason,
                        dry_run=dry_run)  # fmt: skip
    if reason is not None:
        msg = "--reason goes with --as sent or --as voided"
        raise click.UsageError(msg)
    if not wanted:
        click.echo("no transfer is in doubt")
        return 0
    if dry_run:
        return _tell_wanted(wanted)
    return _by_balances(session, wanted, timedelta(seconds=settle_after_s))


def _wanted(known: Sequence[TransferState], named: Sequence[str]) -> list[TransferState]:
    """Give the named transfers, or those in doubt. Raises UnknownTransfer."""
    for name in named:
        if name not in {one.id for one in known}:
            msg = f"expected a transfer, found {name!r}; see `sms-ledger transfer list`"
            raise Misuse(msg)
    return [one for one in known if (one.id in named if named else one.is_in_doubt)]


def _tell_wanted(wanted: Sequence[TransferState]) -> int:
    from cli.transfer_words import in_short

    for one in wanted:
        click.echo(f"would look at {in_short(one)}")
    return FINDINGS if any(one.is_in_doubt for one in wanted) else 0


def _as_told(
    session: Session,
    wanted: Sequence[TransferState],
    *,
    sent: bool,
    named: Sequence[str],
    reason: str | None,
    dry_run: bool,
) -> int:
    from cli.transfer_words import in_short
    from ledger.events import FromOperator
    from ledger.sync.transferring import resolve_by_person

    if len(named) != 1 or not reason:
        msg = "--as needs exactly one TRANSFER, and --reason with how you know"
        raise click.UsageError(msg)
    (one,) = wanted
    outcome = "sent" if sent else "voided"
    if dry_run:
        click.echo(f"would record as {outcome}: {in_short(one)}")
        return 0
    resolve_by_person(
        session.ledger,
        one.customer,
        one.id,
        sent=sent,
        stamp=session.stamp(FromOperator(), reason=reason),
    )
    click.echo(f"{in_short(one)}: recorded as {outcome}")
    return 0


def _by_balances(session: Session, wanted: Sequence[TransferState], after: timedelta) -> int:
    from cli.transfer_words import tell
    from ledger.errors import OvhError

    result = _synchronise(session, wanted, after)
    for note in result.notes:
        click.echo(f"note: {note}", err=True)
    for failure in result.failures:
        click.echo(f"sms-ledger: {failure}", err=True)
    tell(result.transfers)
    told = {one.transfer.id: one for one in result.transfers}
    for one in wanted:
        if one.id not in told and not one.is_in_doubt:
            click.echo(f"{one.id}: is {one.status}; nothing new shows")
        elif one.id not in told:
            click.echo(f"{one.id}: is of {one.customer}: name its profile with --profile")
    if result.failures:
        return OvhError.status
    left = [one for one in wanted if one.is_in_doubt]
    return FINDINGS if any(one.id not in told or told[one.id].left for one in left) else 0


def _synchronise(session: Session, wanted: Sequence[TransferState], after: timedelta) -> Result:
    """Read the accounts of the transfers that the profile's key can read."""
    from cli.progress import progress
    from ledger.ovh.client import connect
    from ledger.ovh.profiles import load_profile
    from ledger.sync.customer import CustomerSync

    profile = load_profile(session.profile, environ=os.environ)
    with progress(color=session.color) as shown, connect(profile) as gateway:
        listed = set(gateway.services())
        accounts = {name for one in wanted for name in (one.source, one.target)}
        readable = sorted(accounts & listed)
        if not readable:
            msg = (
                f"expected a key that reads {', '.join(sorted(accounts))}, found that the"
                f" profile {profile.name} reads others: name another with --profile"
            )
            raise Misuse(msg)
        synchronisation = CustomerSync(
            gateway,
            session.ledger,
            session.database,
            stamp=session.stamp,
            progress=shown,
            settle_after=after,
        )
        return synchronisation.run(readable)
