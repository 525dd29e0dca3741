"""One account in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from cli.tables import cell, draw, printable
from projections.accounts import AccountDetails


def details(row: AccountDetails) -> Iterator[str]:
    """Give what is known of an account, line by line."""
    yield draw(("", ""), list(_facts(row)))
    if row.breaks:
        yield "\nopen breaks"
        yield draw(
            ("opened at", "kind", "credits", "reference", "what"),
            [(b.opened_at, b.kind, b.credits, b.reference, b.text) for b in row.breaks],
        )
    if row.purchases:
        yield "\npurchases"
        yield draw(
            ("bought at", "kind", "credits", "reference"),
            [(p.bought_at, p.kind, p.credits, p.reference) for p in row.purchases],
        )


def _facts(row: AccountDetails) -> Iterator[tuple[str, str]]:
    yield "account", row.account
    yield "customer", row.customer
    yield "description", printable(row.description)
    yield "status", row.status
    yield "time zone", row.time_zone
    yield "opened", f"{cell(row.opened_at)} with {cell(row.opening)} credits"
    if row.closed_at:
        yield "closed", cell(row.closed_at)
    yield "credits", cell(row.credits)
    yield "automatic recharge", _recharge(row)
    yield "last observation", _observation(row)


def _recharge(row: AccountDetails) -> str:
    if row.recharge is None:
        return "not read yet"
    if not row.recharge.amount:
        return f"off, seen {cell(row.recharge.seen_at)}"
    return (
        f"{row.recharge.amount} credits below {row.recharge.threshold},"
        f" seen {cell(row.recharge.seen_at)}"
    )


def _observation(row: AccountDetails) -> str:
    seen = row.observation
    if seen is None:
        return "none yet"
    held = f", and {seen.held} held by quotas" if seen.held else ""
    moving = "" if seen.quiet else "; the balance was moving"
    return f"{seen.credits_left} credits left{held}, {cell(seen.observed_at)}{moving}"
