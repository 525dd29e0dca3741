"""What people decided on breaks, and noted of them, as their events tell."""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger.database import Rows
from ledger.events import BreakAccepted, BreakAdjusted, BreakNoted
from projections.stream_events import stream_events

Key = tuple[str, str]


@dataclass(slots=True)
class Notes:
    """Who looks after a break, and what was noted of it, in order."""

    owner: str | None = None
    texts: list[str] = field(default_factory=list)
    latest: BreakNoted | None = None


@dataclass(slots=True)
class Decisions:
    """By kind and reference of the break."""

    accepted: dict[Key, BreakAccepted] = field(default_factory=dict)
    adjusted: dict[Key, BreakAdjusted] = field(default_factory=dict)
    notes: dict[Key, Notes] = field(default_factory=dict)

    @property
    def standing(self) -> list[BreakAccepted]:
        """Give the accepted differences, as they were first seen."""
        found = [one for one in self.accepted.values() if one.credits]
        return sorted(found, key=lambda one: (one.first_seen_at, one.reference))

    def notes_on(self, kind: str, reference: str) -> Notes:
        return self.notes.get((kind, reference)) or Notes()


def decisions(rows: Rows, account: str) -> Decisions:
    """Read what was decided on an account's breaks."""
    found = Decisions()
    for event in stream_events(rows, account, BreakAccepted, BreakAdjusted, BreakNoted):
        if isinstance(event, BreakAccepted):
            found.accepted[event.kind, event.reference] = event
            _take_owner(found, event)
        elif isinstance(event, BreakAdjusted):
            found.adjusted[event.kind, event.reference] = event
        elif isinstance(event, BreakNoted):
            notes = _take_owner(found, event)
            notes.latest = event
            notes.texts += [event.reason] if event.reason else []
    return found


def _take_owner(found: Decisions, event: BreakAccepted | BreakNoted) -> Notes:
    notes = found.notes.setdefault((event.kind, event.reference), Notes())
    notes.owner = event.owner or notes.owner
    return notes
