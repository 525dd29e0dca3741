"""Room for the temporary files in which a file waits until it is known to be good."""

from __future__ import annotations

import sqlite3

from ledger.errors import DatabaseUnusable


def no_room(error: OSError | sqlite3.Error) -> DatabaseUnusable:
    """Say what it means that a temporary file cannot be written."""
    why = error.strerror if isinstance(error, OSError) else str(error)
    msg = (
        "expected room for the temporary files in TMPDIR, found the disk full or failing"
        f" ({why}); nothing was half-recorded: make room and run the command again"
    )
    return DatabaseUnusable(msg)
