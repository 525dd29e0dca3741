"""The memory of a first synchronisation, of so many messages as the sandbox holds.

OVH hands out rows in batches of fifty, so a million of them would take the night; the memory of
a tenth stands beside it, to show what a message more takes.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench import product
from bench.commands import ROOT, CommandFailed, run
from bench.measures.footprint import memory
from bench.places import Place
from bench.results import Found
from bench.scene import Scene

_MOST_MESSAGES: Final = 100_000
_PARTS: Final = {"memory.sync": 1, "memory.sync.tenth": 10}


def measure(scene: Scene) -> Found:
    found = Found()
    for key, part in _PARTS.items():
        messages = max(1, min(scene.lines, _MOST_MESSAGES) // part)
        with _sandbox(scene.folder, messages) as conf:
            for place in scene.places:
                found.add(_synchronised(scene, key, place, conf, messages))
    return found


def _synchronised(scene: Scene, key: str, place: Place, conf: Path, messages: int) -> Found:
    """Synchronise all accounts; then hold every balance against what the sandbox shows."""
    with place.ledger() as url:
        ran = run(product.sync(url), looked_at=True, ovh_conf=conf)
        run(product.reconcile(url))
    result = memory(key, scene, place, ran)
    return Found([replace(result, note=f"{messages:,} messages; {result.note}")])


@contextmanager
def _sandbox(folder: Path, messages: int) -> Iterator[Path]:
    """Start a sandbox; gives the profile of its customers. Raises CommandFailed."""
    conf = folder / f"ovh-{messages}.conf"
    words = ["--port", "0", "--seed", "1", "--frozen", "--scenario", "large"]
    command = product.program("unused", "sandbox", "serve", *words, "--messages",
                              str(messages), "--write-profile", "bench", str(conf))  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as serving:
        try:
            assert serving.stdout is not None
            if not serving.stdout.readline().startswith("sandbox:"):
                msg = f"a sandbox with {messages} messages did not start"
                raise CommandFailed(msg)
            yield conf
        finally:
            serving.terminate()
