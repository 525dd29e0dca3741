"""Transfers in plain words: what is asked, what became of it, and what to type next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, assert_never

import click

from cli.tables import cell, draw

if TYPE_CHECKING:
    from ledger.ovh.gateway import SmsAccount
    from ledger.sync.settling import Settled
    from ledger.sync.transfer_call import Intention
    from ledger.sync.transferring import Preview
    from ledger.transfer_states import Transfer


def summary(wanted: Intention, shown: Preview) -> Iterator[str]:
    """Show a transfer before it is made: both accounts as they are, and as they will be."""
    from ledger.credits import Credits

    def row(name: str, account: SmsAccount, change: Credits) -> tuple[object, ...]:
        left = Credits.from_ovh(account.creditsLeft)
        return name, left, left + change, Credits.from_ovh(account.creditsHoldByQuota)

    yield f"transfer {wanted.credits} credits from {wanted.source} to {wanted.target}"
    yield draw(
        ("account", "creditsLeft", "afterwards", "held by quotas"),
        [
            row(wanted.source, shown.source, -wanted.credits),
            row(wanted.target, shown.target, wanted.credits),
        ],
    )


def in_short(one: Transfer) -> str:
    """Name a transfer in one line."""
    return (
        f"{one.id}: {one.credits} credits from {one.source} to {one.target},"
        f" {one.requested_at.isoformat(timespec='seconds')}, {one.status}"
    )


def tell(settled: Sequence[Settled]) -> None:
    """Say what became of transfers: findings on stdout."""
    for one in settled:
        click.echo(f"{one.transfer.id}: {sentence(one)}")
        if one.how == "open":
            click.echo(evidence(one.transfer))


def sentence(settled: Settled) -> str:
    """Say what a look at both balances told of a transfer."""
    one = settled.transfer
    moved = f"{one.credits} credits went from {one.source} to {one.target}"
    match settled.how:
        case "sent":
            return f"{moved}, as both balances show; recorded on both"
        case "late":
            return f"{moved} after all, as both balances show; recorded on both"
        case "voided":
            return (
                f"nothing went from {one.source} to {one.target}, as both balances show;"
                " recorded as voided"
            )
        case "early":
            return "in doubt, and too early to tell: run it again in some minutes"
        case "unread":
            again = "in doubt: not both balances could be read at rest: run `sms-ledger sync`"
            return again if one.is_in_doubt else f"is {one.status}, as was recorded meanwhile"
        case "open":
            return (
                f"in doubt: what {one.source} and {one.target} show does not tell whether"
                f" {one.credits} credits went. When you know it, type"
                f" `sms-ledger transfer resolve {one.id} --as sent` (or voided) with --reason"
            )
        case _:
            assert_never(settled.how)


def evidence(one: Transfer) -> str:
    """Show both sides of the sum: now − before − recorded + in flight = unexplained."""
    if one.evidence is None:
        return "no evidence was recorded"
    sides = (
        (one.source, one.source_before, one.evidence.source),
        (one.target, one.target_before, one.evidence.target),
    )
    return draw(
        ("account", "before", "now", "recorded", "in flight", "unexplained", "looked at"),
        [
            (name, before.owned, after.owned, after.recorded, after.in_flight,
             after.unexplained, f"{cell(after.reading.at)} UTC")
            for name, before, after in sides
        ],
    )  # fmt: skip
