"""A token bucket: OVH counts about 60 requests a minute and key as fair use."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

BURST: Final = 60


class Pace:
    """Lets `per_minute` requests pass, after a burst of at most 60; 0 lets all pass.

    Threads may share it: each takes its turn under the lock and waits outside of it.
    """

    def __init__(
        self,
        per_minute: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        on_wait: Callable[[float], None] | None = None,
    ) -> None:
        self._per_second = per_minute / 60
        self._full = float(min(per_minute, BURST))
        self._left = self._full
        self._clock = clock
        self._sleep = sleep
        self._on_wait = on_wait
        self._since = clock()
        self._lock = Lock()

    def take(self) -> None:
        """Wait until one more request is fair."""
        wait_s = self._reserve()
        if wait_s > 0:
            if self._on_wait:
                self._on_wait(wait_s)
            self._sleep(wait_s)

    def _reserve(self) -> float:
        """Take a token, if need be one of the future, and say how far off that is."""
        if not self._per_second:
            return 0.0
        with self._lock:
            now = self._clock()
            refilled = self._left + (now - self._since) * self._per_second
            self._left = min(self._full, refilled) - 1
            self._since = now
            return max(0.0, -self._left / self._per_second)
