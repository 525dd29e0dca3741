"""Start-up is felt: a report imports what it uses and nothing else; errors are one line."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from books import Books

from ledger.database import SCHEMA_VERSION, PostgresAddress, parse_address

ROOT = Path(__file__).parents[1]

# Each of these costs a reader of balances more than the balances do.
HEAVY = (
    "eventsourcing", "ovh", "psycopg", "alembic", "sqlalchemy", "phonenumbers", "rich",
    "requests", "starlette", "msgspec", "json", "csv",
)  # fmt: skip

# What the driver of a ledger on PostgreSQL costs, which no report there can do without.
BROUGHT = {PostgresAddress: {"psycopg", "json", "csv"}}

_TELL_IMPORTS = (
    "import sys; from cli import run; status = run(sys.argv[1:]);"
    " print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr);"
    " sys.exit(status)"
)


@pytest.fixture
def story(books):
    books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 opening 100
        2026-10-01 10:00 sms 1.4
    """)
    books.rows("reg")
    return books


def start(program, *words, **environment):
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def imported(books, *words):
    ran = start(_TELL_IMPORTS, "--database", books.url, *words)
    assert ran.returncode == 0, ran.stderr
    return set(ran.stderr.split())


def test_bal_imports_nothing_that_it_does_not_use(story):
    used = imported(story, "bal") & set(HEAVY)
    assert used - BROUGHT.get(parse_address(story.url).__class__, set()) == set()


@pytest.mark.parametrize(
    "words",
    [
        ["bal", "--as-of", "2026-10-01"],
        ["reg"],
        ["stmt", "sms-ab12345-1"],
        ["account", "list"],
        ["account", "show", "sms-ab12345-1"],
        ["audit", "log"],
        ["check"],
    ],
)
def test_a_report_imports_neither_the_event_store_nor_ovh(story, words):
    used = imported(story, *words) & set(HEAVY[:9])
    assert used - BROUGHT.get(parse_address(story.url).__class__, set()) == set()


def test_help_imports_no_command():
    ran = start(_TELL_IMPORTS, "--help")
    assert ran.returncode == 0
    assert set(ran.stderr.split()) & {"projections", "eventsourcing", "ovh", "rich"} == set()


def test_a_reader_that_goes_away_is_no_error(story):
    shown = subprocess.run(
        f"{sys.executable} -c 'from cli import main; main()' --database {story.url} audit log"
        " | head -1 >/dev/null; exit ${PIPESTATUS[0]}",
        shell=True,
        executable="/bin/bash",
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (shown.returncode, shown.stderr) == (0, "")


MAIN = "from cli import main; main()"


def test_a_terminal_without_the_signs_that_we_use_still_shows_the_report(story):
    words = ["--database", story.url, "recon", "show"]
    ran = start(MAIN, *words, PYTHONIOENCODING="ascii")
    assert (ran.returncode, "sms-ab12345-1" in ran.stdout) == (3, True)


@pytest.mark.parametrize("form", ["json", "csv", "html"])
def test_what_programs_read_is_utf_8_in_a_pipe_as_in_a_file(story, tmp_path, form):
    file = tmp_path / "written"
    words = [MAIN, "--database", story.url, "account", "entries", "-O", form]
    setting = ["--set", "prepaid=486 Charges d’été", "--from", "2026-01-01"]
    assert story.type("account", "entries", "ab12345-ovh", *setting).status == 0
    assert start(*words, "-o", str(file)).returncode == 0
    piped = subprocess.run(
        [sys.executable, "-c", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert piped.stdout.decode() == file.read_text(encoding="utf-8")
    assert "d’été" in piped.stdout.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_the_output_is_one_line(story):
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-c", MAIN, "--database", story.url, "bal"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert ran.returncode == 2
    assert ran.stderr == (
        "sms-ledger: expected to write the output, found that it cannot be"
        " (No space left on device)\n"
    )


def test_nobody_named_is_never_asked_by_a_report(story):
    ran = start(MAIN, "--database", story.url, "bal", USER="", LOGNAME="")
    assert ran.returncode == 0


# --- databases that cannot be used ----------------------------------------------------------


def test_a_file_that_is_no_database_is_one_line_of_status_6(sqlite_books):
    books = sqlite_books
    books.path.write_bytes(b"this is no database" * 100)
    ran = books.type("bal")
    assert (ran.status, ran.out) == (6, "")
    assert len(ran.err.splitlines()) == 1


def test_another_programs_database_is_left_alone(store):
    with store.bare() as url:
        books = Books(url)
        with closing(books.database()) as database:
            database.execute("CREATE TABLE theirs (id INTEGER)")
        _is_left_alone(books)


def _is_left_alone(books):
    for words in (["bal"], ["migrate"], ["migrate", "status"]):
        ran = books.type(*words)
        assert (ran.status, "found" in ran.err) == (6, True)


def test_a_newer_ledger_asks_for_a_newer_program(books):
    database = books.database()
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    for words in (["bal"], ["migrate"], ["migrate", "status"]):
        ran = books.type(*words)
        assert ran.status == 6
        assert "update the program" in ran.err


def test_an_older_ledger_is_not_migrated_silently(books):
    database = books.database()
    database.execute("UPDATE alembic_version SET version_num = '0000'")
    database.close()
    ran = books.type("bal")
    assert (ran.status, "sms-ledger migrate" in ran.err) == (6, True)
    assert books.type("migrate", "status").status == 6


def test_migrate_makes_a_file_and_says_from_where_to_where(tmp_path):
    books = Books(str(tmp_path / "deep" / "new.db"))
    assert books.type("migrate", "status").status == 6
    assert not books.path.exists()
    ran = books.type("migrate")
    assert (ran.status, ran.out) == (0, f"{books.path}: schema none → {SCHEMA_VERSION}\n")
    assert books.type("migrate").out.endswith("nothing to do\n")
    assert books.type("migrate", "status").status == 0
    assert books.path.stat().st_mode & 0o077 == 0


def test_a_first_report_makes_the_file(tmp_path):
    assert Books(str(tmp_path / "new.db")).rows("bal") == []


def test_a_file_where_nothing_may_be_written_is_read(sqlite_books):
    """In a process that gives up root's rights, if it has them."""
    books = sqlite_books.draw("""
        customer ab12345-ovh
        account sms-ab12345-1
        2026-10-01 09:00 opening 98.6
    """)
    books.rows("reg")
    books.table("PRAGMA wal_checkpoint(TRUNCATE)")
    books.path.chmod(0o444)
    books.path.parent.chmod(0o555)
    ran = start(_WITHOUT_RIGHTS, str(ROOT), books.url)
    books.path.parent.chmod(0o755)
    statuses = [line for line in ran.stdout.splitlines() if line.isdigit()]
    assert statuses == ["0", "0", "6"], ran
    assert '"credits": "98.6"' in ran.stdout
    assert "found it read-only" in ran.stderr


# What the commands import is imported first: who gives up rights may lose the libraries.
_WITHOUT_RIGHTS = """
import os, sys
sys.path.insert(0, sys.argv[1])
import difflib, json, zoneinfo
import cli, cli.bal, cli.reg, cli.account, cli.actions.closing
import cli.forms.objects, cli.forms.text
import ledger.database.sqlite, ledger.storage.sqlite
import ledger.service, projections.accounts, projections.registers
zoneinfo.ZoneInfo("Europe/Rome")
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
close = ["account", "close", "sms-ab12345-1", "--write-off"]
for words in ["bal", "-O", "json"], ["reg"], close:
    print(cli.run(["--database", sys.argv[2], "--actor", "x", *words]))
"""
