"""How far a long run is, in one line on a terminal; elsewhere nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

_EVERY_S: Final = 0.1


class Percent:
    """Writes `reading events 42 %` to stderr, a few times a second."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._next_s = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now_s = time.monotonic()
        if self._shown and now_s >= self._next_s:
            self._next_s = now_s + _EVERY_S
            click.echo(f"\r\x1b[K{what} {100 * done // max(total, 1)} %", err=True, nl=False)

    def clear(self) -> None:
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)


@contextmanager
def percent() -> Iterator[Percent]:
    """Show progress where a person looks at stderr, and leave no trace of it."""
    shown = Percent(shown=sys.stderr.isatty())
    try:
        yield shown
    finally:
        shown.clear()
