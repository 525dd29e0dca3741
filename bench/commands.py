"""Commands as a person would type them, each in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
_WATCHED: Final = Path(__file__).with_name("watched.py")
_LOOK_EVERY_S: Final = 0.02
_LONGEST_SHOWN: Final = 2000
_PASSWORD: Final = re.compile(r"(?<=:)[^:@/ ]+(?=@)")


class CommandFailed(Exception):
    """A command ended with another status than 0."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command took. `largest_bytes` is the peak of its largest process.

    `together_bytes` is the peak of all its processes, seen now and then; 0: not looked at.
    """

    seconds: float
    cpu_s: float
    largest_bytes: int
    together_bytes: int
    out: str

    @property
    def peak_bytes(self) -> int:
        return max(self.largest_bytes, self.together_bytes)


def run(
    command: Sequence[str], *, looked_at: bool = False, ovh_conf: Path | None = None
) -> Ran:
    """Run a command to its end. Raises CommandFailed."""
    with tempfile.TemporaryDirectory(prefix="sms-bench-") as folder:
        report = Path(folder) / "report.json"
        every = str(_LOOK_EVERY_S if looked_at else 0)
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(_WATCHED), str(report), every, *command],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env=_environment(ovh_conf),
        )
        if done.returncode:
            shown = _PASSWORD.sub("…", " ".join(command))
            msg = f"{shown}: status {done.returncode}\n{done.stderr[-_LONGEST_SHOWN:]}"
            raise CommandFailed(msg)
        return Ran(**json.loads(report.read_text()), out=done.stdout)


def _environment(ovh_conf: Path | None) -> dict[str, str]:
    """Leave out what would change a command: settings of the product in the environment."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("SMS_LEDGER_", "POSTGRES_"))
    }
    return kept if ovh_conf is None else {**kept, "SMS_LEDGER_OVH_CONFIG": str(ovh_conf)}


def python(module: str, *arguments: str) -> list[str]:
    """Name a module of the benchmark as a command."""
    return [sys.executable, "-m", f"bench.{module}", *arguments]
