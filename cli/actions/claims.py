"""The claim to be the one loop of a customer: a lock that dies with its process."""

from __future__ import annotations

import logging
import re
from contextlib import ExitStack, suppress

from cli.actions.reopening import reopen
from cli.logs import say
from ledger.database import Address, Database
from ledger.errors import DatabaseUnusable


class _Taken(Exception):
    """Another loop has the lock."""


class Claim:
    """A lock of the ledger, on a connection of its own.

    On PostgreSQL it is lost with its connection; so it is asked for before each round. It is
    tried, never waited for: a waiting connection would not see that its network is gone.
    """

    def __init__(self, address: Address, customer: str) -> None:
        self._address = address
        self._name = "sync-loop-" + re.sub(r"[^A-Za-z0-9_.-]", "_", customer)
        self._database: Database | None = None
        self._held = ExitStack()

    def take(self) -> bool:
        """Tell whether the lock is ours, from before or from now on. Raises as `reopen`."""
        if self._database is not None:
            with suppress(DatabaseUnusable):
                self._database.execute("SELECT 1")
                return True
            say(logging.WARNING, "lock lost")
            self.release()
        return self._take()

    def _take(self) -> bool:
        database = reopen(self._address)
        with ExitStack() as taking:
            taking.callback(database.close)
            try:
                taking.enter_context(database.lock(self._name, waits=_decline))
            except _Taken:
                return False
            self._held, self._database = taking.pop_all(), database
        return True

    def release(self) -> None:
        self._database = None
        with suppress(DatabaseUnusable):  # a dead connection took the lock with it
            self._held.close()


def _decline() -> None:
    raise _Taken
