"""The loop of `sync --every`: rounds of synchronisation until it is stopped.

Each profile has rounds of its own, so that one customer's trouble is not another's. A round
has its own connections; one that fails for want of OVH or of the database is tried again,
what cannot get better by waiting ends the loop.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from cli.actions.claims import Claim
from cli.actions.stopping import Stop, Stopped
from cli.logs import bound, say
from ledger.database import Address
from ledger.errors import DatabaseUnusable, LedgerError, OvhError
from ledger.service import Ledger, Work

if TYPE_CHECKING:
    from ledger.sync.customer import Result

T = TypeVar("T")

FIRST_RETRY_S: Final = 5.0
LOCK_RETRY_S: Final = 5.0
_JITTER: Final = 0.03


class UnbrokenLedger(Ledger):
    """A ledger whose transactions are not interrupted by a signal."""

    def __init__(self, address: Address, stop: Stop) -> None:
        self._stop = stop
        super().__init__(address)

    def work(self, decide: Callable[[Work], T]) -> T:
        with self._stop.held_back():
            return super().work(decide)


class Rounds:
    """The rounds of one profile: when the next is due, and what is wrong just now."""

    def __init__(
        self,
        profile: str,
        address: Address,
        *,
        every_s: float,
        customer: Callable[[], str],
        synchronise: Callable[[], Result],
    ) -> None:
        self.profile = profile
        self.due = time.monotonic()
        self._address = address
        self._every_s = every_s
        self._customer = customer
        self._synchronise = synchronise
        self._claims: dict[str, Claim] = {}
        self._round = 0
        self._failures = 0
        self._waiting = False
        self._lost: dict[str, float] = {}
        self._notes: list[str] = []

    def go(self) -> None:
        """Take a round, or find out why not. Raises what cannot get better by waiting."""
        started = time.monotonic()
        try:
            customer = self._customer()
            with bound(customer=customer):
                if self._may_work(customer):
                    self._take_round()
                    self._back()
                    self.due = started + _jittered(self._every_s)
                else:
                    self.due = started + _jittered(min(LOCK_RETRY_S, self._every_s))
        except OvhError as error:
            self._failed("OVH", error)
        except DatabaseUnusable as error:
            self._failed("database", error)

    def release(self) -> None:
        for claim in self._claims.values():
            claim.release()
        self._claims.clear()

    def _may_work(self, customer: str) -> bool:
        if customer not in self._claims:
            self.release()
            self._claims[customer] = Claim(self._address, customer)
        free = self._claims[customer].take()
        if self._waiting == free:
            self._waiting = not free
            say(logging.INFO, "lock taken" if free else "waiting for another loop to end")
        return free

    def _take_round(self) -> None:
        self._round += 1
        with bound(round=self._round):
            say(logging.INFO, "round started")
            started = time.monotonic()
            result = self._synchronise()
            self._tell(result, time.monotonic() - started)

    def _tell(self, result: Result, seconds: float) -> None:
        for note in result.notes:
            if note not in self._notes:  # a right that is missing is said once
                say(logging.INFO, "note", note=note)
        self._notes = result.notes
        for failure in result.failures:
            say(logging.WARNING, "not read", error=str(failure))
        for account in result.missing:
            say(logging.WARNING, "not at OVH any more", account=account)
        for one in result.transfers:
            level = logging.WARNING if one.left else logging.INFO
            say(level, "transfer in doubt" if one.left else "transfer settled",
                transfer=one.transfer.id, how=one.how)  # fmt: skip
        for outcome in result.outcomes:
            if not outcome.quiet:
                say(logging.WARNING, "balance kept moving", account=outcome.account)
        say(
            logging.INFO,
            "round ended",
            accounts=len(result.outcomes),
            lines=sum(one.lines for one in result.outcomes),
            purchases=sum(one.purchases for one in result.outcomes),
            corrections=sum(one.corrected for one in result.outcomes),
            requests=result.requests,
            seconds=round(seconds, 3),
        )

    def _failed(self, what: str, error: LedgerError) -> None:
        self._lost.setdefault(what, time.monotonic())
        wait_s = _jittered(min(self._every_s, FIRST_RETRY_S * 2 ** min(self._failures, 20)))
        self._failures += 1
        self.due = time.monotonic() + wait_s
        say(
            logging.WARNING,
            f"{what} lost",
            error=str(error),
            failures=self._failures,
            again_in_s=round(wait_s, 1),
        )

    def _back(self) -> None:
        for what, since in self._lost.items():
            say(logging.INFO, f"{what} back", after_s=round(time.monotonic() - since, 1))
        self._lost.clear()
        self._failures = 0


def repeat(all_rounds: Sequence[Rounds], stop: Stop) -> int:
    """Take the rounds as they fall due, until a signal or a fault; gives the exit status."""
    try:
        while True:
            rounds = min(all_rounds, key=lambda one: one.due)
            with bound(profile=rounds.profile):
                stop.sleep(rounds.due - time.monotonic())
                try:
                    rounds.go()
                except LedgerError as error:
                    say(logging.ERROR, "stopped", error=str(error), status=error.status)
                    return error.status
    except Stopped as stopped:
        say(logging.INFO, "stopped", signal=stopped.signal, status=stopped.status)
        return stopped.status
    finally:
        for rounds in all_rounds:
            rounds.release()


def _jittered(seconds: float) -> float:
    """Keep many loops from falling into step."""
    return seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 (no secret)
