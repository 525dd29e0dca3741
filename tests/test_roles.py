"""Roles on PostgreSQL: the owner migrates, writers record, readers read; nobody edits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from rigs import Ran, Rig, rig
from servers import Server, server

import cli
import migrations
from ledger.database import SCHEMA_VERSION, connect, parse_address

ROLES = ("ledger_owner", "ledger_writer", "ledger_reader")
EDITS = (
    "UPDATE {table} SET topic = 'sms.other.1'",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "INSERT INTO {table} SELECT * FROM {table} ON CONFLICT DO NOTHING",
)


@dataclass
class Office:
    """A ledger on a server, and those who log in to it."""

    rig: Rig
    server: Server

    def url(self, user: str, database: str = "books") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.server.port}/{database}"

    def sl(self, user: str, *words: str) -> Ran:
        return self.rig.run(["--database", self.url(user), *self.rig.words(*words)[2:]])

    def sql(self, user: str, statement: str, database: str = "books") -> list[tuple]:
        with closing(psycopg.connect(self.url(user, database), autocommit=True)) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A ledger with roles, made by a DBA who is no superuser, after a first sync."""
    folder = tmp_path_factory.mktemp("office")
    with server() as running, rig(folder, "small") as made:
        office = Office(made, running)
        for statement in (
            "CREATE ROLE dba LOGIN CREATEROLE",
            "CREATE DATABASE books OWNER dba",
            "CREATE ROLE importer LOGIN",
            "CREATE ROLE auditor LOGIN",
            "CREATE ROLE migrator LOGIN",
            "CREATE ROLE stranger LOGIN",
        ):
            office.sql("postgres", statement, "postgres")
        assert office.sl("dba", "migrate").status == 0
        created = office.sl("dba", "roles", "create")
        assert (created.status, created.err) == (0, ""), created
        for statement in (
            "GRANT ledger_writer TO importer",
            "GRANT ledger_reader TO auditor",
            "GRANT ledger_owner TO migrator",
        ):
            assert statement.rpartition(" ")[0] in created.out
            office.sql("dba", statement)
        assert office.sl("importer", "sync").status == 0
        yield office


def refused(office: Office, user: str, statement: str) -> str:
    with pytest.raises(psycopg.Error) as error:
        office.sql(user, statement)
    assert error.value.diag.message_primary
    return error.value.diag.message_primary


def rights(office: Office) -> list[tuple]:
    return office.sql(
        "postgres",
        "SELECT relname, relkind, pg_get_userbyid(relowner), ARRAY(SELECT CAST(a AS TEXT)"
        " FROM unnest(relacl) AS a ORDER BY 1) FROM pg_class"
        " WHERE relnamespace = to_regnamespace('public') ORDER BY 1, 2",
    )


# --- events --------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["stored_events", "event_log"])
@pytest.mark.parametrize("edit", EDITS[:3])
def test_a_writer_has_no_right_to_edit_events(office: Office, table: str, edit: str) -> None:
    assert "permission denied" in refused(office, "importer", edit.format(table=table))


@pytest.mark.parametrize("table", ["stored_events", "event_log"])
@pytest.mark.parametrize("edit", EDITS)
def test_a_reader_has_no_right_to_write_events(office: Office, table: str, edit: str) -> None:
    assert "permission denied" in refused(office, "auditor", edit.format(table=table))


@pytest.mark.parametrize("user", ["migrator", "dba", "postgres"])
@pytest.mark.parametrize("table", ["stored_events", "event_log"])
@pytest.mark.parametrize("edit", EDITS[:3])
def test_the_triggers_refuse_the_owner_and_a_superuser(
    office: Office, user: str, table: str, edit: str
) -> None:
    assert "events are never edited" in refused(office, user, edit.format(table=table))


def test_a_writer_cannot_take_the_triggers_away(office: Office) -> None:
    for statement in (
        "ALTER TABLE stored_events DISABLE TRIGGER ALL",
        "DROP TRIGGER stored_events_append_only ON stored_events",
        "SET session_replication_role = replica",
        "DROP TABLE stored_events CASCADE",
    ):
        said = refused(office, "importer", statement)
        assert "must be owner" in said or "permission denied" in said


# --- what each may -------------------------------------------------------------------------

REPORTS = (
    ("bal",),
    ("reg",),
    ("stmt", "sms-ab12345-1"),
    ("recon", "run"),
    ("recon", "show"),
    ("recon", "explain", "sms-ab12345-1"),
    ("recon", "breaks"),
    ("audit", "log"),
    ("audit", "show", "1"),
    ("account", "list"),
    ("account", "show", "sms-ab12345-1"),
    ("check",),
    ("check", "--full"),
    ("cost", "--by", "country"),
)


@pytest.mark.parametrize("words", REPORTS, ids=" ".join)
def test_writers_and_readers_see_the_same_reports(office: Office, words: tuple[str]) -> None:
    written = office.sl("importer", *words)
    assert written.status == 0, written
    read = office.sl("auditor", *words)
    assert (read.status, read.out, read.err) == (0, written.out, written.err)


def test_a_writer_imports_and_closes_and_a_reader_is_told_what_is_behind(
    office: Office, tmp_path: Path
) -> None:
    file = tmp_path / "history.csv"
    file.write_text(
        "customer,account,kind,id,happened_at,credits,tag\n"
        "cd1-ovh,sms-cd1-1,opening,o,2026-01-01T00:00:00Z,100,\n"
        "cd1-ovh,sms-cd1-1,consumption,1,2026-01-02T00:00:00Z,1.4,Anna Rossi\n"
        "cd1-ovh,sms-cd1-2,opening,p,2026-01-01T00:00:00Z,5,\n"
    )
    words = ("import", str(file), "--time-zone", "Europe/Rome")
    assert office.sl("auditor", *words).status == 6
    imported = office.sl("importer", *words)
    assert imported.status == 0, imported
    closing_words = ("account", "close", "sms-cd1-2", "--write-off")
    assert office.sl("importer", *closing_words).status == 0

    behind = office.sl("auditor", "reg")
    assert (behind.status, behind.out, behind.err.count("\n")) == (6, "", 1)
    assert "expected to bring the register up to log position" in behind.err
    position = json.loads(office.sl("auditor", "bal", "-O", "json").out)["position"]
    then = office.sl("auditor", "reg", "--known-at", str(position))
    assert (then.status, then.err) == (0, "")
    told = office.sl("auditor", "cost")
    assert (told.status, told.err.count("\n")) == (0, 1)
    assert "note: what was recorded after log position" in told.err
    assert office.sl("auditor", "rebuild").status == 6
    assert office.sl("auditor", "bal").status == 0
    assert office.sl("auditor", "check").status == 0
    assert office.sl("importer", "reg").status == 0
    assert office.sl("auditor", "reg").out == then.out
    assert office.sl("importer", "rebuild").status == 0
    told = office.sl("auditor", "cost")
    assert (told.status, told.err) == (0, "")


@pytest.mark.parametrize(
    "words", [("sync",), ("account", "close", "sms-ab12345-1", "--write-off")], ids=" ".join
)
def test_a_reader_that_would_record_is_told_so_in_one_line(
    office: Office, words: tuple[str]
) -> None:
    before = office.sql("postgres", "SELECT COUNT(*) FROM stored_events")
    ran = office.sl("auditor", *words)
    assert ran.status == 6, ran
    assert "found that the role lacks it (permission denied for table" in ran.err
    assert ran.err.count("sms-ledger:") == 1
    assert office.sql("postgres", "SELECT COUNT(*) FROM stored_events") == before


def test_a_reader_does_not_learn_what_aliases_stand_for(office: Office) -> None:
    assert "permission denied" in refused(office, "auditor", "SELECT * FROM alias")


@pytest.mark.parametrize("user", ["importer", "auditor"])
def test_the_views_can_be_read_and_not_written(office: Office, user: str) -> None:
    views = [name for name, kind, *_ in rights(office) if kind == "v"]
    assert len(views) == 12
    for view in views:
        office.sql(user, f"SELECT * FROM {view}")
        said = refused(office, user, f"DELETE FROM {view}")
        assert "permission denied" in said or "cannot delete from view" in said


def test_a_stranger_is_refused_in_one_line(office: Office) -> None:
    for words in (("bal",), ("sync",), ("roles", "show")):
        ran = office.sl("stranger", *words)
        assert (ran.status, ran.out, ran.err.count("\n")) == (6, "", 1)
        assert "found that the role lacks it" in ran.err


# --- making them ---------------------------------------------------------------------------


def test_making_them_again_changes_nothing(office: Office) -> None:
    before = rights(office)
    again = office.sl("dba", "roles", "create")
    assert (again.status, rights(office)) == (0, before)


def test_a_superuser_makes_them_too(office: Office) -> None:
    before = rights(office)
    again = office.sl("postgres", "roles", "create")
    assert (again.status, rights(office)) == (0, before)


def test_a_dry_run_prints_what_psql_would_run_and_changes_nothing(office: Office) -> None:
    before = rights(office)
    ran = office.sl("dba", "roles", "create", "--prefix", "sales", "--dry-run")
    assert ran.status == 0
    assert ran.out.startswith("BEGIN;\nCREATE ROLE sales_owner NOLOGIN;\n")
    assert (
        "GRANT SELECT, INSERT ON public.event_log, public.stored_events TO sales_writer;"
        in (ran.out)
    )
    assert ran.out.endswith("COMMIT;\n")
    assert all(line.endswith(";") for line in ran.out.splitlines())
    assert rights(office) == before
    office.sql("dba", ran.out.replace("COMMIT;", "ROLLBACK;"))
    assert rights(office) == before


def test_rights_that_were_granted_by_hand_are_made_right(office: Office) -> None:
    before = rights(office)
    office.sql("dba", "GRANT UPDATE, DELETE, TRUNCATE ON stored_events TO ledger_writer")
    office.sql("dba", "GRANT INSERT ON event_log TO ledger_reader")
    assert rights(office) != before
    office.sl("dba", "roles", "create")
    assert rights(office) == before


def test_who_may_not_make_roles_is_told_so_in_one_line(office: Office) -> None:
    ran = office.sl("importer", "roles", "create", "--prefix", "mine")
    assert (ran.status, ran.out, ran.err.count("\n")) == (6, "", 1)
    assert "permission denied to create role" in ran.err


@pytest.mark.parametrize("prefix", ["pg_books", "Books", "a;b", "", "x" * 41])
def test_a_prefix_is_a_plain_name(office: Office, prefix: str) -> None:
    ran = office.sl("dba", "roles", "create", "--prefix", prefix, "--dry-run")
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)


def test_what_a_member_migrates_belongs_to_the_owner(office: Office) -> None:
    """A database of the first release, handed over and then brought up by another login."""
    office.sql("postgres", "CREATE DATABASE old OWNER dba", "postgres")
    address = parse_address(office.url("dba", "old"))
    migrations.upgrade(address)
    with closing(connect(address)) as database:
        for statement in (
            "GRANT CREATE ON SCHEMA public TO ledger_owner",
            f"DROP VIEW {', '.join(name for name, kind, *_ in rights(office) if kind == 'v')}",
            "DROP FUNCTION refuse_edit() CASCADE",
            "DROP TABLE month_block, page_change, event_chain, tree_head",
            "DROP TABLE lot, lot_arrival, lot_draw_block, lot_segment, lot_month, daily_block",
            "CREATE TABLE daily_total (account TEXT NOT NULL, day TEXT NOT NULL, kind TEXT NOT"
            " NULL, count BIGINT NOT NULL, milli BIGINT NOT NULL, first_at_us BIGINT NOT NULL,"
            " last_at_us BIGINT NOT NULL, recorded_at_us BIGINT NOT NULL,"
            " PRIMARY KEY (account, day, kind))",
            "DROP TABLE posted_customer, posted_lot, posted_arrival, posted_draw_block,"
            " posted_segment, posted_month, late_fact",
            "UPDATE alembic_version SET version_num = '0001'",
        ):
            database.execute(statement)
        for (table,) in database.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ):
            database.execute(f"ALTER TABLE {table} OWNER TO ledger_owner")
    migrations.upgrade(parse_address(office.url("migrator", "old")))
    owners = office.sql(
        "dba", "SELECT DISTINCT viewowner FROM pg_views WHERE schemaname = 'public'", "old"
    )
    assert owners == [("ledger_owner",)]
    with closing(connect(parse_address(office.url("migrator", "old")))) as database:
        ((version,),) = database.execute("SELECT version_num FROM alembic_version")
    assert version == SCHEMA_VERSION


def test_what_a_later_migration_makes_can_be_used_before_the_roles_are_made_again(
    office: Office,
) -> None:
    office.sql("migrator", "SET ROLE ledger_owner; CREATE TABLE later (x BIGINT)")
    try:
        office.sql("importer", "INSERT INTO later VALUES (1)")
        assert office.sql("auditor", "SELECT x FROM later") == [(1,)]
        assert "permission denied" in refused(office, "auditor", "DELETE FROM later")
    finally:
        office.sql("migrator", "DROP TABLE later")


# --- showing them --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "may"),
    [
        ("migrator", "yes yes yes yes"),
        ("importer", "yes yes yes no"),
        ("auditor", "yes yes no no"),
    ],
)
def test_a_login_learns_what_it_may_do(office: Office, user: str, may: str) -> None:
    ran = office.sl(user, "roles", "show")
    first, *lines = ran.out.splitlines()
    assert first.startswith(f"{user}, a member of ledger_")
    assert " ".join(line.split()[-1] for line in lines[:4]) == may
    assert "edit or delete events   no: it" in lines[4]


def test_guards_that_are_switched_off_are_shown(office: Office) -> None:
    office.sql("dba", "ALTER TABLE event_log DISABLE TRIGGER event_log_append_only")
    try:
        assert "events   YES: the triggers" in office.sl("auditor", "roles", "show").out
    finally:
        office.sql("dba", "ALTER TABLE event_log ENABLE ALWAYS TRIGGER event_log_append_only")


@pytest.mark.parametrize("command", ["create", "show"])
def test_a_file_has_no_roles(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["--database", str(tmp_path / "ledger.db"), "roles", command]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), list(tmp_path.iterdir())) == ("", 1, [])
    assert "expected a ledger on PostgreSQL, which has roles, found the SQLite file" in err


def test_the_address_is_shown_without_a_password(office: Office) -> None:
    url = office.url("dba").replace("dba@", "dba:secret@")
    ran = office.rig.run(["--database", url, "roles", "create"])
    assert ran.status == 0
    assert "secret" not in ran.screen
    assert urlsplit(url).path.strip("/") in ran.out
