"""Run one command; tell how long it took and how much memory its processes needed.

Usage: python -I -S watched.py REPORT EVERY COMMAND…

A child begins with the peak memory of the process that started it, as Linux counts; therefore
this small program, which imports little, stands between the benchmark and a command. EVERY is
how often, in seconds, the memory of all processes together is looked at; 0 is never.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time

_KIB = 1024


def main() -> None:
    report, every, *command = sys.argv[1:]
    began = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    together = _Together(child, float(every))
    together.start()
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - began
    together.stop()
    found = {
        "seconds": seconds,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "largest_bytes": usage.ru_maxrss * _KIB,
        "together_bytes": together.peak_bytes,
    }
    with open(report, "w", encoding="utf-8") as file:
        json.dump(found, file)
    sys.exit(os.waitstatus_to_exitcode(status))


class _Together(threading.Thread):
    """Looks at the memory of a process and all its descendants; shared pages count once."""

    def __init__(self, pid: int, every_s: float) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self._pid = pid
        self._every_s = every_s
        self._stopped = threading.Event()

    def run(self) -> None:
        while self._every_s and not self._stopped.wait(self._every_s):
            now = sum(map(_proportional_bytes, _family(self._pid)))
            self.peak_bytes = max(self.peak_bytes, now)

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        found += _children(one)
    return found


def _children(pid: int) -> list[int]:
    """Give the children that the threads of a process started."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        texts = [_read(f"/proc/{pid}/task/{thread}/children") for thread in threads]
    except OSError:
        return []
    return [int(child) for text in texts for child in text.split()]


def _proportional_bytes(pid: int) -> int:
    """Give the memory of a process, a page that n processes share counting 1/n."""
    try:
        text = _read(f"/proc/{pid}/smaps_rollup")
    except OSError:
        return 0
    sizes = [line.split()[1] for line in text.splitlines() if line.startswith("Pss:")]
    return int(sizes[0]) * _KIB if sizes else 0


def _read(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


if __name__ == "__main__":
    main()
