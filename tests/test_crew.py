"""A second process works off tasks: in order, and whatever befalls it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from ledger.files.crew import Crew

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the other process import this module by the name that functions have here."""
    here = sys.modules[__name__]
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    for function in (where, doubled, slowly, never, lost, only_here):
        monkeypatch.setattr(function, "__module__", "test_crew")
    monkeypatch.setitem(sys.modules, "test_crew", here)


def where(_: int) -> int:
    time.sleep(0.01)
    return os.getpid()


def doubled(number: int) -> int:
    return 2 * number


def slowly(number: int) -> int:
    """Take long for what comes first."""
    time.sleep(0.2 if number == 0 else 0)
    return number


def never(number: int) -> int:
    msg = f"not {number}"
    raise ArithmeticError(msg)


def lost(parent: int) -> str:
    """Kill the helper, and only that."""
    if os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    return "done here"


def only_here(parent: int) -> str:
    """Fail in the helper."""
    assert os.getpid() == parent
    return "done here"


@pytest.mark.parametrize("helped", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 10])
def test_results_come_in_the_order_of_the_tasks(*, helped: bool, count: int) -> None:
    with Crew(helped=helped) as crew:
        assert list(crew.run(doubled, range(count))) == [2 * n for n in range(count)]
        assert list(crew.run(slowly, range(count))) == list(range(count))


def test_both_processes_work() -> None:
    with Crew(helped=True) as crew:
        pids = list(crew.run(where, range(40)))
    assert set(pids) > {os.getpid()}
    assert len(set(pids)) == 2


def test_alone_no_process_is_started() -> None:
    with Crew(helped=False) as crew:
        assert set(crew.run(where, range(3))) == {os.getpid()}


def test_tasks_are_taken_few_at_a_time() -> None:
    taken: list[int] = []

    def tasks():
        for n in range(100):
            taken.append(n)
            yield n

    with Crew(helped=True) as crew:
        for done, _ in enumerate(crew.run(doubled, tasks())):
            assert len(taken) - done <= 6


@pytest.mark.parametrize("function", [lost, only_here])
def test_what_the_helper_cannot_do_is_done_here(function) -> None:
    with Crew(helped=True) as crew:
        assert list(crew.run(function, [os.getpid()] * 5)) == ["done here"] * 5


def test_what_cannot_be_done_at_all_is_told() -> None:
    with Crew(helped=True) as crew, pytest.raises(ArithmeticError, match="not 7"):
        list(crew.run(never, [7]))


def test_a_crew_that_is_left_early_leaves_no_process() -> None:
    with Crew(helped=True) as crew:
        results = crew.run(where, range(1000))
        helper = next(pid for pid in results if pid != os.getpid())
        started = time.monotonic()
    assert time.monotonic() - started < 5
    with pytest.raises(ProcessLookupError):
        os.kill(helper, 0)


KILLED = """
import os, sys, time
from ledger.files.crew import Crew
from test_crew import where
crew = Crew(helped=True)
print(next(pid for pid in crew.run(where, range(1000)) if pid != os.getpid()), flush=True)
time.sleep(60)
"""


def test_the_helper_does_not_outlive_a_program_that_is_killed() -> None:
    running = subprocess.Popen(
        [sys.executable, "-c", KILLED],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{Path(__file__).parent}"},
    )
    assert running.stdout is not None
    helper = int(running.stdout.readline())
    running.kill()
    running.communicate()
    deadline = time.monotonic() + 10
    while _lives(helper) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _lives(helper)


def _lives(pid: int) -> bool:
    with suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in {"Z", "X"}
    return False
