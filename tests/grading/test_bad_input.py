"""Whatever is handed in gets a clear diagnosis in bounded time, and leaves nothing."""

from __future__ import annotations

import contextlib
import os
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from grader.catalog import CheckSpec, find
from grader.errors import GraderError
from grader.session import _trusted, grade
from grader.verdict import CheckOutcome, CheckResult, Outcome, Verdict

STUB = find("exercise1").stub
RIGHT = """\
import os
pid = os.fork()
if pid == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
else:
    print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
    os.waitpid(pid, 0)
"""


def _descendants() -> set[int]:
    """The processes below this one, as the kernel lists them."""
    found: set[int] = set()
    new = [os.getpid()]
    while new:
        pid = new.pop()
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            continue
        new += [int(child) for child in children]
        found |= {int(child) for child in children}
    return found


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No process that was not there before, wherever it went, and no file."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    before = _descendants()
    yield
    assert _descendants() == before
    assert _living_in(scratch) == []
    assert list(scratch.iterdir()) == []


def _living_in(folder: Path) -> list[int]:
    """Processes, anybody's children, that run in a folder or in one below it."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{entry}/cwd").startswith(str(folder)):
                found.append(int(entry))
    return found


def _graded(folder: Path, content: bytes | str, exercise: str = "exercise1") -> Verdict:
    file = folder / "submission.py"
    if isinstance(content, str):
        content = textwrap.dedent(content).encode()
    file.write_bytes(content)
    return grade(find(exercise), file)


def _said(verdict: Verdict) -> set[str]:
    findings = [*verdict.findings, *(f for c in verdict.checks for f in c.findings)]
    return {finding.id for finding in findings}


CANNOT_LOAD = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\t\n", "is empty"),
    "syntax error": (b"import os\nos.fork(\n", "line 2"),
    "Python 2": (b"import os\nprint os.getpid()\n", "Python 2"),
    "binary": (b"\x7fELF\0\0\1\2", "not text"),
    "Latin-1": ("print('\xe9')\n".encode("latin-1"), "not UTF-8"),
    "the stub": (STUB.read_bytes(), "still the stub"),
    "the stub, with a comment": (STUB.read_bytes() + b"# mine\n", "still the stub"),
    "huge": (b"# " + b"x" * (2 << 20), "larger than"),
    "UTF-16": ("print()".encode("utf-16"), "UTF-16"),
    "an encoding unknown": (b"# coding: undefined\nprint()\n", "not UTF-8"),
    "nested": (b"(" * 100_000 + b")" * 100_000, "is not valid Python"),
}


@pytest.mark.parametrize("name", CANNOT_LOAD)
def test_what_cannot_be_loaded_is_not_run(tmp_path: Path, name: str) -> None:
    """One clear sentence, no points, no check run."""
    content, sentence = CANNOT_LOAD[name]
    verdict = _graded(tmp_path, content)
    assert verdict.outcome is Outcome.NONE
    assert _said(verdict) == {"cannot-load"}
    assert sentence in verdict.findings[0].message


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    """The same for what is no file at all."""
    for path, sentence in (
        (tmp_path / "absent.py", "does not exist"),
        (tmp_path, "is a folder"),
    ):
        verdict = grade(find("exercise1"), path)
        assert _said(verdict) == {"cannot-load"}
        assert sentence in verdict.findings[0].message


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    """Opening it would wait for a writer, for ever."""
    os.mkfifo(tmp_path / "submission.py")
    verdict = grade(find("exercise1"), tmp_path / "submission.py")
    assert "not a regular file" in verdict.findings[0].message


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + RIGHT.encode(),
        RIGHT.replace("\n", "\r\n").encode(),
        b"# -*- coding: latin-1 -*-\n# \xe9\n" + RIGHT.encode(),
    ],
    ids=["BOM", "CRLF", "Latin-1, and says so"],
)
def test_unusual_files_that_python_runs_are_graded(
    tmp_path: Path, content: bytes
) -> None:
    """Python runs them, so they count."""
    assert _graded(tmp_path, content).outcome is Outcome.FULL


HOSTILE = {
    "a loop at the start": ("while True: pass\n", "never-ends"),
    "100 MB of output": (
        "import os\nfor _ in range(100): os.write(1, b'x\\n' * 500_000)\n",
        "too-much-output",
    ),
    "output without an end": (
        "import sys\nwhile True: sys.stdout.write('x' * 1000)\n",
        "too-much-output",
    ),
    "a million forks": (
        "import os\nfor _ in range(1_000_000): os.fork()\n",
        "too-many-processes",
    ),
    "a chain of forks": (
        "import os\nwhile True:\n    if os.fork(): os._exit(0)\n",
        "too-many-processes",
    ),
    "zombies without end": (
        "import os\nwhile True:\n    os.fork() or os._exit(0)\n",
        "too-many-processes",
    ),
    "threads without end": (
        (
            "import threading, time\n"
            "while True: threading.Thread(target=time.sleep, args=(1e6,)).start()\n"
        ),
        "too-many-threads",
    ),
    "writes of nothing": ("import os\nwhile True: os.write(1, b'')\n", "never-ends"),
    "kill by a pidfd that is none": (
        (
            "import os, signal\n"
            "fd = os.open(f'/proc/{os.getppid()}', os.O_RDONLY | os.O_DIRECTORY)\n"
            "signal.pidfd_send_signal(fd, 9)\n"
        ),
        "forbidden-call",
    ),
    "kill by a signal of the kernel's": (
        (
            "import fcntl, os\nr, w = os.pipe()\n"
            "fcntl.fcntl(r, fcntl.F_SETOWN, os.getppid())\n"
        ),
        "forbidden-call",
    ),
    "limits for others": (
        (
            "import os, resource\n"
            "resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (0, 0))\n"
        ),
        "forbidden-call",
    ),
    "a filter of its own": (
        "import ctypes\nctypes.CDLL(None).prctl(22, 1, 0, 0, 0)\n",
        "forbidden-call",
    ),
    "_exit at once": ("import os\nos._exit(0)\n", "no-child"),
    "kill of the parent": (
        "import os\nos.kill(os.getppid(), 9)\n",
        "forbidden-call",
    ),
    "kill of everybody": ("import os\nos.kill(-1, 9)\n", "forbidden-call"),
    "memory": ("x = [bytearray(1 << 24) for _ in range(1000)]\n", "too-much-memory"),
    "descriptors": (
        "import os\nx = []\nwhile True: x.append(os.pipe())\n",
        "too-many-descriptors",
    ),
    "files": (
        "n = 0\nwhile True: open(str(n), 'w').close(); n += 1\n",
        "too-many-files",
    ),
    "a file that grows": (
        "file = open('f', 'wb')\nwhile True: file.write(bytes(1 << 16))\n",
        "too-much-written",
    ),
    "an exception": ("raise SystemError('no')\n", "uncaught-exception"),
    "reads its input": ("input()\n", "never-ends"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_programs_are_bounded_and_named(tmp_path: Path, name: str) -> None:
    """Each is ended by its limit, and told so."""
    content, diagnosis = HOSTILE[name]
    verdict = _graded(tmp_path, content)
    assert verdict.outcome in (Outcome.NONE, Outcome.PARTIAL), verdict.error
    assert diagnosis in _said(verdict)


def test_the_group_is_killed_by_its_own(tmp_path: Path) -> None:
    """kill(0) reaches the program's own group, and nobody else."""
    verdict = _graded(tmp_path, "import os\nos.kill(0, 9)\n")
    assert "killed-by-signal" in _said(verdict)
    assert _graded(tmp_path, RIGHT).outcome is Outcome.FULL


def test_a_daemon_is_found_and_ended(tmp_path: Path) -> None:
    """A double fork and setsid do not hide it."""
    verdict = _graded(
        tmp_path,
        """
        import os, signal, sys
        pid = os.fork()
        if pid == 0:
            print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
            sys.stdout.flush()
            os.setsid()
            if os.fork():
                os._exit(0)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            while True:
                signal.pause()
        print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
        os.waitpid(pid, 0)
        """,
    )
    assert "extra-children" in _said(verdict)
    assert "orphan-left" in _said(verdict) or "never-ends" in _said(verdict)


def test_a_child_that_holds_the_terminal_is_an_orphan(tmp_path: Path) -> None:
    """It outlives everything; nobody waits for it."""
    verdict = _graded(
        tmp_path,
        """
        import os, signal
        pid = os.fork()
        if pid == 0:
            print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
            while True:
                signal.pause()
        print(f"this is parent, pid = {os.getpid()}, child id = {pid}")
        """,
    )
    assert "orphan-left" in _said(verdict)


def test_a_program_that_stops_itself_is_told_so(tmp_path: Path) -> None:
    """Nobody will continue it."""
    verdict = _graded(tmp_path, "import os, signal\nos.kill(os.getpid(), 19)\n" + RIGHT)
    assert "never-ends" in _said(verdict)
    message = next(
        f.message for c in verdict.checks for f in c.findings if f.id == "never-ends"
    )
    assert "stopped" in message


@pytest.mark.parametrize(
    "mischief",
    [
        "pid and os.unlink(__file__)",
        "with contextlib.suppress(OSError): os.rename(here, here + '-gone')",
        "pid and os.mkdir('closed', 0)",
        "pid and os.chmod('.', 0)",
        "os.truncate(__file__, 0)",
        "pid and [(os.mkdir('d'), os.chdir('d')) for _ in range(1100)]",
    ],
)
def test_a_program_that_harms_its_folder_harms_no_other_run(
    tmp_path: Path, mischief: str
) -> None:
    """Each run has a folder of its own, and it is removed whatever is in it."""
    program = f"{RIGHT}\nimport contextlib\nhere = os.getcwd()\n{mischief}\n"
    assert _graded(tmp_path, program).outcome is Outcome.FULL


@pytest.mark.usefixtures("unkept")
def test_a_program_that_takes_its_folder_away_harms_no_other_run(
    tmp_path: Path,
) -> None:
    """Where it is not kept from that."""
    program = f"{RIGHT}\nos.rename(os.getcwd(), os.getcwd() + '-gone')\n"
    assert _graded(tmp_path, program).outcome is Outcome.FULL


def test_long_expressions_are_no_problem(tmp_path: Path) -> None:
    """What Python runs is not nested too deeply for us."""
    long = "x = " + " + ".join(["1"] * 1500) + "\n"
    assert _graded(tmp_path, long + RIGHT).outcome is Outcome.FULL


def test_output_that_is_long_is_no_deadlock(tmp_path: Path) -> None:
    """A line of 60 000 characters before the right ones."""
    verdict = _graded(tmp_path, "print('x' * 60_000, flush=True)\n" + RIGHT)
    assert _said(verdict) <= {"output-extra", "output-wrong"}


def test_the_grader_s_channels_cannot_be_opened(tmp_path: Path) -> None:
    """Not even by root, who may look at its tracer's descriptors: unix(7)."""
    verdict = _graded(
        tmp_path,
        """
        import os
        status = open("/proc/self/status").read()
        tracer = status.split("TracerPid:")[1].split()[0]
        opened = []
        for number in range(3, 30):
            path = f"/proc/{tracer}/fd/{number}"
            try:
                if os.readlink(path).startswith(("pipe:", "socket:")):
                    opened.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                pass
        print("opened", [os.readlink(f"/proc/self/fd/{fd}") for fd in opened])
        """,
    )
    story = [
        line
        for check in verdict.checks
        for finding in check.findings
        for line in finding.timeline
        if "opened" in line
    ]
    assert story
    assert not any("socket:" in line for line in story)


SPECS = (CheckSpec("forks", "It forks", 2), CheckSpec("waits", "It waits", 3))


def test_a_result_that_no_check_sent_is_not_believed() -> None:
    """Neither of another check, nor a second one; and points are the exercise's."""
    forged = CheckResult("forks", "forged", 99, 99, CheckOutcome.PASSED)
    believed = _trusted(forged, SPECS, ())
    assert (believed.title, believed.points, believed.earned) == ("It forks", 2, 2)
    failed = _trusted(replace(forged, outcome=CheckOutcome.FAILED), SPECS, ())
    assert failed.earned == 0
    for result, so_far in ((forged, ("forks",)), (replace(forged, id="other"), ())):
        with pytest.raises(GraderError, match="no check sent"):
            _trusted(result, SPECS, so_far)
