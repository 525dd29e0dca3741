"""Pages with who sent their lines, where that is the next event of their stream.

So an import writes them, and a page is counted once. Only few pages wait for what comes next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from ledger.events import LinesAttributed, PageRecorded
from projections.log import Logged

_WAITING: Final = 8


class Paged(NamedTuple):
    """A page, and the attribution that follows it directly."""

    page: Logged
    told: Logged | None = None


class Pairing:
    """Takes entries of the log, and gives pages in pairs; what is no page passes through."""

    def __init__(self) -> None:
        self._waiting: dict[str, Logged] = {}

    def take(self, logged: Logged) -> Iterator[Paged | Logged]:
        if isinstance(logged.event, PageRecorded):
            before = self._waiting.pop(logged.account, None)
            if before is not None:
                yield Paged(before)
            self._waiting[logged.account] = logged
            if len(self._waiting) > _WAITING:
                yield Paged(self._waiting.pop(next(iter(self._waiting))))
        elif self._follows(logged):
            yield Paged(self._waiting.pop(logged.account), logged)
        else:
            yield logged

    def _follows(self, logged: Logged) -> bool:
        page = self._waiting.get(logged.account)
        return (
            isinstance(logged.event, LinesAttributed)
            and page is not None
            and page.version + 1 == logged.version
        )

    def rest(self) -> Iterator[Paged]:
        """Give the pages that waited in vain."""
        while self._waiting:
            yield Paged(self._waiting.pop(next(iter(self._waiting))))
