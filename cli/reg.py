"""`reg`: movements with their running balance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from cli.known_at import known_at_option
from cli.options import as_of_option, basis_option, with_period
from cli.output import Output, show, unposted, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from projections.basis import Basis
    from projections.moments import Moment, Period


@click.command(short_help="Movements with their running balance.")
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]…")
@click.option("--lots", "with_lots", is_flag=True, help="Which lots paid for each row.")
@with_period
@as_of_option
@known_at_option
@basis_option("happened")
@with_output
@pass_session
def reg(
    session: Session,
    accounts: tuple[str, ...],
    *,
    with_lots: bool,
    period: Period,
    as_of: Moment | None,
    basis: Basis,
    output: Output,
) -> None:
    """Show the movements of every account, or the named ones, with the balance after each.

    Messages are grouped by day, cut at each purchase, transfer or other single movement, so
    that every balance is exact. `stmt --lines` shows each of them.

    Example: sms-ledger reg -p 2026-10
    """
    from projections import registers

    asked = replace(period, as_of=as_of)
    hide = ["customer", "recorded_at"]
    if with_lots:
        paid = registers.register_with_lots(session.database, asked, accounts, basis=basis)
        show(paid, output, command="reg", hide=[*hide, *unposted(paid)])
        return
    report = registers.register(session.database, asked, accounts, basis=basis)
    show(report, output, command="reg", hide=[*hide, *unposted(report)])
