"""`sheet`: the period-end sheet for the accountant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.known_at import known_at_option
from cli.options import basis_option, customers_option, with_period
from cli.output import Output, in_languages, show_parts, unposted, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from cli.forms.parts import Part
    from projections.basis import Basis
    from projections.moments import Period
    from projections.sheets import Sheet


@click.command(short_help="What an accountant books at a period's end.")
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]…")
@customers_option
@with_period
@known_at_option
@basis_option("posted")
@with_output
@in_languages
@pass_session
def sheet(
    session: Session,
    accounts: tuple[str, ...],
    *,
    customers: tuple[str, ...],
    period: Period,
    basis: Basis,
    output: Output,
) -> None:
    """Show, for each account, a period from its opening balance to its closing balance.

    Purchases with their invoice, recharges, transfers at cost, consumption, adjustments; then
    the lots that are left, and what OVH said. Lines add up to the closing balance in credits
    and to the cent; the closing values are the figure for the balance sheet. A closed month
    keeps its sheet: what is recorded late for it is in the month that was open, and what its
    credits turn out to have cost more, or less, in a line prior-period there.

    Example: sms-ledger sheet -p 2026-10
    """
    from projections import sheets

    found = sheets.sheet(session.database, period, accounts, customers, basis)
    show_parts(_parts(found), output, command="sheet")


def _parts(found: Sheet) -> list[Part]:
    from cli.forms.parts import Part
    from projections import sheets, values

    lines, needless = found.lines.rows, set(unposted(found.lines))
    if len({row.customer for row in lines}) <= 1:
        needless.add("customer")
    hide = frozenset(needless) & {"customer"}
    if not any(row.unvalued for row in lines):
        needless.add("unvalued")
    return [
        Part(
            "sheet",
            found.lines,
            sheets.totals(found.lines),
            summed=("credits", "value", "unvalued"),
            like=("kind",),
            hide=frozenset(needless),
        ),
        Part(
            "lots",
            found.lots,
            values.sums(found.lots),
            summed=("left", "value"),
            hide=hide,
            chart="lots-left",
        ),
        Part("checks", found.checks, hide=hide),
    ]
