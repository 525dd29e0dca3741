"""Events are never edited: both databases refuse it themselves, whoever asks."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from books import books_in
from rigs import Rig, rig
from servers import server

import migrations
from cli.session import open_database
from ledger.database import Address, Database, connect, parse_address

KEPT = Path(__file__).parent / "data" / "first-release.db"
REFUSED = "events are never edited: what was recorded stays, a correction is a further event"
COLUMNS = {
    "stored_events": ("originator_id", "originator_version", "topic", "state"),
    "event_log": (
        "position", "stream", "version", "topic", "happened_at_us", "recorded_at_us", "leaf",
    ),
}  # fmt: skip

EDITS = [
    "UPDATE {table} SET topic = 'sms.other.1'",
    "UPDATE {table} SET topic = topic",
    "DELETE FROM {table}",
    "INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}"
    " WHERE true ON CONFLICT ({key}) DO UPDATE SET topic = 'sms.other.1'",
]
KEYS = {"stored_events": "originator_id, originator_version", "event_log": "position"}
SQLITE_EDITS = [
    *EDITS,
    "REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table}",
    "REPLACE INTO {table} (rowid, {columns}) SELECT rowid, {columns} FROM {table}",
    "UPDATE OR REPLACE {table} SET rowid = rowid + 1",
]


def said(edit: str, table: str) -> str:
    return edit.format(table=table, columns=", ".join(COLUMNS[table]), key=KEYS[table])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of the first release, brought to this schema."""
    path = tmp_path_factory.mktemp("kept") / "ledger.db"
    shutil.copyfile(KEPT, path)
    migrations.upgrade(path)
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A ledger on PostgreSQL after a first sync; the login is a superuser."""
    with server() as running, rig(tmp_path_factory.mktemp("rig"), "small") as made:
        made.database = running.url  # type: ignore[assignment]
        assert made.sl("migrate").status == 0
        made.sync()
        yield made


def everything(address: Address, table: str) -> list[tuple[Any, ...]]:
    with closing(connect(address)) as database:
        return sorted(database.execute(f"SELECT * FROM {table}"), key=repr)


@pytest.mark.parametrize("table", COLUMNS)
@pytest.mark.parametrize("edit", SQLITE_EDITS)
def test_sqlite_refuses_to_edit_an_event(file: Path, table: str, edit: str) -> None:
    before = everything(file, table)
    assert before
    with (
        closing(sqlite3.connect(file)) as connection,
        pytest.raises(sqlite3.IntegrityError, match=REFUSED),
    ):
        connection.execute(said(edit, table))
    assert everything(file, table) == before


@pytest.mark.parametrize("clash", ["rowid", "position", "stream, version"])
def test_sqlite_refuses_to_replace_by_any_key_of_the_log(file: Path, clash: str) -> None:
    """A REPLACE removes what has one key in common, and fires no trigger for that."""
    before = everything(file, "event_log")
    values = {"rowid": "900", "position": "900", "stream": "'new'", "version": "900"}
    values |= {name: name for name in clash.split(", ")}
    names = (*values, "topic", "happened_at_us", "recorded_at_us", "leaf")
    chosen = (*values.values(), "topic", "1", "1", "leaf")
    with (
        closing(sqlite3.connect(file)) as connection,
        pytest.raises(sqlite3.IntegrityError, match=REFUSED),
    ):
        connection.execute(
            f"REPLACE INTO event_log ({', '.join(names)})"
            f" SELECT {', '.join(chosen)} FROM event_log WHERE position = 3"
        )
    assert everything(file, "event_log") == before


@pytest.mark.parametrize("table", COLUMNS)
@pytest.mark.parametrize("edit", [*EDITS, "TRUNCATE {table}", "TRUNCATE {table} CASCADE"])
@pytest.mark.parametrize("setting", ["", "SET session_replication_role = replica"])
def test_postgresql_refuses_even_a_superuser(
    served: Rig, table: str, edit: str, setting: str
) -> None:
    address = parse_address(str(served.database))
    before = everything(address, table)
    assert before
    with closing(psycopg.connect(str(served.database), autocommit=True)) as connection:
        if setting:
            connection.execute(setting)
        with pytest.raises(psycopg.errors.RestrictViolation, match=REFUSED):
            connection.execute(said(edit, table))
    assert everything(address, table) == before


def test_a_check_makes_all_again_beside_guarded_tables(served: Rig, file: Path) -> None:
    assert served.sl("check", "--full").status == 0
    ran = served.run(["--database", str(file), "check", "--full", "-O", "json"])
    assert [row for row in ran.rows if row["severity"] == "integrity"] == []


def test_caches_may_be_emptied(file: Path, served: Rig, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    shutil.copyfile(file, copy)
    for address in (copy, parse_address(str(served.database))):
        with closing(connect(address)) as database:
            for table in ("stored_snapshots", "movement", "projection_position"):
                database.execute(f"DELETE FROM {table}")
            assert database.execute("SELECT COUNT(*) FROM stored_events")[0][0] > 0


def test_the_same_version_twice_is_still_a_conflict_and_not_an_edit(tmp_path: Path) -> None:
    """The guard against REPLACE answers an ordinary INSERT as the key would."""
    from ledger.storage import Placed, Storage, VersionConflict

    books = books_in(tmp_path).draw("customer ab12345-ovh")
    with closing(Storage(books.path)) as storage:
        version, event = storage.last("customer/ab12345-ovh") or pytest.fail("nothing there")
        with pytest.raises(VersionConflict):
            storage.append(Placed("customer/ab12345-ovh", version, event))


# --- upgrading -----------------------------------------------------------------------------


def opened(tmp_path: Path, name: str, *, upgrade: bool) -> Database:
    path = tmp_path / name
    if upgrade:
        shutil.copyfile(KEPT, path)
    migrations.upgrade(path)
    return open_database(path)


def test_an_upgraded_ledger_has_the_schema_of_a_new_one(tmp_path: Path) -> None:
    question = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    with (
        closing(opened(tmp_path, "old.db", upgrade=True)) as old,
        closing(opened(tmp_path, "new.db", upgrade=False)) as new,
    ):
        made = [row for row in new.execute(question) if not row[1].startswith("sqlite_stat")]
        assert list(old.execute(question)) == made


def test_upgrading_leaves_the_events_as_they_were(file: Path) -> None:
    with closing(sqlite3.connect(f"file:{KEPT}?mode=ro&immutable=1", uri=True)) as kept:
        for table in COLUMNS:
            before = sorted(kept.execute(f"SELECT * FROM {table}"), key=repr)
            assert everything(file, table) == before
