"""Kill the grader's own processes at random moments, again and again.

Whatever dies: the command grades right, or says that the grader failed. No verdict is a
wrong one, and nothing is left: no process, no file, no shared memory.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import victims
from benchmarks.essence import Essence, essence
from benchmarks.rows import Row
from benchmarks.timing import ROOT, SOLUTIONS
from grader.course.results import Results
from grader.tracing import ptrace
from grader.usage import GRADER_FAILED
from grader.verdict import CheckOutcome, Outcome, Verdict

# How shared memory of these submissions is called, beside that of another soak.
_MARK = f"forklab-kills-{os.getpid()}-"

_BUSY = "import os\nif os.fork() == 0:\n    os._exit(0)\nwhile True:\n    pass\n"

# It leaves a file, shared memory, a semaphore, and a process that heeds nobody.
_DAEMON = f"""\
import os, signal, time
from _multiprocessing import SemLock
from _posixshmem import shm_open
shm_open("/{_MARK}%d" % time.time_ns(), os.O_CREAT | os.O_RDWR, mode=0o600)
SemLock(1, 1, 1, "/{_MARK}%d" % time.time_ns(), False)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("file", "w").close()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(3600)
    os._exit(0)
os.wait()
"""

# With this the checks may leave something behind, so each has a process of its own.
_IMPURE = "\nimport os\n\n_SEEN = [os.getpid()]\n"

# Small, so that a busy program is soon ended.
_LIMITS = "[limits]\nprocesses = 16\ncpu_seconds = 0.2\n"

# Who is killed, with what command it is a part of, and in which of the courses.
_VICTIMS = {
    "exercise1": ("supervisor", "zygote", "tracer", "check process", "worker"),
    "course": ("supervisor", "grader", "zygote", "tracer"),
}
_OWN_PROCESS = "check process"

# A course is all submissions, and graded twice: it is done so many times less often.
_LESS_OFTEN = {"exercise1": 1, "course": 10}

# How often each is killed in the table of measurements.
_FEW, _SEED = 10, 2026

# Seconds that a command may take longer than undisturbed, and its end afterwards.
_HANGS = 60.0
_UNTIL_GONE = 10.0
_PAUSE = 0.005


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a command ended: its exit status, its verdicts by file, what it said."""

    status: int | None
    seconds: float
    verdicts: dict[str, Verdict]
    said: str

    def essences(self) -> dict[str, Essence]:
        return {file: essence(verdict) for file, verdict in self.verdicts.items()}


@dataclass(slots=True)
class _Tally:
    """What came of all kills of one kind of process."""

    kills: int = 0
    right: int = 0
    failed: int = 0
    died: int = 0
    wrong: list[str] = field(default_factory=list)
    sentences: Counter[str] = field(default_factory=Counter)


class _Soak:
    """A folder in which commands are started, and their processes killed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._chance = random.Random(seed)
        self._temporary = folder / "temporary"
        self._temporary.mkdir()
        self._results = folder / "results"
        self._said = folder / "said"
        self._class = folder / "class"
        answers = SOLUTIONS / "exercise1" / "wrong"
        for name, text in {
            "right": (SOLUTIONS / "exercise1" / "exercise1.py").read_text(),
            "wrong": (answers / "never_waits.py").read_text(),
            "deadlocked": (answers / "both_wait_for_each_other.py").read_text(),
            "busy": _BUSY,
            "daemon": _DAEMON,
        }.items():
            (self._class / name).mkdir(parents=True)
            (self._class / name / "exercise1.py").write_text(text)
        self._course = _make_course(folder / "course", "")
        self._impure_course = _make_course(folder / "impure", _IMPURE)

    def kill(self, command: str, role: str, times: int) -> _Tally:
        """Kill the process that has a role in a command, so many times."""
        tally = _Tally()
        commands = self._commands(command, role)
        undisturbed = [self._alone(words) for words in commands]
        while tally.kills < times:
            place = tally.kills % len(commands)
            whole = undisturbed[place]
            moment = self._chance.uniform(0, whole.seconds)
            ended = self._disturbed(commands[place], role, moment)
            left = self._left()
            if ended is None:
                continue  # there was no such process any more
            tally.kills += 1
            wrong = [*_judge(tally, role, whole, ended), *left]
            if command == "course":
                again = self._alone(commands[place], afresh=False)
                if again.status or again.essences() != whole.essences():
                    wrong.append(f"the same command afterwards: {again}")
            tally.wrong += [
                f"{commands[place][-1]} at {moment:.3f}: {w}" for w in wrong
            ]
        return tally

    def _commands(self, command: str, role: str) -> list[list[str]]:
        """The command lines of a command, each with all that it writes in `results`."""
        grade = [sys.executable, "-m", "grader", command]
        course = self._impure_course if role == _OWN_PROCESS else self._course
        grade += ["--course", str(course)]
        if command == "course":
            return [[*grade, "--out", str(self._results), str(self._class)]]
        return [
            [*grade, "--json", str(self._results / "exercise1.json"), str(submission)]
            for submission in sorted(self._class.iterdir())
        ]

    def _alone(self, words: Sequence[str], *, afresh: bool = True) -> _Ended:
        """Run a command that nobody disturbs."""
        began = time.monotonic()
        with self._started(words, afresh=afresh) as process:
            process.wait()
        ended = self._ended(process.returncode, time.monotonic() - began)
        if ended.status == GRADER_FAILED or (left := self._left()):
            raise RuntimeError(f"undisturbed: {ended.said or left}")
        return ended

    def _disturbed(
        self, words: Sequence[str], role: str, moment: float
    ) -> _Ended | None:
        """Kill who has that role after so many seconds; None where there is nobody."""
        began = time.monotonic()
        with self._started(words) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(moment)
            killed = process.returncode is None and victims.kill_one(
                role, process.pid, began + _HANGS
            )
            status: int | None = None
            try:
                status = process.wait(_HANGS)
            except subprocess.TimeoutExpired:
                process.kill()
        ended = self._ended(status, time.monotonic() - began)
        return ended if killed else None

    def _started(
        self, words: Sequence[str], *, afresh: bool = True
    ) -> subprocess.Popen[bytes]:
        if afresh:
            shutil.rmtree(self._results, ignore_errors=True)
            self._results.mkdir()
        with self._said.open("wb") as said:
            return subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd=ROOT,
                env={**os.environ, "TMPDIR": str(self._temporary)},
            )

    def _ended(self, status: int | None, seconds: float) -> _Ended:
        one = self._results / "exercise1.json"
        results = Results(self._results)
        if one.exists():
            verdicts = {one.name: Verdict.from_json(json.loads(one.read_text()))}
        else:
            both = [*results.verdicts(), *results.failed()]
            verdicts = {result.file: result.verdict for result in both}
        said = self._said.read_text(errors="replace")
        return _Ended(status, seconds, verdicts, said)

    def _left(self) -> list[str]:
        """What is left of a command once whoever cleans up after it is gone, too."""
        give_up = time.monotonic() + _UNTIL_GONE
        while (left := victims.children(os.getpid())) and time.monotonic() < give_up:
            for pid in left:
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(_PAUSE)
        found = []
        for pid in [*victims.descendants(os.getpid())]:
            found.append(f"the process {pid} is left: {_told(pid)}")
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shared = Path("/dev/shm").glob(f"*{_MARK}*")  # a semaphore's begins with sem.
        for path in (*self._temporary.iterdir(), *shared):
            found.append(f"{path} is left")
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        return found


def _make_course(folder: Path, more: str) -> Path:
    """Exercise 1 with small limits, and with more lines in its checks."""
    exercise = folder / "exercises" / "exercise1"
    shutil.copytree(ROOT / "exercises" / "exercise1", exercise)
    settings = exercise / "exercise.toml"
    head, _, _ = settings.read_text().partition("[limits]")
    settings.write_text(head + _LIMITS)
    with (exercise / "test_exercise1.py").open("a") as checks:
        checks.write(more)
    return folder


def _told(pid: int) -> str:
    with suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        return f"{command[:100]!r} {Path(f'/proc/{pid}/stat').read_text()[:60]}"
    return "it went only now"


def _judge(tally: _Tally, role: str, whole: _Ended, ended: _Ended) -> Iterator[str]:
    """Count how a command ended, one of whose processes was killed; what was wrong."""
    for file, verdict in ended.verdicts.items():
        if claim := _false_claim(whole.verdicts[file], verdict):
            yield f"{file}: {claim}: {verdict}"
    if "Traceback" in ended.said:
        yield f"it said {ended.said}"
    if role == "supervisor" and ended.status == -signal.SIGKILL:
        tally.died += 1
    elif ended.status == whole.status:
        tally.right += 1
        if ended.essences() != whole.essences():
            yield f"status {ended.status} with another verdict: {ended.verdicts}"
    elif ended.status == GRADER_FAILED:
        tally.failed += 1
        reasons = [v.trouble for v in ended.verdicts.values() if _has_failed(v)]
        if not reasons or not all(_is_a_sentence(reason) for reason in reasons):
            yield f"it failed without a sentence that says why: {ended.said}"
        tally.sentences.update(re.sub(r"\d+", "N", reason) for reason in reasons)
    else:
        yield f"status {ended.status} after {ended.seconds:.1f} s: {ended.said}"


def _is_a_sentence(reason: str) -> bool:
    return bool(reason) and "\n" not in reason


def _has_failed(verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.GRADER_ERROR


def _false_claim(right: Verdict, verdict: Verdict) -> str:
    """The outcome of a check that is neither the right one nor that there is none."""
    known = {check.id: check for check in right.checks}
    for check in verdict.checks:
        if check.outcome is CheckOutcome.GRADER_ERROR:
            continue
        ids = [finding.id for finding in check.findings]
        same = known[check.id]
        if check.outcome is not same.outcome or ids != [f.id for f in same.findings]:
            return f"{check.id} {check.outcome.value} {ids}"
    return ""


def _killed(times: int, seed: int) -> Iterator[tuple[str, str, _Tally]]:
    """Kill each kind of process so many times: in which command, what came of it."""
    ptrace.adopt_orphans()  # whatever is left becomes a child of this process
    with tempfile.TemporaryDirectory() as folder:
        soak = _Soak(Path(folder), seed)
        for command, roles in _VICTIMS.items():
            for role in roles:
                times_here = -(-times // _LESS_OFTEN[command])
                yield command, role, soak.kill(command, role, times_here)


def kill_again_and_again(times: int, seed: int) -> int:
    """Kill each kind of process so many times; how often anything was wrong."""
    bad = 0
    began = time.monotonic()
    for command, role, tally in _killed(times, seed):
        now = time.monotonic()
        print(
            f"grade {command}, {role} killed {tally.kills} times: "
            f"{tally.right} graded right, {tally.failed} said that the grader "
            f"failed, {tally.died} ended with it, {len(tally.wrong)} faults; "
            f"{now - began:.0f} s",
            flush=True,
        )
        began = now
        for fault in tally.wrong:
            print(f"  {fault}", flush=True)
        for sentence, count in tally.sentences.most_common():
            print(f"    {count} x {sentence}", flush=True)
        bad += len(tally.wrong)
    return bad


def faults() -> Iterator[Row]:
    """A short soak; ``python -m benchmarks.soak kills`` is the long one."""
    tallies = [tally for _, _, tally in _killed(_FEW, _SEED)]
    wrong = [fault for tally in tallies for fault in tally.wrong]
    kills = sum(tally.kills for tally in tallies)
    yield Row(
        "wrong verdicts and leftovers of a grader that is killed",
        len(wrong),
        0,
        "{:.0f}",
        "; ".join(wrong) or f"of {kills} kills",
    )
