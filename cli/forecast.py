"""`forecast`: how long credits last, when the next recharge is due, what the month costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from cli.forms.files import write
from cli.known_at import known_at_option
from cli.options import MOMENT
from cli.output import Output, show, show_words, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ledger.database import Database
    from projections.moments import Moment

# As `projections.outlooks.AHEAD`; a test holds them together.
AHEAD: Final = 731
_CHART: Final = ".svg"


@click.command(short_help="How long credits last, the next recharge, the month's cost.")
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]…")
@click.option(
    "--days", type=click.IntRange(1, AHEAD), default=30, show_default=True, metavar="N",
    help="How far ahead balances are shown and advice looks.",
)  # fmt: skip
@click.option(
    "--as-of", type=MOMENT, metavar="DATE", help="As it looked at the end of that day."
)
@known_at_option
@with_output
@pass_session
def forecast(
    session: Session,
    accounts: tuple[str, ...],
    *,
    days: int,
    as_of: Moment | None,
    output: Output,
) -> None:
    """Tell how many days the credits last, from what was used on the days before.

    Each weekday is expected to use what it used on average in the last 91 days; the range is
    that of every four weeks in a row among them, lived through again. A history of fewer than
    56 days claims no range. -o chart.svg draws the balances.

    Example: sms-ledger forecast --days 30 -o chart.svg
    """
    from cli.forecast_words import words
    from projections.forecasts import forecasts

    if as_of is not None and isinstance(as_of.at, datetime):
        msg = "expected --as-of as a date like 2026-10-31, found a time: a day is told whole"
        raise click.UsageError(msg)
    with session.for_reading() as database:
        now = session.now
        report = forecasts(database, accounts, as_of=as_of, days=days, now=now)
        if as_of is None:
            report.notes.extend(_hindrances(database, accounts, now))
    if output.file is not None and output.file.suffix.lower() == _CHART:
        from cli.charts import chart

        write(chart(report.rows), output.file)
        output = replace(output, file=None)
    if output.for_people:
        show_words(report, output, [line for row in report.rows for line in words(row)])
    else:
        show(report, output, command="forecast")


def _hindrances(database: Database, accounts: Sequence[str], now: datetime) -> Iterator[str]:
    """Say which recharges are not to be counted on."""
    from projections.recharges import show_recharges

    for row in show_recharges(database, accounts, now=now).rows:
        if row.status == "cannot work":
            yield (
                f"automatic recharge of {row.account} is on and cannot work: see"
                f" `sms-ledger recharge show {row.account}`"
            )
