"""The parts of the benchmark, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bench.measures import (
    answers,
    footprint,
    importing,
    others,
    pieces,
    rebuild,
    recording,
    start,
    syncing,
)
from bench.results import Found
from bench.scene import Scene

PARTS: Final[dict[str, Callable[[Scene], Found]]] = {
    "start": start.measure,
    "recording": recording.measure,
    "import": importing.measure,
    "pieces": pieces.measure,
    "footprint": footprint.measure,
    "sync": syncing.measure,
    "answers": answers.measure,
    "rebuild": rebuild.measure,
    "others": others.measure,
}
