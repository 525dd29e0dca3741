"""The database: one line and exit status 6 for whatever makes it unusable."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from books import Books

import cli
from cli.session import open_database
from ledger import database as module
from ledger.database import (
    Database,
    PostgresAddress,
    connect,
    explain,
    parse_address,
    schema_version,
)
from ledger.database import sqlite as driver
from ledger.errors import DatabaseBusy, DatabaseUnusable, IntegrityFailure


@pytest.fixture
def path(sqlite_books: Books) -> Path:
    """An empty ledger in a file."""
    return sqlite_books.path


@pytest.fixture
def file(path: Path) -> Iterator[Database]:
    with closing(open_database(path)) as opened:
        yield opened


@pytest.fixture
def database(books: Books) -> Iterator[Database]:
    with closing(open_database(books.address)) as opened:
        yield opened


def remember(database: Database, reference: str) -> None:
    database.execute(
        "INSERT INTO examined (customer, kind, reference) VALUES ('c', 'bill', :reference)",
        reference=reference,
    )


def remember_all(database: Database, *references: str) -> None:
    with database.transaction() as rows:
        for reference in references:
            remember(rows, reference)


def remembered(database: Database) -> list[str]:
    return [row[0] for row in database.execute("SELECT reference FROM examined ORDER BY 1")]


# --- where it is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("ledger.db", "ledger.db"),
        ("/var/lib/ledger.db", "/var/lib/ledger.db"),
        ("sqlite:///ledger.db", "ledger.db"),
        ("sqlite:////var/lib/ledger.db", "/var/lib/ledger.db"),
        ("~/ledger.db", "~/ledger.db"),
    ],
)
def test_a_database_is_a_path_or_a_sqlite_address(url: str, path: str) -> None:
    assert parse_address(url) == Path(path).expanduser()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://localhost/ledger", "postgresql://localhost/ledger"),
        ("postgres://anna:s3cr3t@host:5433/db", "postgres://anna@host:5433/db"),
        ("postgresql:///db?host=/run&password=s3cr3t", "postgresql:///db"),
        ("postgresql://anna:s3@cr3t@host/db", "postgresql://anna@host/db"),
        ("postgresql://anna:s3/cr3t@host/db", "postgresql://…"),
        ("postgresql://anna:s3#cr3t@host/db", "postgresql://…"),
        ("postgresql://anna:s3?cr3t@host/db", "postgresql://…"),
        ("postgresql://anna:s3cr3t@[host/db", "postgresql://…"),
    ],
)
def test_an_address_of_a_server_is_shown_without_its_password(url: str, shown: str) -> None:
    address = parse_address(url)
    assert isinstance(address, PostgresAddress)
    assert address.conninfo == url
    assert str(address).removeprefix("postgresql:").removeprefix("//") == shown.removeprefix(
        "postgresql:"
    ).removeprefix("//")
    assert repr(address) == str(address)


def test_a_new_ledger_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "books" / "ledger.db"
    open_database(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


# --- together or not at all ----------------------------------------------------------------


def test_a_transaction_is_kept_whole(database: Database) -> None:
    remember_all(database, "1", "2")
    assert remembered(database) == ["1", "2"]


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def remember_and_stop() -> None:
        with database.transaction() as rows:
            remember(rows, "1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        remember_and_stop()
    assert remembered(database) == []


def test_a_transaction_with_an_error_of_the_database_leaves_nothing(database: Database) -> None:
    with pytest.raises(IntegrityFailure, match=r"UNIQUE|unique"):
        remember_all(database, "1", "1")
    assert remembered(database) == []
    remember(database, "2")


def test_a_snapshot_does_not_see_what_is_written_meanwhile(
    database: Database,
) -> None:
    with closing(connect(database.address)) as other, database.snapshot() as rows:
        assert remembered(rows) == []
        remember(other, "1")
        assert remembered(rows) == []
    assert remembered(database) == ["1"]


def test_rows_are_given_as_they_are_read(database: Database) -> None:
    assert list(database.each("SELECT 1 UNION ALL SELECT 2 ORDER BY 1")) == [(1,), (2,)]
    assert list(database.each("SELECT :a AS a", a="one")) == [("one",)]
    with pytest.raises(IntegrityFailure, match=r"no such table|does not exist"):
        list(database.each("SELECT * FROM songs"))


def test_a_writer_of_a_file_that_waits_too_long_is_told_so(
    path: Path, file: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "LOCK_TIMEOUT_S", 0)
    with (
        file.transaction(),
        closing(connect(path)) as other,
        pytest.raises(DatabaseBusy, match="other programs writing to it") as busy,
        other.transaction(),
    ):
        pass
    assert busy.value.status == 6


# --- what makes it unusable ----------------------------------------------------------------


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


def older(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")


def no_database(path: Path) -> None:
    path.write_text("customer,account,kind\n" * 100)


def other_tables(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE song (title TEXT)")


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def in_a_file(path: Path) -> None:
    path.unlink()
    path.parent.joinpath("folder").write_text("")
    path.symlink_to(path.parent / "folder" / "ledger.db")


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (newer, "expected schema {schema}, found 9999 in {path}: a newer sms-ledger wrote it;"
                " update the program"),
        (older, "expected schema {schema}, found 0000 in {path}: back it up, then type"
                " `sms-ledger migrate`"),
        (no_database, "expected an sms-ledger database, found {path}, which is none"),
        (other_tables, "expected an sms-ledger database, found {path} with other tables; name"
                       " another one with --database"),
        (a_directory, "expected an sms-ledger database, found the folder {path}; name a file in"
                      " it with --database"),
        (in_a_file, "expected to create {path}, found that it cannot be written"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["bal", "check"])
def test_each_is_told_in_one_line_with_status_6(
    path: Path,
    spoil: Callable[[Path], None],
    told: str,
    command: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(path)
    assert cli.run(["--database", str(path), command]) == 6
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert told.format(path=path, schema=module.SCHEMA_VERSION) in err


@pytest.mark.parametrize("command", ["bal", "check", "audit verify"])
def test_a_ledger_that_was_cut_off_is_damaged(
    path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is a ledger still, of which some is missing: what is stored contradicts itself."""
    torn(path)
    assert cli.run(["--database", str(path), *command.split()]) == 4
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"expected a whole ledger in {path}, found it damaged" in err
    assert "restore a backup, or load a dump into a new ledger" in err


def test_an_empty_file_becomes_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.touch()
    with closing(open_database(path)) as database:
        assert schema_version(database) == module.SCHEMA_VERSION


@pytest.mark.parametrize(
    ("error", "told", "status"),
    [
        ("file is not a database", "which is none", 6),
        ("database disk image is malformed", "found it damaged", 4),
        ("no such table: event_chain", "found it damaged (no such table: event_chain)", 4),
        ("attempt to write a readonly database", "found it read-only", 6),
        ("database or disk is full", "found the disk full or failing", 6),
        ("disk I/O error", "found the disk full or failing", 6),
        ("database is locked", "found other programs writing", 6),
        ("something\nnew", "found that it cannot be used (something new)", 6),
    ],
)
def test_what_the_driver_says_is_explained_in_one_line(
    error: str, told: str, status: int
) -> None:
    explained = explain(sqlite3.OperationalError(error), Path("ledger.db"))
    assert explained.status == status
    assert told in str(explained)
    assert "ledger.db" in str(explained)
    assert "\n" not in str(explained)


# --- the disk is full ----------------------------------------------------------------------


def test_a_full_disk_is_told_and_nothing_is_half_recorded(file: Database) -> None:
    database = file
    ((pages,),) = database.execute("PRAGMA page_count")
    database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DatabaseUnusable, match="found the disk full") as full:
        remember_all(database, "1", "x" * 100_000)
    assert full.value.status == 6
    database.execute("PRAGMA max_page_count = 1000000")
    assert remembered(database) == []
    remember(database, "2")
    assert remembered(database) == ["2"]


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from cli.session import open_database
from ledger.errors import LedgerError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
try:
    open_database(Path(sys.argv[1]))
except LedgerError as error:
    print(error.status, error)
"""


def test_a_disk_that_is_full_at_once_leaves_no_half_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    assert run(FULL_DISK, path).startswith(f"6 expected room for {path}, found the disk full")
    with closing(open_database(path)) as database:
        assert remembered(database) == []


# --- it may not be written -----------------------------------------------------------------

# Root may write anywhere: a test that runs as root goes on as nobody.
AS_NOBODY = """
import os, sys
import ledger.database.sqlite
from pathlib import Path
from cli.session import open_database
from ledger.errors import LedgerError

if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    database = open_database(Path(sys.argv[1]))
    print(database.execute("SELECT reference FROM examined"))
    with database.transaction() as rows:
        rows.execute("DELETE FROM examined")
except LedgerError as error:
    print(error.status, error)
"""


def run(code: str, path: Path) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""
    return ran.stdout


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody may look into."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


@pytest.mark.parametrize("folder_mode", [0o555, 0o777])
def test_a_ledger_that_may_only_be_read_is_read(shared: Path, folder_mode: int) -> None:
    path = shared / "ledger.db"
    with closing(open_database(path)) as database:
        remember(database, "1")
    path.chmod(0o444)
    shared.chmod(folder_mode)
    read, told = run(AS_NOBODY, path).splitlines()
    assert read == "[('1',)]"
    assert told.startswith(f"6 expected to write to {path}, found it read-only")


def test_a_ledger_is_not_made_where_nothing_may_be_written(shared: Path) -> None:
    shared.chmod(0o555)
    told = run(AS_NOBODY, shared / "ledger.db")
    assert told.startswith(f"6 expected to create {shared / 'ledger.db'}, found that it cannot")


def test_a_ledger_that_may_not_be_read_is_told(shared: Path) -> None:
    path = shared / "ledger.db"
    open_database(path).close()
    path.chmod(0o200 if os.geteuid() else 0o600)
    assert run(AS_NOBODY, path).startswith(f"6 expected an sms-ledger database in {path}")


def test_text_is_ordered_by_its_bytes_on_every_database(books):
    words = "SELECT 'a-b' AS word UNION SELECT 'B' UNION SELECT 'ab' UNION SELECT '_x'"
    database = books.database()
    found = database.execute(f"SELECT word FROM ({words}) AS w ORDER BY word COLLATE BINARY")
    database.close()
    assert [word for (word,) in found] == ["B", "_x", "a-b", "ab"]
