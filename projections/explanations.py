"""What can explain a drift between OVH and the ledger, and how much of it each thing does.

A claim is what a thing could explain; its share, in the order of the claims, is what it does:
nothing beyond the drift that there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ledger.canonical import decode
from ledger.credits import ZERO, Credits
from ledger.database import Rows
from ledger.events import BalanceObserved, LinesNotBilled
from ledger.names import consumption_stream
from projections.given_back import refunds_open
from projections.transfer_states import transfer_states
from projections.words import many


@dataclass(frozen=True, slots=True)
class Explanation:
    """A part of the drift with its cause. `credits` is what it explains, signed."""

    kind: str
    credits: Credits
    text: str
    reference: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What could explain `credits` of a drift, signed as the drift is.

    `in_parts`: perhaps only a part of them; otherwise all of them or none.
    """

    kind: str
    credits: Credits
    text: str
    reference: str = ""
    in_parts: bool = False

    def share_of(self, rest: Credits) -> Credits:
        """Give what it explains of what is left: never more than brings that nearer to 0."""
        if self.in_parts:
            low, high = sorted((ZERO, self.credits))
            return min(max(rest, low), high)
        nearer = abs((rest - self.credits).milli) < abs(rest.milli)
        return self.credits if nearer else ZERO


def share(drift: Credits, claims: Iterable[Claim]) -> Iterator[Explanation]:
    """Explain a drift by claims, one after the other."""
    rest = drift
    for claim in claims:
        part = claim.share_of(rest)
        rest -= part
        yield Explanation(claim.kind, part, claim.text, claim.reference)


def open_breaks(rows: Rows, account: str) -> Iterator[Claim]:
    """Give the open breaks of an account.

    The difference of a restated opening was added to the ledger, so OVH shows it with the
    other sign; other breaks hold what the ledger does not have yet.
    """
    for kind, reference, milli, text in rows.execute(
        "SELECT kind, reference, credits_milli, text FROM open_break WHERE account = :account"
        " ORDER BY opened_at_us, kind, reference",
        account=account,
    ):
        credits = Credits(milli or 0)
        yield Claim(
            kind, -credits if kind == "opening-difference" else credits, text, reference
        )


def claims_of(
    rows: Rows, account: str, seen: BalanceObserved, *, until: datetime
) -> Iterator[Claim]:
    """Give what an observation and the ledger say besides: it needs no person to look at it.

    `until` is when the same numbers were seen last.
    """
    if seen.pending is not None and seen.pending.count:
        in_flight = seen.pending.credits
        text = (
            f"{many(seen.pending.count, 'job')} in flight, of {in_flight} credits that have"
            " left the balance, while their rows are not there yet"
        )
        yield Claim("timing", -in_flight, text, in_parts=True)
    yield from _transfers_in_doubt(rows, account, seen)
    yield from _not_billed(rows, account)
    yield from _refunds(rows, account, until)
    if seen.held:
        text = (
            f"{seen.held} credits are held by the quotas of"
            f" {many(seen.users_with_quota, 'user')}: they are owned, and counted in what OVH"
            " shows"
        )
        yield Claim("quota hold", ZERO, text)


def _transfers_in_doubt(rows: Rows, account: str, seen: BalanceObserved) -> Iterator[Claim]:
    ((customer,),) = rows.execute(
        "SELECT customer FROM account WHERE account = :account", account=account
    )
    for one in transfer_states(rows, customer):
        if not one.is_in_doubt or one.requested_at > seen.happened_at:
            continue
        if account in {one.source, one.target}:
            text = (
                f"the transfer of {one.credits} credits from {one.source} to {one.target} is in"
                f" doubt: type `sms-ledger transfer resolve {one.id}`"
            )
            moved = -one.credits if account == one.source else one.credits
            yield Claim("transfer in doubt", moved, text, one.id)


def _not_billed(rows: Rows, account: str) -> Iterator[Claim]:
    lines, spent = 0, ZERO
    for topic, state in rows.execute(
        "SELECT s.topic, s.state FROM event_log l JOIN stored_events s"
        " ON s.originator_id = l.stream AND s.originator_version = l.version"
        " WHERE l.stream = :stream AND l.topic = :topic",
        stream=consumption_stream(account),
        topic=LinesNotBilled.TOPIC,
    ):
        event = decode(topic, state)
        if isinstance(event, LinesNotBilled):
            lines += len(event.line_ids)
            spent += event.spent
    if lines:
        text = (
            f"{many(lines, 'recorded line')} of {spent} credits, which OVH has marked as not"
            " billed since; it does not say whether their credits come back"
        )
        yield Claim("not billed", spent, text, in_parts=True)


def _refunds(rows: Rows, account: str, until: datetime) -> Iterator[Claim]:
    """Give the refunds: all of a line's credits may have left with it, or none."""
    for one in refunds_open(rows, account, until=until):
        about = f"{one.credits} credits" if one.credits else "credits, how many is not told,"
        bill = f" of bill {one.bill_id}" if one.bill_id else ""
        text = (
            f"OVH gave {one.total_price} back for {about}{bill} with {one.refund_id}; it does"
            " not say whether they leave the account: if they did, import a row of kind refund"
            " with this id"
        )
        yield Claim("refund", -(one.credits or ZERO), text, one.refund_id)
