"""`sync --every`: it goes on until it is stopped, alone for its customer, and tells so."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from loops import looping
from rigs import events_of, rig


@pytest.fixture
def made(store, tmp_path):
    """A sandbox and an empty ledger, on either database."""
    with rig(tmp_path, store=store) as made:
        assert made.sl("migrate").status == 0
        yield made


@pytest.fixture
def small(sqlite, tmp_path):
    with rig(tmp_path, store=sqlite) as made:
        sqlite.begin_again(made.database)
        yield made


def slow(made, *, times=99):
    made.ovh.do("fault", match="GET /sms/*/outgoing/*", kind="slow", seconds=5, times=times)


def until(happened, seconds=30):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- rounds --------------------------------------------------------------------------------


def test_rounds_go_on_and_record_what_is_new(made):
    with looping(made) as loop:
        first = loop.wait_for("round ended")
        made.ovh.do("advance", by="1m")
        made.ovh.do("send", account="sms-ab12345-1", count=3)
        second = loop.next("round started")
        ended = loop.wait_for("round ended", after=len(loop.lines))
        status = loop.end()
    assert status == 0
    assert (first["round"], first["profile"]) == (1, made.profiles[0])
    assert first["customer"] == "ab12345-ovh"
    assert first["lines"] > 0
    assert first["purchases"] > 0
    assert second["round"] > 1
    assert ended["requests"] < first["requests"] + 20
    assert loop.lines[-1]["event"] == "stopped"
    assert sum(line.get("lines", 0) for line in loop.lines) == first["lines"] + 3
    assert made.balances() == made.owned()


def test_each_round_is_a_command_of_its_own(small):
    with looping(small) as loop:
        loop.wait_for("round ended")
        small.ovh.do("send", account="sms-ab12345-1")
        loop.next("round started")
        loop.next("round ended")
        loop.end()
    commands = {event.command_id for _, event in events_of(small.database)}
    assert len(commands) == 2


def test_all_profiles_are_read_and_trouble_with_one_is_not_the_others(sqlite, tmp_path):
    with rig(tmp_path, "default", store=sqlite, messages=60) as made:
        sqlite.begin_again(made.database)
        assert len(made.profiles) > 1
        made.ovh.do("fault", match="GET /auth/time", kind="malformed", times=1)
        with looping(made, "--all-profiles", every="20s") as loop:
            loop.wait_for("OVH lost")
            until(lambda: loop.events().count("round ended") == len(made.profiles))
            loop.wait_for("OVH back")
            assert loop.end() == 0
        ended = [line for line in loop.lines if line["event"] == "round ended"]
        assert {line["profile"] for line in ended} == set(made.profiles)
        assert made.balances() == made.owned()


def test_many_rounds_take_no_more_memory_connections_or_threads(made):
    def size(loop):
        at = Path(f"/proc/{loop.process.pid}")
        pages = int((at / "statm").read_text().split()[1])
        return (
            pages * 4096,
            len(list((at / "fd").iterdir())),
            len(list((at / "task").iterdir())),
        )

    made.sl("sync")
    with looping(made, every="0s") as loop:
        until(lambda: loop.events().count("round ended") >= 4)
        memory, files, threads = size(loop)
        until(lambda: loop.events().count("round ended") >= 12, seconds=60)
        later = size(loop)
        loop.end()
    assert later[0] < memory + 4_000_000
    # a round that is under way has connections of its own
    assert later[1] <= files + 8
    assert later[2] <= threads + 4


# --- stopping ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "status", "when"),
    [(signal.SIGTERM, 0, "in a round"), (signal.SIGINT, 130, "between rounds")],
)
def test_a_signal_ends_it_at_once_and_whole(made, number, status, when):
    if when == "in a round":
        slow(made)
    with looping(made, every="1h") as loop:
        if when == "in a round":
            until(lambda: len(made.ovh.requests) > 10)
        else:
            loop.wait_for("round ended")
        asked = time.monotonic()
        assert loop.end(number) == status
        assert time.monotonic() - asked < 4
    assert loop.lines[-1]["event"] == "stopped"
    assert (loop.lines[-1]["signal"], loop.lines[-1]["status"]) == (number.name, status)
    made.ovh.do("clear-faults")
    made.sync()
    assert made.balances() == made.owned()
    assert made.sl("check").status == 0


# --- one loop a customer -------------------------------------------------------------------


def test_a_second_loop_waits_says_so_once_and_takes_over_from_a_killed_one(made):
    with looping(made) as first:
        first.wait_for("round ended")
        with looping(made) as second:
            second.wait_for("waiting for another loop to end")
            first.next("round ended")
            first.next("round ended")
            assert second.events() == ["waiting for another loop to end"]
            assert made.sl("sync").status == 0, "a single one needs no lock"
            first.end(signal.SIGKILL)
            second.wait_for("lock taken")
            second.wait_for("round ended")
            assert second.end() == 0
    assert made.balances() == made.owned()


def test_loops_of_two_customers_do_not_wait_for_each_other(tmp_path):
    with rig(tmp_path, "default", messages=60) as made:
        names = made.profiles[:2]
        made.sl("migrate")
        with looping(made) as one:
            made.profiles = names[1:]
            with looping(made) as other:
                one.wait_for("round ended")
                other.wait_for("round ended")
                assert {one.lines[0]["profile"], other.lines[0]["profile"]} == set(names)


def test_a_lock_that_went_with_its_connection_is_taken_again(tmp_path, postgres):
    import psycopg

    with rig(tmp_path, store=postgres) as made:
        held = (
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND objid <> 1 AND database = (SELECT oid FROM pg_database"
            " WHERE datname = current_database())"
        )
        with looping(made) as loop, psycopg.connect(made.database, autocommit=True) as admin:
            loop.wait_for("round ended")
            ((pid,),) = admin.execute(held).fetchall()
            admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
            loop.wait_for("lock lost")
            loop.wait_for("round ended", after=loop.events().index("lock lost"))
            ((again,),) = admin.execute(held).fetchall()
            assert again != pid
            assert loop.end() == 0
            assert admin.execute(held).fetchall() == []


# --- what ends it, and what does not -------------------------------------------------------


@pytest.mark.parametrize("interval", ["9s", "0s", "5", "soon", "-1m", "1w"])
def test_an_interval_that_is_none_or_too_short_is_refused(small, interval):
    ran = small.sl("sync", "--every", interval)
    assert (ran.status, ran.err.count("\n"), ran.out) == (2, 1, "")
    assert len(small.ovh.requests) == 0


def test_a_loop_that_records_nothing_is_refused(small):
    ran = small.sl("sync", "--every", "5m", "--dry-run")
    assert (ran.status, ran.err.count("\n")) == (2, 1)


def test_what_waiting_does_not_heal_ends_it_with_its_status(small, tmp_path):
    assert small.sl("sync", "--every", "5m", profile="nobody").status == 2
    with looping(small, "sms-zz99999-1") as loop:
        assert loop.wait() == 2
    assert loop.lines[-1]["event"] == "stopped"
    assert "sms-zz99999-1" in loop.lines[-1]["error"]
    small.database = tmp_path / "text.db"
    small.database.write_text("no ledger")
    ran = small.sl("sync", "--every", "5m")
    assert (ran.status, ran.err.count("\n")) == (6, 1)


def test_a_ledger_that_a_newer_program_migrated_ends_it_with_status_6(small):
    with looping(small) as loop:
        loop.wait_for("round ended")
        with sqlite3.connect(small.database) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.close()
        assert loop.wait() == 6
    assert "update the program" in loop.lines[-1]["error"]


def test_a_ledger_that_is_gone_is_waited_for_and_not_made_anew(small, tmp_path):
    with looping(small) as loop:
        with loop.held():
            away = Path(small.database).rename(tmp_path / "away.db")
        assert "gone" in loop.wait_for("database lost")["error"]
        assert not Path(small.database).exists()
        away.rename(small.database)
        loop.wait_for("database back")
        assert loop.end() == 0


def test_ovh_that_is_down_is_tried_again_ever_more_slowly(small):
    with looping(small, every="20s") as loop:
        loop.wait_for("round ended")
        loop.end()
    small.ovh.do("fault", match="* *", kind="malformed", times=4)
    with looping(small, every="20s") as loop:
        back = loop.wait_for("OVH back")
        assert loop.end() == 0
    lost = [line for line in loop.lines if line["event"] == "OVH lost"]
    assert [line["failures"] for line in lost] == [1, 2, 3, 4]
    waits = [line["again_in_s"] for line in lost]
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8], rel=0.05)
    assert back["after_s"] >= sum(waits)


# --- the log -------------------------------------------------------------------------------


def test_the_log_tells_every_request_when_asked_and_never_a_secret(small):
    with looping(small, "--verbose") as loop:
        loop.wait_for("round ended")
        loop.end()
    requests = [line for line in loop.lines if line["event"].startswith("GET /")]
    assert any(line["event"].startswith("GET /sms/{serviceName}/outgoing") for line in requests)
    assert {line["profile"] for line in loop.lines[:-1]} == {small.profiles[0]}
    for key in small.ovh.credentials.values():
        for secret in (key.application_secret, key.consumer_key, key.application_key):
            assert not any(secret in line for line in loop.written)


def test_people_may_have_text(small):
    with looping(small, "--log", "text", every="1h") as loop:
        until(lambda: any("round ended" in line for line in loop.written))
        loop.end()
    assert all(line.endswith("\n") and not line.startswith("{") for line in loop.written)
    assert " info round ended profile=rig" in "".join(loop.written)


def test_a_single_synchronisation_says_what_it_always_said(small):
    plain = small.sl("sync")
    assert plain.status == 0
    assert "{" not in plain.screen
    verbose = small.sl("sync", "--verbose", "--log", "json")
    assert "nothing new" in verbose.out
    logged = [line for line in verbose.err.splitlines() if line.startswith("{")]
    assert all("GET /" in json.loads(line)["event"] for line in logged)
    assert logged
