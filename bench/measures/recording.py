"""Pages through the product's own way in ÷ one row for each message, both from memory.

The same messages, the same transactions, each in the form in which it has them: the product
columns, as an import reads them, or messages one by one, as a synchronisation does; the table
rows. The pages bring the balance and the totals by account and day with them; the rows have
their key and an index by time.
"""

from __future__ import annotations

import csv
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from bench import books, checks, product
from bench.fold import Fold, fold, spent, thousandths
from bench.places import SQLITE, Place
from bench.results import Found, Result
from bench.scene import Scene
from bench.table import Row, open_table
from bench.timing import Contender, faster, interleave
from ledger.pages import Line

T = TypeVar("T")

# Ratios are the same from here on, and nine rounds of more would take the hour.
_MOST_LINES: Final = 300_000

_ROUNDS_OF_OTHERS: Final = 3


@dataclass(frozen=True, slots=True)
class Size:
    """How many pages go into a transaction, and what the measure is called."""

    key: str
    pages: int

    def __str__(self) -> str:
        return "a page at once" if self.pages == 1 else f"{self.pages} pages at once"


# As an import records, and the least there is.
_IMPORT: Final = Size("recording", 20)
_SIZES: Final = (_IMPORT, Size("recording.page", 1))
_LINES: Final = "recording.lines"


@dataclass(slots=True)
class Batch:
    """Messages of one account that are recorded together, in each form."""

    account: str
    rows: list[Row] = field(default_factory=list)

    def columns(self) -> product.MessageColumns:
        _, _, _, ids, at_us, milli, countries, parts, tags, _, batches, *_ = map(
            list, zip(*self.rows, strict=True)
        )
        return product.MessageColumns(ids, at_us, milli, parts, countries, batches, tags)

    def lines(self) -> list[Line]:
        return [
            Line(id, at_us, milli, parts, country, batch=batch, tag=tag)
            for id, at_us, milli, parts, country, batch, tag in zip(
                *self.columns(), strict=True
            )
        ]


@dataclass(frozen=True, slots=True)
class Trial:
    """What both record, and what it comes to."""

    size: Size
    place: Place
    batches: list[Batch]
    truth: Fold


def measure(scene: Scene) -> Found:
    path = scene.folder / "recorded.csv"
    _write_messages(scene.book.path, path, min(scene.lines, _MOST_LINES))
    truth = fold(path)
    truth.openings = dict.fromkeys(truth.customers, 0)
    found = Found()
    for size in _SIZES:
        batches = list(_batches(path, size.pages * product.PAGE))
        gc.freeze()  # what waits in memory is no garbage, and need not be looked at again
        for place in scene.places:
            found.add(_compare(scene, Trial(size, place, batches, truth)))
        gc.unfreeze()
    return found


def _compare(scene: Scene, trial: Trial) -> Found:
    size, place, lines = trial.size, trial.place.name, trial.truth.lines
    how = "executemany" if place == SQLITE else "COPY"
    from_columns = partial(_pages, trial, Batch.columns, product.record_columns)
    pages = Contender(f"pages, {size}, {place}", from_columns, lines)
    rows = Contender(f"{how}, {size}, {place}", partial(_rows, trial), lines)
    if size is not _IMPORT:
        interleave([pages, rows], scene.few(_ROUNDS_OF_OTHERS))
        return Found([_result(scene, trial, size.key, pages, rows)], [pages, rows])
    from_lines = partial(_pages, trial, Batch.lines, product.record_lines)
    single = Contender(f"messages as pages, {size}, {place}", from_lines, lines,
                       _ROUNDS_OF_OTHERS)  # fmt: skip
    interleave([pages, single, rows], scene.rounds)
    results = [_result(scene, trial, key, one, rows)
               for key, one in ((size.key, pages), (_LINES, single))]  # fmt: skip
    return Found(results, [pages, single, rows])


def _result(scene: Scene, trial: Trial, key: str, one: Contender, rows: Contender) -> Result:
    note = f"{trial.truth.lines:,} lines"
    return Result(key, trial.place.name, scene.lines, faster(one, rows), note)


def _pages(trial: Trial, form: Callable[[Batch], T], record: Callable[..., None]) -> float:
    given = [(batch.account, form(batch)) for batch in trial.batches]
    with trial.place.ledger() as url:
        with product.ledger_at(url) as ledger:
            at = books.BEGIN.astimezone(UTC)
            product.open_accounts(ledger, trial.truth.customers, zone=books.ZONE, at=at)
            began = time.perf_counter()
            for account, messages in given:
                record(ledger, account, messages)
            seconds = time.perf_counter() - began
        checks.ledger(f"pages, {trial.place.name}", url, trial.truth)
        return seconds


def _rows(trial: Trial) -> float:
    with trial.place.bare() as url:
        table = open_table(url)
        table.create()
        began = time.perf_counter()
        for batch in trial.batches:
            with table.together():
                table.add(batch.rows)
        seconds = time.perf_counter() - began
        checks.same(f"rows, {trial.place.name}", table.sums(), spent(trial.truth))
        table.close()
        return seconds


# --- the messages ----------------------------------------------------------------------------


def _write_messages(book: Path, path: Path, lines: int) -> None:
    """Keep the messages of a book alone, so that they can be folded by themselves."""
    with book.open(encoding="utf-8") as given, path.open("w", encoding="utf-8") as kept:
        kept.write(next(given))
        messages = (line for line in given if ",consumption," in line)
        kept.writelines(line for _, line in zip(range(lines), messages, strict=False))


def _batches(path: Path, size: int) -> Iterator[Batch]:
    """Gather the messages of each account until they are enough for a transaction."""
    waiting: dict[str, Batch] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file):
            name = cells["account"]
            batch = waiting.setdefault(name, Batch(name))
            _take(batch, cells)
            if len(batch.rows) == size:
                yield waiting.pop(name)
    yield from waiting.values()


def _take(batch: Batch, cells: dict[str, str]) -> None:
    id, milli = int(cells["id"]), thousandths(cells["credits"])
    at_us = round(datetime.fromisoformat(cells["happened_at"]).timestamp()) * 1_000_000
    country, parts = cells["country"], int(cells["parts"])
    tag, group = cells["tag"] or None, cells["batch"] or None
    batch.rows.append((
        cells["customer"], batch.account, "consumption", id, at_us, milli, country, parts,
        tag, None, group, None, None, None, None, None,
    ))  # fmt: skip
