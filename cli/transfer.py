"""`transfer`: credits between two accounts of one customer."""

from __future__ import annotations

import click

from cli.output import Output, show, with_output
from cli.session import Session, pass_session
from cli.transfer_request import request
from cli.transfer_resolve import resolve


@click.group(short_help="Move credits between two accounts of one customer.")
def transfer() -> None:
    """Move credits between two accounts of one customer.

    A transfer is recorded, called once, and recorded as it ended. Where nobody knows how it
    ended, it is never called again: `resolve` and every `sync` settle it by both balances.
    """


@transfer.command("list", short_help="Every transfer, and what became of it.")
@with_output
@pass_session
def list_(session: Session, *, output: Output) -> None:
    """List the transfers that were requested here: requested, sent, voided or unknown.

    Transfers that somebody made in OVH's panel are not among them: OVH lists none.

    Example: sms-ledger transfer list
    """
    from projections.transfers import list_transfers

    with session.for_reading() as database:
        report = list_transfers(database)
    show(report, output, command="transfer-list", hide=("customer",))


transfer.add_command(request)
transfer.add_command(resolve)
