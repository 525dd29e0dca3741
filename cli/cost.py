"""`cost`: credits used by month, and by tag, country, batch, user or kind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

import click

from cli.options import with_period
from cli.output import Output, show, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from projections.moments import Period
    from projections.month_sums import Dimension

# As `projections.month_sums.DIMENSIONS`; a test holds them together.
DIMENSIONS: Final = ("tag", "country", "batch", "user", "kind")


@click.command(short_help="Credits used by month and tag, country, batch, user or kind.")
@click.option(
    "--by", type=click.Choice(DIMENSIONS), default="kind", show_default=True,
    help="What the months are divided by.",
)  # fmt: skip
@click.option("--account", "accounts", multiple=True, help="Only this one; may be repeated.")
@click.option(
    "--customer", "customers", multiple=True, metavar="NICHANDLE",
    help="Only this one's accounts; may be repeated.",
)  # fmt: skip
@with_period
@with_output
@pass_session
def cost(
    session: Session,
    *,
    by: str,
    accounts: tuple[str, ...],
    customers: tuple[str, ...],
    period: Period,
    output: Output,
) -> None:
    """Show the credits that messages used in each month of a customer, from its openings on.

    Replies, lookups and list cleaning count too; a correction counts with its message. What has
    no tag, batch or user is (none). The months of a period must be whole.

    Example: sms-ledger cost --by tag -p 2026-10
    """
    from projections.costs import Wanted, costs, totals

    wanted = Wanted(cast("Dimension", by), period, accounts, customers)
    report = costs(session.database, wanted)
    if output.for_people:
        of_each = totals(report)
        report = replace(report, rows=[*report.rows, *of_each])
        hide = ["customer"] if len(of_each) < 2 else []  # noqa: PLR2004 (one needs no name)
        show(report, output, command="cost", hide=hide)
    else:
        show(report, output, command="cost")
