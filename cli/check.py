"""`check`: prove that the ledger agrees with itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from cli.output import Output, show, show_words, with_output
from cli.session import Session, pass_session
from ledger.errors import IntegrityFailure

if TYPE_CHECKING:
    from projections.integrity import Extent, Finding
    from projections.report import Report

FINDINGS: Final = 1


@click.command(short_help="Prove that the ledger agrees with itself.")
@with_output
@pass_session
def check(session: Session, *, output: Output) -> int:
    """Recompute every digest, balance, total and report table from the stored events.

    All findings are shown. Exit status: 4 where what is stored contradicts itself, 1 where an
    import or an opening is unfinished, else 0. Differences from OVH are the matter of `recon`.

    Example: sms-ledger check
    """
    from projections.integrity import check as run
    from projections.integrity import extent

    report = run(session.database)
    if output.for_people and not report.rows:
        show_words(report, output, [_agreement(extent(session.database))])
    else:
        show(report, output, command="check")
    return status(report)


def _agreement(checked: Extent) -> str:
    from projections.words import many

    return (
        f"{many(checked.events, 'event')}, {many(checked.lines, 'counted line')},"
        f" {many(checked.accounts, 'account')}:"
        " digests, balances, totals and report tables all agree"
    )


def status(report: Report[Finding]) -> int:
    if any(finding.severity == "integrity" for finding in report.rows):
        return IntegrityFailure.status
    return FINDINGS if report.rows else 0
