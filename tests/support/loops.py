"""A loop of `sync --every` in a process of its own, told apart by the lines that it logs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from rigs import Rig
from servers import Server

# The program, with the waits of a test.
_PROGRAM = """
from datetime import timedelta
import cli, cli.sync
import cli.actions.loop as loop
cli.sync.SHORTEST = timedelta(0)
loop.FIRST_RETRY_S = loop.LOCK_RETRY_S = 0.1
cli.main()
"""
_DEADLINE_S = 40

Line = dict[str, Any]


@cache
def _read(line: str) -> Line:
    return json.loads(line)


class Loop:
    """A running loop, and its log."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.written: list[str] = []
        self._heard = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def lines(self) -> list[Line]:
        return [_read(line) for line in self.written]

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]

    def wait_for(self, event: str, *, after: int = 0) -> Line:
        """Wait for an event; `after` tells how many lines do not count."""
        deadline = time.monotonic() + _DEADLINE_S
        with self._heard:
            while True:
                for line in self.lines[after:]:
                    if line["event"] == event:
                        return line
                left = deadline - time.monotonic()
                assert left > 0, (event, self.written)
                self._heard.wait(min(left, 0.5))

    def next(self, event: str) -> Line:
        """Wait for an event that is yet to come."""
        return self.wait_for(event, after=len(self.written))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the loop between two rounds, however slow the machine is."""
        while True:
            self.next("round ended")
            self.process.send_signal(signal.SIGSTOP)
            time.sleep(0.05)  # what it wrote until now is read
            if self.events()[-1] == "round ended":
                break
            self.process.send_signal(signal.SIGCONT)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; gives the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        status = self.process.wait(timeout=_DEADLINE_S)
        self._reader.join(timeout=_DEADLINE_S)
        return status

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._heard:
                self.written.append(line)
                self._heard.notify_all()


@contextmanager
def looping(made: Rig, *words: str, every: str = "1s", **environment: str) -> Iterator[Loop]:
    """Run a loop on a rig; it ends with the test."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *made.words("sync", "--every", every, *words)],
        env={**os.environ, "SMS_LEDGER_OVH_CONFIG": str(made.conf), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    loop = Loop(process)
    try:
        yield loop
    finally:
        process.kill()
        loop.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def fresh(server: Server) -> str:
    """Make an empty database on a server; gives its address."""
    import psycopg

    name = f"loop_{os.urandom(6).hex()}"
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    return server.url.removesuffix("/postgres") + f"/{name}"
