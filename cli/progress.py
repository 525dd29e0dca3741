"""Progress of a long reading, drawn where a person looks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Silent:
    def expect(self, account: str, rows: int) -> None:
        pass

    def advance(self, rows: int) -> None:
        pass


class _Bars:
    """One bar for each list of rows, on stderr."""

    def __init__(self, console: Any) -> None:
        self._console = console
        self._task: Any = None

    def expect(self, account: str, rows: int) -> None:
        if rows:
            self._task = self._console.add_task(account, total=rows)

    def advance(self, rows: int) -> None:
        self._console.advance(self._task, rows)


@contextmanager
def progress(*, color: bool) -> Iterator[Any]:
    """Draw progress where a person looks at stderr; nothing goes to a log file."""
    if not sys.stderr.isatty():
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True, no_color=not color)
    with Progress(*columns, console=console, transient=True) as bars:
        yield _Bars(bars)
