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
from ledger.merkle import Expected
from ledger.names import WHOLE
from ledger.times import from_us
from projections.guards import unguarded
from projections.report import NESTED, Report
from projections.resealing import Fault, Held, Resealing
from projections.stored_proof import Proof, misplaced

# Faults beyond these are counted, not listed.
LISTED: Final = 20

Status = Literal["holds", "fails", "beyond"]


@dataclass(frozen=True, slots=True)
class AnchorResult:
    """What became of an anchor; `beyond`: its tree has fewer events than it.

    `customer`: whose tree it is of; None for that of the ledger. `recorded_at`: when the last
    event below it was recorded, in the tree of the ledger, where it holds.
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


def verify(database: Database, anchors: Sequence[Expected] = ()) -> Report[Verification]:
    """Recompute the ledger from its bytes, and hold it against anchors."""
    with database.snapshot():
        proof, faults = Proof(database, anchors), _Faults()
        faults.take(_walk(database, proof))
        position = proof.seals.reached.size
        seals = proof.seals
        held = sorted(seals.held, key=lambda one: (one.tree, one.anchor))
        faults.take(_disagreeing(held, seals, proof.unread))
        found = Verification(
            anchor=str(seals.reached),
            events=seals.reached.size,
            intact=not faults.count,
            unsealed=seals.reached.size - _sealed(held),
            fault_count=faults.count,
            anchors=[_result(one, seals) for one in held],
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


def _status(held: Held, seals: Resealing) -> Status:
    if held.holds:
        return "holds"
    return "fails" if held.anchor.size <= seals.size_of(held.tree) else "beyond"


def _result(held: Held, seals: Resealing) -> AnchorResult:
    is_dated = held.holds and held.tree == WHOLE
    at_us = seals.last_us.get(held.anchor.size) if is_dated else None
    recorded_at = None if at_us is None else from_us(at_us)
    status = _status(held, seals)
    return AnchorResult(str(held.anchor), status, held.tree or None, recorded_at)


def _sealed(held: Iterable[Held]) -> int:
    """Give the size of the newest anchor of the ledger that holds."""
    return max((one.anchor.size for one in held if one.holds and one.tree == WHOLE), default=0)


def _disagreeing(held: Iterable[Held], seals: Resealing, unread: int) -> Iterator[Fault]:
    """Say of each anchor that does not hold where the change must lie."""
    last: dict[str, int] = {}
    for one in held:
        subject = f"anchor {one.tree and one.tree + '='}{one.anchor.short}"
        match _status(one, seals):
            case "holds":
                last[one.tree] = one.anchor.size
            case "beyond" if unread:
                text = (
                    f"cannot be told: events could not be read ({unread}), whose place it needs"
                )
                yield subject, text
            case "beyond":
                yield subject, _beyond(one, seals.size_of(one.tree))
            case "fails":
                yield subject, _failing(one, last.get(one.tree, 0))


def _beyond(held: Held, size: int) -> str:
    of = f" of {held.tree}" if held.tree else ""
    return (
        f"expected at least {held.anchor.size} events{of}, found {size}: the log was cut off,"
        f" or the anchor is {_other(held)}"
    )


def _failing(held: Held, last: int) -> str:
    size, of = held.anchor.size, f" of {held.tree}" if held.tree else ""
    whence = f"the anchor at {last} holds" if last else "no earlier anchor holds"
    return (
        f"expected this root of the first {size} events{of}, found another one: something in"
        f" the events {last + 1} to {size} is not what was sealed ({whence}), or the anchor is"
        f" {_other(held)}"
    )


def _other(held: Held) -> str:
    """Say what else an anchor may be of."""
    if held.tree:
        return "of another customer or ledger"
    return (
        "of another ledger or of a later copy of this one, or of a customer (type"
        " CUSTOMER=SIZE:ROOT then)"
    )


def _notes(database: Database) -> Iterator[str]:
    tables = list(unguarded(database))
    if tables:
        yield (
            f"the triggers that refuse to edit {' and '.join(tables)} are gone or switched off:"
            " run `sms-ledger check`"
        )
