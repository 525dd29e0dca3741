"""When messages are sent, and under which ids."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = "Europe/Rome"
BEGIN: Final = datetime(2024, 1, 1, tzinfo=ZoneInfo(ZONE))
END: Final = datetime(2025, 7, 1, tzinfo=ZoneInfo(ZONE))

_HOUR_S: Final = 3600
_WEEK_H: Final = 168
_FIRST_ID: Final = 210_000_000
_OTHERS_BETWEEN: Final = 20  # ids that others take between two of ours


def _load(hour: int) -> float:
    """Tell how busy an hour of the week is; 1 is the mean. The epoch was a Thursday."""
    at_work = 8 <= hour % 24 < 20
    weekend = hour // 24 % 7 in {2, 3}
    return (1.75 if at_work else 0.25) * (0.5 if weekend else 1.2)


class Clock:
    """Writes times as text with the local offset; they come in order, so an hour is kept."""

    def __init__(self) -> None:
        self._zone = ZoneInfo(ZONE)
        self._hour = -1
        self._before = self._after = ""
        self._within = [f":{s // 60:02d}:{s % 60:02d}" for s in range(_HOUR_S)]

    def text(self, at_s: int) -> str:
        hour, second = divmod(at_s, _HOUR_S)
        if hour != self._hour:
            self._hour = hour
            written = datetime.fromtimestamp(hour * _HOUR_S, UTC).astimezone(self._zone)
            self._before = written.isoformat()[:13]
            self._after = written.isoformat()[-6:]
        return f"{self._before}{self._within[second]}{self._after}"


def arrivals(draw: random.Random, lines: int) -> Callable[[], int]:
    """Give a function that tells the second of the next message.

    The wait is drawn in hours of mean traffic, and used up by the hours as they pass.
    """
    rate = lines / (END - BEGIN).total_seconds()
    loads = [_load(hour) for hour in range(_WEEK_H)]
    at = BEGIN.timestamp()

    def arrival() -> int:
        nonlocal at
        wait = draw.expovariate(rate)
        while True:
            hour = int(at) // _HOUR_S
            load, end = loads[hour % _WEEK_H], (hour + 1) * _HOUR_S
            if wait <= (end - at) * load:
                at += wait / load
                return int(at)
            wait -= (end - at) * load
            at = end

    return arrival


def ids(draw: random.Random, lines: int, *, at_random: bool) -> Iterator[int]:
    if not at_random:
        return _rising(draw)
    bits = max(8, (lines * _OTHERS_BETWEEN).bit_length())
    return (_scattered(n, bits) for n in range(lines))


def _rising(draw: random.Random) -> Iterator[int]:
    last, rate = _FIRST_ID, 1 / _OTHERS_BETWEEN
    while True:
        last += 1 + int(draw.expovariate(rate))
        yield last


def _scattered(number: int, bits: int) -> int:
    """Give each number of so many bits another one of them: no id comes twice."""
    mask = (1 << bits) - 1
    for factor in (0x9E3779B1, 0x85EBCA6B):
        number = (number * factor + 0x27220A95) & mask
        number ^= number >> (bits // 2)
    return number + 1
