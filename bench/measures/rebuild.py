"""Projections from the first event on, and balances from the headers of pages."""

from __future__ import annotations

import time
from functools import partial

from bench import checks, product
from bench.commands import Ran, run
from bench.measures.footprint import memory
from bench.places import Place
from bench.reports import REPORTS, Subject
from bench.results import Found, Result
from bench.scene import Scene
from bench.timing import Contender, interleave


def measure(scene: Scene) -> Found:
    found = Found()
    for place in scene.places:
        rebuild = Contender(
            f"rebuild, {place.name}", partial(_rebuild, scene, place), scene.lines
        )
        refold = Contender(f"refold, {place.name}", partial(_refold, scene, place), scene.lines)
        interleave([rebuild, refold], scene.rounds)
        looked_at = run(product.rebuild(scene.ledger(place).url), looked_at=True)
        results = [
            Result("rebuild", place.name, scene.lines, rebuild.lines_per_s()),
            Result("refold", place.name, scene.lines, refold.lines_per_s()),
            memory("memory.rebuild", scene, place, looked_at),
        ]
        found.add(Found(results, [rebuild, refold]))
    return found


def _rebuild(scene: Scene, place: Place) -> Ran:
    """Run the whole command; then hold every report against the file."""
    url = scene.ledger(place).url
    ran = run(product.rebuild(url))
    subject = Subject.of(scene)
    with product.reading(url) as database:
        for report in REPORTS:
            report.check(report.ask(database, subject), subject)
    return ran


def _refold(scene: Scene, place: Place) -> float:
    with product.reading(scene.ledger(place).url) as database:
        began = time.perf_counter()
        moved = product.refold(database)
        seconds = time.perf_counter() - began
    truth = scene.book.truth
    expected = {name: owned - truth.openings[name] for name, owned in truth.balances().items()}
    checks.same(f"refold, {place.name}", moved, expected)
    return seconds
