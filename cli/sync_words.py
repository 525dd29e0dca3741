"""What a synchronisation says when it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from projections.words import many

if TYPE_CHECKING:
    from ledger.sync.balance import Outcome
    from ledger.sync.customer import Result


def tell(result: Result, *, dry_run: bool) -> None:
    verb = "would record" if dry_run else "recorded"
    for outcome in result.outcomes:
        click.echo(f"{outcome.account}: {_sentence(outcome, verb)}")
    if not result.outcomes:
        click.echo(f"{result.customer}: OVH has no SMS account to read")
    for note in result.notes:
        click.echo(f"note: {note}", err=True)
    if result.transfers:
        from cli import transfer_words

        transfer_words.tell(result.transfers)
    click.echo(f"{result.customer}: {many(result.requests, 'request')} to OVH", err=True)
    for failure in result.failures:
        click.echo(f"sms-ledger: {failure}", err=True)
    for account in result.missing:
        click.echo(f"sms-ledger: {_missing(account)}", err=True)


def _sentence(outcome: Outcome, verb: str) -> str:
    parts = ["opened"] if outcome.opened else []
    new = [
        many(count, noun)
        for count, noun in (
            (outcome.lines, "line"),
            (outcome.purchases, "purchase"),
            (outcome.refunds, "refund"),
            (outcome.corrected, "correction"),
        )
        if count
    ]
    parts.append(f"{verb} {', '.join(new)}" if new else "nothing new")
    if outcome.observed is not None:
        parts.append(f"OVH shows {outcome.observed} credits")
    if outcome.vanished:
        rows = many(outcome.vanished, "recorded line")
        parts.append(f"{rows} no longer at OVH (kept here)")
    if not outcome.quiet:
        parts.append("the balance kept moving: run sync again")
    return "; ".join(parts)


def _missing(account: str) -> str:
    return (
        f"expected OVH to show {account}, found that it does not: run sync again later, or, if"
        f" the service has ended, type `sms-ledger account close {account} --write-off`"
    )
