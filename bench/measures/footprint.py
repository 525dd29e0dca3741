"""What a ledger takes on disk, and its import in memory: of the client, all its processes."""

from __future__ import annotations

from bench import product
from bench.commands import Ran, python, run
from bench.places import Place
from bench.results import Found, Result
from bench.scene import Book, Scene, import_of
from bench.table import open_table
from bench.timing import Figures

_MEGABYTE = 1_000_000


def measure(scene: Scene) -> Found:
    tenth = Book.write(scene.folder / "tenth.csv", max(1, scene.lines // 10))
    return Found([one for place in scene.places for one in _results(scene, place, tenth)])


def _results(scene: Scene, place: Place, tenth: Book) -> list[Result]:
    kept = scene.ledger(place)
    with product.reading(kept.url) as database:
        product.catch_up(database)
    with place.ledger() as url:
        less = run(import_of(url, tenth), looked_at=True)
    return [
        _per_line("disk", scene, place, place.size_bytes(kept.url)),
        _per_line("disk.plain", scene, place, _plain_bytes(scene, place)),
        memory("memory.import", scene, place, kept.ran),
        memory("memory.tenth", scene, place, less),
    ]


def _plain_bytes(scene: Scene, place: Place) -> int:
    with place.bare() as url:
        table = open_table(url)
        table.create()
        run(python("plain", url, str(scene.book.path)))
        table.close()
        return place.size_bytes(url)


def _per_line(key: str, scene: Scene, place: Place, size: int) -> Result:
    return Result(key, place.name, scene.lines, Figures.of([size / scene.lines]))


def memory(key: str, scene: Scene, place: Place, ran: Ran) -> Result:
    """Tell the peak: of all processes as they were seen, at least that of the largest."""
    note = f"largest process {ran.largest_bytes / _MEGABYTE:.0f} MB"
    figures = Figures.of([ran.peak_bytes / _MEGABYTE])
    return Result(key, place.name, scene.lines, figures, note)
