"""`value`: what the credits that are left have cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cli.known_at import known_at_option
from cli.options import as_of_option, basis_option
from cli.output import Output, in_languages, show, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from projections.basis import Basis
    from projections.moments import Moment


@click.command(short_help="What the credits that are left have cost.")
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]…")
@as_of_option
@known_at_option
@basis_option("posted")
@with_output
@in_languages
@pass_session
def value(
    session: Session,
    accounts: tuple[str, ...],
    *,
    as_of: Moment | None,
    basis: Basis,
    output: Output,
) -> None:
    """Show the prepaid value of every account, or of the named ones, lot by lot.

    The total of a currency is the figure for the balance sheet: what was paid for credits that
    are not used yet. The end of a closed month is as it was closed.

    Example: sms-ledger value --as-of 2026-10-31
    """
    from projections.values import sums, values

    report = values(session.database, accounts, as_of, basis)
    show(
        report,
        output,
        command="value",
        hide=["customer"] if _is_one(report.rows) else [],
        totals=sums(report),
        summed=("left", "value"),
        chart="lots-left",
    )


def _is_one(rows: Sequence[object]) -> bool:
    return len({getattr(row, "customer", "") for row in rows}) <= 1
