"""`bal`: the balance of every account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.known_at import known_at_option
from cli.options import as_of_option, basis_option
from cli.output import Output, show, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from projections.basis import Basis
    from projections.moments import Moment


@click.command(short_help="The balance of every account.")
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]…")
@as_of_option
@known_at_option
@basis_option("happened")
@with_output
@pass_session
def bal(
    session: Session,
    accounts: tuple[str, ...],
    *,
    as_of: Moment | None,
    basis: Basis,
    output: Output,
) -> None:
    """Show the credits that every account owns, or the named ones.

    --basis posted leaves out what was recorded late, and stands after the moment.

    Example: sms-ledger bal --as-of 2026-10-31
    """
    from projections import balances

    if as_of is None:
        report = balances.balances_now(session.database, accounts)
    elif basis == "posted":
        from projections.lot_books import lots_caught_up
        from projections.past import posted_before

        with lots_caught_up(session.database) as database:
            report = balances.balances_at(database, as_of, posted_before, accounts)
    else:
        from projections.past import balance_before, reading

        with reading(session.database, as_of) as database:
            report = balances.balances_at(database, as_of, balance_before, accounts)
    show(report, output, command="bal")
