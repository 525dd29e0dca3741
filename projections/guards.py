"""Whether the triggers that keep events from being edited are there, and switched on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ledger.database import Database

_GUARDED: Final = ("stored_events", "event_log")
_VERBS: Final = ("update", "delete", "insert")


def unguarded(database: Database) -> Iterator[str]:
    """Give the tables of events that could be edited."""
    for table in _GUARDED:
        if isinstance(database.address, Path):
            whole = _on_file(database, table)
        else:
            whole = _on_server(database, table)
        if not whole:
            yield table


def _on_file(database: Database, table: str) -> bool:
    found = database.execute(
        "SELECT name FROM main.sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
        " AND sql LIKE '%RAISE(ABORT%'",
        table=table,
    )
    return {f"{table}_no_{verb}" for verb in _VERBS} <= {name for (name,) in found}


def _on_server(database: Database, table: str) -> bool:
    """Ask for the trigger that fires always, and for what it calls to refuse."""
    ((count,),) = database.execute(
        "SELECT COUNT(*) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
        " WHERE tgrelid = to_regclass(:table) AND tgname = :name AND tgenabled = 'A'"
        " AND p.proname = 'refuse_edit' AND p.prosrc LIKE '%RAISE EXCEPTION%'",
        table=table,
        name=f"{table}_append_only",
    )
    return bool(count)
