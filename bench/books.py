"""A deterministic, seeded book of messages, given as it is needed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

CUSTOMER, ACCOUNT = "bench-ovh", "sms-bench-1"
_START = datetime(2026, 1, 1, tzinfo=UTC)
_COUNTRIES = (("IT", 1100), ("FR", 1000), ("ES", 850), ("DE", 2300), ("GB", 1050))
_WEIGHTS = (70, 15, 8, 4, 3)


class Message(NamedTuple):
    id: int
    at: datetime
    milli: int
    country: str
    parts: int
    tag: str


def messages(count: int, *, seed: int = 1) -> Iterator[Message]:
    """Give messages as they were sent: Poisson arrivals, gaps in ids, skewed countries."""
    draw = random.Random(seed)
    message_id, at = 1_000_000, _START
    for _ in range(count):
        message_id += 1 + int(draw.expovariate(0.05))
        at += timedelta(seconds=int(draw.expovariate(0.05)))
        country, rate = draw.choices(_COUNTRIES, _WEIGHTS)[0]
        parts = draw.choices((1, 2, 3), (85, 12, 3))[0]
        yield Message(message_id, at, rate * parts, country, parts, f"c{draw.randrange(20)}")
