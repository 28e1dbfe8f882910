"""Which steps cannot affect each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.exploring.choices import Pilot
from grader.exploring.footprint import Mode, affects, footprints
from grader.exploring.search import Search, flown
from grader.tracing.launch import Zygote
from grader.tracing.program import run as run_traced
from grader.tracing.recording import FileNamed, Recording
from grader.tracing.schedule import Schedule

APART = """
import os

pipes = [os.pipe() for _ in range(2)]
for read_end, write_end in pipes:
    if os.fork() == 0:
        for _ in range(3):
            os.write(write_end, b"!")
            os.read(read_end, 1)
        os._exit(0)
for _ in pipes:
    os.wait()
"""
TOGETHER = APART.replace("range(2)]", "range(1)] * 2")


def _runs(program: Path, zygote: Zygote) -> int:
    def run(schedule: Schedule) -> Recording:
        return run_traced([str(program)], schedule=schedule, zygote=zygote)

    def never(recording: Recording) -> bool:
        return False

    found = Search(flown(run), never, runs=600, preemptions=1).search()
    assert found.complete
    return found.runs


def test_processes_on_pipes_of_their_own_are_not_interleaved(tmp_path: Path) -> None:
    """Those on the same pipe are, at each of its calls."""
    program = tmp_path / "program.py"
    with Zygote() as zygote:
        program.write_text(APART)
        apart = _runs(program, zygote)
        program.write_text(TOGETHER)
        together = _runs(program, zygote)
    assert together > 2 * apart


def test_what_a_process_asks_of_itself_is_no_step(tmp_path: Path) -> None:
    """From Python 3.12 on it does so at each fork, and nobody else changes it."""
    program = tmp_path / "program.py"
    asks = "for name in ('self', os.getpid()): open(f'/proc/{name}/stat').close()\n"
    program.write_text(f"import os\nos.fork()\n{asks}")
    recording = run_traced([str(program)], schedule=Pilot({}).schedule)
    assert [event.path for event in recording.of(FileNamed)] == []


def test_what_a_step_touches(tmp_path: Path) -> None:
    """A step for each turn; what is printed only if that is asked for."""
    program = tmp_path / "program.py"
    program.write_text("import os\nos.pipe()\nos.write(1, b'!')\n")
    recording = run_traced([str(program)], schedule=Pilot({}).schedule, stdout="pipe")
    steps = footprints(recording)
    assert len(steps) == len(recording.steps)
    things = {thing[0] for touches in steps for thing, _ in touches}
    assert things == {"signals", "parent", "end"}
    things = {
        thing[0] for step in footprints(recording, output=True) for thing, _ in step
    }
    assert things == {"signals", "parent", "end", "file"}


@pytest.mark.parametrize("one", Mode)
@pytest.mark.parametrize("other", Mode)
def test_which_touches_affect_each_other(one: Mode, other: Mode) -> None:
    """Two looks do not, nor do two ends; everything else does, either way round."""
    assert affects(one, other) == affects(other, one)
    assert affects(one, other) == (one is not other or one is Mode.CHANGES)


HIDDEN = {
    "a connection": """
import os, socket
near, far = socket.socketpair()
if (pid := os.fork()) == 0:
    far.send(b"!")
    os._exit(0)
try:
    early = near.recv(1, socket.MSG_DONTWAIT)
except BlockingIOError:
    early = b""
os.waitpid(pid, 0)
assert not early
""",
    "a folder's descriptor": """
import os
os.mkdir("sub")
sub = os.open("sub", os.O_RDONLY)
if (pid := os.fork()) == 0:
    os.chdir("sub")
    os.close(os.open("flag", os.O_CREAT | os.O_WRONLY))
    os._exit(0)
try:
    os.stat("flag", dir_fd=sub)
    early = True
except FileNotFoundError:
    early = False
os.waitpid(pid, 0)
assert not early
""",
}


@pytest.mark.parametrize("what", HIDDEN)
def test_what_two_processes_reach_by_different_names(tmp_path: Path, what: str) -> None:
    """It is one thing: what one does to it is seen by the other."""
    program = tmp_path / "program.py"
    program.write_text(HIDDEN[what])
    with Zygote() as zygote:

        def run(schedule: Schedule) -> Recording:
            return run_traced([str(program)], schedule=schedule, zygote=zygote)

        def fails(recording: Recording) -> bool:
            return recording.root.exit_code != 0

        found = Search(flown(run), fails, runs=60).search()
    assert found.failure is not None
