"""`account`: list, show and close SMS accounts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from cli.known_at import known_at_option
from cli.options import ENTRY_ACCOUNT, MOMENT, as_of_option, reason_option
from cli.output import Output, in_languages, show, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from ledger.events import EntryAccount
    from projections.moments import Moment


@click.group(short_help="List, show and close SMS accounts.")
def account() -> None:
    """List, show and close SMS accounts."""


@account.command("list", short_help="Every account with its customer and balance.")
@as_of_option
@known_at_option
@with_output
@pass_session
def list_(session: Session, *, as_of: Moment | None, output: Output) -> None:
    """List the accounts of the ledger.

    Example: sms-ledger account list
    """
    from projections.accounts import list_accounts

    show(list_accounts(session.database, as_of), output, command="account-list")


@account.command("show", short_help="All that is known of one account.")
@click.argument("name", metavar="ACCOUNT")
@known_at_option
@with_output
@pass_session
def show_(session: Session, name: str, *, output: Output) -> None:
    """Show what is known of ACCOUNT: balance, recharge, observation, breaks, purchases.

    Example: sms-ledger account show sms-ab12345-1
    """
    from cli.account_words import details
    from cli.output import show_words
    from projections.accounts import show_account

    report = show_account(session.database, name)
    if output.for_people:
        show_words(report, output, [line for row in report.rows for line in details(row)])
    else:
        show(report, output, command="account-show")


@account.command(short_help="Take an account out of the books.")
@click.argument("name", metavar="ACCOUNT")
@click.option("--write-off", is_flag=True, help="Give up the credits that are left.")
@reason_option()
@click.option("--at", type=MOMENT, metavar="WHEN", help="When it was closed. Default: now.")
@pass_session
def close(
    session: Session, name: str, *, write_off: bool, reason: str | None, at: Moment | None
) -> None:
    """Close ACCOUNT. With credits left, they must be written off.

    Example: sms-ledger account close sms-ab12345-1 --write-off --reason "number given up"
    """
    from cli.actions.closing import close_account
    from ledger.events import FromOperator

    closed = close_account(
        session.ledger,
        session.database,
        name,
        write_off=write_off,
        stamp=session.stamp(FromOperator(), reason=reason),
        moment=at,
        now=datetime.now(UTC),
    )
    wrote_off = f"; {closed.written_off} credits were written off" if closed.written_off else ""
    click.echo(f"{name} is closed since {closed.at.isoformat()}{wrote_off}")


@account.command(short_help="What an opening cost that no bill covers.")
@click.argument("name", metavar="ACCOUNT")
@click.option("--cost", required=True, metavar="AMOUNT", help="Excluding VAT got back: 120.00.")
@click.option("--currency", default="EUR", show_default=True, help="EUR, GBP, PLN, …")
@reason_option()
@pass_session
def opening(
    session: Session, name: str, *, cost: str, currency: str, reason: str | None
) -> None:
    """State what the credits of ACCOUNT's opening cost that no bill before it covers.

    It is kept with who said so and why; said again, the last one holds.

    Example: sms-ledger account opening sms-ab12345-1 --cost 120.00 --reason "books of 2025"
    """
    from cli.actions.costing import state_cost
    from ledger.events import FromOperator
    from ledger.money import Money

    stated = state_cost(
        session.ledger,
        session.database,
        name,
        Money.parse(cost, currency),
        stamp=session.stamp(FromOperator(), reason=reason),
    )
    said = "is recorded" if stated.is_new else "was known"
    click.echo(
        f"{name}: {stated.credits} credits of its opening cost {stated.cost}; this {said}"
    )


@account.command(short_help="Which share of the VAT a customer gets back.")
@click.argument("name", metavar="NICHANDLE")
@click.option("--recoverable", required=True, metavar="PERCENT", help="From 0 to 100.")
@click.option(
    "--from", "since", type=MOMENT, required=True, metavar="DATE",
    help="For what is bought from then on.",
)  # fmt: skip
@reason_option()
@pass_session
def vat(
    session: Session, name: str, *, recoverable: str, since: Moment, reason: str | None
) -> None:
    """Say which per cent of the VAT on credits the customer NICHANDLE gets back.

    What it does not get back is part of what credits cost. Without this, all of it is got back.

    Example: sms-ledger account vat ab12345-ovh --recoverable 0 --from 2026-01-01
    """
    from cli.actions.costing import set_recovery
    from ledger.events import FromOperator

    new = set_recovery(
        session.ledger,
        session.database,
        name,
        recoverable,
        since=since,
        stamp=session.stamp(FromOperator(), reason=reason),
    )
    said = "is recorded" if new else "was known"
    click.echo(f"{name} gets back {recoverable} % of the VAT on later bills; this {said}")


@account.command(short_help="Which accounts of its own books a customer's entries use.")
@click.argument("name", metavar="[NICHANDLE]", required=False)
@click.option(
    "--set", "wanted", multiple=True, metavar='"ROLE=CODE LABEL"', type=ENTRY_ACCOUNT,
    help='Such as "prepaid=486 Charges constatées d\'avance"; may be repeated.',
)  # fmt: skip
@click.option("--from", "since", type=MOMENT, metavar="DATE", help="For entries from then on.")
@reason_option()
@known_at_option
@with_output
@in_languages
@pass_session
def entries(
    session: Session,
    name: str | None,
    *,
    wanted: tuple[EntryAccount, ...],
    since: Moment | None,
    reason: str | None,
    output: Output,
) -> None:
    """Show the accounts that `export entries` uses, or set some of those of NICHANDLE.

    What is set is recorded and holds for entries from a day on; without it, the accounts are
    those that the program ships for the customer's country.

    Example: sms-ledger account entries ab12345-ovh --set "expense=626 SMS" --from 2026-01-01
    """
    if not wanted and (since or reason):
        msg = "--from and --reason are of what is set: type --set ROLE=CODE LABEL too"
        raise click.UsageError(msg)
    if not wanted:
        from projections.entry_accounts import entry_accounts

        found = entry_accounts(session.database, [name] if name else [])
        show(found, output, command="account-entries")
        return
    if name is None or since is None or session.looks_back:
        msg = "--set needs NICHANDLE and --from DATE, and is done now, without --known-at"
        raise click.UsageError(msg)
    from cli.actions.costing import set_accounts
    from ledger.events import FromOperator

    new = set_accounts(
        session.ledger,
        session.database,
        name,
        wanted,
        since=since,
        stamp=session.stamp(FromOperator(), reason=reason),
    )
    said = "this is recorded" if new else "this was known"
    roles = ", ".join(f"{one.role} {one.code}" for one in wanted)
    click.echo(f"{name} uses {roles} in its entries; {said}")
