"""Grading many submissions, on all cores.

Theory of operation. This process has loaded all that checks need, and forks one
*grader* for each core. A grader has a zygote of its own, and a worker for each
exercise; it takes one attempt after the other and writes what came of it to the
results. This process only says what is next. A grader that dies, or could not do its
work, is replaced, with all that it had. Its task is tried once more, alone, when all
others are over: what disturbed it may have been a submission that was graded beside it.
What fails twice is a failure of ours, told apart from the verdicts.

When this process ends, each grader ends after what it has in hand.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from grader.catalog import Exercise
from grader.course.bench import Bench, clean_up_undisturbed, work_in
from grader.course.handed_in import Attempt
from grader.course.results import Result, Results, key_of
from grader.errors import GraderError
from grader.exploring.orders import AS_GRADED, Orders
from grader.session import not_graded
from grader.tracing.children import end_child, fork
from grader.tracing.scratch import guarded_folder
from grader.verdict import Outcome
from grader.worker import load

_TRIES = 2
_LONGEST_ANSWER = 4096  # bytes
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Task:
    """An attempt to grade, and the key of its result.

    `orders` are the runs that promises of any order are held against.
    """

    attempt: Attempt
    exercise: Exercise
    key: str
    orders: Orders = AS_GRADED


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

    And what the grader could not do the last time, also where it could before. Of the
    rest, what is known beside its content is brought up to date. `again`: all of it is
    to be graded.
    """
    tasks = []
    for attempt in attempts:
        exercise = exercises[attempt.exercise]
        key = key_of(attempt, exercise)
        known = None if again else results.find(attempt.student, attempt.exercise)
        failed = results.has_failed(attempt.student, attempt.exercise)
        if known is None or known.key != key or failed:
            tasks.append(Task(attempt, exercise, key))
        elif known != (now := known.now_of(attempt)):
            results.save(now)
    return tasks


def grade_all(
    tasks: Sequence[Task],
    results: Results,
    *,
    cores: Sequence[int | None],
    progress: Progress | None = None,
) -> int:
    """Grade all tasks, one at a time on each core; how many could not be graded.

    `cores` are as `grader.cores.cores_for` gives them. Raises `GraderError` where a
    result cannot be written.
    """
    load()  # workers are forked from here, and then are ready at once
    team = _Team(tasks, results, progress or (lambda event: None))
    try:
        return team.work(cores[: len(tasks)])
    finally:
        team.end()


def _lost(task: Task, error: str) -> Result:
    """What is said of a task whose grader died of it, each time."""
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
    FAILED = b"failed"  # the grader could not do its work; the result says why
    GONE = b"gone"  # its process ended


class _Team:
    """The graders, and what is still to be given out."""

    def __init__(
        self,
        tasks: Sequence[Task],
        results: Results,
        tell: Progress,
    ) -> None:
        self._tasks = tasks
        self._results = results
        self._tell = tell
        self._waiting = deque(_Try(number, 1) for number in range(len(tasks)))
        self._suspects: deque[_Try] = deque()
        self._graders: list[_Grader] = []
        self._failures = 0

    def work(self, cores: Sequence[int | None]) -> int:
        """Have all tasks graded; how many could not be."""
        for core in cores:
            self._graders.append(self._grader(core))
        self._give_out()
        while busy := self._busy():
            for grader in _ready(busy):
                self._hear(grader)
            self._give_out()
        return self._failures

    def end(self) -> None:
        """End the graders, whatever they have in hand."""
        for grader in self._graders:
            grader.end()

    def _busy(self) -> list[_Grader]:
        return [grader for grader in self._graders if grader.task is not None]

    def _grader(self, core: int | None) -> _Grader:
        return _Grader(self._tasks, self._results, core)

    def _give_out(self) -> None:
        if self._suspects and not self._waiting and not self._busy():
            self._waiting.append(self._suspects.popleft())
        for grader in self._graders:
            if self._waiting and grader.task is None:
                given = self._waiting.popleft()
                if given.number_of_try == 1:
                    self._tell(Began(self._tasks[given.task]))
                grader.start(given)

    def _hear(self, grader: _Grader) -> None:
        """A grader's task is over."""
        given, answer, why = grader.finish()
        if answer is not Answer.DONE and given.number_of_try < _TRIES:
            self._suspects.append(replace(given, number_of_try=given.number_of_try + 1))
        else:
            task = self._tasks[given.task]
            if answer is Answer.GONE:
                self._results.save(_lost(task, why))
            self._failures += answer is not Answer.DONE
            self._tell(Done(task, failed=answer is not Answer.DONE))
        if answer is not Answer.DONE:  # perhaps it was the zygote, or its folder
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
        self, tasks: Sequence[Task], results: Results, core: int | None
    ) -> None:
        self.core = core
        self.task: _Try | None = None
        self._ended = False
        self._cleanup = ExitStack()
        folder = self._cleanup.enter_context(guarded_folder())
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

    def finish(self) -> tuple[_Try, Answer, str]:
        """What became of its task, which is over; why, where its process ended."""
        assert self.task is not None
        given, self.task = self.task, None
        said = b""
        with suppress(OSError):
            said = self.channel.recv(_LONGEST_ANSWER)
        kind, _, why = said.partition(b" ")
        error = why.decode(errors="replace") or "it ended without a word"
        return given, Answer(kind or b"gone"), f"the grader's own process: {error}"

    def end(self) -> None:
        """End it, and all that it started; nothing of it is left, also of its files."""
        if self._ended:
            return
        self._ended = True
        with self._cleanup:
            self.channel.close()
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            # A signal in the midst of its own cleaning up may leave it waiting.
            with suppress(ChildProcessError, ProcessLookupError):
                end_child(self.pid)


def _serve(
    channel: socket.socket,
    tasks: Sequence[Task],
    results: Results,
    core: int | None,
    folder: Path,
) -> None:
    """A grader's life. Does not return."""
    status = 70
    try:
        work_in(folder, core)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        gc.enable()
        gc.freeze()
        _grade_until_told(channel, tasks, results, core)
        status = 0
    except Exception as error:
        if isinstance(error, GraderError):
            why = str(error)
        else:
            why = traceback.format_exception_only(error)[-1].strip()
        with suppress(OSError):
            channel.send(f"gone {why}".encode(errors="replace")[:_LONGEST_ANSWER])
    finally:
        os._exit(status)


def _grade_until_told(
    channel: socket.socket, tasks: Sequence[Task], results: Results, core: int | None
) -> None:
    with Bench(core) as bench:
        while request := channel.recv(16):
            task = tasks[int.from_bytes(request, "little")]
            verdict = bench.grade(task.attempt, task.exercise, task.orders)
            failed = verdict.outcome is Outcome.GRADER_ERROR
            results.save(Result.of(task.attempt, task.key, verdict))
            channel.send((Answer.FAILED if failed else Answer.DONE).value)
        clean_up_undisturbed()
