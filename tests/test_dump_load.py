"""Dump and load: a ledger moves between databases byte for byte, whole or not at all."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from books import Books, books_in
from stores import PostgresStore

import migrations
from cli.session import open_database
from ledger.canonical import leaf
from ledger.database import LOCK_CLASS, parse_address
from ledger.dumps.beside import TABLES
from ledger.dumps.form import Entry, Header, Kept, Line, Totals, Writer, parse
from ledger.dumps.take import take
from ledger.totals import VIEWS

KEPT = Path(__file__).parent / "data" / "first-release.db"

DRAWING = """
    customer ab12345-ovh Europe/Rome
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4
    2026-10-01 11:00 sms 0.7
    2026-10-02 08:00 purchase 250 bill-1
    2026-10-02 09:30 correct 1 0.7
    2026-10-02 09:40 break -1 too-fine row-9
    account sms-ab12345-2
    2026-10-01 08:00 opening 10
    account sms-ab12345-1
    2026-10-03 12:00 transfer 40 sms-ab12345-2 moved-1
    customer zz99999-ovh Europe/Paris
    account sms-zz99999-1
    2026-10-02 09:00 sms 2
    2026-10-02 09:00 opening 5
    2026-10-01 09:00 opening 5 0
    2026-10-04 10:00 saw 3 held 1 jobs 1 0.7
    customer ab12345-ovh Europe/Rome
    account sms-ab12345-2
    2026-10-04 10:00 gift 2.5 thanks
"""
BESIDE = (
    "INSERT INTO alias VALUES ('ab12345-ovh', 'tag', 'Anna 0039333', '~1')",
    "INSERT INTO alias VALUES ('zz99999-ovh', 'tag', 'Zoé', '~2')",
    "INSERT INTO label VALUES ('sms-ab12345-1', 'Anna’s shop')",
    "INSERT INTO sync_run (account, read_at_us, listed_whole_on)"
    " VALUES ('sms-zz99999-1', 7, '2026-10-04')",
    "INSERT INTO examined VALUES ('ab12345-ovh', 'bill', 'FR1')",
)


@pytest.fixture
def drawn(tmp_path) -> Books:
    """A ledger of two customers whose events are interleaved."""
    made = books_in(tmp_path, "drawn.db")
    # A customer is registered once: its second mention only says where the drawing goes on.
    made.draw(DRAWING)
    with closing(made.database()) as database:
        for sql in BESIDE:
            database.execute(sql)
    return made


@pytest.fixture
def other(tmp_path) -> Books:
    """Another ledger, which is empty."""
    return books_in(tmp_path, "other.db")


@pytest.fixture
def served(postgres: PostgresStore) -> Iterator[Books]:
    """An empty ledger on a server."""
    with postgres.ledger() as url:
        yield Books(url)


def table(one: Books, sql: str) -> list[tuple[Any, ...]]:
    with closing(open_database(parse_address(str(one.path)))) as database:
        return [
            tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
            for row in database.execute(sql)
        ]


def stored(one: Books, where: str = "1 = 1") -> list[tuple[Any, ...]]:
    return table(
        one,
        "SELECT position, stream, version, s.topic, state, leaf FROM event_log"
        " JOIN stored_events s ON originator_id = stream AND originator_version = version"
        f" WHERE {where} ORDER BY position",
    )


def everything(one: Books) -> dict[str, list[tuple[Any, ...]]]:
    """Give all that two equal ledgers share, whatever database they are on."""
    tables = (*VIEWS, *(kept.name for kept in TABLES))
    found = {name: sorted(table(one, f"SELECT * FROM {name}"), key=repr) for name in tables}
    return {**found, "stored": stored(one)}


def dumped(one: Books, path: Path, *words: str) -> list[bytes]:
    ran = one.type("dump", str(path), *words)
    assert ran.status == 0, ran
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines(keepends=True)


def loaded(one: Books, path: Path) -> None:
    ran = one.type("load", str(path))
    assert ran.status == 0, ran


def is_empty(one: Books) -> bool:
    return not any(everything(one).values())


def rewritten(lines: list[Line]) -> bytes:
    """Write lines as a dump with right totals: somebody who knows the format."""
    raw: list[bytes] = []
    writer = Writer(raw.append)
    for line in lines:
        writer.add(line)
    writer.finish()
    return b"".join(raw)


# --- round trips ---------------------------------------------------------------------------


def kept_ledger(folder: Path) -> Books:
    path = folder / "kept.db"
    shutil.copyfile(KEPT, path)
    migrations.upgrade(path)
    return Books(path)


@pytest.mark.parametrize("source", ["drawn", "kept"])
def test_a_ledger_goes_to_postgresql_and_back_unchanged(source, drawn, other, served, tmp_path):
    first = drawn if source == "drawn" else kept_ledger(tmp_path)
    there = served
    one, two, three = (tmp_path / name for name in ("1.jsonl", "2.jsonl.gz", "3.jsonl"))
    lines = dumped(first, one)
    loaded(there, one)
    assert dumped(there, two)[1:-1] == lines[1:-1]
    loaded(other, two)
    assert dumped(other, three)[1:-1] == lines[1:-1]
    assert everything(first) == everything(there) == everything(other)
    for report in (["bal"], ["reg"], ["audit", "log"], ["check"]):
        shown = first.type(*report, "-O", "json")
        assert shown.rows is not None
        assert shown == there.type(*report, "-O", "json") == other.type(*report, "-O", "json")


def test_the_work_goes_on_in_the_ledger_that_was_loaded(drawn, other, tmp_path):
    dumped(drawn, tmp_path / "all.jsonl")
    loaded(other, tmp_path / "all.jsonl")
    more = "customer ab12345-ovh\naccount sms-ab12345-1\n2026-10-05 10:00 purchase 1 bill-2"
    for one in (drawn, other):
        one.commands = 100
        one.draw(more)
    assert everything(drawn) == everything(other)
    assert other.type("check").status == 0


def test_a_dump_is_a_header_then_the_log_then_the_rows_beside_it_then_totals(drawn, tmp_path):
    raw = dumped(drawn, tmp_path / "all.jsonl")
    header, *lines, totals = map(parse, raw)
    assert isinstance(header, Header)
    assert (header.whole, header.customers) == (True, ["ab12345-ovh", "zz99999-ovh"])
    events = [line for line in lines if isinstance(line, Entry)]
    rows = [line for line in lines if isinstance(line, Kept)]
    assert lines == [*events, *rows]
    assert [
        (one.position, one.stream, one.version, one.topic, one.state, bytes.fromhex(one.leaf))
        for one in events
    ] == stored(drawn)
    assert isinstance(totals, Totals)
    assert (totals.events, totals.position, totals.rows) == (len(events), len(events), 5)
    leaves = b"".join(bytes.fromhex(one.leaf) for one in events)
    assert totals.sha256 == hashlib.sha256(leaves).hexdigest()
    assert totals.lines == hashlib.sha256(b"".join(raw[:-1])).hexdigest()
    assert json.loads(raw[1]).keys() == set(Entry.__struct_fields__)


def test_the_same_ledger_makes_the_same_compressed_file(drawn, tmp_path, monkeypatch):
    class Noon:
        @staticmethod
        def now(zone):
            return datetime(2026, 10, 31, 12, tzinfo=zone)

    monkeypatch.setattr("cli.dump.datetime", Noon)
    dumped(drawn, tmp_path / "1.jsonl.gz")
    dumped(drawn, tmp_path / "2.jsonl.gz")
    assert (tmp_path / "1.jsonl.gz").read_bytes() == (tmp_path / "2.jsonl.gz").read_bytes()


def test_what_is_recorded_during_a_dump_is_not_in_it(drawn):
    raw: list[bytes] = []

    def write(line: bytes) -> None:
        if not raw:
            drawn.account, drawn.customer = "sms-ab12345-1", "ab12345-ovh"
            drawn.draw("2026-10-06 10:00 purchase 7 late")
        raw.append(line)

    before = len(stored(drawn))
    with closing(drawn.database()) as database:
        totals = take(database, write, customer=None, private=True, now=datetime.now(UTC))
    assert (totals.events, len(stored(drawn))) == (before, before + 1)


def test_an_empty_ledger_is_dumped_and_loaded(books, other, tmp_path):
    dumped(books, tmp_path / "none.jsonl")
    loaded(other, tmp_path / "none.jsonl")
    assert is_empty(other)


# --- one customer, and what is private -----------------------------------------------------


def test_one_customer_is_moved_alone_with_its_digests(drawn, other, tmp_path):
    (header, *_) = dumped(drawn, tmp_path / "one.jsonl", "--customer", "ab12345-ovh")
    assert parse(header).whole is False
    loaded(other, tmp_path / "one.jsonl")
    source, target = stored(drawn, "customer = 'ab12345-ovh'"), stored(other)
    assert [row[1:] for row in target] == [row[1:] for row in source]
    assert [row[0] for row in target] == list(range(1, len(source) + 1))
    assert [row[0] for row in source] != [row[0] for row in target]
    assert other.type("check").status == 0
    accounts = ("sms-ab12345-1", "sms-ab12345-2")
    for report in ("bal", "reg"):
        assert other.rows(report) == drawn.rows(report, *accounts)
    assert table(other, "SELECT customer, alias FROM alias") == [("ab12345-ovh", "~1")]
    assert table(other, "SELECT account FROM label") == [("sms-ab12345-1",)]
    assert table(other, "SELECT account FROM sync_run") == []


def test_an_unknown_customer_is_named_and_nothing_is_written(drawn, tmp_path):
    ran = drawn.type("dump", str(tmp_path / "one.jsonl"), "--customer", "nobody")
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "'nobody'; it has ab12345-ovh, zz99999-ovh" in ran.err
    assert not list(tmp_path.glob("*one.jsonl*"))


def test_what_may_name_a_person_is_left_out_on_demand(drawn, other, tmp_path):
    lines = dumped(drawn, tmp_path / "bare.jsonl", "--without-private")
    text = b"".join(lines).decode()
    assert "Anna" not in text
    assert "Zoé" not in text
    loaded(other, tmp_path / "bare.jsonl")
    assert table(other, "SELECT * FROM alias") == table(other, "SELECT * FROM label") == []
    assert len(table(other, "SELECT * FROM sync_run")) == 1
    assert stored(other) == stored(drawn)


def test_every_table_is_dumped_or_made_again_from_the_events(drawn):
    """A migration that adds a table has to say which."""
    made_again = {*VIEWS, "stored_events", "movement", "page_span", "projection_position"}
    made_again |= {
        "month_block",
        "page_change",
        "lot",
        "lot_arrival",
        "lot_draw_block",
        "lot_month",
        "lot_segment",
        "posted_customer",
        "posted_lot",
        "posted_arrival",
        "posted_draw_block",
        "posted_segment",
        "posted_month",
        "late_fact",
    }
    caches = {"stored_snapshots", "alembic_version"}
    found = {
        name
        for (name,) in table(
            drawn,
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
        )
    }
    assert found == {one.name for one in TABLES} | made_again | caches
    for one in TABLES:
        columns = table(drawn, f"SELECT name FROM pragma_table_info('{one.name}')")
        assert set(one.columns) == {name for (name,) in columns}, one.name


# --- the file ------------------------------------------------------------------------------


def test_a_file_that_exists_is_overwritten_only_when_forced(drawn, tmp_path):
    path = tmp_path / "all.jsonl"
    path.write_text("mine")
    ran = drawn.type("dump", str(path))
    assert (ran.status, ran.err.count("\n"), path.read_text()) == (5, 1, "mine")
    assert "--force" in ran.err
    dumped(drawn, path, "--force")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("target", [".", "no-such-folder/all.jsonl", "/dev/null"])
def test_a_target_that_is_no_file_is_refused_even_when_forced(drawn, tmp_path, target):
    ran = drawn.type("dump", str(tmp_path / target), "--force")
    assert (ran.status, ran.err.count("\n")) == (5, 1), ran
    assert ran.err.startswith("sms-ledger: expected ")
    assert not Path("/dev/null").is_file()


def test_a_dump_that_breaks_off_leaves_no_file(drawn, tmp_path):
    with closing(sqlite3.connect(drawn.path)) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE stored_events SET state = x'7b7d' WHERE rowid = 3")
        connection.commit()
    folder = tmp_path / "backups"
    folder.mkdir()
    ran = drawn.type("dump", str(folder / "all.jsonl"))
    assert (ran.status, ran.err.count("\n")) == (4, 1)
    assert "sms-ledger check" in ran.err
    assert list(folder.iterdir()) == []


def test_a_mistyped_ledger_is_not_dumped_as_an_empty_one(tmp_path):
    ran = Books(tmp_path / "typo.db").type("dump", str(tmp_path / "all.jsonl"))
    assert ran.status == 6
    assert "typo.db" in ran.err
    assert list(tmp_path.iterdir()) == []


def process(one: Books, *words: str, **options: Any) -> subprocess.Popen[bytes]:
    start = [sys.executable, "-c", "from cli import main; main()", "--database", str(one.path)]
    return subprocess.Popen([*start, *words], stdin=subprocess.PIPE, **options)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_ledger_goes_through_pipes(drawn, other, pack: Callable[[bytes], bytes]):
    out = process(drawn, "dump", "-", stdout=subprocess.PIPE).communicate()[0]
    into = process(other, "load", "-", stdout=subprocess.PIPE)
    told, _ = into.communicate(pack(out))
    assert into.returncode == 0
    assert b"standard input" in told
    assert everything(other) == everything(drawn)


# --- files that are not believed -----------------------------------------------------------


def changed_state(raw: bytes) -> bytes:
    line = json.loads(raw)
    state = bytearray(base64.b64decode(line["state"]))
    state[10] ^= 1
    line["state"] = base64.b64encode(state).decode()
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def with_format(raw: list[bytes], name: bytes) -> list[bytes]:
    return [raw[0].replace(b"sms-ledger-dump/1", name), *raw[1:]]


# How a file is spoilt, at which line that is found (from the file's end where it is not above
# zero), and what is said.
SPOILT: dict[str, tuple[Callable[[list[bytes]], list[bytes]], int, str]] = {
    "empty": (lambda raw: [], 1, "cut off"),
    "something else": (lambda raw: [b"kind,id\n", b"sms,1\n"], 1, "it is no dump"),
    "binary": (lambda raw: [bytes(range(256))], 1, "it is no dump"),
    "another format": (lambda raw: with_format(raw, b"acme-dump/1"), 1, "'acme-dump/1'"),
    "newer format": (
        lambda raw: with_format(raw, b"sms-ledger-dump/2"),
        1,
        "update the program",
    ),
    "strange header": (lambda raw: [raw[0].replace(b'"whole"', b'"hole"')], 1, "`hole`"),
    "cut in a line": (lambda raw: [*raw[:5], raw[5][:40]], 6, "cut off"),
    "cut after a line": (lambda raw: raw[:6], 7, "cut off"),
    "no last line": (lambda raw: raw[:-1], 0, "cut off"),
    "changed state": (
        lambda raw: [*raw[:4], changed_state(raw[4]), *raw[5:]],
        5,
        "an event with the digest",
    ),
    "changed topic": (
        lambda raw: [*raw[:4], raw[4].replace(b'"sms.', b'"smz.'), *raw[5:]],
        5,
        "an event with the digest",
    ),
    "swapped lines": (
        lambda raw: [*raw[:4], raw[5], raw[4], *raw[6:]],
        5,
        "position 4, found position 5",
    ),
    "line twice": (
        lambda raw: [*raw[:5], *raw[4:]],
        6,
        "position 5, found position 4",
    ),
    "line missing": (
        lambda raw: [*raw[:4], *raw[5:]],
        5,
        "position 4, found position 5",
    ),
    "last event missing": (
        lambda raw: [line for line in raw if b'{"position":18,' not in line],
        -1,
        "the total events",
    ),
    "row missing": (lambda raw: [*raw[:-2], raw[-1]], -1, "the total rows"),
    "row changed": (
        lambda raw: [line.replace(b"FR1", b"FR2") for line in raw],
        -1,
        "the total lines",
    ),
    "header changed": (
        lambda raw: [raw[0].replace(b'"zz9', b'"zz8'), *raw[1:]],
        -1,
        "the total lines",
    ),
    "not JSON": (lambda raw: [*raw[:3], b"\0\n", *raw[3:]], 4, "another kind"),
    "header twice": (lambda raw: [raw[0], *raw], 2, "one header"),
    "more lines": (lambda raw: [*raw, raw[1]], -1, "more lines"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_file_is_refused_at_its_line_and_nothing_is_loaded(
    how, drawn, other, tmp_path
):
    spoil, number, said = SPOILT[how]
    raw = dumped(drawn, tmp_path / "all.jsonl")
    assert stored(drawn)[-1][0] == 18
    spoilt = spoil(raw)
    path = tmp_path / "spoilt.jsonl"
    path.write_bytes(b"".join(spoilt))
    ran = other.type("load", str(path))
    assert (ran.status, ran.out, ran.err.count("\n")) == (5, "", 1), ran
    at = number if number > 0 else len(spoilt) + 1 + number
    assert f"spoilt.jsonl: line {at}: expected " in ran.err
    assert said in ran.err
    assert is_empty(other)
    loaded(other, tmp_path / "all.jsonl")
    assert everything(other) == everything(drawn)


def test_a_file_that_is_only_named_like_gzip_is_refused(drawn, other, tmp_path):
    dumped(drawn, tmp_path / "all.jsonl")
    shutil.copyfile(tmp_path / "all.jsonl", tmp_path / "all.jsonl.gz")
    ran = other.type("load", str(tmp_path / "all.jsonl.gz"))
    assert (ran.status, ran.err.count("\n")) == (5, 1)
    assert "expected gzip" in ran.err


@pytest.mark.parametrize("left", [5, 200, -4])
def test_a_compressed_file_that_is_cut_off_is_refused(drawn, other, tmp_path, left):
    path = tmp_path / "all.jsonl.gz"
    dumped(drawn, path)
    path.write_bytes(path.read_bytes()[:left])
    ran = other.type("load", str(path))
    assert (ran.status, ran.err.count("\n")) == (5, 1), ran
    assert "line " in ran.err
    assert is_empty(other)


@pytest.mark.parametrize("name", [".", "missing.jsonl"])
def test_what_cannot_be_read_is_refused_before_a_ledger_is_made(tmp_path, name):
    ran = Books(tmp_path / "new.db").type("load", str(tmp_path / name))
    assert (ran.status, ran.err.count("\n")) == (5, 1), ran
    assert not (tmp_path / "new.db").exists()


def test_an_event_that_a_newer_program_wrote_is_refused(drawn, other, tmp_path):
    lines = [parse(raw) for raw in dumped(drawn, tmp_path / "all.jsonl")][:-1]
    topic, entry = "sms.something-new.1", lines[3]
    assert isinstance(entry, Entry)
    digest = leaf(entry.stream, entry.version, topic, entry.state).hex()
    lines[3] = msgspec.structs.replace(entry, topic=topic, leaf=digest)
    (tmp_path / "new.jsonl").write_bytes(rewritten(lines))
    ran = other.type("load", str(tmp_path / "new.jsonl"))
    assert (ran.status, ran.err.count("\n")) == (5, 1)
    assert "line 4" in ran.err
    assert "update the program" in ran.err
    assert is_empty(other)


def test_events_that_do_not_follow_from_each_other_are_refused(drawn, other, tmp_path):
    """A page of an account that was never opened, in a file whose digests are right."""
    header, *lines, _ = [parse(raw) for raw in dumped(drawn, tmp_path / "all.jsonl")]
    page = next(one for one in lines if isinstance(one, Entry) and "page" in one.topic)
    alone = msgspec.structs.replace(page, position=1)
    (tmp_path / "odd.jsonl").write_bytes(
        rewritten([msgspec.structs.replace(header, events=1), alone])
    )
    ran = other.type("load", str(tmp_path / "odd.jsonl"))
    assert (ran.status, ran.err.count("\n")) == (5, 1), ran
    assert is_empty(other)


def test_a_row_of_an_unknown_table_is_refused(drawn, other, tmp_path):
    lines = [parse(raw) for raw in dumped(drawn, tmp_path / "all.jsonl")][:-1]
    lines.append(Kept("stored_events", {"topic": "x"}))
    (tmp_path / "odd.jsonl").write_bytes(rewritten(lines))
    ran = other.type("load", str(tmp_path / "odd.jsonl"))
    assert ran.status == 5
    assert "'stored_events'" in ran.err
    assert is_empty(other)


# --- a ledger that is not empty, and ends in the middle -------------------------------------


def test_a_ledger_with_something_in_it_is_left_alone(drawn, other, tmp_path):
    dumped(drawn, tmp_path / "all.jsonl")
    other.draw("customer one\naccount sms-one-1")
    before = everything(other)
    ran = other.type("load", str(tmp_path / "all.jsonl"))
    assert (ran.status, ran.err.count("\n")) == (5, 1)
    assert "found 2 × event_log" in ran.err
    assert everything(other) == before


def test_labels_alone_make_a_ledger_that_is_not_empty(drawn, other, tmp_path):
    dumped(drawn, tmp_path / "all.jsonl")
    with closing(other.database()) as database:
        database.execute("INSERT INTO label VALUES ('sms-one-1', 'x')")
    ran = other.type("load", str(tmp_path / "all.jsonl"))
    assert ran.status == 5
    assert "found 1 × label" in ran.err


def test_loading_the_same_dump_again_does_nothing(drawn, other, tmp_path):
    dumped(drawn, tmp_path / "all.jsonl")
    loaded(other, tmp_path / "all.jsonl")
    before = everything(other)
    ran = other.type("load", str(tmp_path / "all.jsonl"))
    assert ran.status == 0
    assert "loaded before" in ran.out
    assert everything(other) == before


def is_loading(one: Books) -> bool:
    """Tell whether a load holds the ledger's lock."""
    if not isinstance(one.path, Path):
        locks = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"
        here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        return table(one, f"{locks} AND granted AND classid = {LOCK_CLASS} AND {here}") != []
    with closing(sqlite3.connect(one.path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
    return False


@pytest.mark.parametrize(
    ("where", "how"),
    [
        ("sqlite", signal.SIGKILL),
        ("sqlite", signal.SIGINT),
        ("postgresql", signal.SIGKILL),
    ],
)
def test_a_load_that_is_ended_in_the_middle_leaves_an_empty_ledger(
    books, tmp_path, request, where, how
):
    if where == "sqlite":
        target = books_in(tmp_path, "other.db")
    else:
        target = request.getfixturevalue("served")
    many = "\n".join(f"2026-10-02 08:00 purchase 1 bill-{n}" for n in range(450))
    books.draw(f"customer one\naccount sms-one-1\n{many}", together=True)
    lines = dumped(books, tmp_path / "all.jsonl")
    running = process(target, "load", "-", stderr=subprocess.PIPE)
    assert running.stdin
    running.stdin.write(b"".join(lines[:440]))
    running.stdin.flush()
    deadline = time.monotonic() + 20
    while not is_loading(target) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)  # let it insert
    os.kill(running.pid, how)
    running.communicate()
    assert running.returncode == (130 if how == signal.SIGINT else -how)
    assert is_empty(target)
    assert target.type("bal").status == 0
    loaded(target, tmp_path / "all.jsonl")
    assert everything(target) == everything(books)
