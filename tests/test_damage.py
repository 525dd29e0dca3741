"""A damaged ledger: every command tells damage in one line, none breaks down or never ends.

Values of any column, bytes of any page of the file, characters of any stored event and whole
tables are damaged by seeds; all commands that read are then typed. `make soak` takes hundreds.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random

import pytest
import stores
from books import Books, Ran, books_in
from tampering import disarmed, flipped

import cli

SOAK = os.environ.get("SMS_LEDGER_SOAK") == "1"
SEEDS = 150 if SOAK else 12
TYPED = 100 if SOAK else 8
LONGEST_S = 20

DRAWING = """
    customer ab12345-ovh Europe/Rome
    account sms-ab12345-2
    2026-09-30 09:00 opening 0
    account sms-ab12345-1
    2026-09-30 09:00 opening 100
    2026-10-01 09:00 purchase 250 b-1
    2026-10-01 10:00 sms 1.4 tag=otp country=IT user=anna
    2026-10-01 11:00 sms 0.7
    2026-10-01 12:00 reply 0.1
    2026-10-02 09:00 correct 1 0.7
    2026-10-02 10:00 transfer 50 sms-ab12345-2 t-1
    2026-10-02 12:00 saw 297.5
    2026-11-02 12:00 sms 1
    2026-11-03 12:00 saw 300
    account sms-ab12345-2
    2026-10-02 12:00 saw 30
    customer cd67890-ovh Europe/Paris
    account sms-cd67890-1
    2026-10-01 09:00 opening 10
    2026-10-03 09:00 gift 5 g-1
"""
READING = [
    "bal", "reg", "reg --lots", "stmt sms-ab12345-1", "stmt sms-ab12345-1 --lines --lots",
    "cost", "cost --by tag", "lots", "lots --draws", "value", "export hledger",
    "export beancount", "account list", "account show sms-ab12345-1", "recon run",
    "recon show", "recon explain sms-ab12345-1", "recon breaks --all", "audit log",
    "audit show 5", "audit show sms-ab12345-1 consumption 1", "audit verify",
    "audit proof 5", "audit proof --from 3", "audit export -o OUT/audit", "check",
    "check --full", "privacy list", "forecast", "transfer list", "rates show",
    "recharge show", "close status --all", "sheet -p 2026-10", "export entries -p 2026-10",
    "bal --known-at 6", "reg --known-at 9", "lots --known-at 12",
    "recon run --as-of 2026-10-02", "dump OUT/ledger.dump",
]  # fmt: skip

Damage = Callable[[Path, Random], None]


def tables(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
    return [name for (name,) in found if not name.startswith(("sqlite_", "alembic_"))]


ODD = ["x", "", b"\x00\xff", 2.5, -1, 0, 2**63 - 1, -(2**63), None, "12", "2026-13-45", "é"]


def change_a_value(path: Path, chance: Random) -> None:
    """Put something odd into a column; a file takes anything into any."""
    with closing(disarmed(path)) as connection:
        filled = [
            table
            for table in tables(connection)
            if connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()
        ]
        while not _changed(connection, chance.choice(filled), chance):
            pass  # two rows of one key, or none: the file refuses that


def _changed(connection: sqlite3.Connection, table: str, chance: Random) -> bool:
    described = connection.execute(f"PRAGMA table_info({table})").fetchall()
    columns = [row[1] for row in described]
    keys = [row[1] for row in described if row[5]] or ["rowid"]
    ((count,),) = connection.execute(f"SELECT COUNT(*) FROM {table}")
    key = connection.execute(
        f"SELECT {', '.join(keys)} FROM {table} LIMIT 1 OFFSET {chance.randrange(count)}"
    ).fetchone()
    where = " AND ".join(f"{name} = ?" for name in keys)
    change = f"UPDATE {table} SET {chance.choice(columns)} = ? WHERE {where}"
    try:
        return connection.execute(change, (chance.choice(ODD), *key)).rowcount == 1
    except sqlite3.IntegrityError:
        return False


def change_bytes_of_the_file(path: Path, chance: Random) -> None:
    data = bytearray(path.read_bytes())
    first = chance.randrange(len(data))
    for at in range(first, min(first + chance.choice([1, 1, 8, 64]), len(data))):
        data[at] ^= chance.randrange(1, 256)
    path.write_bytes(data)


def change_a_state(path: Path, chance: Random) -> None:
    """Change one character of a stored event: a bit, another sign, one less or one more."""
    with closing(disarmed(path)) as connection:
        rows = connection.execute("SELECT rowid, state FROM stored_events").fetchall()
        row, state = chance.choice(rows)
        at = chance.randrange(len(state))
        sign = bytes([chance.choice(b'0123456789"{}[],:-')])
        changed = chance.choice(
            [
                flipped(state, chance),
                state[:at] + sign + state[at + 1 :],
                state[:at] + state[at + 1 :],
                state[:at] + sign + state[at:],
            ]
        )
        connection.execute("UPDATE stored_events SET state = ? WHERE rowid = ?", (changed, row))


def drop_a_table(path: Path, chance: Random) -> None:
    with closing(disarmed(path)) as connection:
        connection.execute(f"DROP TABLE {chance.choice(tables(connection))}")


# --- whatever the damage is ----------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger in one file, with every report's tables and a decision."""
    books = books_in(tmp_path_factory.mktemp("whole")).draw(DRAWING)
    named = "sms-ab12345-2/20261002"
    assert books.type("recon", "accept", named, "--reason", "a test").status == 0
    for command in READING:
        if "OUT" not in command:
            assert books.type(*command.split()).status in {0, 1}, command
    path = Path(books.path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    return path


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize(
    "damage",
    [change_a_value, change_bytes_of_the_file, change_a_state, drop_a_table],
    ids=lambda one: one.__name__,
)
def test_damage_is_told_in_one_line_and_ends_no_command_otherwise(
    whole: Path, tmp_path: Path, damage: Damage, seed: int
) -> None:
    chance = Random(f"{damage.__name__} {seed}")
    path = tmp_path / "ledger.db"
    shutil.copy(whole, path)
    damage(path, chance)
    for number, command in enumerate(chance.sample(READING, min(TYPED, len(READING)))):
        out = tmp_path / str(number)
        out.mkdir()
        ran = typed(path, *command.replace("OUT", str(out)).split())
        # 2: what is named is no longer there. 6: what is left is no ledger.
        assert ran.status in {0, 1, 2, 3, 4, 6}, (command, ran)
        told = [line for line in ran.err.splitlines() if line.startswith("sms-ledger: ")]
        assert len(told) == (ran.status in {2, 6} or (ran.status == 4 and not ran.out)), ran
        assert "Traceback" not in ran.out + ran.err


def typed(path: Path, *words: str) -> Ran:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), within(LONGEST_S):
        status = cli.run(["--database", str(path), "--actor", "tester", *words])
    return Ran(status, out.getvalue(), err.getvalue())


class TooLong(BaseException):
    """A command that does not end."""


@contextmanager
def within(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# --- single kinds of damage, and what is said of them --------------------------------------


@pytest.fixture
def story(books: Books) -> Books:
    return books.draw(DRAWING)


@pytest.mark.parametrize("command", ["bal", "audit verify", "check", "check --full"])
def test_a_table_that_is_missing_is_damage_not_another_database(
    story: Books, command: str
) -> None:
    """The version of the schema says that it is there: somebody took it away."""
    for table in ("event_chain", "tree_head", "account"):
        stores.damage(story.url, f"ALTER TABLE {table} RENAME TO gone_{table}")
    ran = story.type(*command.split())
    assert ran.status == 4
    assert any(f"{table}" in ran.err + ran.out for table in ("event_chain", "account"))


def test_a_hole_in_the_log_ends_a_report_that_would_wait_for_what_never_comes(
    story: Books,
) -> None:
    stores.damage(
        story.url,
        "UPDATE event_log SET position = 1000000000 WHERE position ="
        " (SELECT MAX(position) FROM event_log)",
    )
    with within(LONGEST_S):
        ran = story.type("reg")
    assert (ran.status, ran.out) == (4, "")
    assert "found that it goes on without it; type `sms-ledger check`" in ran.err


@pytest.mark.parametrize("at_us", [2**62, -(2**62)])
def test_a_time_outside_the_calendar_is_damage(story: Books, at_us: int) -> None:
    assert story.type("reg").status == 0
    changed = "UPDATE movement SET at_us = :at_us WHERE kind = 'purchase'"
    stores.damage(story.url, changed, at_us=at_us)
    ran = story.type("account", "show", "sms-ab12345-1")
    assert (ran.status, ran.out) == (4, "")
    assert f"expected a stored time of the years 2 to 9998, found {at_us}" in ran.err


@pytest.mark.parametrize("value", ["x", b"\x00", 2.5])
def test_a_column_of_another_type_is_told_by_the_command_that_it_ended(
    sqlite_books: Books, value: object
) -> None:
    sqlite_books.draw(DRAWING)
    assert sqlite_books.type("reg").status == 0
    stores.damage(sqlite_books.url, "UPDATE movement SET milli = :value", value=value)
    for command in (["recon", "run"], ["reg"], ["check"]):
        ran = sqlite_books.type(*command)
        assert ran.status == 4, (command, ran)
        assert "expected whole numbers in milli, found" in ran.err + ran.out


def test_a_fault_of_the_program_is_not_taken_for_damage(
    sqlite_books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_books.draw(DRAWING)
    monkeypatch.setattr("projections.balances.balances_now", lambda *_, **__: 1 / 0)
    # Reading every line of a large ledger takes minutes: who asked for `bal` does not wait.
    monkeypatch.setattr("projections.integrity._lines", lambda *_: 1 / 0)
    ran = sqlite_books.type("bal")
    assert (ran.status, ran.out) == (70, "")
    assert ran.err.startswith("sms-ledger: internal error (ZeroDivisionError")
