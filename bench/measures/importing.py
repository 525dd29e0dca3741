"""`import FILE.csv`, the whole command, against what else reads the same file."""

from __future__ import annotations

import json
from functools import partial
from typing import Final

from bench import checks, duck, product
from bench.commands import Ran, python, run
from bench.fold import spent, thousandths
from bench.places import Place
from bench.results import Found, Result
from bench.scene import Book, Scene, import_of
from bench.table import open_table
from bench.timing import Contender, Figures, faster, interleave, longer, thriftier

# Of contenders without a goal, or with one that is far away.
_FEW_ROUNDS: Final = 3

_DUCKDB: Final = "DuckDB's load"

Timed = dict[str, Contender]


def measure(scene: Scene) -> Found:
    timed = {one.name: one for place in scene.places for one in _contenders(scene, place)}
    if duck.is_installed():
        load = partial(_duckdb, scene)
        timed[_DUCKDB] = Contender(_DUCKDB, load, scene.lines, _FEW_ROUNDS)
    interleave(list(timed.values()), scene.book_rounds)
    results = [one for place in scene.places for one in _results(scene, place, timed)]
    return Found(results, list(timed.values()))


def _contenders(scene: Scene, place: Place) -> list[Contender]:
    lines, small = scene.lines, scene.small.truth.lines
    name = place.name
    whole = partial(_import, place, scene.book)
    alone = partial(_import, place, scene.book, *product.ALONE)
    scattered = partial(_import, place, scene.scattered)
    return [
        Contender(f"import, {name}", whole, lines),
        Contender(f"import in one process, {name}", alone, lines),
        Contender(f"plain loader, {name}", partial(_plain, place, scene.book), lines),
        Contender(f"import, ids at random, {name}", scattered, lines, _FEW_ROUNDS),
        Contender(
            f"library defaults, {name}",
            partial(_defaults, place, scene.small),
            small,
            _FEW_ROUNDS,
        ),
    ]


def _results(scene: Scene, place: Place, timed: Timed) -> list[Result]:
    ours, plain = timed[f"import, {place.name}"], timed[f"plain loader, {place.name}"]
    alone = timed[f"import in one process, {place.name}"]
    defaults = timed[f"library defaults, {place.name}"]
    scattered = timed[f"import, ids at random, {place.name}"]
    told: list[tuple[str, Figures, str]] = [
        ("import.rate", ours.lines_per_s(), ""),
        ("import.plain", faster(ours, plain), _by_cpu(ours, plain)),
        ("import.one", faster(alone, plain), _by_cpu(alone, plain)),
        ("import.defaults", faster(ours, defaults), f"{defaults.lines:,} lines of theirs"),
        ("import.scattered", longer(scattered, ours), ""),
    ]
    if _DUCKDB in timed:
        told.append(("import.duckdb", faster(ours, timed[_DUCKDB]), ""))
    return [Result(key, place.name, scene.lines, value, note) for key, value, note in told]


def _by_cpu(one: Contender, other: Contender) -> str:
    """The same by the clients' processor time: the server's is in neither."""
    return f"{thriftier(one, other).median:.2f} × by the clients' processor time"


# --- the contenders: what they write is gone after each round --------------------------------


def _import(place: Place, book: Book, *words: str) -> Ran:
    with place.ledger() as url:
        ran = run(import_of(url, book, *words))
        checks.ledger(f"import, {place.name}", url, book.truth)
        return ran


def _plain(place: Place, book: Book) -> Ran:
    with place.bare() as url:
        table = open_table(url)
        table.create()
        ran = run(python("plain", url, str(book.path)))
        checks.same(f"plain loader, {place.name}", table.sums(), spent(book.truth))
        table.close()
        return ran


def _defaults(place: Place, book: Book) -> Ran:
    with place.bare() as url:
        ran = run(python("defaults", url, str(book.path)))
    found = {name: (n, thousandths(sum)) for name, (n, sum) in json.loads(ran.out).items()}
    checks.same(f"library defaults, {place.name}", found, spent(book.truth))
    return ran


def _duckdb(scene: Scene) -> Ran:
    database = scene.folder / "duck.db"
    ran = run(python("duck", str(database), str(scene.book.path)))
    checks.same(_DUCKDB, duck.by_day(str(database)), scene.book.truth.by_day())
    database.unlink()
    return ran
