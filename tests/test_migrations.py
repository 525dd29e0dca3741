"""Migrations: they own the whole schema, and one of them happens whole or not at all."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.sqlite import SQLiteFactory
from stores import PostgresStore, Store

import migrations
from cli.session import open_database
from ledger.database import SCHEMA_VERSION, Address, connect, parse_address, schema_version
from ledger.errors import DatabaseUnusable
from projections.month_blocks import misplaced
from projections.tables import MONTHLY_TOTAL

VERSIONS = Path(migrations.__file__).parent / "versions"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def asked(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def script(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a program of its own, as another user of the ledger would."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )


# --- the schema ----------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["stored_events", "stored_snapshots"])
def test_the_event_stores_tables_are_those_that_the_library_would_make(
    tmp_path: Path, path: Path, table: str
) -> None:
    theirs = tmp_path / "theirs.db"
    factory = SQLiteFactory(
        {"SQLITE_DBNAME": str(theirs), "CREATE_TABLE": "y", "ORIGINATOR_ID_TYPE": "text"}
    )
    with closing(factory):
        factory.application_recorder()
        factory.aggregate_recorder(purpose="snapshots")
    migrations.upgrade(path)
    for question in (
        f"PRAGMA table_info({table})",
        f"PRAGMA index_list({table})",
        f"SELECT type, wr FROM pragma_table_list WHERE name = '{table}'",
    ):
        assert asked(path, question) == asked(theirs, question) != []


def test_the_program_knows_the_newest_migration() -> None:
    assert migrations.newest() == SCHEMA_VERSION


def test_migrations_are_numbered_without_a_gap() -> None:
    names = sorted(file.name for file in VERSIONS.glob("v*.py"))
    numbers = [re.fullmatch(r"v(\d{4})_[a-z0-9_]+\.py", name) for name in names]
    assert [int(found[1]) for found in numbers if found] == list(range(1, len(names) + 1))


def test_a_new_file_gets_the_newest_schema_and_lets_readers_go_on(path: Path) -> None:
    migrations.upgrade(path)
    assert asked(path, "SELECT version_num FROM alembic_version") == [(SCHEMA_VERSION,)]
    assert asked(path, "PRAGMA journal_mode") == [("wal",)]


def test_migrating_again_changes_nothing(path: Path) -> None:
    migrations.upgrade(path)
    before = asked(path, "SELECT * FROM sqlite_master")
    migrations.upgrade(path)
    assert asked(path, "SELECT * FROM sqlite_master") == before


# Of tables: the views for auditors also give credits and times as text.
_COLUMNS = "FROM sqlite_master AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"


def test_no_column_would_round_credits_or_money(path: Path) -> None:
    migrations.upgrade(path)
    types = asked(path, f"SELECT c.type {_COLUMNS}")
    assert {type for (type,) in types} <= {"BIGINT", "INTEGER", "TEXT", "BLOB", "VARCHAR(32)"}


def test_credits_and_times_tell_their_unit_in_the_columns_name(path: Path) -> None:
    migrations.upgrade(path)
    columns = asked(path, f"SELECT c.name {_COLUMNS}")
    for (name,) in columns:
        assert not re.search(r"(credits|balance|_at|through)$", name), name


def test_a_database_of_a_percent_sign_is_one_too(tmp_path: Path) -> None:
    path = tmp_path / "100%41 led ger?#.db"
    open_database(path).close()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert asked(path, "SELECT COUNT(*) FROM event_log") == [(0,)]


# --- killed --------------------------------------------------------------------------------

SLOW_MIGRATION = """
import sys, time
from pathlib import Path
from alembic import op
import migrations

made, execute = 0, op.execute

def execute_slowly(sql):
    global made
    execute(sql)
    made += 1
    if made == int(sys.argv[2]):
        print("waiting", flush=True)
        time.sleep(float(sys.argv[3]))

op.execute = execute_slowly
migrations.upgrade(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("tables", [1, 14])
def test_a_killed_migration_leaves_nothing_behind(path: Path, tables: int) -> None:
    with script(SLOW_MIGRATION, path, tables, 60) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "waiting\n"
        starter.kill()
    with closing(connect(path)) as database:
        assert schema_version(database) is None
    with closing(open_database(path)) as database:
        assert schema_version(database) == SCHEMA_VERSION


def test_a_migration_that_fails_leaves_nothing_behind(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import op

    execute = op.execute

    def fail_late(sql: str) -> None:
        execute(sql if "daily_total" not in sql else "CREATE TABLE")

    monkeypatch.setattr(op, "execute", fail_late)
    with pytest.raises(DatabaseUnusable, match="cannot be used"):
        migrations.upgrade(path)
    assert asked(path, "SELECT * FROM sqlite_master") == []


# --- at once -------------------------------------------------------------------------------


def test_a_starter_waits_for_one_that_is_making_the_tables(path: Path) -> None:
    with script(SLOW_MIGRATION, path, 3, 0.5) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "waiting\n"
        assert path.stat().st_size > 0
        with closing(open_database(path)) as database:
            assert schema_version(database) == SCHEMA_VERSION


def test_a_starter_waits_for_its_turn_to_change_the_files_mode(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        end = threading.Timer(0.3, other.rollback)
        end.start()
        migrations.upgrade(path)
        end.join()
    assert asked(path, "PRAGMA journal_mode") == [("wal",)]


EIGHT_STARTERS = """
import os, sys
from pathlib import Path
import alembic.command, sqlalchemy.dialects.sqlite
from cli.session import open_database

for path in map(Path, sys.argv[1:]):
    closed, go = os.pipe()
    for _ in range(8):
        if os.fork() == 0:
            os.close(go)
            os.read(closed, 1)  # all go on when the parent closes its end
            count = open_database(path).execute("SELECT COUNT(*) FROM event_log")
            os._exit(count != [(0,)])
    os.close(go)
    print([os.wait()[1] for _ in range(8)])
"""


def test_of_eight_that_start_at_once_one_migrates_and_none_fails(tmp_path: Path) -> None:
    paths = [tmp_path / str(n) / "ledger.db" for n in range(3)]
    with script(EIGHT_STARTERS, *paths) as starters:
        assert starters.communicate()[0] == f"{[0] * 8}\n" * len(paths)
    for path in paths:
        assert asked(path, "SELECT version_num FROM alembic_version") == [(SCHEMA_VERSION,)]


# --- what is there already -----------------------------------------------------------------


@contextmanager
def made_by(version: str, store: Store) -> Iterator[Address]:
    """Give a ledger as the migrations up to a version leave it."""
    from alembic import command

    upgrade = command.upgrade
    with store.bare() as url:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(command, "upgrade", lambda config, _: upgrade(config, version))
            migrations.upgrade(parse_address(url))
        yield parse_address(url)


def test_totals_by_month_move_into_blocks_of_many_values(store: Store) -> None:
    rows = [("batch", "2026-10", "sms-one-1", f"b-{n:03d}", n, -n * 350) for n in range(600)]
    odd = ("", "12", '"', "null", "è")
    rows += [("tag", "2026-10", "sms-one-2", value, 1, 2**53 + 1) for value in odd]
    select = (
        "SELECT dimension, month, account, value, count, milli FROM monthly_total"
        " ORDER BY dimension, month, account, value COLLATE BINARY"
    )
    with made_by("0008", store) as address:
        with closing(connect(address)) as database:
            database.insert(MONTHLY_TOTAL, rows)
        migrations.upgrade(address)
        with closing(connect(address)) as database:
            assert database.execute(select) == sorted(rows)
            assert list(misplaced(database)) == []
            blocks = database.execute("SELECT dimension, values_from FROM month_block")
    assert sorted(blocks) == [
        ("batch", ""),
        ("batch", "b-256"),
        ("batch", "b-512"),
        ("tag", ""),
    ]


def test_who_may_read_totals_by_month_still_may_and_so_may_views_of_them(
    postgres: PostgresStore,
) -> None:
    with made_by("0008", postgres) as address:
        with closing(connect(address)) as database:
            database.insert(MONTHLY_TOTAL, [("tag", "2026-10", "sms-one-1", "otp", 3, -1050)])
            database.execute("CREATE VIEW mine AS SELECT SUM(count) AS sent FROM monthly_total")
            database.execute("GRANT SELECT, INSERT ON monthly_total TO PUBLIC")
            database.execute("GRANT SELECT ON mine TO PUBLIC")
        migrations.upgrade(address)
        with closing(connect(address)) as database:
            assert database.execute("SELECT sent FROM mine") == [(3,)]
            granted = database.execute(
                "SELECT relname, privilege_type FROM pg_class, aclexplode(relacl)"
                " WHERE grantee = 0 AND relnamespace = CAST('public' AS regnamespace)"
            )
    assert sorted(granted) == [
        ("mine", "SELECT"), ("month_block", "INSERT"), ("month_block", "SELECT"),
        ("monthly_total", "SELECT"),
    ]  # fmt: skip
