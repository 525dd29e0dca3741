"""Hints for a difference that nothing explains: what is as large, or half, or a multiple."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ledger.credits import MILLI_PER_CREDIT, Credits
from ledger.database import Rows
from ledger.tariff import PACKS, Tariff
from ledger.times import from_us
from projections.books import Book
from projections.drifts import Step
from projections.page_lines import lines_during
from projections.words import many

# Rows appear late: OVH retries for seven days, and a deferred message keeps its old time.
_LATE_US: Final = 8 * 86_400_000_000

_MOST_NAMED: Final = 3
_MOST_MESSAGES: Final = 10_000
_TENTH: Final = MILLI_PER_CREDIT // 10


def hints(
    rows: Rows, book: Book, step: Step, milli: int, tariff: Tariff | None
) -> Iterator[str]:
    """Say what a residual could be, nearest things first."""
    yield from _as_large(rows, book, step, milli)
    if milli > 0:
        yield from _came(milli)
        return
    if tariff is not None:
        yield from _rates(step, -milli, tariff)
    if milli % _TENTH == 0:
        count = -milli // _TENTH
        unread = "" if step.seen.coverage.hlr else " (HLR lookups are not read)"
        yield (
            f"{count} × 0.1: {many(count, 'HLR lookup')}{unread} or cleaned contacts of a list,"
            " which OVH shows nowhere"
        )


def _as_large(rows: Rows, book: Book, step: Step, milli: int) -> Iterator[str]:
    """Give what was recorded about then, of as many credits or of half of them."""
    start_us, end_us = step.after_us - _LATE_US, step.at_us + 1
    found: dict[int, list[str]] = {}
    for line in lines_during(rows, book.account, [(start_us, end_us)]):
        if abs(line.milli) == abs(milli) or 2 * abs(line.milli) == abs(milli):
            found.setdefault(abs(line.milli), []).append(f"{line.kind} {line.reference}")
    for at_us, kind, moved, reference in rows.execute(
        "SELECT at_us, kind, milli, reference FROM movement WHERE account = :account"
        " AND at_us >= :start AND at_us < :end ORDER BY at_us",
        account=book.account,
        start=start_us,
        end=end_us,
    ):
        if abs(moved) == abs(milli) or 2 * abs(moved) == abs(milli):
            told = f"{kind} {reference} of {book.local(at_us):%Y-%m-%d}"
            found.setdefault(abs(moved), []).append(told)
    for size, names in sorted(found.items(), reverse=True):
        yield _row_words(names, is_half=size != abs(milli))


def _row_words(names: list[str], *, is_half: bool) -> str:
    rows = many(len(names), "movement")
    named = ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
    if is_half:
        return f"{rows} about then of half as many credits ({named}): one with the wrong sign?"
    return f"{rows} about then of as many credits ({named}): one too many, or one missing?"


def _came(milli: int) -> Iterator[str]:
    whole, rest = divmod(milli, MILLI_PER_CREDIT)
    if not rest and whole in PACKS:
        yield f"OVH sells {whole} credits: bought or recharged, and not billed yet?"
    yield "a gift, or credits that OVH gave back, show like this: no list tells of them"


def _rates(step: Step, milli: int, tariff: Tariff) -> Iterator[str]:
    """Give the rates of which it is a multiple: home first, then those that it is few times."""
    moment = from_us(step.at_us)
    told: list[tuple[bool, int, str, Credits]] = []
    for country in tariff.rates:
        rate = tariff.rate(country, moment)
        credits = rate.value.credits if rate else None
        if credits and milli % credits.milli == 0 and milli // credits.milli <= _MOST_MESSAGES:
            away = country != tariff.billing_country
            told.append((away, milli // credits.milli, country, credits))
    for _, count, country, credits in sorted(told, key=lambda one: one[:3])[:_MOST_NAMED]:
        yield (
            f"{count} × {credits}, the rate of {country}: {many(count, 'message')} whose row"
            " was deleted before it was read, or an alert SMS, which has none?"
        )
