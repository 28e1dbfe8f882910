"""Grading on a Dask cluster: real schedulers and workers, each a process of its own."""

from __future__ import annotations

import os
import pickle
import re
import select
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from distributed import Client

from grader.catalog import Exercise, find, using
from grader.course import cluster
from grader.course.cluster import grade_on
from grader.course.errand import GONE, UNKNOWN, VERDICT
from grader.course.grading import Began, Done, Task, grade_all, tasks_of
from grader.course.handed_in import Attempt, handed_in
from grader.course.orders import Order
from grader.course.outpost import carry_out
from grader.course.parcel import digest_of, packed
from grader.course.results import Result, Results
from grader.course.station import _Grader
from grader.errors import GraderError, UsageError
from grader.verdict import Outcome, Verdict
from tests.conftest import heed_interrupts

ROOT = Path(__file__).parents[2]
SOLUTIONS = ROOT / "solutions" / "exercise1"
RIGHT = (SOLUTIONS / "exercise1.py").read_bytes()
WRONG = (SOLUTIONS / "wrong" / "never_waits.py").read_bytes()
PROGRAMS = [
    RIGHT,
    WRONG,
    b"print(",
    *(p.read_bytes() for p in SOLUTIONS.glob("wrong/wait_*")),
]
EXERCISES = {"exercise1": find("exercise1")}
CORE = min(os.sched_getaffinity(0))

# What a process of the cluster runs before it begins.
WITHOUT_FORKLAB = """
    import sys

    sys.modules["grader"] = None
"""
ANOTHER_VERSION = """
    import grader

    grader.__version__ = "0.0.1"
"""
DIES_OF_ONE = """
    import os
    import pickle
    from grader.course import outpost

    Station = outpost._Station

    class Dies(Station):
        def ask(self, order):
            if b"dies of this" in pickle.loads(order).source:
                os._exit(1)
            return super().ask(order)

    if Station.__name__ != "Dies":
        outpost._Station = Dies
"""
# Of some the grader cannot make a verdict, once or always; the log has all in order.
FAILS = """
    import json
    import pickle
    from dataclasses import replace
    from pathlib import Path
    from grader.course import outpost
    from grader.course.errand import VERDICT
    from grader.verdict import Verdict

    Station = outpost._Station

    def log(word):
        with open("log", "a") as file:
            print(word, file=file)

    class Fails(Station):
        def ask(self, order):
            source = pickle.loads(order).source.decode()
            kind, text = super().ask(order)
            if kind != VERDICT:
                return kind, text
            log(source[:9])
            fails = source.startswith("# always") or source.startswith("# once")
            if fails and not Path(source[2:6]).exists():
                if source.startswith("# once"):
                    Path(source[2:6]).touch()
                broken = replace(Verdict.from_json(json.loads(text)), error="no room")
                text = json.dumps(broken.as_json())
            return kind, text

    if Station.__name__ != "Fails":
        outpost._Station = Fails
"""
ANOTHER_PYTHON = """
    import platform

    platform.python_version = lambda: "3.0.1"
"""


class Cluster:
    """A scheduler, which has no forklab, and workers. All end with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[str]] = []
        scheduler = self._start("scheduler", WITHOUT_FORKLAB, "--port", "0")
        assert scheduler.stderr is not None
        lines = iter(scheduler.stderr.readline, "")
        found = (re.search(r"Scheduler at:\s*(\S+)", line) for line in lines)
        self.address = next(match[1] for match in found if match)

    def _start(self, kind: str, before: str, *words: str) -> subprocess.Popen[str]:
        name = f"{kind}-{len(self._processes)}"
        preload = self._folder / f"{name}.py"
        preload.write_text(textwrap.dedent(before))
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words]
        command += ["--host", "127.0.0.1", "--no-dashboard", "--preload", str(preload)]
        process = subprocess.Popen(
            command,
            stderr=subprocess.PIPE if kind == "scheduler" else subprocess.DEVNULL,
            text=True,
            cwd=self._folder,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
            },
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    def work(self, before: str = "", *, nanny: bool = True) -> subprocess.Popen[str]:
        """Start a worker with one thread, and wait until it has come."""
        worker = self._start(
            "worker",
            before,
            *(self.address, "--nthreads", "1", "--nanny" if nanny else "--no-nanny"),
            *("--local-directory", str(self._folder / str(len(self._processes)))),
        )
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(len(self._processes) - 1, timeout=60)
        return worker

    def end(self) -> None:
        """End all of it, whatever it is doing; nothing of it is left."""
        shared = {inode for p in self._processes for inode in _shared(p.pid)}
        for process in self._processes:
            _kill(process)
            if process.stderr is not None:
                process.stderr.close()
        left = [e.name for e in os.scandir("/dev/shm") if e.inode() in shared]
        assert left == []


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill a process and all that it started in its session.

    But for those who remove the shared memory of such as are killed: they end then.
    """
    trackers: list[int] = []
    while others := [pid for pid in _group(process.pid) if pid not in trackers]:
        for pid in others:
            with suppress(OSError):  # it has ended
                if _is_tracker(pid):
                    trackers.append(pid)
                else:
                    os.kill(pid, signal.SIGKILL)
    process.wait()
    for tracker in trackers:
        _wait_for_the_end_of(tracker)


def _group(leader: int) -> list[int]:
    """The living processes of a group."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _, group, *_ = (
                (process / "stat").read_text().rpartition(")")[2].split()
            )
            if int(group) == leader and state not in "ZX":
                found.append(int(process.name))
    return found


def _is_tracker(pid: int) -> bool:
    return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()


def _shared(leader: int) -> set[int]:
    """The shared memory of a group's processes, by its inodes.

    A semaphore has another name when it is made, which is the one that proc(5) knows.
    """
    found: set[int] = set()
    for pid in _group(leader):
        with suppress(OSError):
            maps = Path(f"/proc/{pid}/maps").read_text()
            found.update(map(int, re.findall(r" (\d+) +/dev/shm/", maps)))
    return found


def _workers_of(nanny: subprocess.Popen[str]) -> list[int]:
    """The worker that a nanny minds; none of a worker that has no nanny."""
    children = Path(f"/proc/{nanny.pid}/task/{nanny.pid}/children").read_text().split()
    about = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    return [int(pid) for pid, words in about.items() if b"spawn_main" in words]


def _stations(folder: Path) -> list[int]:
    """The processes that grade with files below a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes()
            if b"grader.course.station" in words and os.fsencode(folder) in words:
                found.append(int(process.name))
    return found


def _wait_for_the_end_of(pid: int) -> None:
    with suppress(ProcessLookupError):
        ended = os.pidfd_open(pid)
        assert select.select([ended], [], [], 60)[0]
        os.close(ended)


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster that has no worker yet."""
    cluster = Cluster(tmp_path)
    try:
        yield cluster
    finally:
        stations = _stations(tmp_path)
        cluster.end()
        for station in stations:
            _wait_for_the_end_of(station)
        assert not _stations(tmp_path)


def _tasks(
    programs: Sequence[bytes],
    results: Results,
    exercises: Mapping[str, Exercise] = EXERCISES,
) -> list[Task]:
    results.make()
    attempts = [
        Attempt(f"s{number}", "exercise1", f"s{number}/exercise1.py", program)
        for number, program in enumerate(programs)
    ]
    return tasks_of(attempts, exercises, results)


def _told(result: Result) -> object:
    """A result but for what differs in each run: its pids."""
    checks = result.verdict.checks
    return (
        *(result.student, result.file, result.key, result.verdict.submission),
        *((c.id, c.earned, c.outcome, [f.id for f in c.findings]) for c in checks),
    )


def test_a_worker_that_is_killed_costs_nothing(tmp_path: Path, dask: Cluster) -> None:
    """Each result is there once, and is what it would be without a cluster."""
    workers = {str(n): dask.work(nanny=n == 1) for n in (1, 2)}
    local, results = Results(tmp_path / "local"), Results(tmp_path / "results")
    grade_all(_tasks(PROGRAMS, local), local, cores=[CORE])
    tasks = _tasks(PROGRAMS, results)
    done: list[Task] = []
    began: list[Task] = []
    victims: list[int] = []

    def kill_one_at_work(event: Began | Done) -> None:
        (began if isinstance(event, Began) else done).append(event.task)
        if len(done) == 2 and not victims:
            at_work = next(n for n in workers if _stations(tmp_path / n))
            victims.extend(_stations(tmp_path / at_work))
            _kill(workers[at_work])

    assert grade_on(dask.address, tasks, results, progress=kill_one_at_work) == 0
    assert victims
    students = sorted(task.attempt.student for task in tasks)
    assert sorted(task.attempt.student for task in done) == students
    assert sorted(task.attempt.student for task in began) == students
    assert [*map(_told, results.verdicts())] == [*map(_told, local.verdicts())]
    assert not list(results.failed())
    for station in victims:
        _wait_for_the_end_of(station)
    assert _tasks(PROGRAMS, results) == []


def test_a_worker_of_another_version_grades_nothing(
    tmp_path: Path, dask: Cluster, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nor does one that has none; another one does their work."""
    dask.work(ANOTHER_VERSION, nanny=False)
    dask.work(WITHOUT_FORKLAB, nanny=False)
    dask.work(ANOTHER_PYTHON, nanny=False)
    results = Results(tmp_path / "results")
    tasks = _tasks(PROGRAMS[:3], results)
    with pytest.raises(GraderError, match=r"no worker is of use, for tcp://.* needs"):
        grade_on(dask.address, tasks, results)
    assert not list(results.verdicts())
    assert not list(results.failed())
    said = capfd.readouterr().err
    assert "has forklab 0.0.1, and needs" in said
    assert "has no forklab, and needs" in said
    assert "has Python 3.0.1, and needs" in said

    dask.work(nanny=False)
    assert grade_on(dask.address, tasks, results) == 0
    scores = {result.student: result.verdict.score for result in results.verdicts()}
    assert (scores["s0"], scores["s2"]) == (10, 0)


def test_what_kills_its_workers_is_a_failure(tmp_path: Path, dask: Cluster) -> None:
    """Told apart from the verdicts; what only lay beside it there is graded."""
    dask.work(DIES_OF_ONE)
    results = Results(tmp_path / "results")
    tasks = _tasks([RIGHT, b"# dies of this", WRONG], results)
    assert grade_on(dask.address, tasks, results) == 1
    assert {result.student for result in results.verdicts()} == {"s0", "s2"}
    (failed,) = results.failed()
    assert failed.student == "s1"
    assert failed.verdict.outcome is Outcome.GRADER_ERROR
    assert failed.verdict.error.startswith("KilledWorker: ")
    assert failed.verdict.submission == "s1/exercise1.py"


def test_what_the_grader_cannot_do_is_tried_again_alone(
    tmp_path: Path, dask: Cluster
) -> None:
    """Once, when all else is done, as without a cluster."""
    dask.work(FAILS, nanny=False)
    results = Results(tmp_path / "results")
    programs = [b"# always", b"# once", b"# right 1", b"# right 2"]
    tasks = _tasks(programs, results)
    assert grade_on(dask.address, tasks, results) == 1
    (failed,) = results.failed()
    assert (failed.student, failed.verdict.error) == ("s0", "no room")
    assert {result.student for result in results.verdicts()} == {"s1", "s2", "s3"}
    log = (tmp_path / "log").read_text().splitlines()
    assert sorted(log[:4]) == sorted(p.decode() for p in programs)
    assert sorted(log[4:]) == ["# always", "# once"]


HIDDEN = """
from grader.checking import Submission, points


@points(4)
def test_it_is_well(program: Submission) -> None:
    \"""It is well.\"""
    assert program.run().root.exit_code == 0
"""


def test_a_course_that_only_this_machine_has(tmp_path: Path, dask: Cluster) -> None:
    """With hidden checks; the worker has neither."""
    course = tmp_path / "course"
    shutil.copytree(ROOT / "exercises", course / "exercises")
    (course / "hidden" / "exercise1").mkdir(parents=True)
    (course / "hidden" / "exercise1" / "test_exercise1.py").write_text(HIDDEN)
    with using(course):
        exercise = find("exercise1")
    dask.work(nanny=False)
    results = Results(tmp_path / "results")
    tasks = _tasks([RIGHT], results, {"exercise1": exercise})
    assert grade_on(dask.address, tasks, results) == 0
    (result,) = results.verdicts()
    assert result.verdict.score == 14
    assert [c.id for c in result.verdict.checks if c.hidden] == ["it-is-well"]


def test_the_scheduler_ends(tmp_path: Path, dask: Cluster) -> None:
    """It is said, and what is graded is kept."""
    dask.work(nanny=False)
    results = Results(tmp_path / "results")
    tasks = _tasks(PROGRAMS, results)

    def end_all(event: Began | Done) -> None:
        if isinstance(event, Done):
            dask.end()

    with pytest.raises(GraderError, match="the same command goes on from there"):
        grade_on(dask.address, tasks, results, progress=end_all)
    assert 1 <= len(list(results.verdicts())) < len(tasks)
    assert not list(results.failed())


def _course(handed: Path, out: Path, on: str, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "grader", "course", str(handed), "--out", str(out)]
    return subprocess.Popen(
        [*command, "--on", on, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=heed_interrupts,
    )


@pytest.fixture
def handed(tmp_path: Path) -> Path:
    """A class."""
    folder = tmp_path / "handed-in"
    for number, source in enumerate(PROGRAMS):
        place = folder / f"s{number}"
        place.mkdir(parents=True)
        (place / "exercise1.py").write_bytes(source)
    return folder


def test_the_command_is_interrupted_and_resumed(
    tmp_path: Path, dask: Cluster, handed: Path
) -> None:
    """What waited on the cluster is taken back; the second call does the rest."""
    dask.work(nanny=False)
    out = tmp_path / "out"
    with _course(handed, out, f"dask:{dask.address}") as course:
        while not list(out.glob("verdicts/*/*.json")):
            assert course.poll() is None
        course.send_signal(signal.SIGINT)
        _, errors = course.communicate()
        assert course.returncode == 130
    assert errors == (
        "grade: interrupted; nothing was left running; what was graded is kept in "
        f"{out}; the same command goes on\n"
    )
    with Client(dask.address, set_as_default=False) as client:
        (tasks,) = client.processing().values()
        assert len(tasks) <= 1  # what was begun is brought to its end
    before = len(list(Results(out).verdicts()))
    with _course(handed, out, f"dask:{dask.address}") as course:
        output, errors = course.communicate()
        assert (course.returncode, errors) == (0, "")
    assert f"Graded {len(PROGRAMS) - before}, unchanged {before}" in output


@pytest.mark.parametrize("address", ["foo", "dask:", "dask: ", "dask", "ray:host:1"])
def test_what_is_no_cluster(tmp_path: Path, handed: Path, address: str) -> None:
    """One sentence that shows one."""
    with _course(handed, tmp_path / "out", address) as course:
        _, errors = course.communicate()
        assert course.returncode == 2
    assert f"{address!r} is no cluster; write one like dask:10" in errors


@pytest.mark.parametrize("address", ["foo", "http://127.0.0.1:1", "tcp://127.0.0.1:x"])
def test_what_is_no_address(tmp_path: Path, address: str) -> None:
    """It is wrong usage."""
    results = Results(tmp_path)
    with pytest.raises(UsageError, match=r"is not where a scheduler is: .*HOST:PORT"):
        grade_on(address, _tasks([RIGHT], results), results)


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("127.0.0.1:1", 0, "nothing is to be graded, so the cluster was not asked\n"),
        ("127.0.0.1", 2, "'127.0.0.1' is not where a scheduler is: missing port"),
        ("127.0.0.1:99999", 2, "is not where a scheduler is: there is no such port"),
        ("http://127.0.0.1:1", 2, "'http://127.0.0.1:1' is not where a scheduler is: "),
    ],
)
def test_where_nothing_is_to_be_graded(
    tmp_path: Path, handed: Path, address: str, status: int, said: str
) -> None:
    """Nobody needs to be there; but a slip in the address is told all the same."""
    out = tmp_path / "out"
    results = Results(out)
    results.make()
    for attempt in handed_in(handed, EXERCISES).attempts:
        (task,) = tasks_of([attempt], EXERCISES, results)
        verdict = Verdict("exercise1", attempt.file, ())
        results.save(Result.of(attempt, task.key, verdict))
    with _course(handed, out, f"dask:{address}", "--exercise", "exercise1") as course:
        _, errors = course.communicate()
        assert course.returncode == status
    assert said in errors
    assert errors.count("\n") == 1


def test_nobody_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said after a while."""
    monkeypatch.setattr(cluster, "_PATIENCE", 0.2)
    results = Results(tmp_path)
    with pytest.raises(GraderError, match="no Dask scheduler answers at 127"):
        grade_on("127.0.0.1:1", _tasks([RIGHT], results), results)


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install is said."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    results = Results(tmp_path)
    with pytest.raises(UsageError, match=r"pip install 'forklab\[cluster\]'"):
        grade_on("127.0.0.1:1", _tasks([RIGHT], results), results)


def _order(source: bytes, *, whole: bool) -> bytes:
    parcel = packed([EXERCISES["exercise1"]])
    sent = parcel if whole else None
    return pickle.dumps(Order("exercise1", digest_of(parcel), "f.py", source, sent))


def test_an_exercise_is_sent_once(tmp_path: Path) -> None:
    """Also to a process that takes the place of one that ended."""

    def ask(source: bytes, *, whole: bool) -> tuple[str, str]:
        return carry_out(_order(source, whole=whole), str(tmp_path))

    assert ask(RIGHT, whole=False) == (UNKNOWN, "")
    assert ask(b"print(", whole=True)[0] == VERDICT
    assert ask(b"print(", whole=False)[0] == VERDICT
    kind, text = carry_out(b"no order", str(tmp_path))
    assert kind == GONE
    assert text.startswith("the grader's own process: _pickle.UnpicklingError: ")
    assert ask(RIGHT, whole=False) == (UNKNOWN, "")
    (station,) = _stations(tmp_path)
    os.kill(station, signal.SIGTERM)
    told = GONE, f"the grader's own process ended with status {128 + signal.SIGTERM}"
    assert ask(RIGHT, whole=False) == told
    assert not list(tmp_path.iterdir())


def test_a_station_forgets_exercises_and_asks_for_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were not asked for longest, and those whose files somebody removed."""
    monkeypatch.setattr("grader.course.station._EXERCISES", 1)
    with _Grader(tmp_path) as grader:

        def kind(name: str, *, whole: bool) -> str:
            parcel = packed([find(name)])
            sent = parcel if whole else None
            order = Order(name, digest_of(parcel), f"{name}.py", b"print(", sent)
            return grader.carry_out(order)[0]

        assert kind("exercise1", whole=True) == VERDICT
        assert kind("exercise1", whole=False) == VERDICT
        assert kind("exercise2", whole=True) == VERDICT
        (home,) = tmp_path.iterdir()
        assert kind("exercise1", whole=False) == UNKNOWN
        shutil.rmtree(home)
        assert kind("exercise2", whole=False) == UNKNOWN
        assert kind("exercise2", whole=True) == VERDICT


def test_a_station_ends_with_who_started_it(tmp_path: Path) -> None:
    """However that ended, and leaves no files."""
    program = f"""
        import os, pickle
        from tests.course.test_cluster import RIGHT, _order, _stations
        from grader.course.outpost import carry_out
        from pathlib import Path

        carry_out(_order(RIGHT, whole=False), {str(tmp_path)!r})
        print(*_stations(Path({str(tmp_path)!r})), flush=True)
        os.kill(os.getpid(), 9)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    _wait_for_the_end_of(int(done.stdout))
    assert not list(tmp_path.iterdir())
