"""What an observation says of itself: jobs in flight, quotas, contradictions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ledger.credits import ZERO, Credits
from projections.drifts import Drift
from projections.explanations import Explanation
from projections.words import many

TIMING: Final = "timing"


def of_jobs(drift: Drift) -> Iterator[Explanation]:
    pending = drift.seen.pending
    for fault in drift.faults:
        yield Explanation("contradiction", ZERO, fault, "")
    if not drift.seen.quiet:
        before, after = drift.seen.before, drift.seen.after
        text = (
            f"the balance moved while it was read: creditsLeft was {before.credits_left} before"
            f" the lists and {after.credits_left} after them"
        )
        yield Explanation(TIMING, ZERO, text, "")
    if pending is not None and pending.count:
        text = (
            f"{many(pending.count, 'job')} in flight, of {pending.credits} credits that have"
            " left the balance, while their rows are not there yet"
        )
        yield Explanation(TIMING, Credits(drift.timing), text, "")


def of_quotas(drift: Drift) -> Iterator[Explanation]:
    seen = drift.seen
    if not seen.held:
        return
    text = (
        f"{seen.held} credits are held by the quotas of"
        f" {many(seen.users_with_quota, 'user')}: they are owned, and counted in what OVH"
        " shows"
    )
    if seen.quota_left is not None and seen.quota_left != seen.held:
        text += f"; the users' own quotas come to {seen.quota_left}"
    yield Explanation("quota hold", ZERO, text, "")
