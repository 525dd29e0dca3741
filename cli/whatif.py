"""`recharge whatif`: the real history with other settings of automatic recharge."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from cli.known_at import known_at_option
from cli.options import AgeType, CreditsType, with_period
from cli.output import Output, show, show_words, with_output
from cli.session import Session, pass_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ledger.credits import Credits
    from ledger.database import Database
    from ledger.tariff import Tariff
    from projections.moments import Period


@click.command(short_help="The real history with other settings.")
@click.argument("account", metavar="ACCOUNT")
@click.option("--threshold", type=CreditsType(), metavar="N", help="Recharge below N credits.")
@click.option("--amount", type=int, metavar="N", help="How many credits each time.")
@click.option("--off", is_flag=True, help="What if nothing were bought automatically.")
@click.option(
    "--delay", type=AgeType(), metavar="TIME",
    help="How long a recharge takes, 90s, 2m. Default: as long as those that happened.",
)  # fmt: skip
@click.option(
    "--rates", "files", multiple=True, metavar="FILE",
    help="Prices of a CSV file, not the ledger's; may be repeated.",
)  # fmt: skip
@with_period
@known_at_option
@with_output
@pass_session
def whatif(
    session: Session,
    account: str,
    *,
    threshold: Credits | None,
    amount: int | None,
    off: bool,
    delay: timedelta | None,
    files: tuple[str, ...],
    period: Period,
    output: Output,
) -> None:
    """Replay the history of ACCOUNT with other settings of automatic recharge.

    What is not stated is as it is in force. Movements are those that happened, without the
    recharges; of these the replay makes its own, and tells what they would have cost and how
    low the balance would have been. Prices exclude VAT, and are those of today.

    Example: sms-ledger recharge whatif sms-ab12345-1 --threshold 50 --amount 250
    """
    from cli.whatif_words import words
    from projections.stated_rules import rules_in_force
    from projections.whatif import Wanted
    from projections.whatif import whatif as replayed

    now = session.now
    if off and amount is not None:
        msg = "--off cannot be combined with --amount"
        raise click.UsageError(msg)
    with session.for_reading() as database:
        _check(database, account, threshold, amount, now)
        wanted = Wanted(
            account=account,
            threshold=threshold,
            amount=amount,
            off=off,
            period=period,
            delay_s=None if delay is None else delay // timedelta(seconds=1),
            amounts=rules_in_force(database, now.date()).amounts,
            tariff=_tariff(database, account, files),
            now=now,
        )
        report = replayed(database, wanted)
    if output.for_people:
        show_words(report, output, list(words(*report.rows)))
    else:
        show(report, output, command="recharge-whatif")


def _check(
    database: Database,
    account: str,
    threshold: Credits | None,
    amount: int | None,
    now: datetime,
) -> None:
    """Refuse what OVH does not offer. Raises UnknownAccount or NotOffered."""
    from ledger.credits import ZERO
    from ledger.recharge import check_settings
    from projections.books import books
    from projections.recharges import known_facts
    from projections.stated_rules import rules_in_force

    (book,) = books(database, [account])
    smpp = known_facts(database, book).smpp
    check_settings(
        ZERO if threshold is None else threshold,
        amount,
        rules=rules_in_force(database, now.date()),
        smpp=bool(smpp),
    )


def _tariff(database: Database, account: str, files: Sequence[str]) -> Tariff | None:
    """Give the prices of where the account's customer is billed."""
    from projections.tariffs import tariff
    from projections.whatif import billing_country

    billing = billing_country(database, account)
    if files:
        from cli.actions.quoting import ground_of_files

        return ground_of_files(files, billing).tariff
    return tariff(database, billing) if billing else None
