"""The event library as its tutorial has it: one event for every message.

Usage: python -m bench.defaults URL FILE

An aggregate for each account, its JSON transcoder, its own recorder and tables; only the size
of a save is chosen, a thousand events, where it is fastest. It prints what each account spent.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

_EVENTS_AT_ONCE: Final = 1_000


class Account(Aggregate):
    @event("Opened")
    def __init__(self, name: str) -> None:
        self.name = name
        self.spent = Decimal(0)
        self.sent = 0

    @event("Sent")
    def send(
        self,
        message: str,
        *,
        at: datetime,
        credits: Decimal,
        country: str,
        parts: str,
        tag: str,
    ) -> None:
        self.spent += credits
        self.sent += 1


def main() -> None:
    url, file = sys.argv[1:]
    books: Application[UUID] = Application(env=_settings(url))
    accounts: dict[str, Account] = {}
    for row in _messages(Path(file)):
        name = row["account"]
        account = accounts.get(name) or accounts.setdefault(name, Account(name))
        _send(account, row)
        if len(account.pending_events) >= _EVENTS_AT_ONCE:
            books.save(account)
    books.save(*accounts.values())
    books.close()
    spent = {name: (one.sent, str(one.spent)) for name, one in accounts.items()}
    print(json.dumps(spent))


def _messages(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["kind"] in {"consumption", "reply", "hlr", "cleaning"}:
                yield row


def _send(account: Account, row: dict[str, str]) -> None:
    account.send(
        row["id"],
        at=datetime.fromisoformat(row["happened_at"]),
        credits=Decimal(row["credits"]),
        country=row["country"],
        parts=row["parts"],
        tag=row["tag"],
    )


def _settings(url: str) -> dict[str, str]:
    if "://" not in url:
        return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": url}
    parts = urlsplit(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.lstrip("/"),
        "POSTGRES_HOST": parts.hostname or "",
        "POSTGRES_PORT": str(parts.port or 5432),
        "POSTGRES_USER": parts.username or "",
        "POSTGRES_PASSWORD": parts.password or "",
    }


if __name__ == "__main__":
    main()
