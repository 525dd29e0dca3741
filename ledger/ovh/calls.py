"""Calls: paced, on OVH's clock, tried again where that is safe, logged, and judged."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import stamina

from ledger.errors import OvhBadAnswer, OvhClockOff, OvhError, OvhOverloaded, OvhUnreachable
from ledger.ovh.answers import CutShort, document, read
from ledger.ovh.gateway import Received
from ledger.ovh.pace import Pace
from ledger.ovh.refusals import Refusals
from ledger.ovh.routes import Route, route

if TYPE_CHECKING:  # a connection is what imports `ovh`
    from ledger.ovh.wire import Wire

_log = logging.getLogger("sms_ledger.ovh")

_CLOCK: Final = route("/auth/time")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a read is tried, and the waits between: 1, 2, 4, 8 seconds and some jitter.

    OVH's own Retry-After counts instead, up to `longest_asked_s`.
    """

    attempts: int = 5
    first_s: float = 1.0
    longest_s: float = 10.0
    jitter_s: float = 1.0
    longest_asked_s: float = 60.0

    def caller(self) -> stamina.RetryingCaller:
        return stamina.RetryingCaller(
            attempts=self.attempts,
            timeout=None,
            wait_initial=self.first_s,
            wait_max=self.longest_s,
            wait_jitter=self.jitter_s,
        )

    def after(self, error: Exception) -> bool | float:
        """Whether to try again; a number says when."""
        if isinstance(error, OvhOverloaded) and error.retry_after_s is not None:
            return min(error.retry_after_s, self.longest_asked_s)
        return isinstance(error, (OvhUnreachable, OvhOverloaded, CutShort))


class Calls:
    """All requests of one profile go through here. For one thread at a time."""

    def __init__(
        self,
        wire: Wire,
        refusals: Refusals,
        *,
        pace: Pace,
        patience: Patience,
        on_request: Callable[[str, int], None] | None = None,
    ) -> None:
        self._wire = wire
        self._refusals = refusals
        self._pace = pace
        self._patience = patience
        self._again = patience.caller()
        self._on_request = on_request
        self._ahead_s: int | None = None  # OVH's clock minus the local one, once known
        self._last: Received | None = None

    @property
    def requests(self) -> int:
        return self._wire.sent

    @property
    def last(self) -> Received:
        if self._last is None:
            msg = "expected an answer of OVH before its evidence is asked for, found none yet"
            raise LookupError(msg)
        return self._last

    def get(self, at: Route, *, headers: Mapping[str, str] | None = None) -> object:
        """Read; a failure that may pass is tried again, signed anew."""
        return self._again(self._worth_another, self._on_time, at, headers)

    def public(self, at: Route) -> object:
        """Read what needs no key, without one: no rule has to grant it."""
        return self._again(self._worth_another, self._unsigned, at)

    def once(
        self,
        method: str,
        at: Route,
        *,
        body: object = None,
        signed: bool = True,
        void: bool = False,
    ) -> object:
        """Change something: sent once, whatever comes back.

        `void`: the call returns nothing, so that a whole answer may be an empty one.
        """
        if signed:
            self._learn_time()
        try:
            return self._exchange(method, at, body=body, signed=signed, void=void)
        except OvhClockOff as error:
            raise self._clock_off(at, error) from None

    def clock(self) -> datetime:
        """OVH's clock; the signatures follow it from now on."""
        return self._again(self._worth_another, self._ask_time)

    def close(self) -> None:
        self._wire.close()

    def _worth_another(self, error: Exception) -> bool | float:
        wait = self._patience.after(error)
        if wait is not False:
            _log.info("%s: may pass, trying again", type(error).__name__)
        return wait

    def _on_time(self, at: Route, headers: Mapping[str, str] | None) -> object:
        self._learn_time()
        try:
            return self._exchange("GET", at, headers=headers)
        except OvhClockOff as error:
            if not self._wire.needs_clock:
                raise
            _log.info("GET %s: clock refused, asking OVH for the time", at.pattern)
            self._clock_off(at, error)
        self._learn_time()
        try:
            return self._exchange("GET", at, headers=headers)
        except OvhClockOff as error:
            raise self._clock_off(at, error) from None

    def _unsigned(self, at: Route) -> object:
        return self._exchange("GET", at, signed=False)

    def _clock_off(self, at: Route, error: OvhClockOff) -> OvhClockOff:
        """Forget the clock and say how far off it was."""
        ahead_s, self._ahead_s = self._ahead_s or 0, None
        return self._refusals.clock_off(at, ahead_s, error.query_id)

    def _learn_time(self) -> None:
        if self._wire.needs_clock and self._ahead_s is None:
            self._ask_time()

    def _ask_time(self) -> datetime:
        seconds = read(int, self._exchange("GET", _CLOCK, signed=False), _CLOCK)
        moment = _moment(seconds)
        self._ahead_s = seconds - int(time.time())
        self._wire.sign_with(self._ahead_s)
        return moment

    def _exchange(
        self,
        method: str,
        at: Route,
        *,
        body: object = None,
        signed: bool = True,
        headers: Mapping[str, str] | None = None,
        void: bool = False,
    ) -> object:
        self._pace.take()
        started = time.monotonic()
        try:
            answer = self._wire.send(method, at, body=body, signed=signed, headers=headers)
        except OvhError as error:
            _log_exchange(method, at, type(error).__name__, started, error.query_id)
            raise
        finally:
            if self._on_request:
                self._on_request(at.pattern, self._wire.sent)
        _log_exchange(method, at, answer.status, started, answer.query_id)
        self._last = Received(
            route=at.pattern, read_at=datetime.now(UTC), query_id=answer.query_id
        )
        self._refusals.check(method, at, answer)
        return None if void and answer.says_nothing else document(answer, at, method=method)


def _moment(seconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        msg = f"GET {_CLOCK.shown}: expected seconds since 1970, found another number"
        raise OvhBadAnswer(f"{msg}; run it again later") from None


def _log_exchange(
    method: str, at: Route, came: object, started: float, query_id: str | None
) -> None:
    ms = round((time.monotonic() - started) * 1000)
    _log.info("%s %s: %s in %d ms, query %s", method, at.pattern, came, ms, query_id or "-")
