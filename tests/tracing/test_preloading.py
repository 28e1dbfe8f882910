"""What a zygote imports for its programs: the same as they would, and no more."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import pytest

from grader.tracing import run
from grader.tracing.errors import TracingError
from grader.tracing.launch import Zygote
from grader.tracing.preloading import ALWAYS_THERE, QUIET, first_imports
from grader.tracing.program import trace
from grader.tracing.recording import Forked, HandlerSet, ThreadStarted
from grader.tracing.zygote import Job, compiled

DEEP = "(" * 1000


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import asyncio", ["asyncio"]),
        ("import os, sys\nimport threading as t", ["threading"]),
        ('"""About it."""\n"more"\nimport select\n1', ["select"]),
        ("from __future__ import annotations\nimport queue", ["queue"]),
        ("from multiprocessing import Process", ["multiprocessing"]),
        ("from concurrent import futures", ["concurrent", "concurrent.futures"]),
        ("import concurrent.futures", ["concurrent.futures"]),
        ("COUNT = 10\nimport select", ["select"]),
        ("def f(a: int = 1) -> int:\n    return g(a)\nimport select", ["select"]),
        # What comes first may have to do with what is imported after it.
        ("count = len('')\nimport select", []),
        ("sys.path = ''\nimport select", []),
        ("def f(a=g()):\n    pass\nimport select", []),
        ("@g\ndef f():\n    pass\nimport select", []),
        ("def f() -> g():\n    pass\nimport select", []),
        ("import sys\nsys.modules['queue'] = 1\nimport queue", []),
        ("import select\nprint(1)\nimport queue", ["select"]),
        ("import select\nif 1:\n    import queue", ["select"]),
        ("import select, antigravity\nimport queue", []),
        ("from . import queue\nimport select", []),
        ("from .queue import Queue\nimport select", []),
        ("import queue_of_my_own\nimport select", []),
        ("import", []),
        ("\0", []),
        (DEEP, []),
    ],
)
def test_first_imports(source: str, expected: list[str]) -> None:
    """As far as nothing that comes before could have to do with them."""
    assert list(first_imports(source.encode())) == expected


@pytest.mark.parametrize("name", ["queue.py", "queue.so", "queue"])
def test_what_lies_beside_the_program_comes_first(tmp_path: Path, name: str) -> None:
    """As the interpreter finds it first."""
    assert first_imports(b"import select\nimport queue", tmp_path)
    (tmp_path / name).mkdir()
    assert first_imports(b"import select\nimport queue", tmp_path) == ()
    # Another module may import it.
    assert first_imports(b"import select", tmp_path) == ()


def test_only_the_standard_library_is_quiet() -> None:
    """What is installed beside it is none of a zygote's."""
    assert sys.stdlib_module_names >= QUIET


QUIET_IS = """\
import os, signal, sys
def state():
    return sorted(os.listdir("/proc/self/fd")), os.getcwd(), dict(os.environ)
before = state()
import {0}
assert state() == before
"""


@pytest.mark.parametrize("module", sorted(QUIET))
def test_a_quiet_module_does_nothing(
    module: str, tmp_path: Path, zygote: Zygote
) -> None:
    """Its import prints nothing, starts nobody, handles nothing, opens nothing."""
    program = tmp_path / "program.py"
    program.write_text(QUIET_IS.format(module))
    recording = run([str(program)], zygote=zygote)
    assert recording.root.exit_code == 0, recording.root.errors
    assert recording.root.output + recording.root.errors == b""
    for kind in (Forked, ThreadStarted, HandlerSet):
        assert not list(recording.of(kind))


LISTS = "import sys\nprint(sorted(sys.modules))\n"


def test_a_zygote_has_what_is_always_there(tmp_path: Path, zygote: Zygote) -> None:
    """So that it is nothing to tell zygotes apart by."""
    program = tmp_path / "program.py"
    program.write_text(LISTS)
    recording = run([str(program)], zygote=zygote, stdout="pipe")
    modules = eval(recording.root.output)  # what the three lines above have printed
    assert set(modules) >= ALWAYS_THERE


@pytest.mark.parametrize(
    "first",
    ["import asyncio", "from concurrent import futures", "import select, queue"],
)
def test_its_program_has_the_modules_that_it_would_have(
    first: str, tmp_path: Path, zygote: Zygote
) -> None:
    """Those, and no others, whoever has imported them."""
    program = tmp_path / "program.py"
    program.write_text(f"{first}\n{LISTS}")
    by_itself = run([str(program)], zygote=zygote, stdout="pipe")
    with Zygote(first_imports(first.encode())) as ready:
        recording = run([str(program)], zygote=ready, stdout="pipe")
    assert recording.root.output == by_itself.root.output


def test_a_module_that_is_not_there_is_the_programs_to_miss(tmp_path: Path) -> None:
    """The zygote starts all the same."""
    program = tmp_path / "program.py"
    program.write_text("import nothing_of_that_name\n")
    with Zygote(["nothing_of_that_name", "queue"]) as zygote:
        recording = run([str(program)], zygote=zygote)
    assert b"ModuleNotFoundError" in recording.root.errors


CLOCKS = """\
import asyncio, logging, multiprocessing.process, os
record = logging.LogRecord("", 0, "", 0, "", (), None)
assert 0 <= record.relativeCreated < 50, record.relativeCreated  # milliseconds
assert multiprocessing.process.ORIGINAL_DIR == os.getcwd()
"""


def test_what_modules_remember_of_their_import_is_the_programs_own(
    tmp_path: Path,
) -> None:
    """When it was, in virtual time, and where."""
    program = tmp_path / "program.py"
    program.write_text(CLOCKS)
    with Zygote(first_imports(CLOCKS.encode())) as zygote:
        for _ in range(2):
            recording = run([str(program)], zygote=zygote)
            assert recording.root.exit_code == 0, recording.root.errors


def test_a_warning_of_the_compiler_is_the_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is not ours to print."""
    assert first_imports(b'import queue\nx = "\\d"\n') == ("queue",)
    assert capsys.readouterr().err == ""


THREADS = """\
import os, threading
assert threading.main_thread().native_id == os.getpid()
assert threading.current_thread() is threading.main_thread()
thread = threading.Thread(target=print, args=("there",))
thread.start()
thread.join()
if os.fork() == 0:
    os._exit(0)
os.wait()
"""


def test_the_main_thread_is_the_programs_own(tmp_path: Path) -> None:
    """Though it was another process that imported its module."""
    program = tmp_path / "program.py"
    program.write_text(THREADS)
    recording = run([str(program)], stdout="pipe")
    assert recording.root.output == b"there\n"
    assert recording.root.exit_code == 0


def test_an_import_costs_its_program_no_step(tmp_path: Path) -> None:
    """So that the code of a schedule does not depend on the library's files."""
    from grader.exploring.choices import Pilot

    counts = set()
    for first in ("import os", "import asyncio, os"):
        program = tmp_path / "program.py"
        program.write_text(f"{first}\nos.getppid()\nos.pipe()\n")
        counts.add(len(run([str(program)], schedule=Pilot({}).schedule).steps))
    assert len(counts) == 1


TELLS_WHAT_IT_WAS_GIVEN = b"""\
import os, sys
seen = globals().get("seen", 0) + 1
os.environ["LEFT"] = "something"
sys.path.append("/left")
print(sys.argv[1:], sys.path[0] == os.getcwd() == os.environ["TMPDIR"], seen)
kinds = sys.stdin.seekable(), sys.stdout.line_buffering
print(sys.stdin.isatty(), sys.stdout.isatty(), kinds, len(sys.path))
"""


def test_what_is_made_ready_for_one_run_is_not_the_next_one_s(
    tmp_path: Path, zygote: Zygote
) -> None:
    """Not its arguments, nor its folder, nor streams of another kind."""
    told = []
    for number, stdout in enumerate(("terminal", "pipe", "pipe", "terminal")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "given.py").write_bytes(TELLS_WHAT_IT_WAS_GIVEN)
        with trace(
            [str(folder / "given.py"), str(number)],
            zygote=zygote,
            directory=folder,
            stdout=stdout,
            code=compiled(TELLS_WHAT_IT_WAS_GIVEN, "given.py"),
        ) as program:
            told.append(program.finish().output.decode().split("\n"))
    assert [lines[0] for lines in told] == [f"['{n}'] True 1" for n in range(4)]
    on_a_terminal, in_pipes = "True True (False, True)", "False False (False, False)"
    kinds = [lines[1].rpartition(" ")[0] for lines in told]
    assert kinds == [on_a_terminal, in_pipes, in_pipes, on_a_terminal]
    assert len({lines[1].rpartition(" ")[2] for lines in told}) == 1


def test_what_could_not_be_started_leaves_nothing_open(tmp_path: Path) -> None:
    """However often: here what is to be the terminal of a program is none."""
    program = tmp_path / "program.py"
    program.write_text("print(1)")
    no_terminal = os.open(os.devnull, os.O_RDWR)
    job: Job = (
        str(program),
        [str(program)],
        True,
        str(tmp_path),
        True,
        0,
        [],
        False,
        b"",
        None,
        False,
    )
    with Zygote() as zygote:
        resource.prlimit(zygote.pid, resource.RLIMIT_NOFILE, (300, 300))
        for _ in range(100):
            with pytest.raises(TracingError, match="no process could be made"):
                zygote.spawn(job, [no_terminal] * 3)
        assert run([str(program)], zygote=zygote).output == b"1\n"
    os.close(no_terminal)
