"""`close`: the months of a customer, closed one after the other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from cli.known_at import known_at_option
from cli.options import reason_option, required_reason
from cli.output import Output, show, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from cli.actions.closing_months import Tried

FINDINGS: Final = 1

_customer = click.option(
    "--customer", metavar="NICHANDLE", help="Whose month, where the ledger has several."
)


@click.group(short_help="Close months, and see which are closed.")
def close() -> None:
    """Close the months of a customer one after the other, with all its accounts.

    A closed month keeps its figures: what becomes known of it later is posted in the first open
    one. Accounts themselves are closed by `account close`.
    """


@close.command(short_help="Close a month, when its list is done.")
@click.argument("name", metavar="MONTH")
@_customer
@click.option(
    "--accept", "accepting", multiple=True, metavar="ACCOUNT[/BREAK]",
    help="Let it stand: a break, or an account that no look at OVH covers; may be repeated.",
)  # fmt: skip
@reason_option("What is to be known of it; kept with the event.")
@click.option("--dry-run", is_flag=True, help="Go through the list, and record nothing.")
@with_output
@pass_session
def month(
    session: Session,
    name: str,
    *,
    customer: str | None,
    accepting: tuple[str, ...],
    reason: str | None,
    dry_run: bool,
    output: Output,
) -> int:
    """Close MONTH, such as 2026-10, of a customer: all its accounts together.

    Its list is shown: the month is over, the months before it are closed, no import is
    unfinished, no transfer in doubt; OVH's lists were read through its end, no difference is
    unexplained, no break open. What is open is done first, or accepted by name.

    Exit status: 5 where something is open, nothing is recorded then; with --dry-run 1.

    Example: sms-ledger close month 2026-10 --customer ab12345-ovh --dry-run
    """
    from cli.actions.closing_months import close_month, look
    from ledger.events import FromOperator

    now = datetime.now(UTC)
    if dry_run:
        tried = look(session.database, customer, name, accepting=accepting, now=now)
        _show(tried, output)
        return FINDINGS if tried.open else 0
    tried = close_month(
        session.ledger,
        session.database,
        customer,
        name,
        accepting=accepting,
        stamp=session.stamp(FromOperator(), reason=reason),
        now=now,
    )
    _show(tried, output)
    _require_closed(tried)
    return 0


def _show(tried: Tried, output: Output) -> None:
    from cli.close_words import lines
    from cli.output import show_words

    report = tried.of.report(tried.items)
    if output.for_people:
        show_words(report, output, list(lines(tried)), account=tried.of.accounts[0].account)
    else:
        show(report, output, command="close-month", account=tried.of.accounts[0].account)


def _require_closed(tried: Tried) -> None:
    """Raise Refused where something of the list is open."""
    from ledger.errors import Refused
    from projections.words import many

    if tried.closed is None:
        msg = (
            f"expected {tried.of.month.name} of {tried.of.customer} ready to be closed, found"
            f" {many(len(tried.open), 'item')} open: {tried.open[0].next}"
        )
        raise Refused(msg)


@close.command(short_help="Which months are closed, and what the next one waits for.")
@_customer
@click.option("--all", "superseded", is_flag=True, help="Also closes that were reopened.")
@known_at_option
@with_output
@pass_session
def status(session: Session, *, customer: str | None, superseded: bool, output: Output) -> None:
    """List the closed months of every customer, or of one, and the next month with its list.

    Example: sms-ledger close status --all
    """
    from cli.close_words import next_ones
    from projections.closings import periods

    with session.for_reading() as database:
        report = periods(database, customer, now=session.now, superseded=superseded)
    hide = [*_BEHIND, *([] if superseded else _OF_REOPENED)]
    show(report, output, command="close-status", words=list(next_ones(report)), hide=hide)


# What a table has no room for: `audit show` tells it.
_BEHIND: Final = ("event", "checkpoint", "customer_checkpoint")
_OF_REOPENED: Final = ("reopened_at", "reopened_by", "reopened_because")


@close.command(short_help="Open a closed month again, and all later ones.")
@click.argument("name", metavar="MONTH")
@_customer
@required_reason
@pass_session
def reopen(session: Session, name: str, *, customer: str | None, reason: str) -> None:
    """Open MONTH again, with all later ones: they are closed anew, one after the other.

    What was recorded late for them moves back to where it happened. The closes that this ends
    stay in `close status --all` and in the log.

    Example: sms-ledger close reopen 2026-10 --customer ab12345-ovh --reason "a bill came late"
    """
    from cli.actions.closing_months import reopen_month
    from ledger.events import FromOperator

    owner, months = reopen_month(
        session.ledger,
        session.database,
        customer,
        name,
        stamp=session.stamp(FromOperator(), reason=reason),
        now=datetime.now(UTC),
    )
    are = "is" if len(months) == 1 else "are"
    click.echo(
        f"{', '.join(months)} of {owner} {are} open again; close {months[0]} anew with"
        f" `sms-ledger close month {months[0]} --customer {owner}`"
    )
