"""The order of what stands at one moment: nothing leaves a place before it came there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, TypeVar

T = TypeVar("T")


def in_stock(
    found: Iterable[T],
    moment: Callable[[T], Any],
    moves: Callable[[T], Mapping[Hashable, int]],
) -> Iterator[T]:
    """Put off what takes from a place more than is there, until others of its moment gave it.

    `moves` tells what each brings to a place, or takes from it. What never finds enough stands
    last.
    """
    held: Counter[Hashable] = Counter()
    for _, same in groupby(found, moment):
        waiting = [(one, moves(one)) for one in same]
        while waiting:
            short = []
            for one, moved in waiting:
                if any(milli < 0 and held[place] + milli < 0 for place, milli in moved.items()):
                    short.append((one, moved))
                else:
                    held.update(moved)
                    yield one
            if len(short) == len(waiting):
                for one, moved in short:
                    held.update(moved)
                    yield one
                break
            waiting = short
