"""The opening of an account: where its history begins, and what it owned there.

An opening that follows from an observation holds everything that OVH's balance held at that
moment, also what nobody could see yet. When more of it becomes known later (a late row, a list
that a key may read only now, a gift of before that a file tells), the same rule gives another
opening: it is restated, and nothing is counted twice.
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
    LedgerEvent,
    Stamp,
)
from ledger.movements import Movement, movements
from ledger.names import observations_stream
from ledger.times import from_us, local_day, months_before, start_of_day, to_us

# OVH keeps six months of rows (its FAQ of 2026-03-27).
_RETENTION_MONTHS: Final = 6

_HELD_ALREADY: Final = FromRule("opening-held-it-already", 1)

# A movement with the time when it was recorded.
Known = tuple[datetime, Movement]


@dataclass(frozen=True, slots=True)
class Facts:
    """What an opening is decided from: an observation and the purchases recorded with it."""

    seen: BalanceObserved
    in_flight_ids: tuple[int, ...]
    purchases: Sequence[CreditsPurchased]

    @property
    def expected(self) -> Credits:
        """What the ledger must come to: owned, and what is in flight until its rows appear."""
        return self.seen.owned + (self.seen.pending.credits if self.seen.pending else ZERO)

    def bought(self) -> Iterator[Known]:
        for purchase in self.purchases:
            for movement in movements(purchase):
                yield purchase.recorded_at, movement


def first_opening(
    account: Account,
    facts: Facts,
    recorded: Iterable[Known],
    *,
    created_at: datetime | None,
    stamp: Stamp,
) -> tuple[AccountEvent, ...]:
    """Open the balance where coverage by rows begins.

    A young account, created at `created_at`, began empty, and all that moved since is there.
    An older one owned, at its oldest retained row, what OVH shows now less what moved from
    that row on. An opening that was only assumed gives way to this.
    """
    known = [*recorded, *facts.bought()]
    at = _begin(account, facts, known)
    missing = ZERO
    if created_at is not None and account.opening is None:
        missing = facts.expected - _sum(known, created_at, facts.seen.happened_at)
        if not missing:
            return open_balance(account, ZERO, basis="created", stamp=stamp, at=created_at)
    rule = Derivation(
        observed_at=facts.seen.happened_at,
        known_at=stamp.recorded_at,
        owned=facts.seen.owned,
        in_flight=facts.seen.pending.credits if facts.seen.pending else None,
        in_flight_ids=facts.in_flight_ids,
        moved=ZERO,
        coverage=facts.seen.coverage,
    )
    credits, derivation = derived(rule, known, since=at)
    if account.opening is not None:
        until = account.opening.at - timedelta(microseconds=1)
        return restate_opening(
            account,
            credits,
            moved=_sum(known, at, until),
            basis="observed",
            derivation=derivation,
            stamp=stamp,
            at=at,
        )
    opened = open_balance(
        account, credits, basis="observed", derivation=derivation, stamp=stamp, at=at
    )
    if created_at is None or not missing:
        return opened
    return (*opened, *_not_empty(account, missing, created_at, stamp=stamp))


def _begin(account: Account, facts: Facts, known: Iterable[Known]) -> datetime:
    """Give the time of the oldest row, or of the observation where there is none."""
    rows = (move.at_us for _, move in known if move.kind in LINE_KINDS)
    oldest = from_us(min(rows, default=to_us(facts.seen.happened_at)))
    return min(oldest, account.opening.at) if account.opening else oldest


def _not_empty(
    account: Account, missing: Credits, created_at: datetime, *, stamp: Stamp
) -> tuple[AccountEvent, ...]:
    """Tell a person that a young account did not come out at nothing where it began."""
    text = (
        f"the account was created on {created_at:%Y-%m-%d} and should have begun empty, but"
        f" OVH shows {missing} credits more than its lists and bills tell since then"
    )
    return open_break(
        account,
        "opening-difference",
        "creation",
        credits=missing,
        text=text,
        stamp=stamp,
        at=created_at,
    )


def derived(
    rule: Derivation, known: Iterable[Known], *, since: datetime
) -> tuple[Credits, Derivation]:
    """Apply the rule of an observed opening to what is known: the credits owned at `since`."""
    first, last = to_us(since), to_us(rule.observed_at)
    second = to_us(rule.observed_at.replace(microsecond=0))
    in_flight = {str(job_id) for job_id in rule.in_flight_ids}
    moved = sum(
        move.milli
        for recorded_at, move in known
        if first <= move.at_us <= last
        and (move.at_us < second or recorded_at <= rule.known_at)
        and not (move.kind == "consumption" and move.reference in in_flight)
    )
    held = rule.owned + (rule.in_flight or ZERO)
    return held - Credits(moved), replace(rule, moved=Credits(moved))


def _sum(known: Iterable[Known], since: datetime, until: datetime) -> Credits:
    first, last = to_us(since), to_us(until)
    return Credits(sum(move.milli for _, move in known if first <= move.at_us <= last))


def held_already(
    account: Account, facts: Facts | None, recorded: Iterable[Known], *, stamp: Stamp
) -> tuple[AccountEvent, ...]:
    """Restate an observed opening where more is known now of what it was derived from."""
    opening = account.opening
    if opening is None or opening.derivation is None:
        return ()
    known = [*recorded, *(facts.bought() if facts else ())]
    credits, derivation = derived(opening.derivation, known, since=opening.at)
    return restate_opening(
        account,
        credits,
        moved=ZERO,
        basis="observed",
        derivation=derivation,
        stamp=replace(stamp, source=_HELD_ALREADY),
        at=opening.at,
    )


def touches(account: Account, news: Iterable[Movement]) -> bool:
    """Tell whether something is as old as the observation that the opening follows from."""
    opening = account.opening
    if opening is None or opening.derivation is None:
        return False
    observed_us = to_us(opening.derivation.observed_at)
    return any(move.at_us <= observed_us for move in news)


def recorded_since_last_observation(database: Database, account: str) -> Iterator[Movement]:
    """Give what moved an account since OVH's balance was last recorded."""
    for event in events_since_last_observation(database, account):
        yield from movements(event)


def events_since_last_observation(database: Database, account: str) -> Iterator[LedgerEvent]:
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
        yield decode(topic, state)


def reaches_back_to(created_on: date | None, at: datetime, zone: ZoneInfo) -> datetime | None:
    """Give when an account was created, where OVH's rows reach back so far."""
    if created_on is None:
        return None
    if created_on <= months_before(local_day(at, zone), _RETENTION_MONTHS):
        return None
    return start_of_day(created_on, zone)
