"""The examples of the documentation: commands, and what a terminal shows of them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """One command of a `console` block, and what it prints; `…` stands for anything.

    Where nothing is printed below a command, it is only run.
    """

    file: str
    command: str
    output: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.command)

    def matches(self, printed: str) -> bool:
        if not self.output.strip():
            return True
        expected = _normal(self.output).split("…")
        pattern = ".*?".join(re.escape(part) for part in expected)
        return re.fullmatch(pattern, _normal(printed), re.DOTALL) is not None


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def examples(document: Path) -> Iterator[Example]:
    """Give the commands of a document's console blocks, in order."""
    for block in _BLOCK.findall(document.read_text()):
        # What `make demo` prints shows commands itself.
        prompt = r"\A\$ " if block.startswith("$ make") else r"^\$ "
        for part in re.split(prompt, block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield Example(str(document.relative_to(ROOT)), command, output)


def _normal(text: str) -> str:
    """Leave out what a slow machine changes: blanks at ends, and the seconds of a moment."""
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    # The sandbox of the examples starts at 18:00:00.
    return re.sub(r"\b(18:00:[0-5]|\d\d:\d\d:0)\d\b", lambda found: found[1][:5] + ":00", lines)
