"""`cost`: what messages used and cost by month and tag, country, batch, user or kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import click

from cli.known_at import known_at_option
from cli.options import basis_option, customers_option, with_period
from cli.output import Output, in_languages, show, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from projections.basis import Basis
    from projections.moments import Period
    from projections.month_sums import Dimension

# As `projections.month_sums.DIMENSIONS`; a test holds them together.
DIMENSIONS: Final = ("tag", "country", "batch", "user", "kind")


@click.command(short_help="What messages cost by month and tag, country, batch, user or kind.")
@click.option(
    "--by", type=click.Choice(DIMENSIONS), default="kind", show_default=True,
    help="What the months are divided by.",
)  # fmt: skip
@click.option("--account", "accounts", multiple=True, help="Only this one; may be repeated.")
@customers_option
@with_period
@known_at_option
@basis_option("posted")
@with_output
@in_languages
@pass_session
def cost(
    session: Session,
    *,
    by: str,
    accounts: tuple[str, ...],
    customers: tuple[str, ...],
    period: Period,
    basis: Basis,
    output: Output,
) -> None:
    """Show what messages used in each month of a customer, and what those credits cost.

    Their cost is that of the lots they drew, shared in proportion to credits. Replies, lookups
    and list cleaning count too; a correction counts with its message. What has no tag, batch or
    user is (none). The months of a period must be whole.

    A closed month costs what it was closed with; late messages of it stand in the month they
    were posted in, among the columns that begin with prior. What closed months turned out to
    have cost more, or less, stands as (prior-period) in the first open month.

    Example: sms-ledger cost --by tag -p 2026-10
    """
    from projections.costs import Wanted, costs, totals

    wanted = Wanted(cast("Dimension", by), period, accounts, customers, basis)
    report = costs(session.database, wanted)
    of_each = totals(report)
    show(
        report,
        output,
        command="cost",
        hide=_needless(report.rows, of_each),
        totals=of_each,
        summed=("sms", "credits", "net", "cost", "unvalued"),
        chart="costs-by-month",
    )


def _is_prior(row: Any) -> bool:
    return bool(row.prior_credits) or any(
        text not in (None, "0.00") for text in (row.prior_net, row.prior_cost)
    )


def _needless(rows: Sequence[Any], of_each: Sequence[Any]) -> list[str]:
    """Name the columns that tell a person nothing here."""
    return [
        *(["customer"] if len({row.customer for row in of_each}) <= 1 else []),
        *(["cost"] if all(row.cost == row.net for row in rows) else []),
        *(["unvalued"] if not any(row.unvalued for row in rows) else []),
        *([] if any(map(_is_prior, rows)) else ["prior_credits", "prior_net", "prior_cost"]),
    ]
