"""Time what people feel, each against a yardstick in the same interleaved rounds.

Usage: python -m bench [--lines N] [--rounds N] [--only import,…] [--database postgresql://…]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench import page, report
from bench.checks import WrongAnswer
from bench.commands import CommandFailed
from bench.machine import machine
from bench.measures import PARTS
from bench.places import places
from bench.results import Found
from bench.scene import Scene

# Ratios want many rounds. What works through a whole book takes minutes where that is large:
# such sizes are about memory, disk, answers.
_ROUNDS: Final = 9
_ROUNDS_OF_LARGE_BOOKS: Final = 1
_LARGE_LINES: Final = 2_000_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; gives the exit status: 1 where an answer was wrong, or a contender failed."""
    asked = _options().parse_args(argv)
    try:
        run = _run(asked)
    except (WrongAnswer, CommandFailed) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(report.as_text(run.results()))
    if run.found.contenders:
        print(f"\n{report.as_text(run.contenders())}")
    if asked.json:
        report.write(asked.json, run.as_json())
    if asked.write_docs:
        page.write(run)
    return 0


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("--lines", type=int, default=1_000_000, help="messages of the book")
    options.add_argument(
        "--rounds",
        type=int,
        help="interleaved rounds; default: 9, one of what reads a large book",
    )
    options.add_argument("--only", type=_parts, default=list(PARTS), metavar="PART,…",
                         help=f"some of {', '.join(PARTS)}")  # fmt: skip
    options.add_argument("--database", metavar="URL", help="a PostgreSQL server to use")
    options.add_argument("--without-postgresql", action="store_true", help="SQLite alone")
    options.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options.add_argument("--write-docs", action="store_true", help="write docs/benchmarks.md")
    return options


def _parts(text: str) -> list[str]:
    parts = text.split(",")
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        msg = f"expected some of {', '.join(PARTS)}, found {', '.join(unknown)}"
        raise argparse.ArgumentTypeError(msg)
    return parts


def _run(asked: argparse.Namespace) -> report.Run:
    rounds = asked.rounds or _ROUNDS
    large = asked.rounds is None and asked.lines >= _LARGE_LINES
    book_rounds = _ROUNDS_OF_LARGE_BOOKS if large else rounds
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sms-bench-")))
        given = stack.enter_context(
            places(asked.database, with_postgres=not asked.without_postgresql)
        )
        scene = Scene(asked.lines, rounds, book_rounds, folder, given, stack)
        found = Found()
        for part in asked.only:
            found.add(PARTS[part](scene))
        about = machine(folder, given)
        return report.Run(asked.lines, rounds, datetime.now(UTC).date(), about, found)


if __name__ == "__main__":
    sys.exit(main())
