"""Whatever goes wrong: one line, the right status, and the next run carries on."""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest
from rigs import rig


@pytest.fixture(scope="module")
def undisturbed(sqlite, tmp_path_factory):
    # What a synchronisation comes to is one thing, whichever database holds it.
    with rig(tmp_path_factory.mktemp("undisturbed"), store=sqlite) as made:
        made.sync()
        return made.figures()


EVENTS = "SELECT COUNT(*) FROM event_log"
FAULTS = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429},
    {"kind": "html", "status": 502},
    {"kind": "empty"},
    {"kind": "truncated"},
    {"kind": "malformed"},
    {"kind": "reset"},
    {"kind": "cut"},
]


@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}"
)
# The gateway fails before the database is asked: at the latest place, on both of them.
@pytest.mark.parametrize(
    ("store", "after"),
    [("sqlite", 0), ("sqlite", 4), ("sqlite", 12), ("postgresql", 12)],
    indirect=["store"],
)
def test_a_fault_of_ovh_ends_with_status_3_and_the_next_run_goes_on(  # noqa: PLR0917
    store, tmp_path, undisturbed, fault, after, monkeypatch
):
    monkeypatch.setattr("time.sleep", lambda _: None)
    with rig(tmp_path, store=store) as made:
        made.ovh.do("fault", match="* *", after=after, times=50, **fault)
        ran = made.sl("sync")
        assert ran.status == 3, ran
        assert ran.err.count("sms-ledger:") == 1
        assert "Traceback" not in ran.err
        made.ovh.do("clear-faults")
        made.sync()
        assert made.figures() == undisturbed


def test_a_short_fault_is_not_even_noticed(store, tmp_path, undisturbed, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    with rig(tmp_path, store=store) as made:
        made.ovh.do("fault", match="* *", after=6, times=2, kind="status", status=503)
        assert made.sl("sync").status == 0
        assert made.figures() == undisturbed


def test_a_synchronisation_killed_at_random_moments_ends_as_an_undisturbed_one(
    store, tmp_path, undisturbed
):
    """In turn by what it asked and by what it recorded: the same moments however slow it is."""
    chance = random.Random(f"moments on {store.name}")
    rounds = 10 if store.name == "sqlite" else 4
    with rig(tmp_path, store=store) as made:
        asked_before = 0

        def asked():
            return len(made.ovh.requests) - asked_before

        def recorded():
            return made.table(EVENTS)[0][0]

        made.sl("bal")  # the schema is there; what is killed is the synchronisation
        made.start("sync").communicate()
        in_all = {asked: asked(), recorded: recorded()}
        found = []
        for number in range(rounds):
            store.begin_again(made.database)
            asked_before = len(made.ovh.requests)
            measure = (asked, recorded)[number % 2]
            enough = (number + chance.random()) / rounds * in_all[measure]
            with made.start("sync") as killed, closing(made.look(EVENTS)) as looks:
                reached = asked if measure is asked else lambda: next(looks)[0][0]
                while reached() < enough and killed.poll() is None:
                    time.sleep(0.001)
                killed.send_signal(signal.SIGKILL)
                killed.communicate()
            found.append(recorded())
            made.sync()
            assert made.figures() == undisturbed
            assert made.sl("check").status == 0
        assert len(set(found)) > rounds / 2, "the kills all fell into the same moment"


def test_two_synchronisations_at_once_count_nothing_twice(store, tmp_path, undisturbed):
    with rig(tmp_path, store=store) as made:
        both = [made.start("sync") for _ in range(2)]
        ends = [(process.communicate(), process.returncode) for process in both]
        assert [status for _, status in ends] == [0, 0], ends
        made.sync()
        assert made.figures() == undisturbed
        assert made.sl("check").status == 0


def test_ctrl_c_ends_with_130_and_one_line(store, tmp_path, undisturbed):
    with rig(tmp_path, store=store) as made:
        made.sl("bal")
        made.ovh.do("fault", match="GET /sms/*/outgoing/*", kind="slow", seconds=5, times=9)
        interrupted = made.start("sync")
        deadline = time.monotonic() + 20
        while len(made.ovh.requests) < 10 and time.monotonic() < deadline:
            time.sleep(0.01)
        interrupted.send_signal(signal.SIGINT)
        _, err = interrupted.communicate()
        assert interrupted.returncode == 130
        # click moves past the terminal's ^C with an empty line of its own
        assert err.strip().count("\n") == 0
        assert "interrupted" in err
        made.ovh.do("clear-faults")
        made.sync()
        assert made.figures() == undisturbed


def test_a_full_disk_ends_with_status_6_and_nothing_half_recorded(
    sqlite, tmp_path, undisturbed
):
    with rig(tmp_path, store=sqlite) as made:
        made.sl("bal")
        size = Path(made.database).stat().st_size

        def small_disk():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, size + 20_000))

        full = made.start("sync", preexec_fn=small_disk)
        _, err = full.communicate()
        assert full.returncode == 6, err
        assert err.count("\n") == 1
        made.sync()
        assert made.figures() == undisturbed
        assert made.sl("check").status == 0


def test_nobody_at_the_address_is_status_3(sqlite, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    with rig(tmp_path, store=sqlite) as made:
        pass
    ran = made.sl("sync")
    assert ran.status == 3
    assert "127.0.0.1" in ran.err


def test_no_credentials_is_misuse_and_says_where_they_go(sqlite, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with rig(tmp_path, store=sqlite) as made:
        os.truncate(made.conf, 0)
        ran = made.sl("sync")
    assert ran.status == 2
    assert "~/.ovh.conf" in ran.err


def test_a_wrong_secret_is_status_3_and_is_not_shown(sqlite, tmp_path):
    with rig(tmp_path, store=sqlite) as made:
        key = next(iter(made.ovh.credentials.values()))
        text = made.conf.read_text()
        made.conf.write_text(text.replace(key.application_secret, "wrong" * 6))
        ran = made.sl("sync")
    assert ran.status == 3
    assert "wrongwrong" not in ran.err


def test_a_clock_that_is_off_is_status_3_and_named(sqlite, tmp_path):
    with rig(tmp_path, store=sqlite) as made:
        made.ovh.do("fault", match="GET /auth/time", kind="skew", seconds=4000, times=9)
        ran = made.sl("sync")
    assert ran.status == 3
    assert "clock" in ran.err
