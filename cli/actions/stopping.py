"""Stopping a long run: a signal ends it at once, but never in the middle of a transaction."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_INTERRUPTED: Final = 130


class Stopped(KeyboardInterrupt):
    """Someone asked for an end; psycopg cancels its statement, as it does for Ctrl-C."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number).name
        # SIGTERM is how a service is ended; Ctrl-C keeps its status of the contract.
        self.status = _INTERRUPTED if number == signal.SIGINT else 0
        super().__init__(self.signal)


class Stop:
    """Hears SIGTERM and SIGINT, and raises Stopped where that is safe."""

    def __init__(self) -> None:
        self._asked: int | None = None
        self._holding = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        before = {
            number: signal.signal(number, self._hear)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Let a transaction come to its end first."""
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1
        self.check()

    def check(self) -> None:
        """Raise where a signal came that nobody saw: in a held-back place, or a destructor."""
        if self._asked is not None and not self._holding:
            raise Stopped(self._asked)

    def sleep(self, seconds: float) -> None:
        self.check()
        time.sleep(max(0.0, seconds))  # a handler that raises ends it

    def _hear(self, number: int, _frame: object) -> None:
        """End at the first signal where that is safe, at the second one anyway."""
        again, self._asked = self._asked is not None, self._asked or number
        if again or not self._holding:
            raise Stopped(self._asked)
