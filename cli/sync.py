"""`sync`: read OVH and record what is new."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import click

from cli.session import Session, pass_session
from ledger.errors import Misuse, OvhError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.database import Database
    from ledger.ovh.profiles import Profile
    from ledger.sync.balance import Outcome
    from ledger.sync.customer import Result


@click.command(short_help="Read OVH, record what is new, observe the balances.")
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]…")
@click.option("--all-profiles", is_flag=True, help="Every profile of ovh.conf, one by one.")
@click.option("--dry-run", is_flag=True, help="Tell what is new, record nothing.")
@pass_session
def sync(
    session: Session, accounts: tuple[str, ...], *, all_profiles: bool, dry_run: bool
) -> int:
    """Read OVH, record what is new, observe the balances.

    Finds the SMS accounts of the profile's customer, opens them, records purchases and
    consumption, and stores what OVH says of each balance. It may be stopped at any moment and
    run again, or run twice at once: nothing is counted twice. Only rules to read are needed.

    Example: sms-ledger --profile ab12345 sync
    """
    if not all_profiles:
        return _synchronise(session, session.profile, accounts, dry_run=dry_run)
    from ledger.ovh.profiles import list_profiles

    statuses = [0]
    for name in list_profiles(environ=os.environ):
        try:
            statuses.append(_synchronise(session, name, accounts, dry_run=dry_run))
        except (OvhError, Misuse) as error:
            click.echo(f"sms-ledger: profile {name}: {error}", err=True)
            statuses.append(error.status)
    return max(statuses)


def _synchronise(
    session: Session, profile: str | None, accounts: tuple[str, ...], *, dry_run: bool
) -> int:
    """Read one customer and tell; one that fails does not keep the others from being read."""
    from ledger.ovh.profiles import load_profile

    found = load_profile(profile, environ=os.environ)
    with session.for_reading() if dry_run else nullcontext(session.database) as database:
        result = _run(session, database, found, accounts, dry_run=dry_run)
    _tell(result, dry_run=dry_run)
    for failure in result.failures:
        click.echo(f"sms-ledger: {failure}", err=True)
    for account in result.missing:
        click.echo(f"sms-ledger: {_missing(account)}", err=True)
    moving = any(not outcome.quiet for outcome in result.outcomes)
    return OvhError.status if result.failures or result.missing or moving else 0


def _missing(account: str) -> str:
    return (
        f"expected OVH to show {account}, found that it does not: run sync again later, or, if"
        f" the service has ended, type `sms-ledger account close {account} --write-off`"
    )


def _run(
    session: Session,
    database: Database,
    profile: Profile,
    accounts: tuple[str, ...],
    *,
    dry_run: bool,
) -> Result:
    from ledger.ovh.client import connect
    from ledger.service import Ledger
    from ledger.sync.customer import CustomerSync

    with (
        connect(profile) as gateway,
        Ledger(database.path) as ledger,
        _progress(session) as progress,
    ):
        synchronisation = CustomerSync(
            gateway,
            ledger,
            database,
            stamp=session.stamp,
            progress=progress,
            dry_run=dry_run,
        )
        return synchronisation.run(accounts)


class _Silent:
    def expect(self, account: str, rows: int) -> None:
        pass

    def advance(self, rows: int) -> None:
        pass


class _Bars:
    """One bar for each list of rows, on stderr."""

    def __init__(self, console: Any) -> None:
        self._console = console
        self._task: Any = None

    def expect(self, account: str, rows: int) -> None:
        if rows:
            self._task = self._console.add_task(account, total=rows)

    def advance(self, rows: int) -> None:
        self._console.advance(self._task, rows)


@contextmanager
def _progress(session: Session) -> Iterator[Any]:
    """Draw progress where a person looks at stderr; nothing goes to a log file."""
    if not sys.stderr.isatty():
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True, no_color=not session.color)
    with Progress(*columns, console=console, transient=True) as bars:
        yield _Bars(bars)


def _tell(result: Result, *, dry_run: bool) -> None:
    verb = "would record" if dry_run else "recorded"
    for outcome in result.outcomes:
        click.echo(f"{outcome.account}: {_sentence(outcome, verb)}")
    if not result.outcomes:
        click.echo(f"{result.customer}: OVH has no SMS account to read")
    for note in result.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"{result.customer}: {_many(result.requests, 'request')} to OVH", err=True)


def _sentence(outcome: Outcome, verb: str) -> str:
    parts = ["opened"] if outcome.opened else []
    new = [
        _many(count, noun)
        for count, noun in (
            (outcome.lines, "line"),
            (outcome.purchases, "purchase"),
            (outcome.corrected, "correction"),
        )
        if count
    ]
    parts.append(f"{verb} {', '.join(new)}" if new else "nothing new")
    if outcome.observed is not None:
        parts.append(f"OVH shows {outcome.observed} credits")
    if outcome.vanished:
        rows = _many(outcome.vanished, "recorded line")
        parts.append(f"{rows} no longer at OVH (kept here)")
    if not outcome.quiet:
        parts.append("the balance kept moving: run sync again")
    return "; ".join(parts)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
