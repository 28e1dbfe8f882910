"""``python -m grader.course.station DESCRIPTOR PARENT FOLDER``: grades by order.

Orders come through the descriptor, and answers go back there: a line with the kind of
answer, then its text. The process ends with whoever started it, signal(7), also in the
midst of grading, and leaves nothing behind.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from grader.catalog import Exercise, open_course
from grader.course.bench import Bench
from grader.course.errand import UNKNOWN, VERDICT
from grader.course.handed_in import Attempt
from grader.course.orders import Order
from grader.course.parcel import unpack
from grader.scratch import scratch_folder
from grader.tracing.ptrace import end_with_parent, hide_memory
from grader.verdict import Outcome
from grader.worker import load


def main(arguments: list[str]) -> None:
    """Answer one order after the other, until there is nobody to answer."""
    descriptor, parent, folder = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the business of who started us
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    end_with_parent(signal.SIGTERM)
    hide_memory()
    with (
        Connection(int(descriptor)) as connection,
        _core() as core,
        scratch_folder(Path(folder)) as scratch,
    ):
        # Checked last: who ended before `end_with_parent` sent no signal.
        if os.getppid() != int(parent):
            return
        tempfile.tempdir = str(scratch)
        os.chdir(scratch)
        os.sched_setaffinity(0, {core})
        load()  # what is forked from here is ready at once
        with _Grader(scratch, core) as grader:
            _serve(connection, grader)


def _leave(number: int, _: object) -> None:
    raise SystemExit(128 + number)


def _serve(connection: Connection, grader: _Grader) -> None:
    while True:
        try:
            order: Order = pickle.loads(connection.recv_bytes())
        except EOFError:
            return
        kind, text = grader.carry_out(order)
        connection.send_bytes(f"{kind}\n{text}".encode())


class _Grader:
    """The exercises that are known here, and the bench where submissions are graded.

    A context manager: at its end nothing is left of the bench.
    """

    def __init__(self, scratch: Path, core: int) -> None:
        self._scratch = scratch
        self._core = core
        self._known: dict[str, Exercise] = {}
        self._bench = Bench(core)

    def carry_out(self, order: Order) -> tuple[str, str]:
        """The kind of answer, and its text."""
        if order.digest not in self._known:
            if order.parcel is None:
                return UNKNOWN, ""
            home = self._scratch / order.digest
            unpack(order.parcel, home)
            self._known[order.digest] = open_course(home).read(order.exercise)
        exercise = self._known[order.digest]
        attempt = Attempt("", order.exercise, order.file, order.source)
        verdict = self._bench.grade(attempt, exercise)
        if verdict.outcome is Outcome.GRADER_ERROR:
            self._bench.__exit__()  # perhaps something of it is broken
            self._bench = Bench(self._core)
            verdict = self._bench.grade(attempt, exercise)
        return VERDICT, json.dumps(verdict.as_json())

    def __enter__(self) -> _Grader:
        return self

    def __exit__(self, *_: object) -> None:
        self._bench.__exit__()


@contextmanager
def _core() -> Iterator[int]:
    """A core of this machine that no other station uses, as far as there are some.

    Each is held by a name that only one socket can have, and that is free again however
    its station ends, unix(7).
    """
    cores = sorted(os.sched_getaffinity(0))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as held:
        free = (core for core in cores if _took(held, core))
        yield next(free, cores[os.getpid() % len(cores)])


def _took(held: socket.socket, core: int) -> bool:
    try:
        held.bind(f"\0forklab-station-{os.getuid()}-{core}")
    except OSError:
        return False  # it is another station's
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
