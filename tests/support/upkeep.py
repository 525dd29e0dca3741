"""What goes on at a server beside the ledger: rewriting of other tables, autovacuum of its own.

Autovacuum is asked to look at every database each second, which takes a superuser, or the right
to ALTER SYSTEM; `Upkeep.hindered` says why it cannot be counted on at some server.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import errors
from stores import PostgresStore, Store

Admin = psycopg.Connection[tuple[Any, ...]]

# Autovacuum finds work as soon as something is written.
_EAGER = (
    "ALTER TABLE {table} SET (autovacuum_vacuum_insert_threshold = 100,"
    " autovacuum_vacuum_insert_scale_factor = 0, autovacuum_analyze_threshold = 100,"
    " autovacuum_analyze_scale_factor = 0)"
)
_BALLAST = "CREATE TABLE ballast AS SELECT generate_series(1, 20000) AS n"

# Where a server looks this often of itself, it need not be asked.
_OFTEN_S = 2


@dataclass
class Upkeep:
    """How often each of these things was done: rewriting as a whole, the others by table."""

    rewritten: int = 0
    vacuumed: Counter[str] = field(default_factory=Counter)
    analyzed: Counter[str] = field(default_factory=Counter)
    hindered: str = ""


@contextmanager
def upkeep(store: Store, url: str, tables: tuple[str, ...]) -> Iterator[Upkeep]:
    """Keep a server busy with these tables and with another one; a file has no such care."""
    done = Upkeep()
    if not isinstance(store, PostgresStore):
        yield done
        return
    end = threading.Event()
    with (
        psycopg.connect(store.url, autocommit=True) as admin,
        _often(admin, done),
        psycopg.connect(url, autocommit=True) as database,
    ):
        for statement in (_BALLAST, *(_EAGER.format(table=table) for table in tables)):
            database.execute(statement)
        thread = threading.Thread(target=_rewrite, args=(database, end, done))
        thread.start()
        try:
            yield done
        finally:
            end.set()
            thread.join()


def _rewrite(database: Admin, end: threading.Event, done: Upkeep) -> None:
    """Rewrite the other table again and again; in the end, count what autovacuum did."""
    while not end.wait(0.1):
        database.execute("VACUUM FULL ballast")
        done.rewritten += 1
    for table, vacuumed, analyzed in database.execute(
        "SELECT relname, autovacuum_count, autoanalyze_count FROM pg_stat_user_tables"
        " WHERE autovacuum_count + autoanalyze_count > 0"
    ):
        done.vacuumed[table], done.analyzed[table] = vacuumed, analyzed


@contextmanager
def _often(admin: Admin, done: Upkeep) -> Iterator[None]:
    """Let autovacuum look at each database every second."""
    if _setting(admin, "autovacuum") == "off":
        done.hindered = "autovacuum is off at this server"
    try:
        before = _asked_before(admin)
        _ask(admin, "'1s'")
    except errors.InsufficientPrivilege:
        pause_s = int(_setting(admin, "autovacuum_naptime"))
        if pause_s > _OFTEN_S:
            done.hindered = (
                f"autovacuum looks every {pause_s} s, and this role may not change it"
            )
        yield
        return
    try:
        yield
    finally:
        _ask(admin, before)


def _setting(admin: Admin, name: str) -> str:
    query = "SELECT setting FROM pg_settings WHERE name = %s"
    return str(admin.execute(query, (name,)).fetchall()[0][0])


def _asked_before(admin: Admin) -> str:
    """Give what an ALTER SYSTEM before ours asked for."""
    found = admin.execute(
        "SELECT setting FROM pg_file_settings WHERE name = 'autovacuum_naptime'"
        " AND sourcefile LIKE '%postgresql.auto.conf'"
    ).fetchall()
    return f"'{found[-1][0]}'" if found else "DEFAULT"


def _ask(admin: Admin, pause: str) -> None:
    admin.execute(f"ALTER SYSTEM SET autovacuum_naptime = {pause}")
    admin.execute("SELECT pg_reload_conf()")
