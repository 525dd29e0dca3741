"""A database that goes away, by restart, network or full disk: waited for, nothing twice."""

from __future__ import annotations

import random
import resource
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import proxies
import psycopg
import pytest
import servers
from loops import fresh, looping
from rigs import rig

from ledger.canonical import decode
from ledger.events import CreditsPurchased, PageRecorded
from ledger.pages import unpack


@pytest.fixture(scope="module")
def server():
    with servers.server(durable=True) as made:
        yield made


@pytest.fixture
def proxy(server):
    with proxies.before(server.port) as made:
        yield made


@contextmanager
def rig_on(folder, server, proxy=None):
    """A sandbox and a ledger on PostgreSQL, which commands reach through the proxy."""
    with rig(folder) as made:
        made.database = made.direct = fresh(server)
        assert made.sl("migrate").status == 0
        if proxy is not None:
            made.database = made.direct.replace(f":{server.port}/", f":{proxy.port}/")
        yield made


@pytest.fixture
def made(tmp_path, server, proxy):
    with rig_on(tmp_path, server, proxy) as made:
        yield made


def figures(url):
    """Give all that makes two ledgers the same, whatever moments wrote them."""
    lines, purchases = [], []
    with psycopg.connect(url) as connection:
        days = connection.execute(
            "SELECT account, day, kind, count, milli FROM daily_total ORDER BY 1, 2, 3"
        ).fetchall()
        openings = connection.execute(
            "SELECT account, opening_at_us, opening_milli FROM account ORDER BY 1"
        ).fetchall()
        for stream, topic, state in connection.execute(
            "SELECT originator_id, topic, state FROM stored_events"
        ):
            event = decode(topic, bytes(state))
            if isinstance(event, PageRecorded):
                lines += [(stream, one.id, one.at_us, one.milli) for one in unpack(event)]
            elif isinstance(event, CreditsPurchased):
                purchases.append((stream, event.bill_detail_id, event.credits.milli))
    return days, openings, sorted(lines), sorted(purchases)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, server):
    with rig_on(tmp_path_factory.mktemp("undisturbed"), server) as made:
        made.sync()
        return figures(made.direct)


def whole(made, undisturbed):
    """Tell whether a run that nothing disturbs leaves what it would have left at first."""
    made.database = made.direct
    made.sync()
    assert made.sl("check").status == 0
    return figures(made.direct) == undisturbed


# --- the loop goes on ----------------------------------------------------------------------


def lost_and_back(loop, disturb, repair, times=1):
    """Disturb a running loop; give what it says meanwhile."""
    loop.wait_for("round ended")
    at = len(loop.written)
    disturb()
    loop.wait_for("database lost", after=at)
    for _ in range(times):
        loop.next("database lost")
    repair()
    back = loop.wait_for("database back", after=at)
    loop.next("round ended")
    return back, [line for line in loop.lines[at:] if line["event"] == "database lost"]


def test_a_restart_of_the_database_is_waited_out(tmp_path):
    with (
        servers.server(durable=True) as own,
        rig_on(tmp_path, own) as made,
        looping(made) as loop,
    ):
        _, lost = lost_and_back(loop, own.stop, own.start, times=0)
        assert loop.end() == 0
        assert "does not answer" in lost[0]["error"]
        assert made.balances() == made.owned()
        assert made.sl("check").status == 0


def test_refused_connections_are_waited_out_with_growing_patience(made, proxy, undisturbed):
    with looping(made) as loop:
        back, lost = lost_and_back(loop, proxy.refuse, proxy.accept, times=4)
        assert loop.end() == 0
    waits = [line["again_in_s"] for line in lost]
    assert waits[:4] == pytest.approx([0.1, 0.2, 0.4, 0.8], rel=0.05)
    assert max(waits) <= 1.1, "never longer than the interval"
    assert back["after_s"] > 1
    assert whole(made, undisturbed)


def test_a_network_that_is_cut_in_the_middle_of_transactions_is_waited_out(
    made, proxy, undisturbed
):
    moments = random.Random(3)
    with looping(made) as loop:
        for _ in range(6):
            at = proxy.sent + moments.randrange(5, 40)
            until_sent(proxy, at, loop)
            proxy.cut()
        loop.wait_for("database lost")
        loop.wait_for("database back")
        assert loop.end() == 0
    assert whole(made, undisturbed)


def until_sent(proxy, chunks, loop):
    deadline = time.monotonic() + 30
    while proxy.sent < chunks:
        assert time.monotonic() < deadline, loop.written
        time.sleep(0.001)


def test_a_network_that_stalls_or_is_slow_only_takes_longer(made, proxy, undisturbed):
    proxy.latency_s = 0.001
    with looping(made) as loop:
        until_sent(proxy, 40, loop)
        proxy.stall()
        threading.Timer(1.5, proxy.resume).start()
        assert loop.wait_for("round ended")["lines"] > 0
        assert loop.end() == 0
        assert "database lost" not in loop.events()
    assert whole(made, undisturbed)


def test_a_second_signal_ends_even_a_transaction_that_hangs(made, proxy):
    with looping(made) as loop:
        loop.wait_for("round started")
        until_sent(proxy, proxy.sent + 20, loop)
        proxy.stall()
        time.sleep(0.3)
        loop.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        if loop.process.poll() is None:
            loop.process.send_signal(signal.SIGTERM)
        proxy.cut()
        proxy.resume()
        assert loop.wait() == 0


def test_a_full_disk_of_the_server_is_waited_out_and_named(tmp_path, server, undisturbed):
    full = (
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'could not extend file: No space left' USING ERRCODE = '53100';"
        " END $$; CREATE TRIGGER full_disk BEFORE INSERT ON stored_events"
        " FOR EACH ROW EXECUTE FUNCTION full_disk()"
    )
    with (
        rig_on(tmp_path, server) as made,
        psycopg.connect(made.direct, autocommit=True) as admin,
    ):
        admin.execute(full)
        with looping(made) as loop:
            assert "disk full" in loop.wait_for("database lost")["error"]
            admin.execute("DROP TRIGGER full_disk ON stored_events")
            loop.wait_for("database back")
            assert loop.end() == 0
        assert whole(made, undisturbed)


def test_a_full_disk_under_sqlite_is_waited_out_and_named(tmp_path):
    with rig(tmp_path) as made:
        made.sl("migrate")
        size = Path(made.database).stat().st_size + 20_000
        made.ovh.do("fault", match="GET /auth/time", kind="slow", seconds=2)
        with looping(made) as loop:
            made_small = (size, resource.RLIM_INFINITY)
            resource.prlimit(loop.process.pid, resource.RLIMIT_FSIZE, made_small)
            assert "disk full" in loop.wait_for("database lost")["error"]
            roomy = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(loop.process.pid, resource.RLIMIT_FSIZE, roomy)
            loop.wait_for("database back")
            assert loop.end() == 0
        assert made.balances() == made.owned()
        assert made.sl("check").status == 0


# --- commits whose outcome the client never heard ------------------------------------------


class Unheard:
    """Cuts when the server answered one COMMIT of events and the client has not heard it."""

    def __init__(self, proxy, url, number):
        self._url, self._left = url, number
        self.before = None  # events when the COMMIT was sent
        proxy.swallows = self._swallows

    def _swallows(self, chunk):
        if b"COMMIT" not in chunk or self.before is not None or not self._writes():
            return False
        self._left -= 1
        if self._left == 0:
            self.before = committed(self._url)
        return self._left == 0

    def _writes(self):
        """Tell whether a transaction that wrote is open: others only read, or set up."""
        with psycopg.connect(self._url) as connection:
            return connection.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL"
            ).fetchall()


def committed(url):
    with psycopg.connect(url) as connection:
        ((count,),) = connection.execute("SELECT COUNT(*) FROM stored_events").fetchall()
    return count


def test_a_commit_that_was_not_acknowledged_is_not_recorded_twice_by_the_next_sync(
    tmp_path, server, proxy, undisturbed
):
    with rig_on(tmp_path, server, proxy) as made:
        unheard = 0
        for number in (1, 2, 1, 3, 2, 4):
            cut = Unheard(proxy, made.direct, number)
            ran = made.sl("sync")
            if cut.before is None:
                break  # nothing is left to be recorded
            assert (ran.status, ran.err.count("\n")) == (6, 1), ran
            unheard += committed(made.direct) > cut.before
        assert unheard >= 3
        proxy.swallows = lambda chunk: False
        assert whole(made, undisturbed)


# A synchronisation that has nothing to record sends about seventy.
FEWEST_CHUNKS = 60


class Cut:
    """Cuts so many chunks from now, when the server has that one, and tells whether it did."""

    def __init__(self, proxy, chunks):
        self._proxy, self._at = proxy, proxy.sent + chunks
        self.made = False
        proxy.swallows = self._swallows

    def _swallows(self, chunk):
        due = not self.made and self._proxy.sent >= self._at
        self.made = self.made or due
        return due


def test_cuts_at_random_points_of_a_synchronisation_change_no_figure(
    tmp_path, server, proxy, undisturbed
):
    """A run may survive its cut, where it only read: it goes on until enough did not."""
    points = random.Random(14)
    with rig_on(tmp_path, server, proxy) as made:
        statuses = []
        while len(statuses) < 12 or statuses.count(6) < 6:
            cut = Cut(proxy, points.randrange(5, FEWEST_CHUNKS))
            ran = made.sl("sync")
            assert cut.made, "the point lay beyond the end"
            statuses.append(ran.status)
            assert ran.status in {0, 6}, ran
            assert ran.err.count("sms-ledger:") == (ran.status == 6)
            assert len(statuses) < 60, statuses
        proxy.swallows = lambda chunk: False
        assert whole(made, undisturbed)


def test_an_import_whose_commits_were_not_acknowledged_is_completed_by_its_rerun(
    tmp_path, server, proxy
):
    rows = ["customer,account,kind,id,happened_at,credits,country"]
    rows.append("ab12345-ovh,sms-ab12345-1,opening,,2026-01-01T00:00:00+01:00,5000,")
    rows += [
        f"ab12345-ovh,sms-ab12345-1,consumption,{n},2026-01-02T{n % 24:02}:00:00+01:00,1,IT"
        for n in range(1, 2501)
    ]
    file = tmp_path / "history.csv"
    file.write_text("\n".join(rows) + "\n")
    words = ("import", str(file), "--time-zone", "Europe/Rome")
    with rig_on(tmp_path, server) as other:
        assert other.sl(*words).status == 0
        plain = figures(other.direct), committed(other.direct)
    with rig_on(tmp_path, server, proxy) as made:
        for _ in range(3):
            cut = Unheard(proxy, made.direct, 1)
            ran = made.sl(*words)
            assert cut.before is None or ran.status == 6, ran
        proxy.swallows = lambda chunk: False
        assert made.sl(*words).status == 0
        assert (figures(made.direct), committed(made.direct)) == plain
        assert made.sl("check").status == 0
