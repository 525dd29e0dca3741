"""`sync`: read OVH and record what is new."""

from __future__ import annotations

import os
from contextlib import closing, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from cli import logs
from cli.options import AgeType
from cli.progress import Silent, progress
from cli.session import Session, pass_session
from cli.sync_words import tell
from ledger.errors import Misuse, OvhError

if TYPE_CHECKING:
    from cli.actions.loop import Rounds
    from cli.actions.stopping import Stop
    from ledger.database import Database
    from ledger.ovh.profiles import Profile
    from ledger.service import Ledger
    from ledger.sync.account import Progress
    from ledger.sync.customer import Result


SHORTEST = timedelta(seconds=10)


class IntervalType(AgeType):
    """`30s`, `5m`, `1h`, `1d`: not so often that OVH minds."""

    name = "interval"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        interval = super().convert(value, param, ctx)
        if interval < SHORTEST:
            least = int(SHORTEST.total_seconds())
            self.fail(f"expected at least {least}s, found {value!r}", param, ctx)
        return interval


@click.command(short_help="Read OVH, record what is new, observe the balances.")
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]…")
@click.option("--all-profiles", is_flag=True, help="Every profile of ovh.conf, one by one.")
@click.option("--dry-run", is_flag=True, help="Tell what is new, record nothing.")
@click.option(
    "--every", type=IntervalType(), metavar="TIME", help="Again and again: 30s, 5m, 1h, 1d."
)
@click.option(
    "--log", "form", type=click.Choice(logs.FORMS),
    help="How a loop's log is written. Default: text on a terminal, else JSON.",
)  # fmt: skip
@click.option("-v", "--verbose", is_flag=True, help="Log each request to OVH too.")
@pass_session
def sync(
    session: Session,
    accounts: tuple[str, ...],
    *,
    all_profiles: bool,
    dry_run: bool,
    every: timedelta | None,
    form: str | None,
    verbose: bool,
) -> int:
    """Read OVH, record what is new, observe the balances.

    Finds the SMS accounts of the profile's customer, opens them, records purchases and
    consumption, and stores what OVH says of each balance. It may be stopped at any moment and
    run again, or run twice at once: nothing is counted twice. Only rules to read are needed.

    With --every it goes on until it is stopped, waits out failures of OVH, of the database and
    of the network, and tells on stderr what it does; one loop a customer works at a time.

    Example: sms-ledger --profile ab12345 sync
    """
    if every is not None and dry_run:
        msg = "--every cannot be combined with --dry-run"
        raise click.UsageError(msg)
    told = every is not None or verbose or form is not None
    with logs.logging_to_stderr(form, verbose=verbose) if told else nullcontext():
        if every is not None:
            return _repeat(session, _names(session, all_profiles=all_profiles), accounts, every)
        if all_profiles:
            return _synchronise_all(session, accounts, dry_run=dry_run)
        return _synchronise(session, session.profile, accounts, dry_run=dry_run)


def _names(session: Session, *, all_profiles: bool) -> list[str | None]:
    from ledger.ovh.profiles import list_profiles

    return [*list_profiles(environ=os.environ)] if all_profiles else [session.profile]


def _synchronise_all(session: Session, accounts: tuple[str, ...], *, dry_run: bool) -> int:
    statuses = [0]
    for name in _names(session, all_profiles=True):
        try:
            statuses.append(_synchronise(session, name, accounts, dry_run=dry_run))
        except (OvhError, Misuse) as error:
            click.echo(f"sms-ledger: profile {name}: {error}", err=True)
            statuses.append(error.status)
    return max(statuses)


def _repeat(
    session: Session, names: list[str | None], accounts: tuple[str, ...], every: timedelta
) -> int:
    """Synchronise again and again; what cannot work at the start is refused at once."""
    from cli.actions.loop import repeat
    from cli.actions.stopping import Stop, Stopped

    stop = Stop()
    try:
        with stop.listening():
            _ = session.database  # made and judged now; each round opens its own
            rounds = [_rounds(session, stop, name, accounts, every) for name in names]
            session.close()
            return repeat(rounds, stop)
    except Stopped as stopped:  # before the first round, or once more while ending
        return stopped.status


def _rounds(
    session: Session,
    stop: Stop,
    name: str | None,
    accounts: tuple[str, ...],
    every: timedelta,
) -> Rounds:
    from cli.actions.loop import Rounds, UnbrokenLedger
    from cli.actions.reopening import reopen
    from ledger.ovh.profiles import load_profile

    found = load_profile(name, environ=os.environ)
    known: dict[Profile, str] = {}

    def customer() -> str:
        """Ask OVH whose key it is, once for each key: ovh.conf may change while we run."""
        profile = load_profile(name, environ=os.environ)
        if profile not in known:
            customer = _customer(profile)
            known.clear()
            known[profile] = customer
        return known[profile]

    def synchronise() -> Result:
        session.command_id = os.urandom(16).hex()  # each round is a command of its own
        (profile,) = known
        with (
            closing(reopen(session.address)) as database,
            UnbrokenLedger(database.address, stop) as ledger,
        ):
            return _read(
                session, database, ledger, profile, progress=Silent(), accounts=accounts
            )

    return Rounds(
        found.name,
        session.address,
        every_s=every.total_seconds(),
        customer=customer,
        synchronise=synchronise,
    )


def _customer(profile: Profile) -> str:
    from ledger.errors import OvhRightMissing
    from ledger.ovh.client import connect

    if profile.nichandle:
        return profile.nichandle
    with connect(profile) as gateway:
        try:
            return gateway.me().nichandle
        except OvhRightMissing:
            return profile.name


def _synchronise(
    session: Session, profile: str | None, accounts: tuple[str, ...], *, dry_run: bool
) -> int:
    """Read one customer and tell; one that fails does not keep the others from being read."""
    from ledger.ovh.profiles import load_profile

    found = load_profile(profile, environ=os.environ)
    with session.for_reading() if dry_run else nullcontext(session.database) as database:
        result = _run(session, database, found, accounts, dry_run=dry_run)
    tell(result, dry_run=dry_run)
    moving = any(not outcome.quiet for outcome in result.outcomes)
    return OvhError.status if result.failures or result.missing or moving else 0


def _run(
    session: Session,
    database: Database,
    profile: Profile,
    accounts: tuple[str, ...],
    *,
    dry_run: bool,
) -> Result:
    from ledger.service import Ledger

    with Ledger(database.address) as ledger, progress(color=session.color) as shown:
        return _read(
            session,
            database,
            ledger,
            profile,
            progress=shown,
            accounts=accounts,
            dry_run=dry_run,
        )


def _read(
    session: Session,
    database: Database,
    ledger: Ledger,
    profile: Profile,
    *,
    progress: Progress,
    accounts: tuple[str, ...],
    dry_run: bool = False,
) -> Result:
    from ledger.ovh.client import connect
    from ledger.sync.customer import CustomerSync

    with connect(profile) as gateway:
        synchronisation = CustomerSync(
            gateway,
            ledger,
            database,
            stamp=session.stamp,
            progress=progress,
            dry_run=dry_run,
        )
        return synchronisation.run(accounts)
