"""`lots`: what was bought, what it cost, what is left of it where, and who drew it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.known_at import known_at_option
from cli.options import as_of_option, basis_option
from cli.output import Output, in_languages, show, unposted, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from projections.basis import Basis
    from projections.moments import Moment


@click.command(short_help="What was bought, at what cost, what is left, who drew it.")
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]…")
@as_of_option
@basis_option("posted")
@click.option("--left", "only_left", is_flag=True, help="Only lots of which something is left.")
@click.option("--draws", "of_draws", is_flag=True, help="Who drew each lot, and when.")
@click.option("--lot", metavar="LOT", help="With --draws: of this lot alone.")
@known_at_option
@with_output
@in_languages
@pass_session
def lots(
    session: Session,
    accounts: tuple[str, ...],
    *,
    as_of: Moment | None,
    basis: Basis,
    only_left: bool,
    of_draws: bool,
    lot: str | None,
    output: Output,
) -> None:
    """Show the lots of every account, or of the named ones: credits bought together.

    Credits are used in the order in which they were bought. A transfer moves them with their
    cost and date, so that a lot may lie in several accounts.

    Example: sms-ledger lots --left --as-of 2026-10-31
    """
    from projections import lots as reports

    if lot is not None and not of_draws:
        msg = "--lot tells of which lot --draws are shown: type both"
        raise click.UsageError(msg)
    if of_draws:
        if only_left:
            msg = "--left cannot be combined with --draws: what was drawn is not left"
            raise click.UsageError(msg)
        drawn = reports.draws(session.database, accounts, as_of, basis, lot=lot)
        show(drawn, output, command="lots-draws", hide=["customer", *unposted(drawn)])
        return
    report = reports.lots(session.database, accounts, as_of, basis, only_left=only_left)
    hide = ["customer", "net", "left_net", "vat", "position"]
    if all(row.bought_by == row.account for row in report.rows):
        hide.append("bought_by")
    show(report, output, command="lots", hide=hide, chart="lots-left")
