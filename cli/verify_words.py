"""What `audit verify` found, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from cli.tables import printable
from ledger.merkle import Anchor
from projections.verification import AnchorResult, Verification
from projections.words import many


def sentences(found: Verification) -> Iterator[str]:
    """Say what was read, which anchors hold, what is not sealed, and last the anchor itself."""
    events = many(found.events, "event")
    if found.intact:
        yield (
            f"{events} recomputed from the stored bytes: none changed, missing, added or out of"
            " its place"
        )
    else:
        yield (
            f"{events} recomputed from the stored bytes: {many(found.fault_count, 'fault')}; do"
            " not record on it, keep this file as evidence, and compare it with a copy"
        )
    yield from (f"{one.subject}: {printable(one.text)}" for one in found.faults)
    if found.fault_count > len(found.faults):
        yield f"and {found.fault_count - len(found.faults)} more"
    yield from (_held(one) for one in found.anchors if one.status == "holds")
    if found.intact:
        yield from _unsealed(found)
        yield found.anchor


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
