"""Reconciliation in plain words: what differs, why, and what to type next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from cli.tables import cell, draw
from ledger.credits import ZERO, Credits
from projections.reconciliation import Reconciliation
from projections.words import many

_INDENT: Final = "  "


def summary(rows: Sequence[Reconciliation]) -> list[str]:
    """Give a sentence for each account that does not agree, and one for those that do."""
    agreeing = [row for row in rows if row.status == "reconciled" and not row.breaks]
    words = [line for row in rows if row not in agreeing for line in _about(row)]
    if agreeing and len(agreeing) == len(rows):
        words.append("Every account agrees with OVH to the last thousandth of a credit.")
    elif agreeing:
        words.append(f"{many(len(agreeing), 'account')} of {len(rows)} agree with OVH.")
    return ["", *words] if words else []


def _about(row: Reconciliation) -> Iterator[str]:
    yield f"{row.account}: {verdict(row)}"
    for line in row.lines:
        amount = f" {signed(line.credits)}" if line.credits else ""
        yield f"{_INDENT}{line.kind}{amount}: {line.text}"
    yield from (f"{_INDENT}{hint}" for hint in _hints(row))


def verdict(row: Reconciliation) -> str:  # noqa: PLR0911 (one per status)
    """Say in one sentence how an account stands."""
    match row.status:
        case "reconciled":
            return f"OVH and the ledger agree on {row.observed} credits"
        case "explained":
            return f"{difference(row)}; all of it is explained"
        case "unexplained":
            return f"{difference(row)}; unexplained: {signed(row.residual)}"
        case "contradictory":
            return (
                "what OVH said contradicts itself: nothing is concluded; type"
                f" `sms-ledger sync {row.account}`, and ask OVH's support where it stays so"
            )
        case "moving":
            return (
                f"the balance moved while it was read (drift {signed(row.drift)}): nothing is"
                f" concluded; type `sms-ledger sync {row.account}`"
            )
        case "stale":
            return (
                f"the last observation is of {cell(row.observed_at)}, too old to conclude from;"
                f" type `sms-ledger sync {row.account}`"
            )
        case "unobserved":
            return f"OVH was not asked yet; type `sms-ledger sync {row.account}`"
        case "unopened":
            return (
                "no opening balance is known when OVH was asked; type"
                f" `sms-ledger sync {row.account}`, or import its opening"
            )
        case _:
            assert_never(row.status)


def difference(row: Reconciliation) -> str:
    drift = row.drift or ZERO
    if not drift:
        return f"OVH and the ledger agree on {row.observed} credits"
    size = drift if drift > ZERO else -drift
    word = "more" if drift > ZERO else "fewer"
    return f"OVH shows {size} credits {word} than the ledger (drift {signed(drift)})"


def _hints(row: Reconciliation) -> Iterator[str]:
    for one in row.differences:
        if one.status == "open":
            yield from (f"{signed(one.credits)}: {hint}" for hint in one.hints)
    if row.differences:
        waits = [one for one in row.differences if one.status != "accepted"]
        if waits:
            yield f"next: `sms-ledger recon explain {row.account}` tells how, and what to type"
    elif row.status == "unexplained":
        yield f"next: `sms-ledger reg {row.account}` shows the movements"
    if row.breaks:
        yield f"next: `sms-ledger recon breaks {row.account}` shows what waits for a person"


def sums(rows: Sequence[Reconciliation]) -> list[str]:
    """Show each account as a sum: observed, ledger, drift, explained lines, residual."""
    words: list[str] = []
    for row in rows:
        words += ["", f"{row.account}: {verdict(row)}"]
        if row.drift is not None:
            words.append(draw(("", "credits", ""), list(_terms(row))))
        words += [f"{_INDENT}{hint}" for hint in _hints(row)]
    return words


def _terms(row: Reconciliation) -> Iterator[tuple[str, Credits | None, str]]:
    yield "creditsLeft", row.credits_left, f"OVH, {cell(row.observed_at)}"
    yield "creditsHoldByQuota", row.held, ""
    yield "observed", row.observed, "what OVH says is owned"
    yield "ledger", row.ledger, "what was recorded until then"
    yield "drift", row.drift, "observed − ledger"
    for line in row.lines:
        yield line.kind, line.credits, f"{line.text} {line.reference}".rstrip()
    yield "residual", row.residual, "drift − explained"


def signed(credits: Credits | None) -> str:
    if credits is None:
        return "unknown"
    return f"+{credits}" if credits > ZERO else str(credits)
