"""The machine that the figures are of."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Final

from bench.places import Place

_BLOCK: Final = b"\0" * 8192
_WRITES: Final = 200
_LIBRARIES: Final = ("eventsourcing", "psycopg", "duckdb", "beancount")


def machine(folder: Path, places: list[Place]) -> dict[str, str]:
    """Tell what is known of it, and how long its disk takes to be sure."""
    typical, slow = _fdatasync_ms(folder)
    found = {
        "cpu": _cpu(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory_gb": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f}",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "fdatasync_ms": f"{typical:.2f} median, {slow:.2f} for the slowest of a hundred",
    }
    for place in places:
        found |= place.about()
    return found | {name: version for name in _LIBRARIES if (version := _version(name))}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def _fdatasync_ms(folder: Path) -> tuple[float, float]:
    """Write blocks to a file, each until the disk has it."""
    took = []
    path = folder / "fdatasync"
    with path.open("wb", buffering=0) as file:
        for _ in range(_WRITES):
            file.write(_BLOCK)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(1000 * (time.perf_counter() - began))
    path.unlink()
    return statistics.median(took), statistics.quantiles(took, n=100)[-1]
