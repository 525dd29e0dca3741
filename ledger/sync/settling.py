"""Transfers in doubt, settled by what both balances show at a synchronisation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from ledger import transfer as transfers
from ledger.account import Account, record_once
from ledger.credits import Credits
from ledger.events import (
    BalanceBefore,
    CreditsPurchased,
    FromRule,
    LedgerEvent,
    Stamp,
    TransferEvent,
    TransferEvidence,
)
from ledger.names import consumption_stream
from ledger.service import Ledger, Work
from ledger.settlement import BalanceLater, Side, Verdict, is_certain, judge, shows_the_same
from ledger.sync.account import Context
from ledger.sync.balance import Known
from ledger.transfer import Transfer

# How long after a call its effect must show, if there is one: OVH moves credits at once.
SETTLE_AFTER: Final = timedelta(minutes=5)

# How long a transfer that was taken for void is looked at: a row may be as late.
_LATE: Final = timedelta(days=8)

_BY_BALANCES: Final = FromRule("transfer-by-balances", 1)

How = Literal["sent", "voided", "late", "open", "early", "unread"]


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a transfer that was in doubt, or void.

    `open`: both balances were looked at and do not tell; `early`: it is too early to look;
    `unread`: one of the balances was not read, or kept moving.
    """

    transfer: Transfer
    how: How

    @property
    def left(self) -> bool:
        """Whether it is in doubt still."""
        return self.transfer.is_in_doubt


def settle(
    context: Context, known: Mapping[str, Known | None], settle_after: timedelta
) -> list[Settled]:
    """Settle what can be told now: first what is in doubt, then what was void."""
    state = context.ledger.work(lambda work: work.transfers(context.customer))
    done = [_settle(context, one, known, settle_after) for one in state.in_doubt()]
    busy = {name for one in done for name in (one.transfer.source, one.transfer.target)}
    oldest = context.now() - _LATE
    for one in state.all.values():
        if (
            transfers.may_be_reopened(one)
            and one.requested_at >= oldest
            and busy.isdisjoint({one.source, one.target})
        ):
            again = _settle(context, one, known, settle_after)
            done += [again] if again.how == "late" else []
    return done


def _settle(
    context: Context, one: Transfer, known: Mapping[str, Known | None], settle_after: timedelta
) -> Settled:
    source, target = known.get(one.source), known.get(one.target)
    if source is None or target is None or not (source.seen.quiet and target.seen.quiet):
        return Settled(one, "unread")
    looked_at = min(source.seen.before.at, target.seen.before.at)
    if looked_at < one.requested_at + settle_after:
        return Settled(one, "early")
    return context.ledger.work(lambda work: _decide(context, work, one.id, source, target))


def _decide(
    context: Context, work: Work, transfer: str, source: Known, target: Known
) -> Settled:
    one = work.transfers(context.customer).get(transfer)
    verdict, evidence = judge(
        one.credits,
        _side(context.ledger, work, one.source, one.source_before, source),
        _side(context.ledger, work, one.target, one.target_before, target),
    )
    stamp = context.stamp(_BY_BALANCES)
    at = max(source.seen.happened_at, target.seen.happened_at)
    how = _how(one, verdict, evidence)
    events: tuple[TransferEvent, ...] = ()
    if how == "voided":
        events = transfers.void(one, "balances", evidence=evidence, stamp=stamp, at=at)
    elif how == "open":
        events = transfers.doubt(one, evidence=evidence, stamp=stamp, at=at)
    elif how != "unread":
        events = transfers.confirm(one, "balances", evidence=evidence, stamp=stamp, at=at)
    record(work, context.customer, one, events, stamp=stamp)
    return Settled(work.transfers(context.customer).get(transfer), how)


def _how(one: Transfer, verdict: Verdict, evidence: TransferEvidence) -> How:
    """A void transfer is reopened only by balances that moved since, and leave no doubt."""
    if one.is_in_doubt:
        settled: Mapping[Verdict, How] = {"sent": "sent", "void": "voided", "open": "open"}
        return settled[verdict]
    moved = not shows_the_same(one.evidence, evidence)
    late = verdict == "sent" and moved and is_certain(evidence)
    return "late" if late and transfers.may_be_reopened(one) else "unread"


def _side(ledger: Ledger, work: Work, name: str, before: BalanceBefore, known: Known) -> Side:
    """Gather what was recorded of an account from before the call until it was looked at."""
    account = work.account(name)
    recorded = [
        *ledger.recorded_between(name, before.version, known.version),
        *ledger.recorded_between(
            consumption_stream(name), before.consumption_version, known.consumption_version
        ),
    ]
    return before, BalanceLater(
        reading=known.seen.after,
        owned=known.seen.owned,
        jobs=known.jobs,
        recorded=recorded,
        recharge=account.recharge[1] if account.recharge else None,
        purchases=list(_purchases_before(account, recorded)),
    )


def _purchases_before(
    account: Account, recorded: Sequence[LedgerEvent]
) -> Iterator[tuple[datetime, Credits]]:
    """Give the purchases that were recorded before: their credits may have come later."""
    since = {one.bill_detail_id for one in recorded if isinstance(one, CreditsPurchased)}
    for (kind, reference), payload in account.known.items():
        if kind == "purchase" and reference not in since:
            yield payload


def record(
    work: Work,
    customer: str,
    one: Transfer,
    events: tuple[TransferEvent, ...],
    *,
    stamp: Stamp,
) -> None:
    """Record what became of a transfer; its legs with it, in one save, where it was sent."""
    state = work.transfers(customer)
    work.record(state, events)
    if events and state.get(one.id).status == "sent":
        sent, received = transfers.legs(one, stamp=stamp)
        for name, leg in ((one.source, sent), (one.target, received)):
            account = work.account(name)
            work.record(account, record_once(account, leg))
