"""The world's clock: it ticks with real time, or stands still until it is advanced."""

import time
from collections.abc import Callable


class Clock:
    """Tell the world's time in whole seconds.

    A frozen clock moves only by `advance`; a ticking one also by real time. Real time is
    known to both: a client's clock goes on while a frozen world stands still, and its
    signatures must stay good.
    """

    def __init__(
        self,
        start: int,
        *,
        frozen: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.frozen = frozen
        self._start = start
        self._advanced = 0
        self._monotonic = monotonic
        self._began = monotonic()

    @property
    def elapsed(self) -> int:
        """Count the real seconds since the start."""
        return int(self._monotonic() - self._began)

    @property
    def now(self) -> int:
        return self._start + self._advanced + (0 if self.frozen else self.elapsed)

    @property
    def latest(self) -> int:
        """Tell the latest time that an honest client can believe it is."""
        return self._start + self._advanced + self.elapsed

    def advance(self, seconds: int) -> None:
        self._advanced += seconds
