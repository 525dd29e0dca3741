"""`recon`: the ledger against what OVH said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from cli.breaks import accept, adjust, assign, breaks, note
from cli.known_at import known_at_option
from cli.options import AgeType, as_of_option
from cli.output import Output, show, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from projections.moments import Moment
    from projections.reconciliation import Reconciliation
    from projections.report import Report

FINDINGS: Final = 1
NOTHING_CONCLUDED: Final = 3


@click.group(short_help="Compare the ledger with what OVH said.")
def recon() -> None:
    """Compare the ledger with what OVH said at the last observation (`sync` stores one).

    Exit status: 1 where a difference is unexplained, a break is open or an observation
    contradicts itself, 3 where nothing can be concluded of some account, else 0.
    """


for _command in (breaks, accept, adjust, assign, note):
    recon.add_command(_command)


_max_age = click.option(
    "--max-age", type=AgeType(), metavar="AGE",
    help="Conclude nothing where OVH was last seen longer ago: 90s, 15m, 1h, 2d.",
)  # fmt: skip


@recon.command(short_help="All accounts: drift, what explains it, what does not.")
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]…")
@_max_age
@as_of_option
@click.option(
    "-q", "--quiet", is_flag=True, help="Say nothing where the status is 0: for cron."
)
@known_at_option
@with_output
@pass_session
def run(
    session: Session,
    accounts: tuple[str, ...],
    *,
    max_age: timedelta | None,
    as_of: Moment | None,
    quiet: bool,
    output: Output,
) -> int:
    """Reconcile every account, or the named ones.

    Example: sms-ledger recon run --max-age 1h --quiet
    """
    from cli.recon_words import summary

    report = _reconcile(session, accounts, max_age, as_of)
    if quiet and not status(report.rows):
        return 0
    show(report, output, command="recon-run", words=summary(report.rows), hide=_BEHIND_SUMS)
    return status(report.rows)


@recon.command("show", short_help="Every explained line of one account, or of all.")
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]…")
@_max_age
@as_of_option
@known_at_option
@with_output
@pass_session
def show_lines(
    session: Session,
    accounts: tuple[str, ...],
    *,
    max_age: timedelta | None,
    as_of: Moment | None,
    output: Output,
) -> int:
    """Show how the difference of every account, or the named ones, comes about.

    Example: sms-ledger recon show sms-ab12345-1
    """
    from cli.recon_words import sums

    report = _reconcile(session, accounts, max_age, as_of)
    if output.for_people:
        words = sums(report.rows)
        show(report, output, command="recon-show", words=words, hide=_BEHIND_SUMS)
    else:
        show(report, output, command="recon-show")
    return status(report.rows)


@recon.command(short_help="How a difference came about, and what to type next.")
@click.argument("account", metavar="ACCOUNT")
@_max_age
@as_of_option
@known_at_option
@with_output
@pass_session
def explain(
    session: Session,
    account: str,
    *,
    max_age: timedelta | None,
    as_of: Moment | None,
    output: Output,
) -> int:
    """Tell in plain words how ACCOUNT and OVH differ, step by step, with the evidence.

    Example: sms-ledger recon explain sms-ab12345-1
    """
    from cli.explain_words import story
    from cli.output import show_words

    report = _reconcile(session, [account], max_age, as_of)
    if output.for_people:
        show_words(report, output, [line for row in report.rows for line in story(row)])
    else:
        show(report, output, command="recon-explain")
    return status(report.rows)


_BEHIND_SUMS: Final = ("credits_left", "held", "breaks")


def _reconcile(
    session: Session,
    accounts: Sequence[str],
    max_age: timedelta | None,
    as_of: Moment | None,
) -> Report[Reconciliation]:
    from ledger.errors import Misuse
    from projections.reconciliation import reconcile

    if max_age is not None and (as_of is not None or session.looks_back):
        other = "--known-at" if session.looks_back else "--as-of"
        msg = (
            f"expected --max-age or {other}, found both: an observation of the past is as old"
            " as it is; type one of them"
        )
        raise Misuse(msg)
    return reconcile(session.database, accounts, now=session.now, max_age=max_age, as_of=as_of)


def status(rows: Sequence[Reconciliation]) -> int:
    """Give the exit status: findings are worse than an account that cannot be judged."""
    from projections.reconciliation import CONCLUDED

    if any(row.status in {"unexplained", "contradictory"} or row.breaks for row in rows):
        return FINDINGS
    if any(row.status not in CONCLUDED for row in rows):
        return NOTHING_CONCLUDED
    return 0
