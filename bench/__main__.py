"""Time what people feel, each against a yardstick in the same interleaved rounds.

Usage: python -m bench [--lines N] [--rounds N]
"""

from __future__ import annotations

import argparse
import csv
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.books import ACCOUNT, CUSTOMER, messages

_PROGRAM = [sys.executable, "-c", "from cli import main; main()"]
_HEADER = (
    "customer", "account", "kind", "id", "happened_at", "credits", "country", "parts", "tag",
)  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(prog="bench")
    options.add_argument("--lines", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=9)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="sms-ledger-bench-") as name:
        folder = Path(name)
        file = _file(folder, chosen.lines)
        print(f"{chosen.lines} lines, {chosen.rounds} interleaved rounds, medians\n")
        _start_up(folder, file, chosen.rounds)
        _import(folder, file, chosen.lines, chosen.rounds)


def _file(folder: Path, lines: int) -> Path:
    file = folder / "book.csv"
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(_HEADER)
        for one in messages(lines):
            milli = f"{one.milli // 1000}.{one.milli % 1000:03d}"
            at = one.at.isoformat()
            row = (CUSTOMER, ACCOUNT, "consumption", one.id, at, milli, one.country, one.parts)
            writer.writerow([*row, one.tag])
    return file


def _start_up(folder: Path, file: Path, rounds: int) -> None:
    """`bal` on a small ledger against the bare import of click: at most 2.5 times."""
    small = folder / "small.csv"
    small.write_text("".join(file.open().readlines()[:500]))
    database = str(folder / "small.db")
    _run("--database", database, "import", str(small))
    _compare(
        "sms-ledger bal ÷ python -c 'import click'",
        lambda: _run("--database", database, "bal"),
        lambda: subprocess.run([sys.executable, "-c", "import click"], check=True),
        rounds,
    )


def _import(folder: Path, file: Path, lines: int, rounds: int) -> None:
    """The whole command against a plain loader of the same file into an indexed table."""
    database, plain = folder / "ledger.db", folder / "plain.db"

    def ours() -> None:
        database.unlink(missing_ok=True)
        _run("--database", str(database), "import", str(file))

    def loader() -> None:
        plain.unlink(missing_ok=True)
        subprocess.run([sys.executable, "-c", _LOADER, str(plain), str(file)], check=True)

    _compare("sms-ledger import ÷ plain loader", ours, loader, rounds, lines)
    _check(database, plain)
    for name, path in (("ledger", database), ("plain", plain)):
        print(f"  {name}: {path.stat().st_size / lines:.1f} bytes a line")


_LOADER = """
import csv, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = FULL")
database.execute("CREATE TABLE line (account TEXT, id INTEGER, at TEXT, milli INTEGER,"
                 " country TEXT, parts INTEGER, tag TEXT, PRIMARY KEY (account, id))")
database.execute("CREATE INDEX line_at ON line (account, at)")
with open(sys.argv[2], newline="") as file, database:
    rows = ((r["account"], int(r["id"]), r["happened_at"], int(r["credits"].replace(".", "")),
             r["country"], int(r["parts"]), r["tag"]) for r in csv.DictReader(file))
    database.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
"""


def _check(database: Path, plain: Path) -> None:
    """Both must have come to the same sum."""
    ours = sqlite3.connect(database).execute("SELECT SUM(moved_milli) FROM account").fetchone()
    theirs = sqlite3.connect(plain).execute("SELECT -SUM(milli) FROM line").fetchone()
    if ours != theirs:
        sys.exit(f"the ledger says {ours[0]}, the plain table {theirs[0]}")


def _compare(
    title: str,
    ours: Callable[[], object],
    yardstick: Callable[[], object],
    rounds: int,
    lines: int = 0,
) -> None:
    pairs = [(_timed(ours), _timed(yardstick)) for _ in range(rounds)]
    ratio = statistics.median(one / other for one, other in pairs)
    mine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    rate = f", {lines / mine:,.0f} lines/s against {lines / other:,.0f}" if lines else ""
    print(f"{title}: {ratio:.2f} ({mine * 1000:.0f} ms against {other * 1000:.0f} ms{rate})")


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _run(*arguments: str) -> None:
    subprocess.run([*_PROGRAM, *arguments], check=True, capture_output=True)


main()
