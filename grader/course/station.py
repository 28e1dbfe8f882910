"""``python -m grader.course.station DESCRIPTOR PARENT FOLDER``: grades by order.

Orders come through the descriptor, and answers go back there: a line with the kind of
answer, then its text. The process ends with whoever started it, signal(7), also in the
midst of grading, and leaves nothing behind.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import sys
import traceback
from collections import OrderedDict
from multiprocessing.connection import Connection
from pathlib import Path

from grader.catalog import Exercise, open_course
from grader.course.bench import Bench, clean_up_undisturbed, work_in
from grader.course.errand import GONE, UNKNOWN, VERDICT
from grader.course.handed_in import Attempt
from grader.course.orders import Order
from grader.course.parcel import unpack
from grader.tracing.ptrace import end_with_parent, hide_memory
from grader.tracing.scratch import scratch_folder
from grader.verdict import Outcome
from grader.worker import load

# As many as are known at a time, by their content.
_EXERCISES = 16


def main(arguments: list[str]) -> None:
    """Answer one order after the other, until there is nobody to answer."""
    descriptor, parent, folder = arguments
    hide_memory()
    with (
        Connection(int(descriptor)) as connection,
        scratch_folder(Path(folder)) as scratch,
    ):
        work_in(scratch, None)  # how many there are on this machine, nobody knows
        end_with_parent(signal.SIGTERM)
        # Checked last: who ended before `end_with_parent` sent no signal.
        if os.getppid() != int(parent):
            return
        load()  # what is forked from here is ready at once
        with _Grader(scratch) as grader:
            _serve(connection, grader)
            clean_up_undisturbed()


def _serve(connection: Connection, grader: _Grader) -> None:
    while True:
        try:
            order = connection.recv_bytes()
        except EOFError:
            return
        try:
            kind, text = grader.carry_out(pickle.loads(order))
        except Exception as error:
            why = traceback.format_exception_only(error)[-1].strip()
            kind, text = GONE, f"the grader's own process: {why}"
        connection.send_bytes(f"{kind}\n{text}".encode(errors="backslashreplace"))
        if kind == GONE:
            return  # who asked starts another one


class _Grader:
    """The exercises that are known here, and the bench where submissions are graded.

    Exercises that are not asked for any more are forgotten, and sent again if they are.
    A context manager: at its end nothing is left of the bench.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._known: OrderedDict[str, Exercise] = OrderedDict()
        self._bench = Bench(None)

    def carry_out(self, order: Order) -> tuple[str, str]:
        """The kind of answer, and its text."""
        exercise = self._exercise(order)
        if exercise is None:
            return UNKNOWN, ""
        attempt = Attempt("", order.exercise, order.file, order.source)
        verdict = self._bench.grade(attempt, exercise)
        if verdict.outcome is Outcome.GRADER_ERROR:
            self._bench.__exit__()  # perhaps something of it is broken
            self._bench = Bench(None)
        return VERDICT, json.dumps(verdict.as_json())

    def _exercise(self, order: Order) -> Exercise | None:
        """The one that an order is about; None where its files are not here."""
        home = self._scratch / order.digest
        exercise = self._known.pop(order.digest, None)
        # A submission that was graded here may have taken the files away.
        if exercise is None or not exercise.checks_file.exists():
            if order.parcel is None:
                return None
            unpack(order.parcel, home)
            exercise = open_course(home).read(order.exercise)
        self._known[order.digest] = exercise
        while len(self._known) > _EXERCISES:
            digest, _ = self._known.popitem(last=False)
            shutil.rmtree(self._scratch / digest, ignore_errors=True)
        return exercise

    def __enter__(self) -> _Grader:
        return self

    def __exit__(self, *_: object) -> None:
        self._bench.__exit__()


if __name__ == "__main__":
    main(sys.argv[1:])
