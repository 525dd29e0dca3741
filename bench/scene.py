"""What the parts of the benchmark share: the book, its fold, and a ledger on each database."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from bench import books, checks, product
from bench.commands import Ran, run
from bench.fold import Fold, fold
from bench.places import Place

# In the middle of the book, with the end of summer time in it.
MONTH: Final = "2024-10"
PAST_DAY: Final = "2024-10-15"
SMALL_LINES: Final = 50_000


@dataclass(slots=True)
class Book:
    """A file and what it comes to."""

    path: Path
    truth: Fold

    @classmethod
    def write(cls, path: Path, lines: int, *, random_ids: bool = False) -> Book:
        books.write(path, lines, random_ids=random_ids)
        wanted = [(account.name, MONTH) for account in (ordinary(lines), largest(lines))]
        return cls(path, fold(path, statements=wanted))


def largest(lines: int) -> books.Account:
    return books.accounts_of(lines)[0]


def ordinary(lines: int) -> books.Account:
    """Give the account whose share is nearest to the mean."""
    return min(books.accounts_of(lines), key=lambda one: abs(one.share - 1 / books.ACCOUNTS))


@dataclass(frozen=True, slots=True)
class Kept:
    """A ledger that a book was imported into, and what the import took."""

    url: str
    ran: Ran


@dataclass
class Scene:
    """One run of the benchmark. What it needs is made when it is first asked for.

    `book_rounds` is how often what works through the whole book is timed.
    """

    lines: int
    rounds: int
    book_rounds: int
    folder: Path
    places: list[Place]
    stack: ExitStack
    _kept: dict[str, Kept] = field(default_factory=dict)

    @cached_property
    def book(self) -> Book:
        return Book.write(self.folder / "book.csv", self.lines)

    @cached_property
    def small(self) -> Book:
        """A book for what is too slow to work through a large one."""
        return Book.write(self.folder / "small.csv", min(self.lines, SMALL_LINES))

    @cached_property
    def scattered(self) -> Book:
        """The same book with ids at random."""
        return Book.write(self.folder / "scattered.csv", self.lines, random_ids=True)

    def few(self, rounds: int) -> int:
        return min(self.rounds, rounds)

    def ledger(self, place: Place) -> Kept:
        """Give a ledger with the book in it; its import is looked at, not timed."""
        known = self._kept.get(place.name)
        if known is None:
            url = self.stack.enter_context(place.ledger())
            ran = run(import_of(url, self.book), looked_at=True)
            checks.ledger(f"import, {place.name}", url, self.book.truth)
            known = self._kept[place.name] = Kept(url, ran)
        return known


def import_of(url: str, book: Book, *words: str) -> list[str]:
    """Give the command line that imports a book."""
    return product.program(url, "import", str(book.path), "--time-zone", books.ZONE, *words)
