"""`rebuild`: make the tables behind the reports again, from the events alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import click

from cli.helpers import helped
from cli.percent import percent
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from projections.rebuilding import Part, Rebuilt

# As `projections.rebuilding.PARTS`; a test holds them together.
PARTS: Final = ("balances", "daily-totals", "register", "monthly-totals", "lots")


@click.command(short_help="Make the tables behind the reports again.")
@click.option(
    "--only", multiple=True, type=click.Choice(PARTS), help="Only these; may be repeated."
)
@click.option(
    "--processes",
    type=click.IntRange(1, 2),
    help="How many processes read pages. Default: 2 where there are two cores.",
)
@pass_session
def rebuild(session: Session, *, only: tuple[str, ...], processes: int | None) -> None:
    """Make balances, daily and monthly totals, registers and lots again from the events alone.

    Reports show the old rows until the new ones take their place, all at once: a run that is
    stopped leaves everything as it was. Events and the log are only read.

    Example: sms-ledger rebuild
    """
    parts = [cast("Part", part) for part in only or PARTS]
    with percent() as watch, helped(session.database, processes) as run:
        # The helper starts while these are imported.
        from ledger.database.order import whole_transaction
        from projections import rebuilding

        rebuilt = rebuilding.rebuild(
            session.database, parts, writing=whole_transaction, run=run, watch=watch
        )
    click.echo(_told(rebuilt))


def _told(rebuilt: Rebuilt) -> str:
    from projections.words import many

    *others, last = (part.replace("-", " ") for part in rebuilt.parts)
    parts = f"{', '.join(others)} and {last}" if others else last
    events, lines = many(rebuilt.events, "event"), many(rebuilt.lines, "line")
    return f"{parts}: made again from {events} with {lines}"
