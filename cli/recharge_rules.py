"""`recharge rules`: what OVH asks of automatic recharge, with the days from which it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import click

from cli.known_at import known_at_option
from cli.options import FREE_TEXT, reason_option
from cli.output import Output, show, show_words, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from projections.stated_rules import RulesRow


@click.group("rules", short_help="OVH's rules of automatic recharge, dated.")
def rules() -> None:
    """OVH's rules of automatic recharge: those that are shipped, and newer ones."""


@rules.command("show", short_help="Every version, and where OVH says so.")
@known_at_option
@with_output
@pass_session
def show_(session: Session, *, output: Output) -> None:
    """Show every version of OVH's rules, and from when on it holds.

    Example: sms-ledger recharge rules show
    """
    from projections.stated_rules import show_rules

    with session.for_reading() as database:
        report = show_rules(database)
    if output.for_people:
        show_words(report, output, [line for row in report.rows for line in _words(row)])
    else:
        show(report, output, command="recharge-rules")


def _words(row: RulesRow) -> Iterator[str]:
    told = f", stated by {row.actor}" if row.actor else ""
    smpp = "may be recharged" if row.with_smpp else "are never recharged"
    yield f"from {row.since} ({row.document}{told})"
    amounts, paid = ", ".join(map(str, row.amounts)), " or ".join(row.payment_types)
    yield f"  amounts {amounts}; paid by {paid}"
    yield f"  a service of {row.least_age_months} months; SMPP accounts {smpp}"


@rules.command("state", short_help="Record newer rules of OVH.")
@click.option("--since", required=True, type=click.DateTime(["%Y-%m-%d"]), metavar="DATE",
              help="The first day on which they hold.")  # fmt: skip
@click.option("--document", required=True, type=FREE_TEXT, metavar="TEXT",
              help="Where OVH says so.")  # fmt: skip
@click.option("--amounts", metavar="N,N…", help="What may be bought, in credits.")
@click.option("--payment-type", "payment_types", multiple=True, metavar="TYPE",
              help="One of these must be valid; may be repeated.")  # fmt: skip
@click.option("--least-age-months", type=int, metavar="N", help="How old a service must be.")
@click.option("--smpp/--no-smpp", default=None, help="Whether SMPP accounts are recharged.")
@reason_option()
@pass_session
def state(
    session: Session,
    *,
    since: datetime,
    document: str,
    amounts: str | None,
    payment_types: tuple[str, ...],
    least_age_months: int | None,
    smpp: bool | None,
    reason: str | None,
) -> None:
    """Record that OVH's rules are others from a day on. What is not stated stays as it was.

    They count at once, in every command, instead of those that are shipped for that time.

    Example: sms-ledger recharge rules state --since 2027-01-01 --amounts 100,500 --document FAQ
    """
    from ledger.events import FromOperator
    from ledger.rule_book import state_rules
    from ledger.service import Work
    from ledger.times import start_of_day, zone

    day = since.date()
    stamp = session.stamp(FromOperator(), reason=reason)

    def decide(work: Work) -> bool:
        book = work.recharge_rules()
        before = book.on(day)
        wanted = replace(
            before,
            since=day,
            source=document.strip(),
            amounts=before.amounts if amounts is None else _numbers(amounts),
            payment_types=payment_types or before.payment_types,
            least_age_months=(
                before.least_age_months if least_age_months is None else least_age_months
            ),
            with_smpp=before.with_smpp if smpp is None else smpp,
        )
        events = state_rules(book, wanted, stamp=stamp, at=start_of_day(day, zone("UTC")))
        work.record(book, events)
        return bool(events)

    news = session.ledger.work(decide)
    click.echo(f"rules from {day} on: {'recorded' if news else 'known already'}")


def _numbers(text: str) -> tuple[int, ...]:
    parts = [one.strip() for one in text.split(",")]
    if not all(one.isascii() and one.isdecimal() and len(one) < 10 for one in parts):  # noqa: PLR2004
        msg = f"expected --amounts like 100,500,1000, found {text!r}"
        raise click.UsageError(msg)
    return tuple(sorted({int(one) for one in parts}))
