"""A second process that helps to read pages, where that is worth its start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ledger.database import Database
    from projections.page_sums import Run

# Of fewer events a reading is over before the other process has begun.
_WORTH_HELP: Final = 300


@contextmanager
def helped(database: Database, processes: int | None = None) -> Iterator[Run]:
    """Give what runs tasks in so many processes; None: in two, where cores and events are."""
    from ledger.files.crew import Crew, cores, no_collector
    from projections.books import log_position

    if processes is None:
        processes = 2 if cores() > 1 and log_position(database) > _WORTH_HELP else 1
    with no_collector(), Crew(helped=processes > 1) as crew:
        yield crew.run
