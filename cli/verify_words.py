"""What `audit verify` found, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from cli.tables import printable
from ledger.merkle import Anchor
from projections.verification import AnchorResult, Verification
from projections.words import many


def sentences(found: Verification) -> Iterator[str]:
    """Say what was read, which anchors hold, what is not sealed, and last the anchor itself."""
    yield f"{many(found.events, 'event')} recomputed from the stored bytes: {_verdict(found)}"
    yield from (f"{one.subject}: {printable(one.text)}" for one in found.faults)
    if found.fault_count > len(found.faults):
        yield f"and {found.fault_count - len(found.faults)} more"
    yield from (_held(one) for one in found.anchors if one.status == "holds")
    if found.intact:
        yield from _unsealed(found)
        yield found.anchor


def _verdict(found: Verification) -> str:
    if found.intact:
        return "none changed, missing, added or out of its place"
    failing = sum(one.status != "holds" for one in found.anchors)
    if found.fault_count == failing:
        return f"they agree with each other, but not with {many(failing, 'anchor')}"
    return (
        f"{many(found.fault_count, 'fault')}; do not record on it, keep it as evidence, and"
        " compare it with a copy"
    )


def _held(one: AnchorResult) -> str:
    anchor = Anchor.parse(one.anchor)
    if one.customer:
        return f"the anchor {anchor.short} holds: the first {anchor.size} of {one.customer}"
    events = many(anchor.size, "event")
    until = f", until {one.recorded_at:%Y-%m-%d %H:%M:%S} UTC" if one.recorded_at else ""
    return f"the anchor {anchor.short} holds: the first {events}{until}"


def _unsealed(found: Verification) -> Iterator[str]:
    if not found.anchors:
        yield (
            "no anchor was given: this tells that the ledger agrees with itself; to find one"
            " that was made anew as a whole, type --expect with the checkpoint of a report"
        )
    elif found.unsealed:
        first = found.events - found.unsealed + 1
        yield (
            f"not sealed yet by an anchor given here: {many(found.unsealed, 'event')}, from"
            f" position {first} on"
        )
