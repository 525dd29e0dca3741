"""How the difference of one account came about, step by step, and what to type next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cli.recon_words import signed, verdict
from cli.tables import cell, printable
from ledger.credits import ZERO
from projections.reconciliation import Difference, Reconciliation

_FOREIGN: Final = "foreign transfer"
_PURCHASE: Final = "purchase not booked"
_RECHARGE: Final = "recharge not billed yet"


def story(row: Reconciliation) -> Iterator[str]:
    """Tell an account's statement as a story: what OVH said, what we had, what happened."""
    yield f"{row.account}: {verdict(row)}"
    if row.drift is None:
        return
    yield ""
    yield f"  OVH said {cell(row.observed_at)}: {row.credits_left} credits left{_held(row)}"
    yield f"  the ledger had {row.ledger} credits then: the drift is {signed(row.drift)}"
    shown = {one.text for one in row.differences}
    for line in row.lines:
        if line.text not in shown:
            amount = signed(line.credits) if line.credits else "nothing"
            yield f"  {line.kind} explains {amount}: {line.text}"
    for number, one in enumerate(row.differences, start=1):
        yield ""
        yield from _step(row, number, one)
    if row.drift:
        yield ""
        explained, left = signed(row.explained), signed(row.residual)
        yield f"  drift {signed(row.drift)} = explained {explained} + residual {left}"
    if row.breaks:
        yield f"  next: `sms-ledger recon breaks {row.account}` shows what waits for a person"


def _held(row: Reconciliation) -> str:
    return f" and {row.held} held by quotas, {row.observed} owned" if row.held else ""


def _step(row: Reconciliation, number: int, one: Difference) -> Iterator[str]:
    yield f"  {number}. {one.break_id}: {signed(one.credits)} credits, {_standing(one)}"
    if one.since != one.first_seen:
        first = cell(one.first_seen)
        yield f"     arose after {cell(one.since)}, first seen {first} ({one.age} ago)"
    yield f"     {one.kind}: {printable(one.text)}"
    yield from (f"     perhaps: {hint}" for hint in one.hints)
    if one.owner:
        yield f"     {one.owner} looks after it"
    yield from (f"     note: {printable(text)}" for text in one.notes)
    yield from (f"     next: {text}" for text in _next(row, one))


def _standing(one: Difference) -> str:
    words = {"open": "unexplained", "explained": "explained", "accepted": "accepted"}
    return words[one.status]


def _next(row: Reconciliation, one: Difference) -> Iterator[str]:
    """Say what a person may type, the likeliest first."""
    if one.status == "accepted":
        return
    name = f"{row.account}/{one.break_id}"
    adjust = f"`sms-ledger recon adjust {name} --reason TEXT"
    if one.kind == _FOREIGN:
        yield f"{adjust} --as transfer` books it on both accounts"
    elif one.kind == _PURCHASE:
        yield f"{adjust} --as purchase` books it by its bill line {one.bill}"
    elif one.kind == _RECHARGE:
        yield f"wait for the bill: `sms-ledger sync {row.account}` will book it"
    else:
        gift = " (or --as gift)" if one.credits > ZERO else ""
        yield f"{adjust}` books it{gift}, when the cause is known"
    yield f"`sms-ledger recon accept {name} --reason TEXT` lets it stand"
