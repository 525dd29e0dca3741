"""`check`: prove that the ledger agrees with itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from cli.helpers import helped
from cli.output import Output, show, show_words, with_output
from cli.session import Session, pass_session
from ledger.errors import IntegrityFailure

if TYPE_CHECKING:
    from projections.integrity import Extent, Finding
    from projections.report import Report

FINDINGS: Final = 1


@click.command(short_help="Prove that the ledger agrees with itself.")
@click.option("--full", is_flag=True, help="Read every line, and make every table again.")
@with_output
@pass_session
def check(session: Session, *, full: bool, output: Output) -> int:
    """Recompute every digest, and every balance from the headers of the pages.

    With --full every line is read, and every balance, total and report table is made again and
    compared; what a close holds is compared with the ledger as it was then. All findings are
    shown. Exit status: 4 where what is stored contradicts itself, 1 where an import or an
    opening is unfinished, or events could be edited, else 0. Differences from OVH are the
    matter of `recon`.

    Example: sms-ledger check --full
    """
    from projections import integrity

    if full:
        with helped(session.database) as run:
            report = integrity.check(session.database, full=True, run=run)
        report.rows.extend(_unlike_closes(session, report))
    else:
        report = integrity.check(session.database)
    if output.for_people and not report.rows:
        show_words(report, output, [_agreement(integrity.extent(session.database), full=full)])
    else:
        show(report, output, command="check")
    return status(report)


def _unlike_closes(session: Session, report: Report[Finding]) -> list[Finding]:
    """Hold closes against what the ledger was; nothing is made again of a damaged one."""
    from cli.actions.rechecking import recheck, standing
    from cli.past_ledger import scratch_ledger
    from cli.progress import progress

    with session.database.snapshot() as source:
        of = [] if status(report) == IntegrityFailure.status else standing(source)
        if not of:
            return []
        with scratch_ledger() as scratch, progress(color=session.color) as bars:
            bars.expect("what the closes knew", of[-1].position)
            return list(recheck(source, scratch, of, advance=bars.advance))


def _agreement(checked: Extent, *, full: bool) -> str:
    from projections.words import many

    lines = many(checked.lines, "line" if full else "counted line")
    proved = (
        "every line was read; digests, balances, totals and report tables all agree"
        if full
        else "digests, balances, page headers and sums all agree"
    )
    events, accounts = many(checked.events, "event"), many(checked.accounts, "account")
    return f"{events}, {lines}, {accounts}: {proved}"


def status(report: Report[Finding]) -> int:
    if any(finding.severity == "integrity" for finding in report.rows):
        return IntegrityFailure.status
    return FINDINGS if report.rows else 0
