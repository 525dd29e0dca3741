"""How long an operator's adjustment takes while the same account is imported at full speed.

Usage: python -m bench.operator [--database URL] [--adjustments N] [--lines N] [--movements N]

One process imports file after file into one account; this one adjusts the same account through
the service, and counts what it began while a file was being recorded. Without `--database`, a
file is made and thrown away; a ledger that is named keeps a customer of a name of its own.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import IO

import migrations
from ledger import account as accounts
from ledger.credits import Credits
from ledger.database import connect, parse_address
from ledger.events import CreditsAdjusted, FromFile, FromOperator, Stamp
from ledger.files.importing import Import
from ledger.files.origin import open_origin
from ledger.service import Ledger, Work

_GOAL_MS = 20
_SPACED_S = (0.02, 0.05)
_READING_S = 60  # a file is read before it is recorded
_START = datetime(2016, 1, 1, tzinfo=UTC)
_PROCESSES = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Load:
    """What the importer records: how many rows a file has, and of which kind."""

    title: str
    kind: str = ""
    rows: int = 0


@dataclass(frozen=True)
class Place:
    """The account at hand."""

    url: str
    customer: str
    account: str


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.operator")
    options.add_argument("--database", metavar="URL")
    options.add_argument("--adjustments", type=int, default=200)
    options.add_argument("--lines", type=int, default=100_000)
    options.add_argument("--movements", type=int, default=5_000)
    chosen = options.parse_args()
    loads = [
        Load("nobody imports"),
        Load("messages are imported", "consumption", chosen.lines),
        Load("other movements are imported", "gift", chosen.movements),
    ]
    print(f"{chosen.adjustments} adjustments each; the median's goal is {_GOAL_MS} ms\n")
    with _ledger(chosen.database) as url:
        for load in loads:
            place = _place(url)
            _tell(load, _measured(place, load, chosen.adjustments))


@contextmanager
def _ledger(url: str | None) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="sms-ledger-bench-") as folder:
        chosen = url or str(Path(folder) / "ledger.db")
        migrations.upgrade(parse_address(chosen))
        yield chosen


def _place(url: str) -> Place:
    name = os.urandom(4).hex()
    return Place(url, f"bench-{name}-ovh", f"sms-bench-{name}")


def _tell(load: Load, waits_s: list[float]) -> None:
    waits_ms = [1000 * wait_s for wait_s in waits_s]
    median, p95 = statistics.median(waits_ms), statistics.quantiles(waits_ms, n=20)[-1]
    print(
        f"{load.title:>27}: median {median:7.1f} ms, p95 {p95:7.1f} ms,"
        f" longest {max(waits_ms):7.1f} ms"
    )


# --- the operator --------------------------------------------------------------------------


def _measured(place: Place, load: Load, adjustments: int) -> list[float]:
    """Give how long each adjustment took, of those that began while a file was recorded."""
    pause = random.Random(1)
    waits_s: list[float] = []
    with _importing(place, load) as recording, Ledger(parse_address(place.url)) as ledger:
        for number in range(adjustments):
            if not recording():
                sys.exit("the import came to an end: see its error above")
            waits_s.append(_adjust(ledger, place.account, f"bench-{number}"))
            time.sleep(pause.uniform(*_SPACED_S))
    _check(place, adjustments)
    return waits_s


def _adjust(ledger: Ledger, account: str, name: str) -> float:
    def decide(work: Work) -> None:
        state = work.account(account)
        work.record(state, accounts.record_once(state, event))

    now = datetime.now(UTC)
    stamp = Stamp(recorded_at=now, actor="bench", command_id=name, source=FromOperator())
    event = CreditsAdjusted(
        **stamp.at(now), adjustment_id=name, kind="adjustment", credits=Credits(1)
    )
    started = time.perf_counter()
    ledger.work(decide)
    return time.perf_counter() - started


def _check(place: Place, adjustments: int) -> None:
    """All that the operator did must be there, once."""
    with closing(connect(parse_address(place.url))) as database:
        ((found,),) = database.execute(
            "SELECT SUM(milli) FROM daily_total WHERE account = :account"
            " AND kind = 'adjustment'",
            account=place.account,
        )
    assert found == adjustments, f"{found} of {adjustments} adjustments are there"


# --- the importer --------------------------------------------------------------------------


@contextmanager
def _importing(place: Place, load: Load) -> Iterator[Callable[[], bool]]:
    """Import into the account in another process; gives what waits until it records."""
    recording, end = _PROCESSES.Event(), _PROCESSES.Event()
    _import(place, Load("an opening", "opening", 1), 0, recording)
    if not load.rows:
        yield lambda: True
        return
    recording.clear()
    importer = _PROCESSES.Process(target=_import_on, args=(place, load, recording, end))
    importer.start()
    try:
        yield lambda: recording.wait(_READING_S) and importer.is_alive()
    finally:
        end.set()
        importer.join()


def _import_on(place: Place, load: Load, recording: Event, end: Event) -> None:
    for number in count(1):
        if end.is_set():
            break
        _import(place, load, number, recording)
        recording.clear()


def _import(place: Place, load: Load, number: int, recording: Event) -> None:
    address = parse_address(place.url)
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as file:
        _write(file, place, load, number)
        with (
            open_origin(file.name) as origin,
            closing(connect(address)) as database,
            Ledger(address) as ledger,
        ):
            one = Import.of(
                origin,
                file.name,
                format="csv",
                time_zone="Europe/Rome",
                now=datetime.now(UTC),
                watch=lambda *_: None,
            )
            one.record(ledger, database, partial(_stamp, recording), waits=lambda: None)


def _stamp(recording: Event, source: FromFile) -> Stamp:
    """Give the envelope; it is asked for when recording begins."""
    recording.set()
    return Stamp(
        recorded_at=datetime.now(UTC), actor="bench", command_id="import", source=source
    )


def _write(file: IO[str], place: Place, load: Load, number: int) -> None:
    rows = csv.writer(file)
    rows.writerow(("customer", "account", "kind", "id", "happened_at", "credits", "country"))
    for n in range(number * load.rows, (number + 1) * load.rows):
        at = (_START + timedelta(seconds=20 * n)).isoformat()
        rows.writerow((place.customer, place.account, load.kind, n, at, "1.1", "IT"))
    file.flush()


if __name__ == "__main__":
    main()
