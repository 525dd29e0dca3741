"""What only PostgreSQL has: its schema, its starters, and all that makes a server unusable."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import servers
from books import Books
from eventsourcing.postgres import PostgresFactory
from eventsourcing.utils import Environment
from stores import PostgresStore

from ledger.database import SCHEMA_VERSION
from ledger.database import postgres as driver

ROOT = Path(__file__).parents[1]
SECRET = "s3cr3t-w0rd"
STORY = """
    customer ab12345-ovh
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4
    2026-10-02 08:00 purchase 250 bill-1
"""


@pytest.fixture
def bare(postgres: PostgresStore) -> Iterator[Books]:
    """An empty database, in which nobody migrated yet."""
    with postgres.bare() as url:
        yield Books(url)


def asked(url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(sql).fetchall()


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a program of its own, as another user of the ledger would."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# --- the schema ----------------------------------------------------------------------------

# Storage is left out: ours is EXTERNAL, for pages that are compressed already.
CATALOG = {
    "columns": """
        SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
            a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = '{schema}'::regnamespace AND a.attnum > 0
            AND c.relkind IN ('r', 'c', 'S') AND c.relname LIKE 'stored%'
        ORDER BY 1, 2""",
    "indexes": """
        SELECT tablename, indexname, replace(indexdef, '{schema}.', '') FROM pg_indexes
        WHERE schemaname = '{schema}' AND tablename LIKE 'stored%' ORDER BY 1, 2""",
    "constraints": """
        SELECT conrelid::regclass::oid::regclass::text ~ 'events', conname, contype,
            pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = '{schema}'::regnamespace
            AND conname LIKE 'stored%' ORDER BY 2""",
    "options": """
        SELECT relname, reloptions FROM pg_class
        WHERE relnamespace = '{schema}'::regnamespace AND relkind = 'r'
            AND relname LIKE 'stored%' ORDER BY 1""",
}


@pytest.mark.parametrize("what", CATALOG)
def test_the_migrated_schema_is_what_the_library_would_create(
    postgres_books: Books, what: str
) -> None:
    """The application runs with CREATE_TABLE=n: a change of the library's schema shows here."""
    url = postgres_books.url
    asked_for = psycopg.conninfo.conninfo_to_dict(url)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA theirs")
    env = {
        "POSTGRES_DBNAME": str(asked_for["dbname"]),
        "POSTGRES_HOST": str(asked_for["host"]),
        "POSTGRES_PORT": str(asked_for.get("port", 5432)),
        "POSTGRES_USER": str(asked_for["user"]),
        "POSTGRES_PASSWORD": str(asked_for.get("password", "")),
        "POSTGRES_SCHEMA": "theirs",
        "ORIGINATOR_ID_TYPE": "text",
        "CREATE_TABLE": "y",
    }
    factory = PostgresFactory(Environment("stored", env))
    with closing(factory):
        factory.application_recorder()
        factory.aggregate_recorder(purpose="snapshots")

    def found(schema: str) -> list[tuple[object, ...]]:
        rows = asked(url, CATALOG[what].format(schema=schema))
        return [
            tuple(re.sub(rf"\b{schema}\.", "", c) if isinstance(c, str) else c for c in row)
            for row in rows
        ]

    assert found("public") == found("theirs") != []


def test_no_column_would_round_credits_or_money(postgres_books: Books) -> None:
    types = postgres_books.table(
        "SELECT DISTINCT data_type FROM information_schema.columns c"
        " JOIN information_schema.tables USING (table_schema, table_name)"
        " WHERE c.table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    assert {type for (type,) in types} <= {"bigint", "text", "bytea", "character varying"}


# --- migrating -----------------------------------------------------------------------------

EIGHT_STARTERS = """
import os, sys
import alembic.command, sqlalchemy.dialects.postgresql, psycopg
import cli, cli.migrate, migrations

closed, go = os.pipe()
for _ in range(8):
    if os.fork() == 0:
        os.close(go)
        os.read(closed, 1)  # all go on when the parent closes its end
        status = cli.run(["--database", sys.argv[1], "migrate"])
        sys.stdout.flush()
        os._exit(status)
os.close(go)
sys.exit(sum(os.wait()[1] for _ in range(8)))
"""


def test_of_eight_that_migrate_at_once_one_does_and_none_fails(bare: Books) -> None:
    starters = start(EIGHT_STARTERS, bare.url)
    out, err = starters.communicate()
    assert (starters.returncode, err) == (0, "")
    assert len(out.splitlines()) == 8
    assert bare.table("SELECT version_num FROM alembic_version") == [(SCHEMA_VERSION,)]
    bare.draw(STORY)
    assert bare.type("check").status == 0


SLOW_MIGRATION = """
import sys, time
from alembic import op
import migrations
from ledger.database import parse_address

made, execute = 0, op.execute

def execute_slowly(sql):
    global made
    execute(sql)
    made += 1
    if made == int(sys.argv[2]):
        print("waiting", flush=True)
        time.sleep(60)

op.execute = execute_slowly
migrations.upgrade(parse_address(sys.argv[1]))
"""


@pytest.mark.parametrize("statements", [1, 14])
def test_a_killed_migration_leaves_nothing_behind(bare: Books, statements: int) -> None:
    with start(SLOW_MIGRATION, bare.url, statements) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "waiting\n"
        starter.kill()
        starter.communicate()
    # The next one waits for the lock that the server lets go of when it sees the end.
    assert bare.type("migrate").out.endswith(f"schema none → {SCHEMA_VERSION}\n")
    assert bare.rows("bal") == []


def test_a_migration_that_fails_leaves_nothing_behind(
    bare: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import op

    execute = op.execute

    def fail_late(sql: str) -> None:
        execute(sql if "daily_total" not in sql else "CREATE TABLE")

    monkeypatch.setattr(op, "execute", fail_late)
    ran = bare.type("migrate")
    assert (ran.status, ran.out, ran.err.count("\n")) == (6, "", 1)
    with closing(bare.database()) as database:
        assert database.tables() == set()


@pytest.mark.parametrize("command", [["bal"], ["reg"], ["check"], ["migrate", "status"]])
def test_a_database_that_nobody_migrated_is_one_line_of_status_6(
    bare: Books, command: list[str]
) -> None:
    ran = bare.type(*command)
    assert ran.status == 6
    assert (ran.out + ran.err).count("\n") == 1
    assert "`sms-ledger migrate`" in ran.out + ran.err
    with closing(bare.database()) as database:
        assert database.tables() == set()


def test_a_half_restored_ledger_is_refused(postgres_books: Books) -> None:
    with closing(postgres_books.database()) as database:
        database.execute("DROP TABLE event_log CASCADE")
    for command in ("bal", "migrate"):
        ran = postgres_books.type(command)
        assert (ran.status, ran.out, ran.err.count("\n")) == (6, "", 1)


# --- servers that cannot be used -----------------------------------------------------------


@pytest.fixture(scope="module")
def own(postgres: PostgresStore) -> Iterator[PostgresStore]:
    """A server of our own, whose roles and rules we may change."""
    if postgres.server is not None:
        yield postgres
        return
    with servers.server() as started, closing(PostgresStore(started.url, started)) as store:
        yield store


@pytest.fixture(scope="module")
def guarded(own: PostgresStore) -> Iterator[str]:
    """The address of a ledger, where one role needs a password and has no right to anything."""
    with own.ledger() as url:
        own.execute(f"CREATE ROLE {servers.WITH_PASSWORD} LOGIN PASSWORD '{SECRET}'")
        yield url
        own.execute(f"DROP ROLE {servers.WITH_PASSWORD}")


def elsewhere(url: str, *, user: str = "postgres", password: str = SECRET, **more: str) -> str:
    """Give an address with another role, port or database."""
    parts = urlsplit(url)
    port, path = more.get("port", str(parts.port)), more.get("path", parts.path)
    return f"postgresql://{user}:{password}@127.0.0.1:{port}{path}"


def refused(url: str, *words: str) -> str:
    """Run a command that cannot use its database: one line, status 6, and no secret in it."""
    ran = Books(url).type(*words)
    assert (ran.status, ran.out) == (6, ""), ran
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("sms-ledger: expected ")
    for secret in (SECRET, "wr0ng", "Traceback"):
        assert secret not in ran.err
    return ran.err


@contextmanager
def listening(answer: bytes) -> Iterator[int]:
    """Listen on a port, and answer whatever comes with the same bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.recv(4096)
                    client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


COMMANDS = pytest.mark.parametrize("command", ["bal", "migrate"])


@COMMANDS
def test_a_wrong_password_is_told(guarded: str, command: str) -> None:
    url = elsewhere(guarded, user=servers.WITH_PASSWORD, password="wr0ng-w0rd")
    said = refused(url, command)
    assert "found that it refuses the role" in said
    assert "check PGPASSWORD, ~/.pgpass or the address" in said


def test_a_password_that_is_missing_is_told(guarded: str) -> None:
    url = guarded.replace("//postgres@", f"//{servers.WITH_PASSWORD}@")
    assert "found that it refuses the role" in refused(url, "bal")


@COMMANDS
def test_a_role_without_rights_is_told(guarded: str, command: str) -> None:
    url = elsewhere(guarded, user=servers.WITH_PASSWORD)
    assert "found that the role lacks it" in refused(url, command)


def test_a_role_without_the_right_to_make_tables_is_told(own: PostgresStore) -> None:
    with own.bare() as url:
        own.execute("CREATE ROLE visitor LOGIN")
        try:
            said = refused(elsewhere(url, user="visitor"), "migrate")
        finally:
            own.execute("DROP ROLE visitor")
    assert "found that the role lacks it" in said


@COMMANDS
def test_a_role_that_does_not_exist_is_told(guarded: str, command: str) -> None:
    said = refused(elsewhere(guarded, user="nobody_at_all"), command)
    assert "found that it refuses the role" in said


@COMMANDS
def test_a_database_that_does_not_exist_is_told(guarded: str, command: str) -> None:
    said = refused(elsewhere(guarded, path="/nowhere"), command)
    assert "create it with `createdb`, then type `sms-ledger migrate`" in said


@COMMANDS
def test_a_port_where_nobody_listens_is_told(guarded: str, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = str(server.getsockname()[1])
    assert "found that it does not answer" in refused(elsewhere(guarded, port=free), command)


@pytest.mark.parametrize(
    "answer",
    [b"\x00\xff\x17garbage" * 9, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b""],
    ids=["garbage", "http", "nothing"],
)
@COMMANDS
def test_a_port_that_is_not_postgresql_is_told(
    guarded: str, command: str, answer: bytes
) -> None:
    with listening(answer) as port:
        said = refused(elsewhere(guarded, port=str(port)), command)
    assert "expected PostgreSQL at" in said


@COMMANDS
def test_a_server_that_never_answers_is_told(
    guarded: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "CONNECT_TIMEOUT_S", 2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = refused(elsewhere(guarded, port=str(server.getsockname()[1])), command)
    assert "found that it does not answer" in said


@pytest.mark.parametrize("command", ["bal", "migrate", "check"])
def test_a_server_that_is_too_old_is_told(
    guarded: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "OLDEST_SERVER", 99)
    assert "expected PostgreSQL 99 or newer at" in refused(elsewhere(guarded), command)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://postgres:{SECRET}%zz@127.0.0.1/ledger",
        f"postgresql://postgres:{SECRET}@127.0.0.1:port/ledger",
        f"postgresql://postgres:{SECRET}@[127.0.0.1/ledger",
        f"postgresql://127.0.0.1:1/ledger?password={SECRET}",
        f"postgresql://127.0.0.1:1/ledger?password={SECRET}&nonsense=1",
        f"postgresql://127.0.0.1:1/ledger?password={SECRET}%zz",
        f"postgresql://postgres:{SECRET}/{SECRET}@127.0.0.1:1/ledger",
    ],
)
@COMMANDS
def test_an_address_that_cannot_be_read_is_told_without_its_password(
    url: str, command: str
) -> None:
    refused(url, command)


# --- what the environment asks for ---------------------------------------------------------


@pytest.mark.parametrize("value", ["y", "yes", "1", "TRUE"])
@pytest.mark.parametrize("command", [["bal"], ["migrate"], ["check"]])
def test_database_functions_are_refused_with_the_reason(
    postgres_books: Books, monkeypatch: pytest.MonkeyPatch, value: str, command: list[str]
) -> None:
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", value)
    ran = postgres_books.type(*command)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        "sms-ledger: expected POSTGRES_ENABLE_DB_FUNCTIONS not to be set, found"
        f" {value!r}: such functions lose events for readers and never update the balances;"
        " unset it\n"
    )


def test_database_functions_that_are_switched_off_or_unused_are_no_matter(
    postgres_books: Books, sqlite_books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", "n")
    assert postgres_books.rows("bal") == []
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", "y")
    assert sqlite_books.rows("bal") == []


def test_the_librarys_settings_change_no_stored_byte(
    postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored() -> list[tuple[object, ...]]:
        with postgres.ledger() as url:
            books = Books(url).draw(STORY)
            return books.table(
                "SELECT notification_id, e.*, l.* FROM stored_events e JOIN event_log l"
                " ON stream = originator_id AND version = originator_version"
                " ORDER BY position"
            )

    plain = stored()
    for name, value in {
        "POSTGRES_ENABLE_DB_FUNCTIONS": "y",
        "COMPRESSOR_TOPIC": "zlib",
        "CIPHER_TOPIC": "eventsourcing.cipher:AESCipher",
        "CIPHER_KEY": "bm90aGluZyBhdCBhbGwuLg==",
        "PERSISTENCE_MODULE": "eventsourcing.popo",
        "POSTGRES_DBNAME": "elsewhere",
        "POSTGRES_SCHEMA": "elsewhere",
        "CREATE_TABLE": "y",
    }.items():
        monkeypatch.setenv(name, value)
    assert stored() == plain != []


# --- the server of the tests ---------------------------------------------------------------

KILLED = """
import os, signal, servers
with servers.server() as started:
    print(started.folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_is_left_of_the_tests_server_when_the_tests_are_killed() -> None:
    killed = start(KILLED)
    folder = Path(killed.communicate(timeout=60)[0].strip())
    assert killed.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 20
    while (running := processes_of(folder)) or folder.exists():
        assert time.monotonic() < deadline, f"still running: {running}"
        time.sleep(0.05)


def processes_of(folder: Path) -> list[str]:
    ran = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in ran.stdout.splitlines() if str(folder) in line]
