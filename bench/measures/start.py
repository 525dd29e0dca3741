"""What a person feels at every command: `bal` on a small ledger ÷ a bare start with click."""

from __future__ import annotations

import sys
from typing import Final

from bench import product
from bench.commands import run
from bench.places import SQLITE
from bench.results import Found, Result
from bench.scene import Book, Scene, import_of
from bench.timing import Contender, interleave, longer

_LINES: Final = 500
_BARE: Final = [sys.executable, "-c", "import click"]


def measure(scene: Scene) -> Found:
    place = next(place for place in scene.places if place.name == SQLITE)
    book = Book.write(scene.folder / "start.csv", _LINES)
    with place.ledger() as url:
        run(import_of(url, book))
        bal = Contender("bal, small ledger", lambda: run(product.program(url, "bal")))
        bare = Contender("python -c 'import click'", lambda: run(_BARE))
        interleave([bal, bare], scene.rounds)
    result = Result("start", SQLITE, scene.lines, longer(bal, bare))
    return Found([result], [bal, bare])
