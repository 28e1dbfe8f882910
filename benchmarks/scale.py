"""``python -m benchmarks.scale``: the figures that docs/scale.md computes with.

A class is graded on one core and on two, without a cluster and on one of this machine:
a scheduler and workers of one thread each.
"""

from __future__ import annotations

import json
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from distributed import Client

from benchmarks.classroom import course_command, hand_in
from benchmarks.timing import family_memory
from grader.catalog import find_exercises
from grader.course.orders import Order
from grader.course.parcel import digest_of, packed

_STUDENTS = 40
_UNGRADED = 2000
_OPTIONS = ("--host", "127.0.0.1", "--no-dashboard")


@contextmanager
def _process(*words: str) -> Iterator[int]:
    """A process of a cluster; its pid."""
    command = [sys.executable, "-m", *words, *_OPTIONS]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield process.pid
        finally:
            process.terminate()


@contextmanager
def _cluster(folder: Path, workers: int) -> Iterator[tuple[str, Sequence[int]]]:
    """The address of a scheduler, and the pids of its workers."""
    file = folder / f"scheduler-{workers}.json"
    place = ("--scheduler-file", str(file))
    worker = ("distributed.cli.dask_worker", *place, "--nthreads", "1", "--no-nanny")
    with ExitStack() as stack:
        scheduler = ("distributed.cli.dask_scheduler", "--port", "0")
        stack.enter_context(_process(*scheduler, *place))
        pids = [
            stack.enter_context(_process(*worker, "--local-directory", str(folder)))
            for _ in range(workers)
        ]
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
            address = client.scheduler_info()["address"]
        yield address, pids


def _timed(command: Sequence[str], watched: Sequence[int] = ()) -> tuple[float, float]:
    """How many seconds a command takes, and the most memory of `watched`, in MB each.

    Without any, it is the command itself that is watched.
    """
    began = time.monotonic()
    peak = 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            seen = [family_memory(pid) for pid in watched or [process.pid]]
            peak = max(peak, *seen)
            time.sleep(0.5)
        if process.returncode:
            raise RuntimeError(f"{command} ended with status {process.returncode}")
    return time.monotonic() - began, peak


def main() -> None:
    """Measure, and print a line for each figure."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        submissions = folder / "class"
        count = hand_in(submissions, _STUDENTS)
        print(f"{count} submissions of {_STUDENTS} students")
        for jobs in (1, 2):
            results = folder / f"local-{jobs}"
            command = course_command(submissions, results, "--jobs", str(jobs))
            seconds, memory = _timed(command)
            _tell(f"this machine, cores: {jobs}", count / seconds, "gradings/s")
            _tell(f"memory of the command, cores: {jobs}", memory, "MB")
        for workers in (1, 2):
            with _cluster(folder, workers) as (address, pids):
                results = folder / f"cluster-{workers}"
                on = ("--on", f"dask:{address}")
                command = course_command(submissions, results, *on)
                seconds, memory = _timed(command, pids)
            _tell(f"cluster, workers: {workers}", count / seconds, "gradings/s")
            _tell(f"memory of a worker, workers: {workers}", memory, "MB")
        _tell_dispatch(folder)
        _tell_sizes(submissions, folder / "local-1")


def _tell_dispatch(folder: Path) -> None:
    """What is no Python is graded at once: that leaves what travelling costs."""
    empty = folder / "empty"
    for number in range(_UNGRADED):
        file = empty / f"student{number:04}" / "exercise1.py"
        file.parent.mkdir(parents=True)
        file.write_text(f"no Python {number}")
    with _cluster(folder, 1) as (address, _):
        on = ("--on", f"dask:{address}")
        seconds, _ = _timed(course_command(empty, folder / "nothing", *on))
    _tell("cluster, nothing to run, workers: 1", _UNGRADED / seconds, "gradings/s")


def _tell_sizes(submissions: Path, results: Path) -> None:
    parcels = {name: packed([e]) for name, e in find_exercises().items()}
    orders = [
        pickle.dumps(
            Order(
                file.stem, digest_of(parcels[file.stem]), str(file), file.read_bytes()
            )
        )
        for file in submissions.glob("*/*.py")
    ]
    _tell("an order, on average", statistics.mean(map(len, orders)), "bytes")
    whole = [len(pickle.dumps(parcel)) for parcel in parcels.values()]
    _tell("the files of an exercise, on average", statistics.mean(whole), "bytes")
    kept = [file.read_bytes() for file in results.glob("verdicts/*/*.json")]
    _tell("a result on disk, on average", statistics.mean(map(len, kept)), "bytes")
    sent = [len(json.dumps(json.loads(data)["verdict"])) for data in kept]
    _tell("a verdict that travels, on average", statistics.mean(sent), "bytes")


def _tell(what: str, figure: float, unit: str) -> None:
    print(
        f"{what:42}{figure:10.3g} {unit}"
        if figure < 100
        else f"{what:42}{figure:10.0f} {unit}",
        flush=True,
    )


if __name__ == "__main__":
    main()
