"""Words that reports share."""

from __future__ import annotations


def many(count: int, noun: str) -> str:
    """Write `1 job`, `2 jobs`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
