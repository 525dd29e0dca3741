"""Imports that are cut off at random moments, and what must hold after each.

An import runs in a process of its own, by the command line, and notes every transaction as its
commit returns. It is cut off somewhere, and the ledger must then hold a beginning of what an
undisturbed import records: whole transactions, and all that were noted.
"""

from __future__ import annotations

import csv
import hashlib
import os
import random
import subprocess
import sys
import time
from bisect import bisect_right
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any

from books import Books

from ledger.canonical import decode, encode, leaf, plain
from ledger.database import connect, parse_address
from ledger.events import ImportCompleted, ImportStarted, LedgerEvent
from ledger.storage import Storage

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60

# --- the file --------------------------------------------------------------------------------

_HEADER = (
    "customer", "account", "kind", "id", "happened_at", "credits", "country", "parts", "tag",
    "user", "counter_account", "net", "vat", "currency", "bill",
)  # fmt: skip
_ACCOUNTS = {"a-ovh": ("a-1", "a-2"), "b-ovh": ("b-1", "b-2")}
_START = datetime(2026, 1, 1, tzinfo=UTC)
_EACH = {
    "opening": 1, "consumption": 200, "reply": 30, "hlr": 20, "cleaning": 10, "purchase": 25,
    "recharge": 15, "transfer": 25, "gift": 40, "refund": 10, "adjustment": 15,
}  # fmt: skip
_BILLED = ("purchase", "recharge", "refund")


def write_book(path: Path) -> None:
    """Write a file of everything that a file can hold, by account."""
    chance = random.Random(3)
    with path.open("w", newline="") as out:
        rows = csv.DictWriter(out, _HEADER, restval="", lineterminator="\n")
        rows.writeheader()
        for customer, accounts in _ACCOUNTS.items():
            for account in accounts:
                others = [other for other in accounts if other != account]
                for kind, count in _EACH.items():
                    for n in range(count):
                        fact = _fact(kind, f"{kind}-{account}-{n}", chance, others)
                        rows.writerow({"customer": customer, "account": account, **fact})


def _fact(kind: str, id: str, chance: random.Random, others: list[str]) -> dict[str, str]:
    minute = 0 if kind == "opening" else chance.randrange(1, 200_000)
    fact = {
        "kind": kind,
        "id": id,
        "happened_at": (_START + timedelta(minutes=minute)).isoformat(),
        "credits": f"{chance.randrange(9)}.{chance.randrange(1000):03d}",
        "country": chance.choice(("IT", "FR")),
        "tag": chance.choice(("news", "")),
        "user": chance.choice(("bob", "eve", "")),
    }
    if kind == "transfer":
        fact["counter_account"] = chance.choice(others)
    if kind in _BILLED:
        fact |= {"net": "4.20", "vat": "0.92", "currency": "EUR", "bill": f"bill-{id}"}
    return fact


# --- the process that imports it -------------------------------------------------------------


def import_aloud(url: str, file: str, notes: str) -> None:
    """Import as the command line does; note each transaction when its commit has returned."""
    import cli

    out = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    append = Storage.append

    def appended(self: Storage, *placed: Any, **held: Any) -> list[int]:
        positions = append(self, *placed, **held)
        leaves = b"".join(
            leaf(one.originator_id, one.originator_version, one.event.TOPIC, encode(one.event))
            for one in placed
        )
        digest = hashlib.sha256(leaves).hexdigest()
        note = f"{positions[0]} {positions[-1]} {digest} {time.monotonic_ns()}\n"
        os.write(out, note.encode())
        return positions

    Storage.append = appended  # type: ignore[method-assign]
    sys.exit(cli.run(["--database", url, "--actor", "tester", "import", file]))


@dataclass(frozen=True)
class Note:
    """A transaction that the importer knows to be recorded: its positions and its digest."""

    first: int
    last: int
    digest: str
    at_s: float


class Importer:
    """An import in a process of its own."""

    def __init__(self, url: str, file: Path, folder: Path) -> None:
        self._notes, self._said = folder / "notes", folder / "said"
        for one in (self._notes, self._said):
            one.write_bytes(b"")
        program = "import sys; from kills import import_aloud; import_aloud(*sys.argv[1:])"
        with self._said.open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program, url, str(file), str(self._notes)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}"},
                stdout=said,
                stderr=said,
            )

    @property
    def notes(self) -> list[Note]:
        """Give what was noted whole."""
        lines = self._notes.read_text().split("\n")[:-1]
        words = [line.split() for line in lines]
        return [Note(int(a), int(b), digest, int(ns) / 1e9) for a, b, digest, ns in words]

    def acknowledged(self) -> int:
        """Count the events that are noted."""
        notes = self.notes
        return notes[-1].last if notes else 0

    def _count(self) -> int:
        return self._notes.read_bytes().count(b"\n")

    @property
    def said(self) -> str:
        return self._said.read_text()

    def wait_for(self, notes: int) -> None:
        """Wait until so many transactions are noted, or the process is over."""
        deadline = time.monotonic() + DEADLINE_S
        while self._count() < notes and self.process.poll() is None:
            assert time.monotonic() < deadline, self.said
            time.sleep(0.0005)

    def end(self) -> int:
        return self.process.wait(timeout=DEADLINE_S)


# --- what it records -------------------------------------------------------------------------

Told = tuple[str, dict[str, Any], bytes]


def story(url: str) -> list[Told]:
    """Give all events of a ledger in their order, without what differs from run to run."""
    with closing(connect(parse_address(url))) as database:
        rows = database.execute(
            "SELECT stream, stored_events.topic, state FROM event_log JOIN stored_events"
            " ON originator_id = stream AND originator_version = version ORDER BY position"
        )
    return [_told(stream, decode(topic, state)) for stream, topic, state in rows]


def _told(stream: str, event: LedgerEvent) -> Told:
    words = plain(event)
    for name in ("recorded_at", "command_id"):
        del words[name]
    if isinstance(event, ImportStarted | ImportCompleted):
        del words["happened_at"]  # it happens when it is recorded
    return stream, {"topic": event.TOPIC, **words}, getattr(event, "body", b"")


def figures(url: str) -> list[tuple[Any, ...]]:
    """Give all balances and daily totals."""
    with closing(connect(parse_address(url))) as database:
        return [
            *database.execute(
                "SELECT account, opening_at_us, opening_milli, moved_milli FROM account"
                " ORDER BY account"
            ),
            *database.execute(
                "SELECT account, day, kind, count, milli FROM daily_total"
                " ORDER BY account, day, kind"
            ),
        ]


@dataclass(frozen=True)
class Moment:
    """When an import is cut off: so long after so many transactions."""

    after: int
    delay_s: float


@dataclass(frozen=True)
class Course:
    """An import that nobody disturbed.

    Of each transaction, `ends` has the position after it and `times_s` when it returned; both
    begin with the start of the process.
    """

    story: list[Told]
    figures: list[tuple[Any, ...]]
    ends: list[int]
    times_s: list[float]

    @classmethod
    def of(cls, url: str, file: Path, folder: Path) -> Course:
        started_s = time.monotonic()
        importer = Importer(url, file, folder)
        assert importer.end() == 0, importer.said
        notes = importer.notes
        return cls(
            story(url),
            figures(url),
            [0, *(note.last for note in notes)],
            [started_s, *(note.at_s for note in notes)],
        )

    def moments(self, rounds: int, seed: str) -> list[Moment]:
        """Choose moments: in turn, one spread over the transactions, one over their time."""
        chance = random.Random(seed)
        choose = (self._by_count, self._by_time)
        return [choose[n % 2]((n + chance.random()) / rounds, chance) for n in range(rounds)]

    def _by_count(self, part: float, chance: random.Random) -> Moment:
        after = int(part * (len(self.times_s) - 1))
        return Moment(after, chance.uniform(0, self.times_s[after + 1] - self.times_s[after]))

    def _by_time(self, part: float, _: random.Random) -> Moment:
        """Leave the start of the process out: it is long, and nothing is recorded in it."""
        at_s = self.times_s[1] + part * (self.times_s[-1] - self.times_s[1])
        after = bisect_right(self.times_s, at_s) - 1
        return Moment(after, at_s - self.times_s[after])


def check_beginning(books: Books, course: Course, notes: list[Note]) -> int:
    """Check what a disturbed import left behind; gives how many events that is."""
    check_notes(books, notes)
    found = story(books.url)
    assert not differences(found, course.story[: len(found)])
    whole = course.ends[len(notes) : len(notes) + 2]
    assert len(found) in whole, "recorded is what was noted, and perhaps one transaction more"
    assert legs("sent", found) == legs("received", found)
    ran = books.type("check", "-O", "json")
    assert {row["severity"] for row in ran.rows} <= {"unfinished"}, ran.out
    assert bool(ran.rows) == (0 < len(found) < len(course.story)), ran.out
    return len(found)


def differences(found: list[Told], expected: list[Told]) -> list[tuple[int, Any]]:
    """Give the positions at which two stories differ, with both sides."""
    sides = enumerate(zip_longest(found, expected), 1)
    return [(position, both) for position, both in sides if both[0] != both[1]][:3]


def check_notes(books: Books, notes: list[Note]) -> None:
    """Check that every transaction that was noted is there, event by event."""
    leaves = [
        bytes(one) for (one,) in books.table("SELECT leaf FROM event_log ORDER BY position")
    ]
    for note in notes:
        noted = b"".join(leaves[note.first - 1 : note.last])
        assert hashlib.sha256(noted).hexdigest() == note.digest, note


def legs(word: str, told: list[Told]) -> list[tuple[str, int]]:
    """Give the transfers of which this leg is recorded, with their credits."""
    return sorted(
        (words["transfer"], words["credits_milli"])
        for _, words, _ in told
        if words["topic"] == f"sms.transfer-{word}.1"
    )


def check_completed(books: Books, course: Course, file: Path) -> int:
    """Import again, undisturbed; it must come to what it would have come to at first."""
    ran = books.type("import", str(file))
    assert ran.status == 0, ran
    found = story(books.url)
    assert not differences(found, course.story)
    assert figures(books.url) == course.figures
    assert books.type("check").status == 0
    return len(found)
