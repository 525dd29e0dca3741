"""A book as plain text accounting has it: a transaction for every row.

hledger and beancount read the whole journal at each command; that is their way, and for a few
thousand messages a fine one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.books.accounts import credits_text
from bench.fold import LINES, thousandths

_LEAVING: Final = LINES | {"refund", "transfer"}
_UNIT: Final = "SMS"


def write_hledger(book: Path, journal: Path) -> None:
    with journal.open("w", encoding="utf-8") as out:
        for day, what, source, target, amount in _postings(book):
            out.write(
                f"{day} {what}\n    {source}  -{amount} {_UNIT}\n"
                f"    {target}  {amount} {_UNIT}\n\n"
            )


def write_beancount(book: Path, journal: Path) -> None:
    """Write the same; names of accounts begin with a capital, and are opened."""
    with journal.open("w", encoding="utf-8") as out:
        for account in sorted({name for row in _postings(book) for name in row[2:4]}):
            out.write(f"1970-01-01 open {_capital(account)} {_UNIT}\n")
        for day, what, source, target, amount in _postings(book):
            out.write(
                f'{day} * "{what}"\n  {_capital(source)}  -{amount} {_UNIT}\n'
                f"  {_capital(target)}  {amount} {_UNIT}\n\n"
            )


def _capital(account: str) -> str:
    return ":".join(part.capitalize() for part in account.split(":"))


def _postings(book: Path) -> Iterator[tuple[str, str, str, str, str]]:
    """Give day, text, where credits leave, where they arrive, and how many."""
    with book.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            kind, milli = row["kind"], thousandths(row["credits"])
            own = f"assets:{row['account']}"
            other = _other(kind, row)
            leaves = kind in _LEAVING or milli < 0
            source, target = (own, other) if leaves else (other, own)
            what = f"{kind} {row['id']}".strip()
            yield row["happened_at"][:10], what, source, target, credits_text(abs(milli))


def _other(kind: str, row: dict[str, str]) -> str:
    if kind == "transfer":
        return f"assets:{row['counter_account']}"
    if kind in LINES:
        return f"expenses:{kind}"
    return "equity:opening" if kind == "opening" else f"income:{kind}"
