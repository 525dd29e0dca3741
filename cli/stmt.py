"""`stmt`: the statement of one account."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from cli.known_at import known_at_option
from cli.options import as_of_option, basis_option, with_period
from cli.output import Output, in_languages, show, unposted, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from projections.basis import Basis
    from projections.moments import Moment, Period


@click.command(short_help="The statement of one account.")
@click.argument("account")
@click.option("--lines", "each_line", is_flag=True, help="A row for every message.")
@click.option("--lots", "with_lots", is_flag=True, help="Which lots paid for each row.")
@with_period
@as_of_option
@known_at_option
@basis_option("posted")
@with_output
@in_languages
@pass_session
def stmt(
    session: Session,
    account: str,
    *,
    each_line: bool,
    with_lots: bool,
    period: Period,
    as_of: Moment | None,
    basis: Basis,
    output: Output,
) -> None:
    """Show the statement of ACCOUNT: what it began with, what moved, what it ended with.

    The balance is exact after every row; the credits of all rows add up to the last balance.
    What was recorded late for a closed month stands at the beginning of the month that it was
    posted in, by the date of when it happened.

    Example: sms-ledger stmt sms-ab12345-1 -p 2026-10
    """
    from projections import registers

    asked = replace(period, as_of=as_of)
    hide = ["customer", "account", "recorded_at"]
    if with_lots:
        paid = registers.register_with_lots(
            session.database, asked, [account], each_line=each_line, closing=True, basis=basis
        )
        show(paid, output, command="stmt", hide=[*hide, *unposted(paid)], chart="balance")
        return
    report = registers.register(
        session.database, asked, [account], each_line=each_line, closing=True, basis=basis
    )
    hide += unposted(report)
    show(report, output, command="stmt", hide=hide, account=account, chart="balance")
