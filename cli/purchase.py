"""`purchase`: what OVH would bill for credits; nothing is ordered."""

from __future__ import annotations

import os

import click

from cli.output import Output, show, with_output
from cli.session import Session, pass_session


@click.group(short_help="What buying credits would cost.")
def purchase() -> None:
    """What buying credits would cost. Nothing is ordered."""


@purchase.command("quote", short_help="What OVH would bill for a quantity of credits.")
@click.argument("account")
@click.argument("quantity", type=click.IntRange(1, 10**9))
@with_output
@pass_session
def quote_(session: Session, account: str, quantity: int, *, output: Output) -> None:
    """Ask OVH what QUANTITY credits for ACCOUNT would cost, VAT included. Nothing is ordered.

    The key needs the right to GET /order/sms/*.

    Example: sms-ledger purchase quote sms-ab12345-1 1000
    """
    from cli.actions.previewing import PurchaseQuote, preview
    from ledger.names import account_name
    from ledger.ovh.client import connect
    from ledger.ovh.profiles import load_profile
    from projections.report import Report

    with connect(load_profile(session.profile, environ=os.environ)) as gateway:
        row = preview(gateway, account_name(account), quantity)
    show(Report(PurchaseQuote, 0, [row]), output, command="purchase-quote")
