"""A second process that does part of the work, so that both cores of a machine are used.

It is a program of its own at the other end of a connection: nothing of this process is copied
into it, and it ends when this process does, however that comes. Whatever befalls it,
this process does the work itself.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any, Final, Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

# The helper has one task at hand and one more waiting; so many are taken before their turn, for
# some are small.
_AHEAD: Final = 2
_TAKEN: Final = 6
_PATIENCE_S: Final = 5

_PROGRAM: Final = (
    "import sys; sys.path[:] = sys.argv[2:];"
    " from ledger.files.crew import serve; serve(int(sys.argv[1]))"
)


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


@contextmanager
def no_collector() -> Iterator[None]:
    """Keep Python from looking for cycles: rows and columns hold none, and are many."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Crew:
    """Works off tasks in order: in this process and, where `helped` is true, in another."""

    def __init__(self, *, helped: bool) -> None:
        self._helper = _Helper() if helped else None

    def close(self) -> None:
        if self._helper is not None:
            self._helper.close()

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(
        self, function: Callable[[Task], Result], tasks: Iterable[Task]
    ) -> Iterator[Result]:
        """Give the results in the order of the tasks.

        `function` is a module's own and makes its result of the task alone: it may be run in
        either process, and again where the other one was lost.
        """
        left = iter(tasks)
        waiting: deque[_Pending[Task, Result]] = deque()
        while True:
            self._hand_out(function, left, waiting)
            if not waiting:
                return
            if waiting[0].is_ready() or not self._do_one(function, left, waiting):
                yield waiting.popleft().result(function)

    def _hand_out(
        self,
        function: Callable[[Task], Result],
        left: Iterator[Task],
        waiting: deque[_Pending[Task, Result]],
    ) -> None:
        """Keep the helper in work; where there is none, take the next task."""
        helper = self._helper
        while helper and helper.works and _has_room(waiting):
            task = next(left, None)
            if task is None:
                return
            waiting.append(_Pending(task, helper.submit(function, task)))
        if not waiting and (task := next(left, None)) is not None:
            waiting.append(_Pending(task))

    def _do_one(
        self,
        function: Callable[[Task], Result],
        left: Iterator[Task],
        waiting: deque[_Pending[Task, Result]],
    ) -> bool:
        """Do a task here while the first result is still being made elsewhere."""
        task = next(left, None) if len(waiting) < _TAKEN else None
        if task is None:
            return False
        here: Future[Result] = Future()
        here.set_result(function(task))
        waiting.append(_Pending(task, here))
        return True


class _Pending(Generic[Task, Result]):
    """A task, and its result if somebody works on it already.

    The task, which may be large, is let go when its result is there.
    """

    def __init__(self, task: Task, future: Future[Result] | None = None) -> None:
        self._tasks = [task]
        self._future = future
        if future is not None:
            future.add_done_callback(self._let_go)

    def _let_go(self, future: Future[Result]) -> None:
        if not future.cancelled() and future.exception() is None:
            self._tasks.clear()

    def is_ready(self) -> bool:
        return self._future is None or self._future.done()

    def result(self, function: Callable[[Task], Result]) -> Result:
        """Wait for the result; make it here where nobody else does, or could."""
        future, self._future = self._future, None  # which knows this one: let both go
        if future is not None:
            with suppress(_NotMade):
                return future.result()
        return function(self._tasks[0])


def _has_room(waiting: Collection[_Pending[Task, Result]]) -> bool:
    """Tell whether the helper may be given another task."""
    under_way = sum(not one.is_ready() for one in waiting)
    return under_way < _AHEAD and len(waiting) < _TAKEN


class _NotMade(Exception):
    """The helper is gone, or failed: what went wrong shows when it is done here."""


class _Helper:
    """The other process, a thread that hands it tasks, and one that waits for results.

    The next task is on its way before the result of the last one is read: the helper never
    waits until this process has time for it.
    """

    def __init__(self) -> None:
        self.works = True
        self._other, others = Pipe()
        with others:
            self._process = subprocess.Popen(  # noqa: S603 (ourselves)
                [sys.executable, "-c", _PROGRAM, str(others.fileno()), *sys.path],
                stdin=subprocess.DEVNULL,
                pass_fds=[others.fileno()],
                process_group=0,  # Ctrl-C is for us; the helper ends with its connection
            )
        self._sender, self._receiver = ThreadPoolExecutor(1), ThreadPoolExecutor(1)

    def submit(self, function: Callable[[Task], Result], task: Task) -> Future[Result]:
        sent = self._sender.submit(self._send, (function.__module__, function.__name__, task))
        return self._receiver.submit(self._receive, sent)

    def _send(self, task: tuple[str, str, Any]) -> None:
        self._other.send(task)

    def _receive(self, sent: Future[None]) -> Any:
        try:
            sent.result()
            made, result = self._other.recv()
        except (EOFError, OSError) as error:
            self.works = False
            raise _NotMade from error
        if not made:
            raise _NotMade
        return result

    def close(self) -> None:
        """End the process; what it works on is thrown away."""
        self._process.kill()
        for thread in (self._sender, self._receiver):
            thread.shutdown(wait=True, cancel_futures=True)
        self._other.close()
        self._process.wait(_PATIENCE_S)


def serve(handle: int) -> None:
    """Be the helper: do what comes in until nothing more can come."""
    from importlib import import_module  # noqa: PLC0415

    other = Connection(handle)
    with no_collector(), suppress(EOFError, OSError):
        while True:
            module, name, task = other.recv()
            try:
                answer = (True, getattr(import_module(module), name)(task))
            except Exception:  # done again by the other side, which tells
                answer = (False, None)
            other.send(answer)
