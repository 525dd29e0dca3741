"""`load FILE`: a dump into an empty ledger, whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import click

from cli.session import Session, pass_session

if TYPE_CHECKING:
    from ledger.dumps.reading import Dump

STANDARD_INPUT: Final = "-"


@click.command(short_help="Put a dump into an empty ledger, byte for byte.")
@click.argument("file")
@pass_session
def load(session: Session, *, file: str) -> None:
    """Put the dump FILE (- is standard input) into an empty ledger.

    Positions, versions, bytes and digests are those of the dump, each proved while it is
    read. Whatever goes wrong, the ledger is as empty as before. A dump that the ledger holds
    already is not loaded again.

    Example: sms-ledger --database postgresql://books/sms load ledger-2026-10.jsonl.gz
    """
    from ledger.dumps.reading import Dump
    from ledger.dumps.restore import restore

    with _opened(file) as handle:
        # The header is looked at before a database is made.
        one = Dump(handle, "standard input" if file == STANDARD_INPUT else file)
        loaded = restore(session.database, one)
        click.echo(f"{one.name}: {_told(one) if loaded else 'loaded before; nothing to do'}")


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    from ledger.dumps.files import opened, unpacked

    if file == STANDARD_INPUT:
        yield unpacked(sys.stdin.buffer, "standard input")
        return
    with opened(Path(file)) as handle:
        yield handle


def _told(one: Dump) -> str:
    from projections.words import many

    header, rows = one.header, one.totals.rows if one.totals else 0
    return (
        f"{many(header.events, 'event')} of {many(len(header.customers), 'customer')} and"
        f" {many(rows, 'row')} beside them loaded, every digest proved"
    )
