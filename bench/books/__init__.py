"""Realistic books as lines of an import file: seeded, the same each time, in constant memory.

Forty accounts of five customers; the second has half the traffic of the first, the third a
third. Messages arrive as a Poisson process whose rate follows the hours of a week, in the order
of time with all accounts interleaved, as an export has them. Ids rise with gaps, since others
send too. Countries, parts, tags, campaigns (batches) and logins (users) are skewed; balances
run down and are recharged, with money; credits move between accounts. Times are written with
the local offset, so that a reader finds the local day in the text.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bench.books.accounts import ACCOUNTS, TABLE, Account, accounts_of, campaign, messages_of
from bench.books.moments import BEGIN, ZONE, Clock, arrivals, ids
from bench.books.movements import CAMPAIGN_LINES, Movements

__all__ = ["ACCOUNTS", "BEGIN", "COLUMNS", "ZONE", "Account", "accounts_of", "book", "write"]

COLUMNS: Final = (
    "customer", "account", "kind", "id", "happened_at", "credits", "country", "parts", "tag",
    "user", "batch", "counter_account", "net", "vat", "currency", "bill",
)  # fmt: skip

_LINES_AT_ONCE: Final = 10_000
_SENDERS: Final = 4_096


def write(path: Path, lines: int, *, seed: int = 1, random_ids: bool = False) -> None:
    """Write a book as a file to import."""
    waiting: list[str] = []
    with path.open("w", encoding="utf-8", newline="") as file:
        for line in book(lines, seed=seed, random_ids=random_ids):
            waiting.append(line)
            if len(waiting) == _LINES_AT_ONCE:
                file.writelines(waiting)
                waiting.clear()
        file.writelines(waiting)


def book(lines: int, *, seed: int = 1, random_ids: bool = False) -> Iterator[str]:
    """Give the header and the rows: so many messages, and the movements between them."""
    draw = random.Random(seed)
    of = accounts_of(lines)
    for rank, account in enumerate(of):
        account.messages = messages_of(draw, rank, account)
        account.batches[1:] = [campaign(draw) for _ in account.batches[1:]]
    yield ",".join(COLUMNS) + "\n"
    yield from _openings(of)
    yield from _traffic(draw, of, lines, ids(draw, lines, at_random=random_ids))


def _openings(of: Sequence[Account]) -> Iterator[str]:
    at = BEGIN.isoformat()
    for account in of:
        account.milli = account.opening * 1000
        yield f"{account.customer},{account.name},opening,,{at},{account.opening}{',' * 10}\n"


def _traffic(
    draw: random.Random, of: Sequence[Account], lines: int, numbers: Iterator[int]
) -> Iterator[str]:
    senders = draw.choices(of, [account.share for account in of], k=_SENDERS)
    arrival, text, uniform = arrivals(draw, lines), Clock().text, draw.random
    between = Movements(draw, of, lines)
    for _ in range(lines):
        account = senders[int(uniform() * _SENDERS)]
        message = account.messages[int(uniform() * TABLE)]
        at = text(arrival())
        batch = account.batches[message.campaign]
        yield f"{message.head}{next(numbers)},{at},{message.middle}{batch},,,,,\n"
        account.milli -= message.milli
        chance = uniform()
        if account.milli < account.pack * 100 or chance * CAMPAIGN_LINES < 1:
            yield from between.rows(account, message, at, chance)
