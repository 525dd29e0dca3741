"""OVH's log of API calls, read where two accounts differ in opposite ways.

It is the only trace of a transfer that was made elsewhere: who it went from, and when. It is
read only when there is something to look for, since each row costs a request; without the
right, nothing is missing but that evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC
from typing import Final

from ledger.credits import ZERO
from ledger.customer import see_calls
from ledger.errors import OvhRightMissing
from ledger.events import ApiCallSeen, BalanceObserved
from ledger.ovh.gateway import ApiLog
from ledger.service import Work
from ledger.sync.account import Context
from ledger.sync.memory import examine, examined

# The newest rows that one synchronisation reads: each is a request.
_MOST: Final = 50

_API_LOG: Final = "api-log"
_TRANSFER: Final = re.compile(r"/sms/([^/]+)/transferCredits")


def note_calls(context: Context, seen: Mapping[str, BalanceObserved]) -> None:
    """Record who called for a transfer, where the accounts may show one that is not booked."""
    if _may_show_a_transfer(context, seen):
        with suppress(OvhRightMissing):
            _read(context)


def _may_show_a_transfer(context: Context, seen: Mapping[str, BalanceObserved]) -> bool:
    """Tell whether one account has more than is recorded, and another has less."""
    drifts = list(_drifts(context, seen))
    return min(drifts, default=0) < 0 < max(drifts, default=0)


def _drifts(context: Context, seen: Mapping[str, BalanceObserved]) -> Iterator[int]:
    for account, milli in context.database.execute(
        "SELECT account, opening_milli + moved_milli FROM account"
        " WHERE customer = :customer AND opening_milli IS NOT NULL AND closed_at_us IS NULL",
        customer=context.customer,
    ):
        one = seen.get(account)
        if one is not None and one.quiet:
            in_flight = one.pending.credits if one.pending else ZERO
            yield (one.owned + in_flight).milli - milli


def _read(context: Context) -> None:
    gateway = context.gateway
    known = examined(context.database, context.customer, _API_LOG)
    ids = [one for one in gateway.api_log_ids() if str(one) not in known]
    wanted = sorted(ids)[-_MOST:]
    rows = gateway.api_logs(wanted)
    calls = [call for row in rows.values() for call in _call(row)]
    stamp, at = context.stamp(context.source()), context.now()

    def decide(work: Work) -> None:
        customer = work.customer(context.customer)
        work.record(customer, see_calls(customer, calls, stamp=stamp, at=at))

    context.ledger.work(decide)
    examine(context.database, context.customer, _API_LOG, map(str, wanted))


def _call(row: ApiLog) -> Iterator[ApiCallSeen]:
    found = _TRANSFER.fullmatch(row.path)
    if row.method == "POST" and found is not None:
        yield ApiCallSeen(
            log_id=row.logId,
            at=row.date.astimezone(UTC),
            account=found[1],
            call="transferCredits",
        )
