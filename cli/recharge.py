"""`recharge`: OVH's automatic recharge, shown and set."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from cli.known_at import known_at_option
from cli.options import CreditsType, as_of_option, reason_option
from cli.output import Output, show, show_words, with_output
from cli.recharge_rules import rules
from cli.session import Session, pass_session
from cli.whatif import whatif
from ledger.errors import Misuse, OvhError, OvhRightMissing

if TYPE_CHECKING:
    from cli.actions.recharging import Change, Outcome
    from ledger.credits import Credits
    from ledger.ovh.client import OvhClient
    from ledger.recharge_rules import RechargeRules
    from projections.moments import Moment
    from projections.recharges import RechargeRow, Shown


@click.group(short_help="Automatic recharge: settings, and whether it can work.")
def recharge() -> None:
    """Show and set OVH's automatic recharge."""


recharge.add_command(rules)
recharge.add_command(whatif)


@recharge.command("show", short_help="Threshold, amount, whether the conditions hold.")
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]…")
@click.option("--live", is_flag=True, help="Ask OVH now, instead of what sync saw last.")
@as_of_option
@known_at_option
@with_output
@pass_session
def show_(
    session: Session,
    accounts: tuple[str, ...],
    *,
    live: bool,
    as_of: Moment | None,
    output: Output,
) -> int:
    """Show threshold and amount of each account, and whether recharge can work at all.

    It needs a valid SEPA direct debit, a service of a certain age, and no SMPP account: by the
    rules of OVH that hold today. Status 1: it is on, and cannot work.

    Example: sms-ledger recharge show sms-ab12345-1
    """
    from projections.recharges import show_recharges

    if live and (as_of is not None or session.looks_back):
        msg = "--live cannot be combined with --as-of or --known-at: OVH tells of now alone"
        raise click.UsageError(msg)
    with session.for_reading() as database:
        names = accounts or tuple(
            row.account for row in show_recharges(database, (), now=session.now).rows
        )
        shown, now = _ask(session, names) if live else (None, session.now)
        named = names if live else accounts
        report = show_recharges(database, named, now=now, live=shown, as_of=as_of)
    if output.for_people:
        show_words(report, output, [line for row in report.rows for line in _words(row)])
    else:
        show(report, output, command="recharge-show")
    return int(any(row.status == "cannot work" for row in report.rows))


def _ask(session: Session, accounts: tuple[str, ...]) -> tuple[Mapping[str, Shown], datetime]:
    from cli.actions.recharging import look

    with _connected(session) as client:
        now = client.time()
        listed = client.services()
        return {one: look(client, one, at=now) for one in accounts if one in listed}, now


def _connected(session: Session) -> OvhClient:
    from ledger.ovh.client import connect
    from ledger.ovh.profiles import load_profile

    return connect(load_profile(session.profile, environ=os.environ))


def _words(row: RechargeRow) -> Iterator[str]:
    from cli.tables import cell

    if row.status == "not read":
        yield f"{row.account}: not read yet"
        return
    yield f"{row.account}: {_settings((row.threshold, row.amount))}; {row.status}"
    yield f"  seen {cell(row.seen_at)}; the account owns {cell(row.credits)} credits"
    marks = {True: "holds", False: "DOES NOT HOLD", None: "not known"}
    for one in row.conditions:
        yield f"  {marks[one.holds]}: {one.text}"
    asked = row.requested
    if asked is not None:
        why = f" ({asked.reason})" if asked.reason else ""
        wanted = _settings((asked.threshold, asked.amount))
        yield f"  last asked for by {asked.actor}, {cell(asked.requested_at)}{why}: {wanted}"


def _settings(settings: tuple[Any, int | None]) -> str:
    from cli.actions.recharging import settings_text

    return settings_text(settings)


# --- set -------------------------------------------------------------------------------------


@recharge.command("set", short_help="Change threshold and amount at OVH.")
@click.argument("account", metavar="ACCOUNT")
@click.option("--threshold", type=CreditsType(), metavar="N", help="Recharge below N credits.")
@click.option("--amount", type=int, metavar="N", help="How many credits OVH buys each time.")
@click.option("--off", is_flag=True, help="Buy nothing automatically.")
@reason_option()
@click.option("--dry-run", is_flag=True, help="Tell what would be changed, change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def set_(
    session: Session,
    account: str,
    *,
    threshold: Credits | None,
    amount: int | None,
    off: bool,
    reason: str | None,
    dry_run: bool,
    yes: bool,
) -> int:
    """Change the automatic recharge of ACCOUNT at OVH. What is not stated stays as it is.

    OVH is asked once and read again; who asked, why, and what OVH shows then is recorded.
    The key needs the rule PUT /sms/*: `login --with recharge`. Status 1: OVH accepted the
    change, and shows something else. Status 3: it is not known whether it was made. Status 5:
    others changed it at OVH between the question and the yes; nothing was asked for.

    Example: sms-ledger recharge set sms-ab12345-1 --threshold 50 --amount 250 --yes
    """
    from cli.actions.recharging import check_unmoved, look, plan

    if off and amount is not None:
        msg = "--off cannot be combined with --amount"
        raise click.UsageError(msg)
    if not off and amount is None and threshold is None:
        msg = "expected --threshold, --amount or --off, found none of them"
        raise click.UsageError(msg)
    _require_open(session, account)
    with _connected(session) as client:
        now = client.time()
        rules = _rules(session, now)
        change = plan(
            look(client, account, at=now),
            account,
            threshold=threshold,
            amount=amount,
            off=off,
            rules=rules,
        )
        if change.is_none:
            click.echo(f"{account}: nothing to change: {_settings(change.wanted)}")
            return 0
        _tell_plan(change, rules, now, dry_run=dry_run)
        if dry_run:
            return 0
        _confirm(yes=yes)
        check_unmoved(change, client)
        return _tell(change, _carry_out(session, client, change, now, reason))


def _require_open(session: Session, account: str) -> None:
    """Refuse an account that is not in the books. Raises UnknownAccount or Misuse."""
    from projections.books import books

    with session.for_reading() as database:
        (book,) = books(database, [account])
    if book.closed_at_us is not None:
        msg = f"expected an open account, found that {account} was closed: name another one"
        raise Misuse(msg)


def _rules(session: Session, now: datetime) -> RechargeRules:
    """Give the rules of OVH that hold today."""
    from projections.stated_rules import rules_in_force

    with session.for_reading() as database:
        return rules_in_force(database, now.date())


def _tell_plan(change: Change, rules: RechargeRules, now: datetime, *, dry_run: bool) -> None:
    from ledger.recharge_rules import conditions

    before = _settings((change.now.threshold, change.now.amount))
    verb = "would change" if dry_run else "change"
    click.echo(f"{change.account}: {verb} {before} to {_settings(change.wanted)}")
    if change.amount is None:
        return
    for one in conditions(rules, change.now.facts, now.date()):
        if not one.holds:
            click.echo(f"note: {one.text}", err=True)


def _confirm(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        msg = "expected a yes, found no terminal to ask on: type --yes (or --dry-run to look)"
        raise Misuse(msg)
    click.confirm("Ask OVH for it?", abort=True, err=True)


def _carry_out(
    session: Session, client: OvhClient, change: Change, now: datetime, reason: str | None
) -> Outcome:
    from cli.actions.recharging import carry_out
    from ledger.events import FromOperator

    return carry_out(
        change,
        client,
        session.ledger,
        stamp=session.stamp,
        asked=session.stamp(FromOperator(), reason=reason),
        clock=_ticking(now),
    )


def _ticking(now: datetime) -> Callable[[], datetime]:
    """Give OVH's clock, as it goes on from what it showed."""
    offset = now - datetime.now(UTC)
    return lambda: datetime.now(UTC) + offset


def _tell(change: Change, outcome: Outcome) -> int:
    """Say what came of it; gives the exit status. Raises OVH's refusal."""
    if outcome.shown == change.wanted:
        click.echo(f"{change.account}: OVH shows {_settings(change.wanted)}")
        return 0
    error = outcome.error
    if isinstance(error, OvhRightMissing):
        msg = f"{error}, or run `sms-ledger login --with recharge`; nothing was changed"
        raise OvhError(msg)
    if error is not None and outcome.is_refused:
        raise error
    if error is not None or outcome.shown is None:
        raise OvhError(_unsettled(change, outcome))
    msg = (
        f"expected {_settings(change.wanted)}, found that OVH accepted it and shows"
        f" {_settings(outcome.shown)}: this is what was recorded"
    )
    click.echo(f"sms-ledger: {msg}", err=True)
    return 1


def _unsettled(change: Change, outcome: Outcome) -> str:
    shown = outcome.shown
    found = f"OVH shows {_settings(shown)}" if shown else "OVH cannot be read again"
    return (
        f"{outcome.error or outcome.unread}; expected {_settings(change.wanted)}, found that"
        f" {found}: it is not known whether it is changed, look by"
        f" `sms-ledger recharge show {change.account} --live`"
    )
