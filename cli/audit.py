"""`audit`: who recorded what, when, why, on what evidence."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.known_at import known_at_option
from cli.options import AnchorType, PositionsType, with_period
from cli.output import Output, show, with_output
from cli.session import Session, pass_session
from ledger.errors import IntegrityFailure

if TYPE_CHECKING:
    from ledger.merkle import Expected
    from projections.moments import Period
    from projections.report import Report


@click.group(short_help="Who recorded what, when, why, on what evidence.")
def audit() -> None:
    """Who recorded what, when, why, on what evidence."""


@audit.command(short_help="Recorded events, with their digests.")
@click.option(
    "--account", "accounts", multiple=True, metavar="ACCOUNT", help="Of this account."
)
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Such as page-recorded.")
@click.option("--actor", metavar="NAME", help="Recorded by this actor.")
@click.option("--reason", metavar="TEXT", help="Whose reason has this in it.")
@click.option(
    "--position", "positions", type=PositionsType(), metavar="A..B", help="Between positions."
)
@with_period
@known_at_option
@with_output
@pass_session
def log(
    session: Session,
    *,
    accounts: tuple[str, ...],
    kinds: tuple[str, ...],
    actor: str | None,
    reason: str | None,
    positions: tuple[int, int | None] | None,
    period: Period,
    output: Output,
) -> None:
    """List the events of the ledger in the order in which they were recorded.

    -b, -e and -p ask for the time of recording.

    Example: sms-ledger audit log --kind credits-purchased -p 2026-10
    """
    from projections.audit_log import Wanted, audit_log

    first, last = positions or (1, None)
    wanted = Wanted(period, accounts, kinds, actor, reason, first, last)
    show(audit_log(session.database, wanted), output, command="audit-log", hide=["digest"])


@audit.command("show", short_help="One event, or one line, with all that belongs to it.")
@click.argument("named", nargs=-1, required=True, metavar="EVENT | ACCOUNT KIND ID")
@known_at_option
@with_output
@pass_session
def show_event(session: Session, named: tuple[str, ...], *, output: Output) -> None:
    """Show an event of the log, named by its position or as STREAM@VERSION.

    That is what happened, who wrote it down, when, why, on what evidence, what caused it, and
    what followed from it. Of a message, reply, HLR lookup or cleaning, named by ACCOUNT, KIND
    (consumption, reply, hlr, cleaning) and its OVH ID: what it costs now, its page in the log,
    and the statement that it stands in.

    Example: sms-ledger audit show 1
    """
    from cli import audit_words
    from cli.output import show_words

    report: Report[Any]
    match named:
        case (event,):
            from projections.audit_log import audit_show

            report, command = audit_show(session.database, event), "audit-show"
            words = [line for row in report.rows for line in audit_words.sentences(row)]
        case (account, kind, line):
            from projections.audit_lines import show_line

            report, command = show_line(session.database, account, kind, line), "audit-line"
            words = [line for row in report.rows for line in audit_words.of_line(row)]
        case _:
            msg = "expected an event, or ACCOUNT KIND ID of a line"
            raise click.UsageError(msg)
    if output.for_people:
        show_words(report, output, words)
    else:
        show(report, output, command=command)


@audit.command(short_help="Recompute everything, and hold it against anchors.")
@click.option(
    "--expect", "anchors", multiple=True, type=AnchorType(), metavar="ANCHOR",
    help="SIZE:ROOT or CUSTOMER=SIZE:ROOT, kept elsewhere; may be repeated.",
)  # fmt: skip
@with_output
@pass_session
def verify(session: Session, *, anchors: tuple[Expected, ...], output: Output) -> int:
    """Recompute every digest, the chain and the trees from the bytes that are stored.

    Every report ends with an anchor, SIZE:ROOT. With one that was kept elsewhere, a change, a
    removal, an insertion, another order, a log that was cut off and one that was made anew as a
    whole are all found; without one, only what disagrees with itself. SIZE:ROOT is of the
    ledger; the checkpoint of a customer is expected as CUSTOMER=SIZE:ROOT. The anchor that was
    reached is printed. Exit status: 4 where something does not hold, else 0.

    Example: sms-ledger audit verify
    """
    from cli.output import show_words
    from cli.verify_words import sentences
    from projections.verification import verify

    report = verify(session.database, anchors)
    (found,) = report.rows
    if output.for_people:
        show_words(report, output, list(sentences(found)), with_position=False)
    else:
        show(report, output, command="audit-verify")
    return 0 if found.intact else IntegrityFailure.status


_customer_option = click.option(
    "--customer", metavar="NICHANDLE", help="Of this customer's events alone."
)


@audit.command(short_help="A proof of one event, or that one anchor goes on from another.")
@click.argument("event", required=False)
@click.option(
    "--from", "first", metavar="SIZE", help="Of this size or SIZE:ROOT; no EVENT then."
)
@click.option(
    "--to", metavar="SIZE", help="In the tree of this size or SIZE:ROOT. Default: all."
)
@_customer_option
@with_output
@pass_session
def proof(
    session: Session,
    *,
    event: str | None,
    first: str | None,
    to: str | None,
    customer: str | None,
    output: Output,
) -> None:
    """Prove that EVENT, a position or STREAM@VERSION, is one of those under an anchor.

    With --from in place of EVENT: that an older anchor is of the beginning of a newer one. A
    proof is a file (-o proof.json) that `verify.py` of `audit export` verifies offline.

    Example: sms-ledger audit proof 1
    """
    from cli.proof_words import consistency_sentences, inclusion_sentences
    from projections.proofs import prove_consistency, prove_inclusion

    if (event is None) is (first is None):
        msg = "expected EVENT, or --from SIZE in its place"
        raise click.UsageError(msg)
    if output.format in {"csv", "tsv"}:
        msg = f"expected -O json, which has room for the path of a proof, found {output.format}"
        raise click.UsageError(msg)
    if event is not None:
        included = prove_inclusion(session.database, event, to=to, customer=customer)
        _show_proof(included, output, inclusion_sentences(*included.rows))
    else:
        consistent = prove_consistency(session.database, str(first), to=to, customer=customer)
        _show_proof(consistent, output, consistency_sentences(*consistent.rows))


def _show_proof(report: Report[Any], output: Output, words: Iterable[str]) -> None:
    from cli.output import show_words

    if output.for_people:
        show_words(report, output, list(words))
    else:
        show(report, output, command="audit-proof")


@audit.command(short_help="Every event as it is stored, with a program to verify it.")
@click.option(
    "-o", "folder", required=True, metavar="FOLDER", show_envvar=False,
    type=click.Path(path_type=Path), help="A new folder to write.",
)  # fmt: skip
@_customer_option
@known_at_option
@pass_session
def export(session: Session, *, folder: Path, customer: str | None) -> None:
    """Write events.jsonl, every event with its stored bytes, and verify.py, into a new folder.

    An auditor types `python3 -I verify.py --expect SIZE:ROOT` there, with a checkpoint that was
    kept: no ledger, no network and no library is needed. The folder appears when it is whole.

    Example: sms-ledger audit export -o audit-2026
    """
    from cli.actions.exporting import write_export
    from projections.audit_export import Export

    lines = Export(session.database, customer)
    write_export(folder, lines)
    click.echo(lines.anchor)
