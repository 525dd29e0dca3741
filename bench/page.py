"""`docs/benchmarks.md`, written by the program: what was measured, a section for each size."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from bench.commands import ROOT
from bench.report import Run, as_markdown

PAGE: Final = ROOT / "docs" / "benchmarks.md"

_SECTION: Final = re.compile(r"^<!-- (\d+) lines -->\n.*?^<!-- end -->$", re.M | re.S)

_ABOVE: Final = """# Benchmarks

Written by `python -m bench --write-docs`; not by hand. To see how your own machine does:

```sh
make bench               # a million messages, some ten minutes or more
make bench N=10000000    # ten million
python -m bench --lines 50000 --rounds 3 --only import,answers
```

It needs no network: the books are generated, and PostgreSQL is started from a package
(`--database postgresql://…` names a server of yours; it needs the right to create databases).

## How to read it

- **The book** is made by a seeded generator, the same at every run: 40 accounts of 5 customers
  with shares of 1/rank, 18 months, Poisson arrivals that follow the hours of a week, skewed
  countries, tags, campaigns and logins, ids with gaps, recharges with money; some 2,000
  transfers, purchases and corrections, however many messages.
- **Ratios count.** Each round runs every contender once, in rotated order; a ratio is taken
  within each round, and the median over the rounds is shown with the smallest and the largest.
  Above 1 the product is faster, where a ratio is not said to be one of times.
- **Absolute figures are of this machine and this hour.** How much one and the same contender
  varied between rounds stands beside it: believe no difference that is smaller. The processor's
  time is that of a command and all its processes, without the server's.
- **Every answer is checked** against an independent fold of the file, at every size and in
  every round. A wrong one ends the run with an error and writes no page.
- **The yardsticks**: one row for every message in a table with its key and an index by account
  and time, written by `COPY` or `executemany` in transactions of the same size, each from the
  form in memory that suits it (rows, columns); a plain loader
  of the same file with `csv`, type conversion and validation, in one transaction; the event
  library's defaults with one event for every message; DuckDB's load into a table without keys.
- **Durable**: SQLite with `synchronous = FULL`, PostgreSQL with `fsync` and
  `synchronous_commit`. Commands are timed whole, in a process of their own, with an empty
  database that is there already.
- **Disk** is what the ledger's database takes beyond an empty one, after the import and the
  first reports: totals, registers and lots are in it.
  **Memory** is the client's: the peak of the largest process, or of all processes of the
  command at one moment if that is more (shared pages counted once, looked at every 20 ms).
  That of `sync` is measured against the sandbox, which hands out rows fifty at a time.
- **Requests to OVH** for new lines are not timed but proved by the tests of synchronisation.
"""


def write(run: Run, path: Path = PAGE) -> None:
    """Put a run into the page, in the place of the former one of that size."""
    sections = _sections(path.read_text(encoding="utf-8")) if path.exists() else {}
    sections[run.lines] = _section(run)
    text = "\n\n".join([_ABOVE.rstrip(), *(sections[size] for size in sorted(sections))])
    path.write_text(text + "\n", encoding="utf-8")


def _sections(text: str) -> dict[int, str]:
    return {int(found[1]): found[0] for found in _SECTION.finditer(text)}


def _section(run: Run) -> str:
    machine = [
        ["", ""],
        *([name.replace("_", " "), told] for name, told in run.machine.items()),
    ]
    return "\n\n".join(
        [
            f"<!-- {run.lines} lines -->\n## {run.lines:,} messages, {run.rounds} rounds",
            f"{run.on.isoformat()}. Goals are those of a million lines and nine rounds.",
            as_markdown(run.results()),
            "### What was timed",
            as_markdown(run.contenders()),
            "### The machine",
            f"{as_markdown(machine)}\n<!-- end -->",
        ]
    )
