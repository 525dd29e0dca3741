"""`transfer resolve`: what became of transfers whose outcome is not known."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from cli.options import reason_option
from cli.session import Session, pass_session
from ledger.errors import Misuse

if TYPE_CHECKING:
    from ledger.sync.customer import Result
    from ledger.transfer_states import Transfer

FINDINGS: Final = 1
_LONGEST_S: Final = 7 * 86_400


@click.command(short_help="Settle transfers whose outcome is not known.")
@click.argument("transfers", nargs=-1, metavar="[TRANSFER]…")
@click.option(
    "--settle-after", "settle_after_s", metavar="SECONDS", default=300, show_default=True,
    type=click.IntRange(0, _LONGEST_S), help="How long after its call an effect must show.",
)  # fmt: skip
@click.option(
    "--as", "outcome", type=click.Choice(("sent", "voided")),
    help="What you know of one TRANSFER; needs --reason.",
)  # fmt: skip
@reason_option("How you know; kept with the event.")
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


def _wanted(known: Sequence[Transfer], named: Sequence[str]) -> list[Transfer]:
    """Give the named transfers, or those in doubt. Raises UnknownTransfer."""
    for name in named:
        if name not in {one.id for one in known}:
            msg = f"expected a transfer, found {name!r}; see `sms-ledger transfer list`"
            raise Misuse(msg)
    return [one for one in known if (one.id in named if named else one.is_in_doubt)]


def _tell_wanted(wanted: Sequence[Transfer]) -> int:
    from cli.transfer_words import in_short

    for one in wanted:
        click.echo(f"would look at {in_short(one)}")
    return FINDINGS if any(one.is_in_doubt for one in wanted) else 0


def _as_told(
    session: Session,
    wanted: Sequence[Transfer],
    *,
    sent: bool,
    named: Sequence[str],
    reason: str | None,
    dry_run: bool,
) -> int:
    from cli.transfer_words import in_short
    from ledger.events import FromOperator
    from ledger.sync.transfer_call import resolve_by_person

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


def _by_balances(session: Session, wanted: Sequence[Transfer], after: timedelta) -> int:
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


def _synchronise(session: Session, wanted: Sequence[Transfer], after: timedelta) -> Result:
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
