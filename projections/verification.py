"""`audit verify`: everything recomputed from the stored bytes, and held against anchors.

Memory does not grow with the ledger, nor with what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from ledger.database import Database
from ledger.errors import LedgerError
from ledger.merkle import Anchor
from ledger.names import WHOLE
from ledger.times import from_us
from projections.books import log_position
from projections.guards import unguarded
from projections.report import NESTED, Report
from projections.resealing import Fault, Held
from projections.stored_proof import Proof, misplaced

# Faults beyond these are counted, not listed.
LISTED: Final = 20

Status = Literal["holds", "fails", "beyond"]


@dataclass(frozen=True, slots=True)
class AnchorResult:
    """What became of an anchor; `beyond`: the ledger has fewer events than it.

    `customer`: whose tree it is of; None for that of the ledger, or where it does not hold.
    `recorded_at`: when the last event below it was recorded, in the tree of the ledger.
    """

    anchor: str
    status: Status
    customer: str | None
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class FaultFound:
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The anchor that the stored bytes come to, and what disagrees with it.

    `unsealed`: how many events were recorded after the newest anchor that holds.
    """

    anchor: str
    events: int
    intact: bool
    unsealed: int
    fault_count: int
    anchors: list[AnchorResult] = field(metadata=NESTED)
    faults: list[FaultFound] = field(metadata=NESTED)


def verify(database: Database, anchors: Sequence[Anchor] = ()) -> Report[Verification]:
    """Recompute the ledger from its bytes, and hold it against anchors."""
    with database.snapshot():
        position = log_position(database)
        proof, faults = Proof(database, anchors), _Faults()
        faults.take(_walk(database, proof))
        seals = proof.seals
        results = [
            _result(one, seals.reached.size, seals.last_us)
            for one in sorted(seals.held, key=lambda one: one.anchor)
        ]
        faults.take(_disagreeing(results, seals.reached))
        found = Verification(
            anchor=str(seals.reached),
            events=seals.reached.size,
            intact=not faults.count,
            unsealed=seals.reached.size - _sealed(seals.held),
            fault_count=faults.count,
            anchors=results,
            faults=faults.listed,
        )
        return Report(Verification, position, [found], list(_notes(database)))


class _Faults:
    """Lists the first few, and counts the others."""

    def __init__(self) -> None:
        self.count = 0
        self.listed: list[FaultFound] = []

    def take(self, faults: Iterable[Fault]) -> None:
        for subject, text in faults:
            self.count += 1
            if len(self.listed) < LISTED:
                self.listed.append(FaultFound(subject, text))


def _walk(database: Database, proof: Proof) -> Iterator[Fault]:
    """Read every event once; whatever damage does is a fault."""
    try:
        yield from misplaced(database)
        for _ in proof.events():
            yield from _taken(proof)
        yield from _taken(proof)
        yield from proof.seals.kept_faults(database)
    except LedgerError:
        raise
    except Exception as error:
        yield "log", f"cannot be read: {type(error).__name__} {error}"


def _taken(proof: Proof) -> Iterator[Fault]:
    if proof.faults:
        yield from proof.faults
        proof.faults.clear()


def _result(held: Held, size: int, last_us: dict[int, int]) -> AnchorResult:
    anchor, tree = held.anchor, held.tree
    status: Status = "fails" if anchor.size <= size else "beyond"
    if tree is None:
        return AnchorResult(str(anchor), status, None, None)
    at_us = last_us.get(anchor.size) if tree == WHOLE else None
    recorded_at = None if at_us is None else from_us(at_us)
    return AnchorResult(str(anchor), "holds", tree or None, recorded_at)


def _sealed(held: Iterable[Held]) -> int:
    """Give the size of the newest anchor of the ledger that holds."""
    return max((one.anchor.size for one in held if one.tree == WHOLE), default=0)


def _disagreeing(results: Sequence[AnchorResult], reached: Anchor) -> Iterator[Fault]:
    """Say of each anchor that does not hold where the change must lie."""
    last = 0
    for one in results:
        anchor = Anchor.parse(one.anchor)
        if one.status == "holds":
            last = last if one.customer else anchor.size
        elif one.status == "beyond":
            yield f"anchor {anchor.short}", _beyond(anchor, reached)
        else:
            yield f"anchor {anchor.short}", _failing(anchor, last)


def _beyond(anchor: Anchor, reached: Anchor) -> str:
    return (
        f"expected at least {anchor.size} events, found {reached.size}: the log was cut off, or"
        " the anchor is of another ledger or of a later copy of this one"
    )


def _failing(anchor: Anchor, last: int) -> str:
    whence = f"the anchor at {last} holds" if last else "no earlier anchor holds"
    return (
        f"expected this root of the first {anchor.size} events, found another one: something in"
        f" the events {last + 1} to {anchor.size} is not what was sealed ({whence}), or the"
        " anchor is of another ledger"
    )


def _notes(database: Database) -> Iterator[str]:
    tables = list(unguarded(database))
    if tables:
        yield (
            f"the triggers that refuse to edit {' and '.join(tables)} are gone or switched off:"
            " run `sms-ledger check`"
        )
