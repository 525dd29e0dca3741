"""An import is killed, or its server: nothing acknowledged is lost, nothing is half there."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import servers
from books import Books
from kills import Course, Importer, check_beginning, check_completed, write_book
from loops import fresh
from stores import Store

import migrations
from ledger.database import parse_address

SOAK = bool(os.environ.get("SMS_LEDGER_SOAK"))
ROUNDS = 30 if SOAK else 3
SEED = os.environ.get("SMS_LEDGER_SEED") or (str(random.randrange(10**6)) if SOAK else "1")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("book") / "book.csv"
    write_book(made)
    return made


@pytest.fixture(scope="module")
def server() -> Iterator[servers.Server]:
    """A server that keeps what it acknowledged."""
    with servers.server(durable=True) as made:
        yield made


@dataclass(frozen=True)
class Harm:
    """What is done to an import on a ledger, and what then brings it to its end."""

    title: str
    ledger: Callable[[], AbstractContextManager[str]]
    cut: Callable[[Importer], None]
    mend: Callable[[Importer], None]


@pytest.mark.timeout(900)
def test_an_import_that_is_killed_loses_nothing_and_the_next_run_completes_it(
    store: Store, file: Path, tmp_path: Path
) -> None:
    def kill(importer: Importer) -> None:
        importer.process.kill()

    def mend(importer: Importer) -> None:
        assert importer.end() in {-signal.SIGKILL, 0}, importer.said

    title = f"SIGKILL of an import on {store.name}"
    soak(Harm(title, store.ledger, kill, mend), file, tmp_path)


@pytest.mark.timeout(900)
def test_an_import_whose_server_is_stopped_at_once_loses_nothing_and_the_next_run_completes_it(
    server: servers.Server, file: Path, tmp_path: Path
) -> None:
    @contextmanager
    def ledger() -> Iterator[str]:
        url = fresh(server)
        migrations.upgrade(parse_address(url))
        yield url

    def crash(importer: Importer) -> None:
        server.crash()

    def mend(importer: Importer) -> None:
        """Start the server again; an import that was about to read goes on with it."""
        server.start()
        status = importer.end()
        assert status == 0 or (status, importer.said.count("\n")) == (6, 1), importer.said

    title = "pg_ctl stop -m immediate during an import"
    soak(Harm(title, ledger, crash, mend), file, tmp_path)


def soak(harm: Harm, file: Path, folder: Path) -> None:
    """Harm imports, round by round; what became of them is printed."""
    with harm.ledger() as url:
        course = Course.of(url, file, folder)
    print(f"\n{harm.title}: {ROUNDS} rounds, SMS_LEDGER_SEED={SEED}")
    print(f"undisturbed: {len(course.ends) - 1} transactions, {len(course.story)} events")
    print("round  transactions, then  acknowledged  status  found  after the next run")
    cuts = []
    for number, moment in enumerate(course.moments(ROUNDS, SEED), 1):
        with harm.ledger() as url:
            importer = Importer(url, file, folder)
            importer.wait_for(moment.after)
            time.sleep(moment.delay_s)
            harm.cut(importer)
            cuts.append(importer.acknowledged())
            harm.mend(importer)
            alone(url)
            found = check_beginning(Books(url), course, importer.notes)
            completed = check_completed(Books(url), course, file)
        print(
            f"{number:5}  {moment.after:5} {1000 * moment.delay_s:9.1f} ms  {cuts[-1]:12}"
            f"  {importer.process.returncode:6}  {found:5}  {completed:18}"
        )
    # In how many transactions they can fall, since a long one takes most of the time.
    apart = min(ROUNDS, len(course.ends))
    assert len(set(cuts)) > apart / 2, "the cuts all fell into the same moment"
    assert sum(cut < len(course.story) for cut in cuts) > ROUNDS / 2, "the cuts came late"


def alone(url: str) -> None:
    """Wait until a server has ended what a killed client had asked for."""
    if isinstance(parse_address(url), Path):
        return
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchall():
            time.sleep(0.005)
