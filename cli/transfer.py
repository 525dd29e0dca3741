"""`transfer`: credits between two accounts of one customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.known_at import known_at_option
from cli.options import as_of_option
from cli.output import Output, show, with_output
from cli.session import Session, pass_session
from cli.transfer_request import request
from cli.transfer_resolve import resolve

if TYPE_CHECKING:
    from projections.moments import Moment


@click.group(short_help="Move credits between two accounts of one customer.")
def transfer() -> None:
    """Move credits between two accounts of one customer.

    A transfer is recorded, called once, and recorded as it ended. Where nobody knows how it
    ended, it is never called again: `resolve` and every `sync` settle it by both balances.
    """


@transfer.command("list", short_help="Every transfer, and what became of it.")
@as_of_option
@known_at_option
@with_output
@pass_session
def list_(session: Session, *, as_of: Moment | None, output: Output) -> None:
    """List the transfers that were requested here: requested, sent, voided or unknown.

    Transfers that somebody made in OVH's panel are not among them: OVH lists none.

    Example: sms-ledger transfer list
    """
    from projections.transfers import list_transfers

    with session.for_reading() as database:
        report = list_transfers(database, as_of)
    show(report, output, command="transfer-list", hide=("customer",))


transfer.add_command(request)
transfer.add_command(resolve)
