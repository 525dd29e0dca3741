"""Transfers in doubt, settled by what both balances show at a synchronisation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
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
from ledger.movements import movements
from ledger.names import consumption_stream, transfers_stream
from ledger.service import Ledger, Work
from ledger.settlement import BalanceLater, Side, Verdict, is_certain, judge, shows_the_same
from ledger.sync.account import Context
from ledger.sync.balance import Known
from ledger.transfer_states import Transfer

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
    `unread`: one of the balances was not read, kept moving, or moved after it was read.
    """

    transfer: Transfer
    how: How

    @property
    def left(self) -> bool:
        """Whether it is in doubt still."""
        return self.transfer.is_in_doubt


@dataclass(frozen=True, slots=True)
class Looks:
    """What was seen of the accounts, all of it after version `since` of the transfers."""

    known: Mapping[str, Known | None]
    since: int


def transfers_version(ledger: Ledger, customer: str) -> int:
    """Give where the stream of transfers stands: taken before a look, for `moved_since`."""
    return ledger.work(lambda work: work.transfers(customer).version)


def moved_since(
    ledger: Ledger, work: Work, customer: str, since: int, accounts: Collection[str]
) -> str | None:
    """Give a transfer of these accounts of which anything was recorded after a version.

    A look that was taken meanwhile may hold its credits while its legs are not among what was
    recorded until then, or the other way round: nothing may rest on such a look.
    """
    state = work.transfers(customer)
    stream = transfers_stream(customer)
    for event in ledger.recorded_between(stream, since, state.version):
        if isinstance(event, TransferEvent):
            one = state.get(event.transfer)
            if not {one.source, one.target}.isdisjoint(accounts):
                return one.id
    return None


def settle(context: Context, looks: Looks, settle_after: timedelta) -> list[Settled]:
    """Settle what can be told now: first what is in doubt, then what was void."""
    state = context.ledger.work(lambda work: work.transfers(context.customer))
    done = [_settle(context, one, looks, settle_after) for one in state.in_doubt()]
    busy = {name for one in done for name in (one.transfer.source, one.transfer.target)}
    oldest = context.now() - _LATE
    for one in state.all.values():
        if (
            transfers.may_be_reopened(one)
            and one.requested_at >= oldest
            and busy.isdisjoint({one.source, one.target})
        ):
            again = _settle(context, one, looks, settle_after)
            done += [again] if again.how == "late" else []
    return done


def _settle(context: Context, one: Transfer, looks: Looks, settle_after: timedelta) -> Settled:
    source, target = looks.known.get(one.source), looks.known.get(one.target)
    if source is None or target is None or not (source.seen.quiet and target.seen.quiet):
        return Settled(one, "unread")
    looked_at = min(source.seen.before.at, target.seen.before.at)
    if looked_at < one.requested_at + settle_after:
        return Settled(one, "early")

    def decide(work: Work) -> Settled:
        found = work.transfers(context.customer).get(one.id)
        if _is_overtaken(context, work, found, looks):
            return Settled(found, "unread")
        return _decide(context, work, found, source, target)

    return context.ledger.work(decide)


def _is_overtaken(context: Context, work: Work, one: Transfer, looks: Looks) -> bool:
    """Tell whether a transfer was recorded, or a balance moved, since the looks."""
    accounts = (one.source, one.target)
    if moved_since(context.ledger, work, context.customer, looks.since, accounts):
        return True
    return any(_moved(context.ledger, work, name, looks.known[name]) for name in accounts)


def _moved(ledger: Ledger, work: Work, name: str, known: Known | None) -> bool:
    """Tell whether anything that moves the balance was recorded after it was looked at."""
    since = known.version if known else 0
    events = ledger.recorded_between(name, since, work.account(name).version)
    return any(True for event in events for _ in movements(event))


def _decide(
    context: Context, work: Work, one: Transfer, source: Known, target: Known
) -> Settled:
    verdict, evidence = judge(
        one.credits,
        _side(context.ledger, work, one.source, one.source_before, source),
        _side(context.ledger, work, one.target, one.target_before, target),
    )
    stamp = context.stamp(_BY_BALANCES)
    at = max(source.seen.happened_at, target.seen.happened_at)
    if work.transfers(context.customer).others_in_doubt(one):
        verdict = "open"  # nobody could tell the two apart
    how = _how(one, verdict, evidence)
    events: tuple[TransferEvent, ...] = ()
    if how == "voided":
        events = transfers.void(one, "balances", evidence=evidence, stamp=stamp, at=at)
    elif how == "open":
        events = transfers.doubt(one, evidence=evidence, stamp=stamp, at=at)
    elif how != "unread":
        events = transfers.confirm(one, "balances", evidence=evidence, stamp=stamp, at=at)
    record(work, context.customer, one, events, stamp=stamp)
    return Settled(work.transfers(context.customer).get(one.id), how)


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
