"""Grading many submissions, on all cores.

Theory of operation. This process has loaded all that checks need, and forks one
*grader* for each core. A grader has a zygote of its own, and a worker for each
exercise; it takes one attempt after the other and writes what came of it to the
results. This process only says what is next. A grader that dies is replaced, and what
it had is given out once more; what fails twice is a failure of ours, told apart from
the verdicts.

When this process ends, each grader ends after what it has in hand.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from grader.catalog import Exercise
from grader.course.bench import Bench
from grader.course.handed_in import Attempt
from grader.course.results import Result, Results, key_of
from grader.scratch import scratch_folder
from grader.session import not_graded
from grader.tracing.children import end_child, fork
from grader.verdict import Outcome
from grader.worker import load

_TRIES = 2
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Task:
    """An attempt to grade, and the key of its result."""

    attempt: Attempt
    exercise: Exercise
    key: str


@dataclass(frozen=True, slots=True)
class Began:
    """A grader has taken a task."""

    task: Task


@dataclass(frozen=True, slots=True)
class Done:
    """A task is over; what came of it is in the results."""

    task: Task
    failed: bool


Progress = Callable[[Began | Done], None]


def tasks_of(
    attempts: Sequence[Attempt],
    exercises: Mapping[str, Exercise],
    results: Results,
    *,
    again: bool = False,
) -> list[Task]:
    """What is to be graded: all that has no result yet, or has changed since.

    Of the rest, what is known beside its content is brought up to date. `again`: all
    of it is to be graded.
    """
    tasks = []
    for attempt in attempts:
        exercise = exercises[attempt.exercise]
        key = key_of(attempt, exercise)
        known = None if again else results.find(attempt.student, attempt.exercise)
        if known is None or known.key != key:
            tasks.append(Task(attempt, exercise, key))
        elif known != (now := known.now_of(attempt)):
            results.save(now)
    return tasks


def grade_all(
    tasks: Sequence[Task],
    results: Results,
    *,
    cores: Sequence[int],
    progress: Progress | None = None,
) -> int:
    """Grade all tasks, one at a time on each core; how many could not be graded."""
    load()  # workers are forked from here, and then are ready at once
    with scratch_folder() as scratch:
        team = _Team(tasks, results, scratch, progress or (lambda event: None))
        try:
            return team.work(cores[: len(tasks)])
        finally:
            team.end()


def _lost(task: Task) -> Result:
    """What is said of a task whose grader died of it, each time."""
    error = "the grader's own process ended without a word"
    verdict = not_graded(task.exercise, task.attempt.file, error)
    return Result.of(task.attempt, task.key, verdict)


@dataclass(frozen=True, slots=True)
class _Try:
    """A task, by its number, and how often it has been tried with this time."""

    task: int
    number_of_try: int


class Answer(Enum):
    """How a grader's task ended."""

    DONE = b"done"
    FAILED = b"failed"  # the grader could not do its work
    GONE = b""  # its process ended


class _Team:
    """The graders, and what is still to be given out."""

    def __init__(
        self,
        tasks: Sequence[Task],
        results: Results,
        scratch: Path,
        tell: Progress,
    ) -> None:
        self._tasks = tasks
        self._results = results
        self._scratch = scratch
        self._tell = tell
        self._waiting = deque(_Try(number, 1) for number in range(len(tasks)))
        self._graders: list[_Grader] = []
        self._failures = 0

    def work(self, cores: Sequence[int]) -> int:
        """Have all tasks graded; how many could not be."""
        self._graders = [self._grader(core) for core in cores]
        self._give_out()
        while busy := [grader for grader in self._graders if grader.task is not None]:
            for grader in _ready(busy):
                self._hear(grader)
            self._give_out()
        return self._failures

    def end(self) -> None:
        """End the graders, whatever they have in hand."""
        for grader in self._graders:
            grader.end()

    def _grader(self, core: int) -> _Grader:
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        return _Grader(self._tasks, self._results, core, folder)

    def _give_out(self) -> None:
        for grader in self._graders:
            if self._waiting and grader.task is None:
                given = self._waiting.popleft()
                if given.number_of_try == 1:
                    self._tell(Began(self._tasks[given.task]))
                grader.start(given)

    def _hear(self, grader: _Grader) -> None:
        """A grader's task is over."""
        given, answer = grader.finish()
        if answer is not Answer.DONE and given.number_of_try < _TRIES:
            self._waiting.append(replace(given, number_of_try=given.number_of_try + 1))
        else:
            task = self._tasks[given.task]
            if answer is Answer.GONE:
                self._results.save(_lost(task))
            self._failures += answer is not Answer.DONE
            self._tell(Done(task, failed=answer is not Answer.DONE))
        if answer is Answer.GONE:
            grader.end()
            self._graders[self._graders.index(grader)] = self._grader(grader.core)


def _ready(graders: Sequence[_Grader]) -> list[_Grader]:
    """Wait until some of these graders have something to say; which."""
    poll = select.poll()
    for grader in graders:
        poll.register(grader.channel, select.POLLIN)
    ready = {descriptor for descriptor, _ in poll.poll()}
    return [grader for grader in graders if grader.channel.fileno() in ready]


class _Grader:
    """A process that grades tasks, by their numbers, until it is told no more."""

    def __init__(
        self, tasks: Sequence[Task], results: Results, core: int, folder: Path
    ) -> None:
        self.core = core
        self.task: _Try | None = None
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # A signal that came now would end the child as if it were us.
        signals = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        self.pid = fork()
        if self.pid == 0:
            self.channel.close()
            _serve(theirs, tasks, results, core, folder)
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        theirs.close()

    def start(self, given: _Try) -> None:
        """Give it its next task."""
        self.task = given
        with suppress(OSError):  # it has ended; `finish` sees that
            self.channel.send(given.task.to_bytes(4, "little"))

    def finish(self) -> tuple[_Try, Answer]:
        """What became of its task, which is over."""
        assert self.task is not None
        given, self.task = self.task, None
        try:
            return given, Answer(self.channel.recv(16))
        except OSError:
            return given, Answer.GONE

    def end(self) -> None:
        """End it, and all that it started."""
        self.channel.close()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        # A signal in the midst of its own cleaning up may leave it waiting.
        end_child(self.pid)


def _serve(
    channel: socket.socket,
    tasks: Sequence[Task],
    results: Results,
    core: int,
    folder: Path,
) -> None:
    """A grader's life. Does not return."""
    status = 70
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # our parent's business
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGHUP, _leave)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        gc.enable()
        gc.freeze()
        with suppress(OSError):
            os.sched_setaffinity(0, {core})
        tempfile.tempdir = str(folder)
        os.chdir(folder)
        _grade_until_told(channel, tasks, results, core)
        status = 0
    finally:
        os._exit(status)


def _leave(number: int, _: object) -> None:
    raise SystemExit(128 + number)


def _grade_until_told(
    channel: socket.socket, tasks: Sequence[Task], results: Results, core: int
) -> None:
    with ExitStack() as cleanup:
        bench: Bench | None = None
        while request := channel.recv(16):
            task = tasks[int.from_bytes(request, "little")]
            bench = bench or cleanup.enter_context(Bench(core))
            verdict = bench.grade(task.attempt, task.exercise)
            failed = verdict.outcome is Outcome.GRADER_ERROR
            if failed:
                cleanup.close()  # perhaps it was the zygote, or a worker
                bench = None
            results.save(Result.of(task.attempt, task.key, verdict))
            channel.send((Answer.FAILED if failed else Answer.DONE).value)
