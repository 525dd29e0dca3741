"""A history in ten files with ids at random: does the last cost more than the first?

Every file's ids lie between those of all files before, so each page that is there may hold some
of them. A ledger that compares all with all grows slower with its size.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from bench import checks, product
from bench.books import ZONE
from bench.commands import run
from bench.places import Place
from bench.results import Found, Result
from bench.scene import Scene
from bench.timing import Figures

_PIECES: Final = 10


def measure(scene: Scene) -> Found:
    pieces = list(_cut(scene.scattered.path, scene.scattered.truth.rows))
    results = [_result(scene, place, pieces) for place in scene.places]
    return Found(results)


def _result(scene: Scene, place: Place, pieces: list[Path]) -> Result:
    with place.ledger() as url:
        seconds = [_import(url, piece) for piece in pieces]
        checks.ledger(f"pieces, {place.name}", url, scene.scattered.truth)
    ratio = seconds[-1] / seconds[0]
    note = f"from {seconds[0]:.1f} s to {seconds[-1]:.1f} s"
    return Result("pieces", place.name, scene.lines, Figures.of([ratio]), note)


def _import(url: str, piece: Path) -> float:
    return run(product.program(url, "import", str(piece), "--time-zone", ZONE)).seconds


def _cut(book: Path, rows: int) -> Iterator[Path]:
    """Cut a book into files of the same length, each with the header."""
    with book.open(encoding="utf-8") as given:
        header = next(given)
        for number in range(_PIECES):
            piece = book.with_name(f"piece-{number}.csv")
            with piece.open("w", encoding="utf-8") as file:
                file.write(header)
                file.writelines(islice(given, -(-rows // _PIECES)))
            yield piece
