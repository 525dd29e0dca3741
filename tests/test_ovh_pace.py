"""The fair pace: 60 requests at once, then one a second."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from ledger.ovh.pace import Pace


@dataclass
class Watch:
    """A clock that moves when somebody sleeps, or when told to."""

    now_s: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def read(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


def pace(per_minute: int, watch: Watch) -> Pace:
    return Pace(per_minute, clock=watch.read, sleep=watch.sleep)


def test_sixty_requests_pass_at_once_and_then_one_a_second(watch: Watch) -> None:
    fair = pace(60, watch)
    for _ in range(60):
        fair.take()
    assert watch.slept == []
    for _ in range(3):
        fair.take()
    assert watch.slept == pytest.approx([1, 1, 1])


def test_a_pause_fills_the_bucket_up_to_the_burst_and_no_further(watch: Watch) -> None:
    fair = pace(60, watch)
    for _ in range(60):
        fair.take()
    watch.now_s += 3600
    for _ in range(61):
        fair.take()
    assert watch.slept == pytest.approx([1])


def test_a_slower_pace_has_a_smaller_burst(watch: Watch) -> None:
    fair = pace(6, watch)
    for _ in range(8):
        fair.take()
    assert watch.slept == pytest.approx([10, 10])


def test_a_faster_pace_has_the_same_burst(watch: Watch) -> None:
    fair = pace(600, watch)
    for _ in range(62):
        fair.take()
    assert watch.slept == pytest.approx([0.1, 0.1])


def test_no_limit_never_waits(watch: Watch) -> None:
    free = pace(0, watch)
    for _ in range(1000):
        free.take()
    assert watch.slept == []


def test_each_wait_is_told_before_it_begins(watch: Watch) -> None:
    told: list[tuple[float, int]] = []
    fair = Pace(
        60,
        clock=watch.read,
        sleep=watch.sleep,
        on_wait=lambda seconds: told.append((seconds, len(watch.slept))),
    )
    for _ in range(62):
        fair.take()
    assert [seconds for seconds, _ in told] == pytest.approx([1, 1])
    assert [slept for _, slept in told] == [0, 1]


def test_threads_get_one_turn_each() -> None:
    waits: list[float] = []
    fair = Pace(60, clock=lambda: 0.0, sleep=waits.append)

    def take_twenty() -> None:
        for _ in range(20):
            fair.take()

    threads = [threading.Thread(target=take_twenty) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == pytest.approx([float(turn) for turn in range(1, 41)])
