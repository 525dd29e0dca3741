"""Refunds that OVH made, and those whose credits the ledger took off the account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ledger.database import Rows
from ledger.events import (
    BalanceOpened,
    CreditsRefunded,
    OpeningRestated,
    RefundSeen,
)
from projections.stream_events import stream_events


def refunds_open(rows: Rows, account: str, *, until: datetime) -> Iterator[RefundSeen]:
    """Give the refunds until then whose credits may have left without being recorded.

    What the opening was derived from held the earlier ones already; *credits refunded* with
    the id of a refund, or of its line, says what left with it.
    """
    seen: list[RefundSeen] = []
    recorded: set[str] = set()
    since: datetime | None = None
    for event in stream_events(
        rows, account, RefundSeen, CreditsRefunded, BalanceOpened, OpeningRestated
    ):
        match event:
            case RefundSeen():
                seen.append(event)
            case CreditsRefunded():
                recorded.add(event.refund_id)
            case BalanceOpened() | OpeningRestated():
                since = event.derivation.observed_at if event.derivation else event.happened_at
            case _:
                pass
    for one in seen:
        told = {one.refund_id, one.refund_detail_id} & recorded
        if not told and one.happened_at <= until and (since is None or one.happened_at > since):
            yield one
