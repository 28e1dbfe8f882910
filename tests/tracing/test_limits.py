"""What a program may use: each limit ends a run, and says that it did."""

from __future__ import annotations

import os
import textwrap
import time
from pathlib import Path

import pytest

from grader.tracing import program as programs
from grader.tracing.errors import TracingError
from grader.tracing.launch import Zygote
from grader.tracing.limits import Limits
from grader.tracing.program import run
from grader.tracing.recording import Limit
from grader.tracing.schedule import child_first
from grader.tracing.tracer import Tracer
from tests.conftest import Run, Start

TOO_MUCH = {
    Limit.PROCESSES: (
        "import os\nfor _ in range(20): os.fork() or __import__('time').sleep(9)",
        Limits(processes=10),
    ),
    Limit.ZOMBIES: (
        "import os\nwhile True: os.fork() or os._exit(0)",
        Limits(processes=10),
    ),
    Limit.THREADS: (
        """
        import threading
        wait = threading.Event().wait
        while True: threading.Thread(target=wait).start()
        """,
        Limits(processes=2),
    ),
    Limit.OUTPUT: ("while True: print('x' * 99)", Limits(output_bytes=5000)),
    Limit.PROCESSOR: (
        "n = 0\nwhile True: n += 1",
        Limits(cpu_seconds=0.3, busy_seconds=100),
    ),
    Limit.MEMORY: ("x = bytearray(b'1' * (200 << 20))", Limits(memory_mib=100)),
    Limit.DESCRIPTORS: (
        "import os\nends = []\nwhile True: ends.append(os.dup(0))",
        Limits(descriptors=20),
    ),
    Limit.FILES: (
        "n = 0\nwhile True: open(str(n), 'w').close(); n += 1",
        Limits(files=30),
    ),
    Limit.FILE_BYTES: (
        "with open('file', 'w') as file:\n    while True: file.write('x' * 999)",
        Limits(file_bytes=100_000),
    ),
    Limit.VIRTUAL_TIME: ("import time; time.sleep(7200)", Limits(virtual_seconds=3600)),
    Limit.EVENTS: (
        "import os\nr, w = os.pipe()\nwhile os.write(w, b'x'): os.read(r, 1)",
        Limits(events=1000),
    ),
}


@pytest.mark.parametrize("limit", TOO_MUCH)
def test_too_much(run: Run, limit: Limit) -> None:
    """The run is over, the recording names the limit, and nothing is left."""
    program, limits = TOO_MUCH[limit]
    recording = run(program, limits=limits)
    assert recording.exceeded is limit
    assert not recording.ended


@pytest.mark.parametrize(
    ("limit", "allowed", "used"),
    [
        (Limit.PROCESSES, 10, 11),
        (Limit.ZOMBIES, 40, 41),
        (Limit.THREADS, 8, 9),
        (Limit.DESCRIPTORS, 20, 20),
        (Limit.FILES, 30, 31),
    ],
)
def test_counts_are_exact(run: Run, limit: Limit, allowed: int, used: int) -> None:
    """The first one too many ends the run, and who made it is told."""
    program, limits = TOO_MUCH[limit]
    recording = run(program, limits=limits)
    excess = recording.excess
    assert excess
    assert (excess.allowed, excess.used) == (allowed, used)
    assert excess.pid in {process.pid for process in recording.processes}


# How a program puts 70,000 bytes at a time into files, where 200,000 may be.
FILLING = {
    "write": "os.write(fd, bytes(70_000))",
    "writev": "os.writev(fd, [bytes(35_000)] * 2)",
    "pwrite": "os.pwrite(fd, bytes(70_000), 0)",
    "pwritev": "os.pwritev(fd, [bytes(35_000)] * 2, 0)",
    "fallocate": "os.posix_fallocate(fd, 0, 70_000)",
    "sendfile": "os.sendfile(fd, source, 0, 70_000)",
    "splice": """
        r, w = os.pipe()
        os.write(w, bytes(60_000))
        os.splice(r, fd, 60_000, offset_dst=0)
    """,
    "copy_file_range": "os.copy_file_range(source, fd, 70_000, 0, 0)",
    "a file in memory": "os.write(os.memfd_create('m'), bytes(70_000))",
    "a file that is gone": """
        os.unlink("file")
        os.write(os.open("file", os.O_CREAT | os.O_WRONLY), bytes(70_000))
    """,
    "a mapped file": """
        os.ftruncate(fd, 70_000)
        mmap.mmap(fd, 70_000)[:] = bytes(70_000)
    """,
}


@pytest.mark.parametrize("way", FILLING)
def test_what_is_written_is_counted(run: Run, way: str, tmp_path: Path) -> None:
    """Whichever call fills a file, and whether or not it has a name."""
    (tmp_path / "source").write_bytes(bytes(70_000))
    text = (
        "import mmap, os\n"
        "fd = os.open('file', os.O_CREAT | os.O_RDWR)\n"
        "source = os.open('source', os.O_RDONLY)\n"
        f"while True:\n{textwrap.indent(textwrap.dedent(FILLING[way]), '    ')}\n"
    )
    recording = run(text, limits=Limits(file_bytes=200_000))
    assert recording.exceeded is Limit.FILE_BYTES, recording.errors
    assert recording.excess
    assert 200_000 < recording.excess.used <= 280_000


# How a program makes things that take a place on the disk.
MAKING = {
    "open": "os.close(os.open(f'{n}', os.O_CREAT | os.O_WRONLY))",
    "mkdir": "os.mkdir(f'{n}')",
    "symlink": "os.symlink('target', f'{n}')",
    "link": "os.link('source', f'{n}')",
    "mkfifo": "os.mkfifo(f'{n}')",
    "memfd_create": "os.close(os.memfd_create(f'{n}'))",
    "bind": "s = socket.socket(socket.AF_UNIX); s.bind(f'{n}'); s.close()",
    "O_TMPFILE": "os.close(os.open('.', os.O_TMPFILE | os.O_WRONLY))",
}


@pytest.mark.parametrize("way", MAKING)
def test_what_is_made_is_counted(run: Run, way: str, tmp_path: Path) -> None:
    """Whatever has a name, or a place on the disk: the 21st is not made any more."""
    (tmp_path / "source").touch()
    text = f"import os, socket\nn = 0\nwhile True:\n    {MAKING[way]}\n    n += 1\n"
    recording = run(text, limits=Limits(files=20))
    assert recording.exceeded is Limit.FILES, recording.errors
    assert len([*tmp_path.iterdir()]) <= 22  # the program, the source


def test_sockets_that_are_no_files_are_not_counted(run: Run) -> None:
    """Those whose names lie in no folder, unix(7), and those that cannot be bound."""
    recording = run(
        r"""
        import socket
        first = socket.socket(socket.AF_UNIX)
        first.bind("name")
        for number in range(30):
            with socket.socket(socket.AF_UNIX) as other:
                other.bind(f"\0{number}")
            with socket.socket(socket.AF_UNIX) as other:
                try:
                    other.bind("name")
                except OSError:
                    pass
        """,
        limits=Limits(files=20),
    )
    assert recording.exceeded is None
    assert recording.root.exit_code == 0, recording.errors


def test_a_pipe_needs_two_descriptors(run: Run) -> None:
    """It cannot be made where one is left, and that is the limit, too."""
    program = """
        import os
        os.dup2(0, 3)
        ends = []
        while True:
            ends.append(os.pipe())
        """
    for most in (20, 21):
        recording = run(program, limits=Limits(descriptors=most))
        assert recording.exceeded is Limit.DESCRIPTORS


def test_what_is_there_is_not_made(run: Run) -> None:
    """To open one file again and again, or to print into nothing, takes nothing."""
    recording = run(
        """
        import os
        null = os.open(os.devnull, os.O_WRONLY)
        for n in range(100):
            with open("file", "w") as file:
                print(n, file=file)
            os.write(null, bytes(10_000))
        """,
        limits=Limits(files=10, file_bytes=1000),
    )
    assert recording.exceeded is None
    assert recording.errors == b""


def test_a_limit_of_its_own_is_not_the_runs(run: Run) -> None:
    """A program that lowers its limit of descriptors deals with that itself."""
    recording = run(
        """
        import os, resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))
        try:
            while True: os.pipe()
        except OSError as error:
            print(error.errno)
        """,
    )
    assert recording.exceeded is None
    assert recording.output == b"24\n"


def test_limits_cannot_be_raised(run: Run) -> None:
    """Not even by root, who otherwise may: setrlimit(2)."""
    recording = run(
        """
        import resource
        for which in (resource.RLIMIT_NOFILE, resource.RLIMIT_DATA):
            soft, hard = resource.getrlimit(which)
            for wanted in (hard + 1, resource.RLIM_INFINITY):
                try:
                    resource.setrlimit(which, (soft, wanted))
                except (OSError, ValueError):
                    print("no")
        """
    )
    assert recording.output.split() == [b"no"] * 4


def test_real_time(run: Run) -> None:
    """The last of all limits: a run that is over before it begins to be slow."""
    program = "n = 0\nwhile True: n += 1"
    recording = run(program, limits=Limits(real_seconds=0.05, busy_seconds=100))
    assert recording.exceeded is Limit.REAL_TIME


def test_writes_of_nothing_are_no_progress(start: Start) -> None:
    """A loop of them is busy, and ends as such."""
    with start("import os\nwhile True: os.write(1, b'')") as program:
        rest = program.until_rest()
        recording = program.stop()
    assert [snapshot.pid for snapshot in rest.busy] == [recording.root.pid]


def test_shared_memory_counts_once(run: Run) -> None:
    """Ten children of a parent that holds 60 MB do not hold 600 MB, fork(2)."""
    recording = run(
        """
        import os, time
        data = bytearray(b"1" * (60 << 20))
        for _ in range(10):
            if os.fork() == 0:
                time.sleep(1)
                os._exit(data[5] - 49)
        print([os.wait()[1] for _ in range(10)])
        """,
        limits=Limits(memory_mib=200),
    )
    assert recording.exceeded is None
    assert recording.output == f"{[0] * 10}\n".encode()


def test_many_sleeps_are_no_limit(run: Run) -> None:
    """Who polls with short sleeps comes to its end."""
    recording = run(
        """
        import time
        for _ in range(300):
            time.sleep(0.1)
        for _ in range(2000):
            time.sleep(0.001)
        print("the end")
        """
    )
    assert recording.ended
    assert recording.output == b"the end\n"


FORKS = """
while True:
    if os.fork() == 0:
        os._exit(0)
    os.wait()
"""


@pytest.mark.parametrize("limit", ["events", "cpu_seconds"])
def test_who_is_born_or_ends_as_a_limit_is_hit(
    start: Start, zygote: Zygote, limit: str
) -> None:
    """Whatever was about to be reported then, nobody is left.

    A tracee that its tracer does not wait for is one that its parent cannot reap.
    """
    for n in range(1, 30):
        limits = (
            Limits(events=n) if limit == "events" else Limits(cpu_seconds=0.003 * n)
        )
        text = f"import os\n{FORKS}"
        with start(text, limits=limits, schedule=child_first) as program:
            assert program.finish().exceeded is not None
            assert not program._tracer.alive
        assert zygote.sweep() == 0


@pytest.mark.parametrize("stdout", ["terminal", "pipe"])
@pytest.mark.parametrize("has_ended", [True, False])
def test_a_program_that_cannot_be_started(
    tmp_path: Path,
    zygote: Zygote,
    monkeypatch: pytest.MonkeyPatch,
    stdout: str,
    has_ended: bool,
) -> None:
    """It is no run of the program's, whenever that is noticed; the next one is."""
    file = tmp_path / "program.py"
    file.write_text("print('it ran')")
    attach = Tracer.attach

    def attach_late(tracer: Tracer, pid: int, argv: tuple[str, ...]) -> None:
        give_up = time.monotonic() + 30
        while has_ended and _state(pid) != "Z" and time.monotonic() < give_up:
            os.sched_yield()
        attach(tracer, pid, argv)

    with (
        monkeypatch.context() as patch,
        pytest.raises(TracingError, match="cannot start the program: invalid resource"),
    ):
        patch.setattr(Tracer, "attach", attach_late)
        patch.setattr(programs, "_resource_limits", lambda limits: [(-1, 0)])
        run([str(file)], zygote=zygote, directory=tmp_path, stdout=stdout)
    with pytest.raises(TracingError, match=r"no process could be made: .*absent"):
        run([str(file)], zygote=zygote, directory=tmp_path / "absent", stdout=stdout)
    recording = run([str(file)], zygote=zygote, directory=tmp_path, stdout=stdout)
    assert b"it ran" in recording.output


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
