"""The opening of an account: where its history begins, and what it owned there.

An opening that follows from an observation holds everything that OVH's balance held at that
moment, also what nobody could see yet. When such a thing becomes known later (a late bill, a
list that a key may read only now), counting it would count it twice: the opening is restated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from ledger.account import Account, open_balance, open_break, restate_opening
from ledger.canonical import decode
from ledger.credits import ZERO, Credits
from ledger.database import Database
from ledger.events import (
    LINE_KINDS,
    AccountEvent,
    BalanceObserved,
    CreditsPurchased,
    Derivation,
    FromRule,
    Stamp,
)
from ledger.movements import Movement, movements
from ledger.names import observations_stream
from ledger.times import from_us, local_day, start_of_day, to_us

# OVH keeps six months of rows (its FAQ of 2026-03-27).
_RETENTION_MONTHS: Final = 6

# A bill may be dated a little after its credits were there.
_BILL_LATE: Final = timedelta(days=3)

_ABSORBED: Final = FromRule("opening-held-it-already", 1)


@dataclass(frozen=True, slots=True)
class Facts:
    """What an opening is decided from: an observation and the purchases recorded with it."""

    seen: BalanceObserved
    purchases: Sequence[CreditsPurchased]

    @property
    def expected(self) -> Credits:
        """What the ledger must come to: owned, and what is in flight until its rows appear."""
        return self.seen.owned + (self.seen.pending.credits if self.seen.pending else ZERO)

    def bought(self) -> Iterator[Movement]:
        for purchase in self.purchases:
            yield from movements(purchase)


def first_opening(
    account: Account,
    facts: Facts,
    recorded: Iterable[Movement],
    *,
    created_at: datetime | None,
    stamp: Stamp,
) -> tuple[AccountEvent, ...]:
    """Open the balance where coverage by rows begins.

    A young account, created at `created_at`, began empty, and all that moved since is there.
    An older one owned, at its oldest retained row, what OVH shows now less what moved from
    that row on. An opening that was only assumed gives way to this.
    """
    moves = [*recorded, *facts.bought()]
    if created_at is not None:
        moved = _sum(moves, created_at, facts.seen.happened_at)
        if moved == facts.expected and account.opening is None:
            return open_balance(account, ZERO, basis="created", stamp=stamp, at=created_at)
    rows = [move.at_us for move in moves if move.kind in LINE_KINDS]
    at = from_us(min(rows, default=to_us(facts.seen.happened_at)))
    if account.opening is not None:
        at = min(at, account.opening.at)
    derivation = _derivation(facts, _sum(moves, at, facts.seen.happened_at))
    credits = facts.expected - derivation.moved
    if account.opening is not None:
        until = account.opening.at - timedelta(microseconds=1)
        return restate_opening(
            account,
            credits,
            moved=_sum(moves, at, until),
            basis="observed",
            derivation=derivation,
            stamp=stamp,
            at=at,
        )
    opened = open_balance(
        account, credits, basis="observed", derivation=derivation, stamp=stamp, at=at
    )
    if created_at is None or not credits:
        return opened
    return (*opened, *_not_empty(account, credits, created_at, stamp=stamp, at=at))


def _not_empty(
    account: Account, credits: Credits, created_at: datetime, *, stamp: Stamp, at: datetime
) -> tuple[AccountEvent, ...]:
    """Tell a person that a young account does not come out at nothing where it began."""
    text = (
        f"the account was created on {created_at:%Y-%m-%d} and should have begun empty, but"
        f" what OVH shows and its lists tell give {credits} credits at {at.isoformat()}"
    )
    return open_break(
        account,
        "opening-difference",
        "creation",
        credits=credits,
        text=text,
        stamp=stamp,
        at=at,
    )


def _derivation(facts: Facts, moved: Credits) -> Derivation:
    seen = facts.seen
    return Derivation(
        observed_at=seen.happened_at,
        owned=seen.owned,
        in_flight=seen.pending.credits if seen.pending else None,
        moved=moved,
        bill_detail_ids=tuple(purchase.bill_detail_id for purchase in facts.purchases),
        coverage=seen.coverage,
    )


def _sum(moves: Iterable[Movement], since: datetime, until: datetime) -> Credits:
    first, last = to_us(since), to_us(until)
    return Credits(sum(move.milli for move in moves if first <= move.at_us <= last))


def absorbed(
    account: Account,
    facts: Facts,
    news: Iterable[Movement],
    *,
    balance: Credits,
    stamp: Stamp,
) -> tuple[AccountEvent, ...]:
    """Restate an observed opening that held already what becomes known only now.

    `news` was recorded since the last observation, `balance` is the ledger's with it (but
    without the purchases of `facts`). Only where what is new and old enough is exactly what
    OVH and the ledger would differ by.
    """
    opening = account.opening
    if opening is None or opening.derivation is None:
        return ()
    observed_at = opening.derivation.observed_at
    bought = list(facts.bought())
    held = sum(
        (
            Credits(move.milli)
            for move in (*news, *bought)
            if to_us(opening.at) <= move.at_us < to_us(_latest(move, observed_at))
        ),
        ZERO,
    )
    drift = facts.expected - balance - sum((Credits(move.milli) for move in bought), ZERO)
    if not held or drift != -held:
        return ()
    derivation = replace(
        opening.derivation,
        moved=opening.derivation.moved + held,
        bill_detail_ids=(
            *opening.derivation.bill_detail_ids,
            *(purchase.bill_detail_id for purchase in facts.purchases),
        ),
    )
    return restate_opening(
        account,
        opening.credits - held,
        moved=ZERO,
        basis="observed",
        derivation=derivation,
        stamp=replace(stamp, source=_ABSORBED),
        at=opening.at,
    )


def _latest(move: Movement, observed_at: datetime) -> datetime:
    """Give before when a movement must lie to have been in what was observed then.

    OVH's times are whole seconds: within the second of the observation, nobody can tell.
    """
    second = observed_at.replace(microsecond=0)
    return second + _BILL_LATE if move.kind == "purchase" else second


def recorded_since_last_observation(database: Database, account: str) -> Iterator[Movement]:
    """Give what was recorded of an account since OVH's balance was last recorded."""
    rows = database.execute(
        "SELECT event_log.topic, state FROM event_log JOIN stored_events"
        " ON originator_id = stream AND originator_version = version"
        " WHERE account = :account AND stream <> :observations AND position >"
        " COALESCE((SELECT MAX(position) FROM event_log WHERE stream = :observations), 0)"
        " ORDER BY position",
        account=account,
        observations=observations_stream(account),
    )
    for topic, state in rows:
        yield from movements(decode(topic, state))


def reaches_back_to(created_on: date | None, at: datetime, zone: ZoneInfo) -> datetime | None:
    """Give when an account was created, where OVH's rows reach back so far."""
    if created_on is None:
        return None
    if created_on <= _months_before(local_day(at, zone), _RETENTION_MONTHS):
        return None
    return start_of_day(created_on, zone)


def _months_before(day: date, months: int) -> date:
    """Go back whole months; the 31st becomes the last day of a shorter month."""
    month = day.year * 12 + day.month - 1 - months
    first = date(month // 12, month % 12 + 1, 1)
    after = (first + timedelta(days=31)).replace(day=1)
    return min(first.replace(day=1) + timedelta(days=day.day - 1), after - timedelta(days=1))
