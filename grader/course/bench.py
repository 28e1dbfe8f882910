"""Where one submission is graded after the other."""

from __future__ import annotations

import os
import signal
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn, TypeVar

from grader.catalog import Exercise
from grader.cores import pin
from grader.course.handed_in import Attempt
from grader.errors import GraderError
from grader.exploring.orders import AS_GRADED, Orders
from grader.session import Seat, grade, not_graded
from grader.tracing.launch import Zygote
from grader.tracing.preloading import first_imports
from grader.verdict import Verdict
from grader.worker import Worker

Key = TypeVar("Key")
Ready = TypeVar("Ready", Zygote, Worker)

_ENDING = (signal.SIGTERM, signal.SIGHUP)

# Workers that wait for more of their exercise; each is a process.
_WORKERS = 16

# Zygotes that wait for more programs with the same first imports.
_ZYGOTES = 8


def work_in(folder: Path, core: int | None) -> None:
    """Have this process grade, with all its files in a folder, until it is told to end.

    SIGTERM and SIGHUP then raise ``SystemExit``. SIGINT is the business of whoever
    started it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in _ENDING:
        signal.signal(number, _leave)
    tempfile.tempdir = str(folder)
    os.chdir("/")  # a submission may take any other folder away
    pin(0, core)


def _leave(number: int, _: object) -> NoReturn:
    clean_up_undisturbed()
    raise SystemExit(128 + number)


def clean_up_undisturbed() -> None:
    """From now on this process is about to end, and need not be told so again."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)


class Bench:
    """Zygotes, and a worker for each exercise, which is ready once it has graded.

    A context manager: at its end nothing is left of them.
    """

    def __init__(self, core: int | None) -> None:
        self._core = core
        self._zygotes: OrderedDict[tuple[str, ...], Zygote] = OrderedDict()
        self._workers: OrderedDict[tuple[Path, ...], Worker] = OrderedDict()

    def grade(
        self, attempt: Attempt, exercise: Exercise, orders: Orders = AS_GRADED
    ) -> Verdict:
        """Grade one attempt.

        What the grader could not do is in the verdict, as in that of `session.grade`.
        """
        try:
            verdict = grade(
                exercise,
                Path(exercise.program),
                source=attempt.source,
                orders=orders,
                worker=self._worker(exercise),
                seats=[self._seat(attempt.source)],
            )
        except GraderError as error:
            verdict = not_graded(exercise, attempt.file, str(error))
        return replace(verdict, submission=attempt.file)

    def _seat(self, source: bytes) -> Seat:
        """A zygote that has imported what this program imports first."""
        imports = first_imports(source)
        zygote = _kept(self._zygotes, imports, _ZYGOTES, lambda: Zygote(imports))
        return Seat(zygote, self._core)

    def _worker(self, exercise: Exercise) -> Worker:
        known = self._workers.get(exercise.checks_files)
        if known is not None and known.ended:
            self._workers.pop(exercise.checks_files).close()
        return _kept(self._workers, exercise.checks_files, _WORKERS, Worker)

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.close()
        self._workers.clear()
        for zygote in self._zygotes.values():
            zygote.close()
        self._zygotes.clear()


def _kept(
    ready: OrderedDict[Key, Ready], key: Key, most: int, make: Callable[[], Ready]
) -> Ready:
    """What is ready for that, made if need be.

    Of more than `most`, the longest unused is closed.
    """
    found = ready.pop(key, None)
    if found is None and len(ready) >= most:
        _, longest_unused = ready.popitem(last=False)
        longest_unused.close()
    ready[key] = found = found or make()
    return found
