"""Imports that end at one of their transactions, in this process or with it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import cli
from ledger.database import connect, parse_address
from ledger.events import FromFile, Stamp
from ledger.files.importing import Import, Outcome
from ledger.files.origin import open_origin
from ledger.service import Ledger, Work

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def stamp(source: FromFile) -> Stamp:
    return Stamp(recorded_at=NOW, actor="anna", command_id="one", source=source)


def bring_in(url: str, text: str, *, processes: int = 1) -> Outcome:
    quiet: Any = lambda *_: None  # noqa: E731
    address = parse_address(url)
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write(text)
        file.flush()
        with (
            open_origin(file.name) as origin,
            closing(connect(address)) as database,
            Ledger(address) as ledger,
        ):
            one = Import.of(
                origin,
                file.name,
                format=None,
                time_zone="Europe/Rome",
                now=NOW,
                watch=quiet,
                processes=processes,
            )
            return one.record(ledger, database, stamp, waits=quiet)


class Cut(Exception):
    """The program ends here."""


def raise_cut() -> None:
    raise Cut


@contextmanager
def cut_off(*, after: int, committed: bool, end: Callable[[], None]) -> Iterator[None]:
    """End the program at its transaction number `after`, before or after the commit."""
    work = Ledger.work
    count = 0

    def counted(self: Ledger, decide: Callable[[Work], Any]) -> Any:
        nonlocal count
        count += 1
        if count == after and not committed:
            end()
        result = work(self, decide)
        if count == after:
            end()
        return result

    Ledger.work = counted  # type: ignore[method-assign]
    try:
        yield
    finally:
        Ledger.work = work  # type: ignore[method-assign]


def die(after: str, url: str, file: str) -> None:
    """Import a file, and vanish with the process at one of the transactions."""
    with cut_off(after=int(after), committed=False, end=partial(os._exit, 9)):
        cli.run(["--database", url, "import", file])
