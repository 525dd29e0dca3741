"""Reports in process, warm: how long a person waits for an answer, less the start."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Final

from bench import product
from bench.places import Place
from bench.reports import REPORTS, Report, Subject
from bench.results import Found, Result
from bench.scene import Scene
from bench.timing import Contender, Figures, interleave
from ledger.database import Database

# A report is asked until so long has passed, but at least so often; its median counts.
AT_LEAST_S: Final = 0.1
_AT_LEAST_TIMES: Final = 3


def measure(scene: Scene) -> Found:
    subject = Subject.of(scene)
    found = Found()
    with ExitStack() as stack:
        for place in scene.places:
            database = stack.enter_context(product.reading(scene.ledger(place).url))
            product.catch_up(database)
            found.add(_ask(scene, place, database, subject))
    return found


def _ask(scene: Scene, place: Place, database: Database, subject: Subject) -> Found:
    timed = {
        report.key: Contender(
            f"{report.key}, {place.name}", partial(_median_s, report, database, subject)
        )
        for report in REPORTS
    }
    gc.collect()
    gc.freeze()
    interleave(list(timed.values()), scene.rounds)
    gc.unfreeze()
    results = [_result(scene, place, report, timed, subject) for report in REPORTS]
    return Found(results, list(timed.values()))


def _result(
    scene: Scene, place: Place, report: Report, timed: dict[str, Contender], subject: Subject
) -> Result:
    took = Figures.of([1000 * seconds for seconds in timed[report.key].seconds])
    note = ""
    if report.lines is not None:
        lines = report.lines(subject)
        note = f"{lines:,} lines, {1000 * lines / took.median:,.0f} a second"
    return Result(report.key, place.name, scene.lines, took, note)


def _median_s(report: Report, database: Database, subject: Subject) -> float:
    ask: Callable[[], object] = partial(report.ask, database, subject)
    right = ask()  # warm
    report.check(right, subject)
    seconds: list[float] = []
    while sum(seconds) < AT_LEAST_S or len(seconds) < _AT_LEAST_TIMES:
        began = time.perf_counter()
        answer = ask()
        seconds.append(time.perf_counter() - began)
        if answer != right:
            report.check(answer, subject)
    return statistics.median(seconds)
