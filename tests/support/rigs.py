"""A sandbox, a profile for it and a ledger: what the stories of synchronisation stand on."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from stores import Store

import cli
from ledger.database import connect, parse_address
from ledger.sandbox import Knobs, World, profiles, serving

NOW = 1_793_466_000  # 2026-10-31T18:00:00+01:00


@dataclass(frozen=True)
class Ran:
    """What a command did; `screen` is what a terminal would have shown."""

    status: int
    out: str
    err: str
    screen: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        return json.loads(self.out)["rows"]


class _Shown(io.StringIO):
    """A stream of a command, shown on its screen too."""

    def __init__(self, screen: io.StringIO) -> None:
        super().__init__()
        self._screen = screen

    def write(self, text: str) -> int:
        self._screen.write(text)
        return super().write(text)


class Rig:
    """One sandbox and one ledger; commands run in this process, or in one of their own."""

    # Whether time that passes makes nothing happen by itself: a quiet scenario's clock.
    keeps_up = False

    def __init__(
        self, running: Any, url: str, folder: Path, profile: str, store: Store | None
    ) -> None:
        self.ovh = running
        self._store = store
        self._untouched = True  # no command has seen the ledger
        self.folder = folder
        self.database = url
        self.conf = folder / "ovh.conf"
        self.profiles = profiles.write(
            self.conf, profile, running.url, running.credentials.values()
        )

    def sl(self, *arguments: str, profile: str = "") -> Ran:
        """Run a command on this ledger, in this process."""
        return self.run(self.words(*arguments, profile=profile))

    def run(self, words: list[str]) -> Ran:
        """Run a command line in this process, as it would be typed."""
        self._untouched = False
        screen = io.StringIO()
        out, err = _Shown(screen), _Shown(screen)
        started = time.monotonic()
        before = os.environ.get("SMS_LEDGER_OVH_CONFIG")
        os.environ["SMS_LEDGER_OVH_CONFIG"] = str(self.conf)
        try:
            with redirect_stdout(out), redirect_stderr(err):
                status = cli.run(words)
        finally:
            if before is None:
                del os.environ["SMS_LEDGER_OVH_CONFIG"]
            else:
                os.environ["SMS_LEDGER_OVH_CONFIG"] = before
        self._catch_up(time.monotonic() - started)
        return Ran(status, out.getvalue(), err.getvalue(), screen.getvalue())

    def _catch_up(self, took_s: float) -> None:
        """Let the sandbox's clock, which stands still, not fall behind what a command saw.

        On a busy machine a command takes seconds: what happens at OVH next must be later than
        the balance that it read.
        """
        if took_s >= 1 and self.keeps_up:
            self.ovh.do("advance", by=f"{int(took_s) + 1}s")

    def words(self, *arguments: str, profile: str = "") -> list[str]:
        named = ["--profile", profile or self.profiles[0]]
        start = ["--database", str(self.database), *named, "--actor", "tester"]
        return [*start, *arguments]

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        self._untouched = False
        return subprocess.Popen(
            [sys.executable, "-c", "from cli import main; main()", *self.words(*arguments)],
            env={**os.environ, "SMS_LEDGER_OVH_CONFIG": str(self.conf)},
            stderr=subprocess.PIPE,
            text=True,
            **{"stdout": subprocess.PIPE, **options},
        )

    def sync(self, *arguments: str) -> None:
        """Synchronise every customer; all must go well.

        What a first synchronisation makes of one world is played once and copied from then on.
        """
        first = self._first(arguments)
        if first is None:
            self._sync(arguments)
        elif self._store.restore(self.database, first):
            if took_s := _TOOK_S[self._store.name, first]:
                self.ovh.do("advance", by=f"{took_s}s")
        else:
            began = self.ovh.clock.now
            self._sync(arguments)
            self._store.keep(self.database, first)
            _TOOK_S[self._store.name, first] = self.ovh.clock.now - began
        self._untouched = False

    def _first(self, arguments: tuple[str, ...]) -> str | None:
        """Name a first synchronisation by all that it depends on, where that is the world."""
        service, world = self.ovh.service, self.ovh.world
        disturbed = service.faults.waiting or world.knobs.fault_rate or world.knobs.log_reads
        if not (self._store and self._untouched) or disturbed:
            return None
        with service.lock:
            world.advance_to(self.ovh.clock.now)  # as the first request would
            whole = hashlib.sha256(world.dump())
        whole.update(repr((world.rates, self.profiles, arguments)).encode())
        return f"first of {whole.hexdigest()}"

    def _sync(self, arguments: tuple[str, ...]) -> None:
        for profile in self.profiles:
            ran = self.sl("sync", *arguments, profile=profile)
            assert (ran.status, ran.err.count("sms-ledger:")) == (0, 0), ran

    def owned(self) -> dict[str, Decimal]:
        """Give what OVH says each account owns."""
        return {
            name: Decimal(account.milli + account.held_milli) / 1000
            for name, account in self.ovh.world.accounts.items()
        }

    def balances(self) -> dict[str, Decimal]:
        """Give what the ledger says each account owns."""
        return {
            row["account"]: Decimal(row["credits"]) for row in self.sl("bal", "-O", "json").rows
        }

    def drifts(self) -> dict[str, Decimal]:
        rows = self.sl("recon", "run", "-O", "json").rows
        return {row["account"]: Decimal(row["drift"]) for row in rows}

    def table(self, query: str) -> list[tuple[Any, ...]]:
        with closing(connect(parse_address(str(self.database)))) as database:
            return list(database.execute(query))

    def look(self, query: str) -> Generator[list[tuple[Any, ...]]]:
        """Ask the same again and again, over one connection."""
        with closing(connect(parse_address(str(self.database)))) as database:
            while True:
                yield list(database.execute(query))

    def figures(self) -> dict[str, Any]:
        """Give all that makes two ledgers the same, whatever moments wrote them."""
        return {
            "balances": self.balances(),
            "days": sorted(
                self.table("SELECT account, day, kind, count, milli FROM daily_total")
            ),
            "openings": sorted(
                self.table("SELECT account, opening_at_us, opening_milli FROM account")
            ),
            "lines": sorted(lines_of(self.database)),
            "bills": sorted(purchases_of(self.database)),
        }


# How far the sandbox's clock went on while a first synchronisation was played.
_TOOK_S: dict[tuple[str, str], int] = {}


def events_of(url: str) -> Iterator[tuple[str, Any]]:
    """Give every event of a ledger with its stream, in the order of the log."""
    from ledger.canonical import decode

    with closing(connect(parse_address(str(url)))) as database:
        rows = database.execute(
            "SELECT stream, stored_events.topic, state FROM event_log JOIN stored_events"
            " ON originator_id = stream AND originator_version = version ORDER BY position"
        )
    for stream, topic, state in rows:
        yield stream, decode(topic, state)


def lines_of(url: str) -> Iterator[tuple[Any, ...]]:
    from ledger.events import PageRecorded
    from ledger.pages import unpack

    for stream, event in events_of(url):
        if isinstance(event, PageRecorded):
            for line in unpack(event):
                yield stream, event.kind, line.id, line.at_us, line.milli, line.country


def purchases_of(url: str) -> Iterator[tuple[Any, ...]]:
    from ledger.events import CreditsPurchased

    for stream, event in events_of(url):
        if isinstance(event, CreditsPurchased):
            yield stream, event.bill_detail_id, event.happened_at, event.credits.milli


@cache
def _history(scenario: str, seed: int, knobs: Knobs, messages: int) -> bytes:
    """Let a history happen once; each rig has a copy of the world that it made."""
    return pickle.dumps(World.from_scenario(scenario, seed, NOW, knobs, messages))


@contextmanager
def rig(
    folder: Path,
    scenario: str = "small",
    *,
    store: Store | None = None,
    seed: int = 1,
    messages: int = 0,
    profile: str = "rig",
    **knobs: Any,
) -> Iterator[Rig]:
    """Serve a scenario on loopback, with a clock that stands still until it is advanced."""
    world = pickle.loads(_history(scenario, seed, Knobs(**knobs), messages))
    place = store.beginning() if store else nullcontext(str(folder / "ledger.db"))
    with place as url, serving(world, frozen=True) as running:
        made = Rig(running, url, folder, profile, store)
        made.keeps_up = scenario == "small"
        yield made
