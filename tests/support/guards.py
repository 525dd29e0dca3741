"""Taking the guards of the events away, to play damage that they would refuse."""

from __future__ import annotations

from contextlib import closing

from ledger.database import Address, connect


def lift_guards(address: Address) -> None:
    """Let the events of a ledger be edited, as someone who owns the database could."""
    with closing(connect(address)) as database:
        if "sqlite" in type(database).__module__:
            found = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in found:
                database.execute(f"DROP TRIGGER {name}")
        else:
            for table in ("stored_events", "event_log"):
                database.execute(f"DROP TRIGGER {table}_append_only ON {table}")
