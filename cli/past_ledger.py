"""The ledger as it was: the beginning of its log in a file of its own, for one report.

Only its owner can read the file. It lies where TMPDIR says, and is gone with the command,
however that ends. The ledger itself is read in one state, and never written.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cli.endings import cleared_up
from cli.progress import progress
from cli.session import open_database
from ledger.database import Address, Database, connect, require_schema
from ledger.dumps.beginning import copy_beginning
from ledger.errors import DatabaseUnusable
from projections.knowledge import Known, Named, known

if TYPE_CHECKING:
    from cli.session import Session


@contextmanager
def past_ledger(session: Session, named: Named) -> Iterator[tuple[Database, datetime]]:
    """Give a ledger that ends where the session's ended then, and what was now then.

    Raises InvalidValue, IntegrityFailure, DatabaseUnusable.
    """
    with scratch_ledger() as past:
        yield past, _fill(past, session, named).at


@contextmanager
def scratch_ledger() -> Iterator[Database]:
    """Give an empty ledger that is gone with the command. Raises DatabaseUnusable."""
    with (
        cleared_up(),
        _private_folder() as folder,
        closing(open_database(folder / "ledger.db")) as scratch,
    ):
        yield scratch


@contextmanager
def _private_folder() -> Iterator[Path]:
    try:
        folder = tempfile.TemporaryDirectory(prefix="sms-ledger-")
    except OSError as error:
        msg = (
            f"expected a folder for temporary files, found none that can be written"
            f" ({error.strerror}): name one with TMPDIR"
        )
        raise DatabaseUnusable(msg) from error
    with folder as name:
        yield Path(name)


def _fill(past: Database, session: Session, named: Named) -> Known:
    with ExitStack() as stack:
        source = _source(session.address, stack) or past
        found = known(source, named, now=datetime.now(UTC))
        if found.position:
            bars = stack.enter_context(progress(color=session.color))
            bars.expect(f"events up to position {found.position}", found.position)
            copy_beginning(source, past, found.position, advance=bars.advance)
        return found


def _source(address: Address, stack: ExitStack) -> Database | None:
    """Open one state of the ledger, to read it alone; None where there is none yet."""
    if isinstance(address, Path) and not address.exists():
        return None
    source = stack.enter_context(closing(connect(address)))
    require_schema(source)
    return stack.enter_context(source.snapshot())
