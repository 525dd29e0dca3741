"""The drift of one account as it came about: step by step, from one observation to the next.

Everything before the last observation that agreed with the ledger is settled; what is looked at
is what came since. A step is one change of the drift, with the window in which it arose: a new
difference is another step, so that it is neither hidden by an old one nor reopens it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import merge
from typing import Final, NamedTuple

from ledger.canonical import decode
from ledger.database import Database, Rows
from ledger.events import LINE_KINDS, BalanceObserved
from ledger.names import observations_stream
from ledger.times import to_us
from projections.books import Book
from projections.contradictions import contradictions
from projections.page_lines import lines_during
from projections.past import balance_before

_AT_ONCE: Final = 500

# OVH's times are whole seconds, and our idea of its clock may be a second off.
CLOCK_US: Final = 3_000_000

_LINES: Final = frozenset[str](LINE_KINDS)
_CORRECTION: Final = "correction"


class Settled(NamedTuple):
    """A difference that a person lets stand, from when it was first seen on."""

    first_seen_us: int
    milli: int


@dataclass(frozen=True, slots=True)
class Step:
    """A change of the drift between two observations, in thousandths.

    It arose after `after_us`, and was first seen at `at_us`. `lowest` is the least that the
    ledger had in between, with what the drift was before.
    """

    after_us: int
    at_us: int
    milli: int
    seen: BalanceObserved
    lowest: int

    def overlaps(self, other: Step) -> bool:
        """Tell whether both may have arisen at one moment, of OVH's clock or of ours."""
        return max(self.after_us, other.after_us) < min(self.at_us, other.at_us) + CLOCK_US


@dataclass(frozen=True, slots=True)
class Drift:
    """What OVH showed at `at_us`, what the ledger had then, and how the difference came about.

    `timing`: what jobs in flight account for. `settled`: accepted differences that still stand.
    No steps are told of an observation from which nothing can be concluded.
    """

    seen: BalanceObserved
    at_us: int
    ledger: int | None
    timing: int = 0
    settled: tuple[Settled, ...] = ()
    steps: tuple[Step, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def milli(self) -> int | None:
        return None if self.ledger is None else self.seen.owned.milli - self.ledger


def drift_of(
    database: Database, book: Book, settled: Sequence[Settled], until_us: int | None = None
) -> Drift | None:
    """Hold the last observation of an account, or the last one until an instant, against it.

    None where there is no observation.
    """
    stream = observations_stream(book.account)
    version = _last_version(database, stream, until_us)
    if version is None:
        return None
    _, seen = next(_observations(database, stream, version, version))
    at_us = to_us(seen.happened_at)
    known = balance_before(database, book, at_us + 1)
    faults = tuple(contradictions(seen))
    drift = Drift(seen, at_us, None if known is None else known.milli, faults=faults)
    jobs = seen.pending is not None and seen.pending.count
    if not seen.quiet or faults or known is None or not (drift.milli or jobs):
        return drift
    return _Walk(database, book, sorted(settled), version).to(drift)


def _last_version(rows: Rows, stream: str, until_us: int | None) -> int | None:
    ((version,),) = rows.execute(
        "SELECT MAX(version) FROM event_log WHERE stream = :stream"
        " AND happened_at_us <= COALESCE(:until, happened_at_us)",
        stream=stream,
        until=until_us,
    )
    return None if version is None else int(version)


def _observations(
    rows: Rows, stream: str, first: int, last: int
) -> Iterator[tuple[int, BalanceObserved]]:
    for start in range(first, last + 1, _AT_ONCE):
        for version, topic, state in rows.execute(
            _OBSERVATIONS, stream=stream, first=start, last=min(last, start + _AT_ONCE - 1)
        ):
            event = decode(topic, state)
            if isinstance(event, BalanceObserved):
                yield version, event


_OBSERVATIONS: Final = """
    SELECT originator_version, topic, state FROM stored_events WHERE originator_id = :stream
        AND originator_version BETWEEN :first AND :last ORDER BY originator_version
"""


class _Look(NamedTuple):
    """An observation with the time at which it is held against the ledger."""

    seen: BalanceObserved
    at_us: int


class _Base(NamedTuple):
    """Where a walk starts: an observation that agreed, or the opening (version 0)."""

    version: int
    at_us: int
    balance: int


class _Known(NamedTuple):
    """What the ledger had at a look, the least since the one before, what was in flight."""

    balance: int
    lowest: int
    pending: int


class _Move(NamedTuple):
    """A movement; `kind` tells lines and their corrections from what is stated or billed."""

    at_us: int
    milli: int
    recorded_us: int
    kind: str


def _rest(seen: BalanceObserved, had: _Known, before: int) -> int:
    """Give the drift without what jobs in flight account for.

    Their credits have left, as OVH lists them; a difference that stood before stands on.
    """
    drift = seen.owned.milli - had.balance
    whole = drift + had.pending
    if before in {whole, drift}:
        return before
    return whole if drift else 0


def _pending(seen: BalanceObserved) -> int:
    return seen.pending.credits.milli if seen.pending else 0


def _had(look: _Look, balance: int, lowest: int, unseen: Sequence[_Move]) -> _Known:
    """Tell what the ledger had at a look, given what was recorded only after it.

    A row that was a job then is no longer one. Another one of the very seconds of the look was
    sent after it, for else it would have been read; and OVH had not corrected yet what it
    corrected since. All else that came to be known later was true already.
    """
    pending = _pending(look.seen)
    for move in unseen:
        if move.kind == _CORRECTION:
            balance -= move.milli
        elif move.kind in _LINES and pending >= -move.milli:
            pending += move.milli
        elif move.kind in _LINES and move.at_us > look.at_us - CLOCK_US:
            balance -= move.milli
    return _Known(balance, lowest, pending)


def _counts(seen: BalanceObserved) -> bool:
    return seen.quiet and not any(contradictions(seen))


def _agrees(seen: BalanceObserved, known: int) -> bool:
    drift = seen.owned.milli - known
    return 0 in {drift, drift + _pending(seen)}


@dataclass(slots=True)
class _Walk:
    """Walks from the last agreement to the observation that is asked for."""

    database: Database
    book: Book
    settled: Sequence[Settled]
    version: int
    stream: str = field(init=False)

    def __post_init__(self) -> None:
        self.stream = observations_stream(self.book.account)

    def to(self, drift: Drift) -> Drift:
        """Tell the steps since the last agreement, and which accepted differences stand.

        What was accepted, and came right since, is closed: the same again is another step.
        """
        base = self._base()
        looks = self._looks(drift, base)
        steps: list[Step] = []
        standing: tuple[Settled, ...] = ()
        rest, agreed_us, after_us = 0, base.at_us, base.at_us
        for look, had in zip(looks, self._balances(base, looks), strict=True):
            now = _rest(look.seen, had, rest)
            accepted = self._accepted_between(agreed_us, look.at_us)
            if now == 0:
                steps, standing, agreed_us = [], (), look.at_us
            elif now == sum(one.milli for one in accepted):
                steps, standing = [], accepted
            elif now != rest:
                window = min(after_us, look.at_us - 1), look.at_us
                steps.append(Step(*window, now - rest, look.seen, had.lowest + rest))
            rest, after_us = now, look.at_us
        timing = (drift.milli or 0) - rest
        return replace(drift, timing=timing, settled=standing, steps=tuple(steps))

    def _looks(self, drift: Drift, base: _Base) -> list[_Look]:
        """Give the observations since the base from which something can be concluded."""
        looks = [
            _Look(seen, to_us(seen.happened_at))
            for _, seen in _observations(
                self.database, self.stream, base.version + 1, self.version
            )
            if _counts(seen)
        ]
        return [one for one in looks if base.version or one.at_us > base.at_us]

    def _base(self) -> _Base:
        """Find an observation that agreed, or the opening.

        Looked for at one, two, four … observations before: usually the last one did.
        """
        back = 1
        while (version := self.version - back) >= 1:
            for _, seen in _observations(self.database, self.stream, version, version):
                at_us = to_us(seen.happened_at)
                known = balance_before(self.database, self.book, at_us + 1)
                if known is not None and _counts(seen) and _agrees(seen, known.milli):
                    return _Base(version, at_us, known.milli)
            back *= 2
        opening_us, milli = self.book.opening_at_us or 0, self.book.opening_milli or 0
        return _Base(0, opening_us - 1, milli)

    def _accepted_between(self, after_us: int, until_us: int) -> tuple[Settled, ...]:
        return tuple(one for one in self.settled if after_us < one.first_seen_us <= until_us)

    def _balances(self, base: _Base, looks: Sequence[_Look]) -> list[_Known]:
        """Give what the ledger had at each look: OVH's clock may have gone back between."""
        in_time = sorted(range(len(looks)), key=lambda place: looks[place].at_us)
        start_us, balance = self._start(base, looks[in_time[0]].at_us)
        lowest, found = balance, [_Known(balance, balance, 0)] * len(looks)
        moves = self._moves(start_us + 1, looks[in_time[-1]].at_us + 1)
        move, unseen = next(moves, None), list[_Move]()
        for place in in_time:
            look = looks[place]
            recorded_us = to_us(look.seen.recorded_at)
            while move is not None and move.at_us <= look.at_us:
                balance += move.milli
                lowest = min(lowest, balance)
                if move.recorded_us > recorded_us:
                    unseen.append(move)
                move = next(moves, None)
            unseen = [one for one in unseen if one.recorded_us > recorded_us]
            found[place] = _had(look, balance, lowest, unseen)
            lowest = balance
        return found

    def _start(self, base: _Base, first_us: int) -> tuple[int, int]:
        """Give from when on movements are added, to which balance."""
        if first_us >= base.at_us:
            return base.at_us, base.balance
        known = balance_before(self.database, self.book, first_us)
        return first_us - 1, base.balance if known is None else known.milli

    def _moves(self, start_us: int, end_us: int) -> Iterator[_Move]:
        """Give every movement from an instant on, in order of time."""
        account = self.book.account
        lines = (
            _Move(line.at_us, line.milli, line.recorded_at_us, line.kind)
            for line in lines_during(self.database, account, [(start_us, end_us)])
        )
        singles = self.database.execute(
            "SELECT at_us, milli, recorded_at_us, kind FROM movement"
            " WHERE account = :account AND at_us >= :start AND at_us < :end ORDER BY at_us",
            account=account,
            start=start_us,
            end=end_us,
        )
        return merge(lines, map(_Move._make, singles))
