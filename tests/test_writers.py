"""Several writers at once: nothing is lost, nothing comes twice, and readers may follow."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from books import Books
from stores import Store
from upkeep import upkeep

from ledger import account as accounts
from ledger.credits import Credits
from ledger.events import (
    CreditsAdjusted,
    FromOperator,
    Stamp,
    TransferReceived,
    TransferSent,
)
from ledger.service import Ledger, Work
from ledger.storage import Placed, Storage

ROOT = Path(__file__).parents[1]
WRITERS = 4
TRANSFERS_AT_ONCE = 40
# 20,000 events, by `make soak` 80,000.
ROUNDS = 250 if os.environ.get("SMS_LEDGER_SOAK") else 63

AT = datetime(2026, 10, 2, 9, tzinfo=UTC)
WHEN = Stamp(recorded_at=AT, actor="w", command_id="c", source=FromOperator()).at(AT)
SHARED = "sms-ab12345-99"


def own(writer: int) -> tuple[str, str]:
    return f"sms-ab12345-{2 * writer}", f"sms-ab12345-{2 * writer + 1}"


def drawing() -> str:
    names = [SHARED, *(name for writer in range(WRITERS) for name in own(writer))]
    return "customer ab12345-ovh\n" + "\n".join(
        f"account {name}\n2026-10-01 09:00 opening 100" for name in names
    )


def write(url: str, writer: int) -> None:
    """Move credits to and fro between two accounts, and give to one that all give to."""
    source, target = own(writer)
    address = Books(url).address
    with Ledger(address) as ledger, closing(Storage(address)) as storage:
        print("ready", flush=True)
        sys.stdin.readline()
        version = 2
        for number in range(ROUNDS):
            placed = []
            for n in range(TRANSFERS_AT_ONCE):
                version += 1
                moved = {"transfer": f"t-{number}-{n}", "credits": Credits(n + 1)}
                sent = TransferSent(**WHEN, counter_account=target, **moved)
                received = TransferReceived(**WHEN, counter_account=source, **moved)
                placed += [Placed(source, version, sent), Placed(target, version, received)]
            storage.append(*placed)
            source, target = target, source
            if number % 10 == 0:
                ledger.work(gift(f"g-{writer}-{number}"))


def gift(name: str):
    def decide(work: Work) -> None:
        state = work.account(SHARED)
        event = CreditsAdjusted(**WHEN, adjustment_id=name, kind="gift", credits=Credits(1))
        work.record(state, accounts.record_once(state, event))

    return decide


class Tail:
    """A reader that follows a table by its number, from the first row on."""

    def __init__(self, books: Books, query: str) -> None:
        self.seen: list[tuple] = []
        self.reads = 0
        self._books, self._query = books, query
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def stop(self) -> list[tuple]:
        self._end.set()
        self._thread.join()
        return self.seen

    def _follow(self) -> None:
        with closing(self._books.database()) as database:
            last = False
            while True:
                after = self.seen[-1][0] if self.seen else 0
                found = database.execute(self._query, after=after)
                self.seen += found
                self.reads += bool(found)
                if last and not found:
                    return
                last = self._end.is_set()
                if not found:
                    time.sleep(0.002)


@contextmanager
def writing(url: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Run the writers, each in a process of its own; all begin when all are ready."""
    program = "import sys; from test_writers import write; write(sys.argv[1], int(sys.argv[2]))"
    places = f"{ROOT}:{ROOT / 'tests'}:{ROOT / 'tests' / 'support'}"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, url, str(writer)],
            env={**os.environ, "PYTHONPATH": places},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for writer in range(WRITERS)
    ]
    try:
        for one in running:
            assert one.stdout.readline() == "ready\n"
        for one in running:
            one.stdin.write("go\n")
            one.stdin.flush()
        yield running
    finally:
        for one in running:
            one.kill()
            one.communicate()


WRITTEN = ("stored_events", "event_log")
LOG = "SELECT position, stream, version FROM event_log WHERE position > :after ORDER BY 1"
STORED = {
    "sqlite": "SELECT rowid, originator_id, originator_version FROM stored_events"
    " WHERE rowid > :after ORDER BY 1",
    "postgresql": "SELECT notification_id, originator_id, originator_version"
    " FROM stored_events WHERE notification_id > :after ORDER BY 1",
}


@pytest.mark.timeout(600)
def test_four_writers_lose_nothing_and_a_reader_that_follows_them_misses_nothing(
    store: Store, books: Books
) -> None:
    """All the while a server rewrites another table, and autovacuum works on the log."""
    books.draw(drawing())
    with upkeep(store, books.url, WRITTEN) as done:
        tails = [Tail(books, LOG), Tail(books, STORED[store.name])]
        try:
            with writing(books.url) as running:
                statuses = [one.wait(timeout=500) for one in running]
        finally:
            log, stored = (tail.stop() for tail in tails)
    assert statuses == [0] * WRITERS

    gifts = WRITERS * len(range(0, ROUNDS, 10))
    size = 1 + 2 * (2 * WRITERS + 1) + WRITERS * ROUNDS * 2 * TRANSFERS_AT_ONCE + gifts
    assert size >= 20_000
    assert [position for position, _, _ in log] == list(range(1, size + 1))
    assert sorted(row[1:] for row in stored) == sorted(row[1:] for row in log)
    assert len({row[1:] for row in log}) == size
    assert all(tail.reads > 10 for tail in tails), "the readers did not follow"
    print(f"\n{store.name}: {size} events, {turns(log)} turns of writers, {done}")
    assert turns(log) > 2 * WRITERS, "the writers came one after the other"

    owned = dict(books.table("SELECT account, opening_milli + moved_milli FROM account"))
    assert owned.pop(SHARED) == 100_000 + gifts
    assert sum(owned.values()) == 100_000 * 2 * WRITERS
    ran = books.type("check")
    assert ran.status == 0, ran.out
    if store.name == "postgresql":
        assert done.rewritten > 10
        if done.hindered:
            pytest.skip(f"all of this holds, but not beside autovacuum: {done.hindered}")
        assert min(done.vacuumed[table] for table in WRITTEN) > 0, done
        assert min(done.analyzed[table] for table in WRITTEN) > 0, done


def turns(log: list[tuple]) -> int:
    """Count how often another writer went on."""
    owner = {account: writer for writer in range(WRITERS) for account in own(writer)}
    order = [owner[stream] for _, stream, _ in log if stream in owner]
    return sum(one != other for one, other in pairwise(order))
