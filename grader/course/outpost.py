"""Grading in a worker of a cluster: one clean process beside each of its threads.

A worker of Dask has threads and an event loop, so nothing can be forked from it. Each
thread starts a *station*, see `station`, and gives it one order after the other. A
station ends with its thread, and so with the worker, however that ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from multiprocessing import Pipe

from grader.course.errand import GONE

_mine = threading.local()


def carry_out(order: bytes, folder: str) -> tuple[str, str]:
    """Have this thread's station carry out a pickled `Order`; see `errand.run`.

    `folder` is where a station may have files.
    """
    station: _Station | None = getattr(_mine, "station", None)
    if station is None:
        station = _mine.station = _Station(folder)
    try:
        kind, text = station.ask(order)
    except (EOFError, OSError):
        kind, text = GONE, ""
    if kind == GONE:
        _mine.station = None
        status = station.end()
        text = text or f"the grader's own process ended with status {status}"
    return kind, text


class _Station:
    """The process that grades for one thread."""

    def __init__(self, folder: str) -> None:
        self._connection, theirs = Pipe()
        descriptor = theirs.fileno()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "grader.course.station"),
                *(str(descriptor), str(os.getpid()), folder),
            ],
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # It finds the same forklab, wherever this process has it from.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        theirs.close()

    def ask(self, order: bytes) -> tuple[str, str]:
        """Its answer. Raises ``EOFError`` or ``OSError`` where it has ended."""
        self._connection.send_bytes(order)
        kind, _, text = self._connection.recv_bytes().decode().partition("\n")
        return kind, text

    def end(self) -> int:
        """End it; its exit status, negative for a signal."""
        self._connection.close()
        return self._process.wait()
