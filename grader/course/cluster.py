"""Grading many submissions on a Dask cluster that is there already.

Theory of operation. This process reads what was handed in and writes the results, as
without a cluster; only orders and verdicts travel, see `orders`. It keeps as many tasks
given out as the cluster can use soon, so that little is to be taken back when it is
interrupted. What a worker had when it died is given to another one by the scheduler; a
verdict that comes twice would be written to the same place.

What could not be graded is tried once more, alone, when all else is done, as without a
cluster; it is then a failure of ours, told apart from the verdicts. What disturbed it
may have been graded beside it, and the scheduler blames the death of a worker on all
that lay there. A worker that has another version of forklab, or of Python, grades
nothing.
"""

from __future__ import annotations

import gc
import json
import logging
import pickle
import platform
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from grader import __version__
from grader.course import errand
from grader.course.grading import Began, Done, Progress, Task
from grader.course.orders import Order
from grader.course.parcel import Parcel, digest_of, packed
from grader.course.results import Result, Results
from grader.errors import GraderError, UsageError
from grader.session import not_graded
from grader.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from distributed import Client

_TRIES = 2

# Seconds until somebody must have answered at the address.
_PATIENCE = 10.0

# Given out at once, for each thread of the cluster: one to work on, one to go on with.
_FOR_EACH_THREAD = 2
# And so many also where it has none yet: some clusters grow only where work waits.
_AT_LEAST = 8

# How long, in seconds, is believed what the scheduler said of its workers.
_FRESH = 1.0


def grade_on(
    address: str,
    tasks: Sequence[Task],
    results: Results,
    *,
    progress: Progress | None = None,
) -> int:
    """Grade all tasks on the cluster there; how many could not be graded.

    Raises `UsageError` where the package for it is missing or `address` is none, and
    `GraderError` where nobody answers there, not any more, or no worker is of use.
    """
    if not tasks:
        return 0
    gc.enable()  # a client makes garbage with every task, and a course has many
    with _connected(address) as client:
        workers = _Workers(client)
        if not workers.threads():
            print(
                f"grade: the cluster at {address} has no worker yet; waiting for one",
                file=sys.stderr,
            )
        tell = progress or (lambda event: None)
        campaign = _Campaign(client, workers, tasks, results, tell)
        try:
            return campaign.work()
        finally:
            campaign.end()


def check_address(address: str) -> None:
    """Say so before any work is done, where there can be no scheduler.

    Nothing is asked there. Raises `UsageError`, also where the package for it is
    missing.
    """
    try:
        from distributed import comm
        from distributed.comm.addressing import parse_address, parse_host_port
    except ImportError as error:
        raise UsageError(
            f"--on dask: needs the package {error.name}: pip install 'forklab[cluster]'"
        ) from error
    try:
        protocol, place = parse_address(address)
        comm.registry.get_backend(protocol)
        _, port = parse_host_port(place)
        if not 0 < port < 1 << 16:
            raise ValueError(f"there is no such port as {port}")
    except ValueError as error:
        raise UsageError(
            f"{address!r} is not where a scheduler is: {error}; write HOST:PORT"
        ) from error


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    """A client of the cluster at an address."""
    check_address(address)
    from distributed import Client

    logging.disable(logging.CRITICAL)  # what goes wrong is said here, in a sentence
    try:
        try:
            client = Client(
                address, timeout=_PATIENCE, set_as_default=False, name="forklab"
            )
        except Exception as error:  # a protocol that is not installed, a refusal
            raise GraderError(
                f"no Dask scheduler answers at {address}: {_in_one_line(error)}"
            ) from error
        with client:
            yield client
    finally:
        logging.disable(logging.NOTSET)


def _in_one_line(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


class _Workers:
    """The workers that a cluster has at present, and which of them are of no use."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._threads: Mapping[str, int] = {}
        self._asked = -_FRESH
        self._useless: set[str] = set()

    def _present(self) -> Mapping[str, int]:
        if time.monotonic() - self._asked >= _FRESH:
            try:
                self._threads = self._client.nthreads()
            except OSError as error:
                raise _gone() from error
            self._asked = time.monotonic()
        return self._threads

    def threads(self) -> int:
        """How many submissions they can grade at once."""
        here = self._present().items()
        return sum(n for worker, n in here if worker not in self._useless)

    def refuse(self, worker: str, why: str) -> None:
        """Give nothing to a worker any more.

        Raises `GraderError` where no other is left.
        """
        if worker not in self._useless:
            self._useless.add(worker)
            print(f"grade: {why}: it is not used", file=sys.stderr)
        self._asked = -_FRESH
        if not self.allowed():
            raise GraderError(f"no worker is of use, for {why}; install the same there")

    def allowed(self) -> frozenset[str]:
        """The addresses of those that may have tasks; none where all may."""
        if not self._useless:
            return frozenset()
        return frozenset(self._present()) - self._useless

    def are_gone(self, addresses: frozenset[str]) -> bool:
        """Whether none of these is there any more."""
        return not addresses & frozenset(self._present())


@dataclass(frozen=True, slots=True)
class _Try:
    """A task that is given out.

    `number_of_try` counts what failed, this time included. `whole`: with the files of
    its exercise. `only` are the workers that may have it; none are named where all may.
    """

    task: Task
    number_of_try: int = 1
    began: bool = False
    whole: bool = False
    only: frozenset[str] = frozenset()


class _Campaign:
    """What is still to be given out, and what is out."""

    def __init__(
        self,
        client: Client,
        workers: _Workers,
        tasks: Sequence[Task],
        results: Results,
        tell: Progress,
    ) -> None:
        self._client = client
        self._workers = workers
        self._waiting = deque(_Try(task) for task in tasks)
        self._suspects: deque[_Try] = deque()
        self._results = results
        self._tell = tell
        self._out: dict[Future[errand.Answer], _Try] = {}
        self._parcels: dict[str, tuple[str, Parcel]] = {}
        self._failures = 0
        self._executors: dict[frozenset[str], Executor] = {}

    def work(self) -> int:
        """Have all tasks graded; how many could not be."""
        while self._waiting or self._out or self._suspects:
            self._give_out()
            over, _ = wait(self._out, timeout=_FRESH, return_when=FIRST_COMPLETED)
            for future in over:
                self._hear(self._out.pop(future), future)
            self._take_back_stranded()
        return self._failures

    def end(self) -> None:
        """Take back all that is out."""
        if self._client.status == "running":
            for executor in self._executors.values():
                executor.shutdown(wait=False)

    def _give_out(self) -> None:
        if self._suspects and not self._waiting and not self._out:
            self._waiting.append(self._suspects.popleft())
        room = max(_AT_LEAST, _FOR_EACH_THREAD * self._workers.threads())
        while self._waiting and len(self._out) < room:
            given = self._waiting.popleft()
            if not given.began:
                self._tell(Began(given.task))
            self._submit(given)

    def _submit(self, given: _Try) -> None:
        allowed = self._workers.allowed()
        order = pickle.dumps(self._order(given))
        versions = __version__, platform.python_version()
        future = self._executor(allowed).submit(errand.run, *versions, order)
        self._out[future] = replace(given, began=True, only=allowed)

    def _executor(self, allowed: frozenset[str]) -> Executor:
        if allowed not in self._executors:
            where: dict[str, Any] = {"workers": sorted(allowed)} if allowed else {}
            self._executors[allowed] = self._client.get_executor(pure=False, **where)
        return self._executors[allowed]

    def _order(self, given: _Try) -> Order:
        task = given.task
        name = task.exercise.name
        if name not in self._parcels:
            parcel = packed([task.exercise])
            self._parcels[name] = digest_of(parcel), parcel
        digest, parcel = self._parcels[name]
        attempt = task.attempt
        sent = parcel if given.whole else None
        return Order(name, digest, attempt.file, attempt.source, sent)

    def _hear(self, given: _Try, future: Future[errand.Answer]) -> None:
        """What was given out is over."""
        try:
            kind, text, worker = future.result()
        except CancelledError:
            self._lost(given)
        except Exception as error:  # whatever a worker, or its end, raised
            self._stumble(given, _in_one_line(error))
        else:
            if kind == errand.VERDICT:
                self._judge(given, Verdict.from_json(json.loads(text)))
            elif kind == errand.UNKNOWN:
                self._waiting.appendleft(replace(given, whole=True))
            elif kind == errand.REFUSED:
                self._workers.refuse(worker, text)
                self._waiting.appendleft(given)
            else:
                self._stumble(given, f"{text}, on {worker}")

    def _lost(self, given: _Try) -> None:
        """The scheduler forgot it: somebody restarted the cluster, or it has ended."""
        if self._client.status != "running":
            raise _gone()
        self._waiting.appendleft(given)

    def _stumble(self, given: _Try, error: str) -> None:
        """Nobody came to a verdict."""
        task = given.task
        self._judge(given, not_graded(task.exercise, task.attempt.file, error))

    def _judge(self, given: _Try, verdict: Verdict) -> None:
        """Keep a verdict, or try once more where it is none."""
        task = given.task
        failed = verdict.outcome is Outcome.GRADER_ERROR
        if failed and given.number_of_try < _TRIES:
            again = replace(given, number_of_try=given.number_of_try + 1)
            self._suspects.append(again)
            return
        self._results.save(Result.of(task.attempt, task.key, verdict))
        self._failures += failed
        self._tell(Done(task, failed=failed))

    def _take_back_stranded(self) -> None:
        """Take back what waits for workers that will never be there again."""
        for future, given in self._out.items():
            if given.only and self._workers.are_gone(given.only):
                future.cancel()


def _gone() -> GraderError:
    return GraderError(
        "the Dask scheduler does not answer any more; what is graded is kept, and the "
        "same command goes on from there"
    )
