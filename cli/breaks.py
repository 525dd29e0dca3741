"""`recon breaks`, `accept`, `adjust`, `assign`, `note`: what people make of differences."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from cli.known_at import known_at_option
from cli.options import FREE_TEXT, required_reason
from cli.output import Output, show, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from cli.actions.deciding import Decided, Decisions
    from cli.actions.finding import Named
    from ledger.events import BookedAs

_break = click.argument("named", metavar="ACCOUNT/BREAK")


@click.command(short_help="Every break: its age, who looks after it, what was decided.")
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]…")
@click.option("--all", "closed", is_flag=True, help="Also those that are booked or gone.")
@known_at_option
@with_output
@pass_session
def breaks(
    session: Session, accounts: tuple[str, ...], *, closed: bool, output: Output
) -> None:
    """List the differences that need a person, with what was decided on them.

    An accepted one stands as it was seen; of other credits, it is another break.

    Example: sms-ledger recon breaks sms-ab12345-1 --all
    """
    from projections.breaks import list_breaks

    with session.for_reading() as database:
        report = list_breaks(database, accounts, now=session.now, closed=closed)
    show(report, output, command="recon-breaks", hide=_BEHIND)


# What a table has no room for: `recon explain` tells it.
_BEHIND = (
    "customer", "age_days", "text", "decided_at", "reason", "movement", "break_kind",
    "reference",
)  # fmt: skip


@click.command(short_help="Let a difference stand as it is.")
@_break
@required_reason
@click.option("--owner", type=FREE_TEXT, metavar="NAME", help="Who looks after it.")
@pass_session
def accept(session: Session, named: str, *, reason: str, owner: str | None) -> None:
    """Accept a break: exactly these credits, as they were first seen, and no others.

    Nothing is booked: the line stays on every statement, and no longer alarms. Of a foreign
    transfer both sides are accepted. BREAK may be the beginning of its name.

    Example: sms-ledger recon accept sms-ab12345-1/20261031 --reason "gift of OVH's support"
    """
    from ledger.breaks import owner_name

    decided = _decisions(session, reason).accept(
        _named(named), owner_name(owner) if owner else None
    )
    for account, one in decided.breaks:
        amount = f" ({one.credits} credits)" if one.credits else ""
        click.echo(f"{account}/{one.id}: accepted{amount}")


@click.command(short_help="Book a difference.")
@_break
@required_reason
@click.option(
    "--as", "booked_as", type=click.Choice(("adjustment", "gift", "purchase", "transfer")),
    help="Default: what explains it, else adjustment.",
)  # fmt: skip
@click.option("--bill", metavar="ID", help="The bill line (billDetailId) of a purchase.")
@click.option("--with", "other", metavar="ACCOUNT[/BREAK]", help="A transfer's other side.")
@pass_session
def adjust(
    session: Session,
    named: str,
    *,
    reason: str,
    booked_as: BookedAs | None,
    bill: str | None,
    other: str | None,
) -> None:
    """Book a break at the observation that showed it first: this is never done by itself.

    A foreign transfer is booked on both accounts; a purchase by its bill line, so that the bill
    is not booked again. BREAK may be the beginning of its name.

    Example: sms-ledger recon adjust sms-ab12345-1/20261031 --as transfer --reason "panel, Anna"
    """
    decided = _decisions(session, reason).adjust(
        _named(named), booked_as, bill=bill, other=other
    )
    for line in _booked(decided):
        click.echo(line)


def _booked(decided: Decided) -> list[str]:
    return [
        f"{account}/{one.id}: {one.credits} credits booked as {decided.booked_as},"
        f" {one.first_seen_at:%Y-%m-%d %H:%M:%S} UTC"
        for account, one in decided.breaks
    ]


@click.command(short_help="Say who looks after a difference.")
@_break
@click.argument("owner", type=FREE_TEXT, metavar="OWNER")
@pass_session
def assign(session: Session, named: str, owner: str) -> None:
    """Give a break to OWNER; it stays as it is.

    Example: sms-ledger recon assign sms-ab12345-1/20261031 anna
    """
    from ledger.breaks import owner_name

    decided = _decisions(session, None).note(_named(named), owner_name(owner))
    for account, one in decided.breaks:
        click.echo(f"{account}/{one.id}: {owner} looks after it")


@click.command(short_help="Note something on a difference.")
@_break
@click.argument("text", type=FREE_TEXT, metavar="TEXT")
@pass_session
def note(session: Session, named: str, text: str) -> None:
    """Note TEXT on a break; it stays as it is. No personal data: events are never erased.

    Example: sms-ledger recon note sms-ab12345-1/20261031 "asked OVH's support, ticket 4711"
    """
    decided = _decisions(session, text).note(_named(named), None)
    for account, one in decided.breaks:
        click.echo(f"{account}/{one.id}: noted")


def _named(text: str) -> Named:
    from cli.actions.finding import Named

    return Named.parse(text)


def _decisions(session: Session, reason: str | None) -> Decisions:
    from cli.actions.deciding import Decisions
    from ledger.events import FromOperator

    return Decisions(
        session.ledger,
        session.database,
        stamp=session.stamp(FromOperator(), reason=reason),
        now=datetime.now(UTC),
    )
