"""What is told to end clears up first: SIGTERM and SIGHUP leave no file half-made behind."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType
from typing import Final

_ENDINGS: Final = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def cleared_up() -> Iterator[None]:
    """Let a command that is told to end clear up first, as it does after Ctrl-C."""
    heard = _ENDINGS if current_thread() is main_thread() else ()
    ours = [one for one in heard if signal.getsignal(one) is signal.SIG_DFL]
    for one in ours:
        signal.signal(one, _end)
    try:
        yield
    finally:
        for one in ours:
            signal.signal(one, signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
