"""Where one core grades one submission after the other."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from grader.catalog import Exercise
from grader.course.handed_in import Attempt
from grader.session import Seat, grade
from grader.tracing.launch import Zygote
from grader.verdict import Verdict
from grader.worker import Worker


class Bench:
    """A zygote, and a worker for each exercise, which is ready once it has graded.

    A context manager: at its end nothing is left of them.
    """

    def __init__(self, core: int) -> None:
        self._core = core
        self._cleanup = ExitStack()
        self._seat: Seat | None = None
        self._workers: dict[tuple[Path, ...], Worker] = {}

    def grade(self, attempt: Attempt, exercise: Exercise) -> Verdict:
        """Grade one attempt, in the current folder and out of it again."""
        program = Path(exercise.program)
        program.write_bytes(attempt.source)
        try:
            verdict = grade(
                exercise,
                program,
                worker=self._worker(exercise),
                seats=[self._its_seat()],
            )
        finally:
            program.unlink()
        return replace(verdict, submission=attempt.file)

    def _its_seat(self) -> Seat:
        if self._seat is None:
            zygote = self._cleanup.enter_context(Zygote())
            self._seat = Seat(zygote, self._core)
        return self._seat

    def _worker(self, exercise: Exercise) -> Worker:
        known = self._workers.get(exercise.checks_files)
        if known is None or known.ended:
            known = self._cleanup.enter_context(Worker())
            self._workers[exercise.checks_files] = known
        return known

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()
