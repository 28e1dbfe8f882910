"""Processes beside those that were asked for: what is asserted of these, is of none."""

from __future__ import annotations

from signal import SIGCHLD

import pytest

from grader.checking import CheckFailed, assert_that, judged
from grader.diagnosis import handlers, limits, processes
from grader.diagnosis.judged import children_of
from grader.tracing.limits import Limits
from grader.tracing.recording import Recording
from grader.tracing.schedule import child_first, parent_first
from tests.conftest import Run

# A command, or what stands for one, before a handler, and one child behind it.
COMMAND = """
    import os, signal, subprocess, time
    def handle(number, frame):
        HANDLER
    COMMAND
    signal.signal(signal.SIGCHLD, handle)
    pid = os.fork()
    if pid == 0:
        time.sleep(1)
        os._exit(0)
    MAIN
"""
TRUE = "subprocess.run(['true'])"


def _program(command: str, *, handler: str = "pass", main: str) -> str:
    program = COMMAND.replace("COMMAND", command).replace("HANDLER", handler)
    return program.replace("MAIN", main)


def _judged(run: Recording) -> Recording:
    """The run, of whose children the first one is the command."""
    return judged(run, beside=run.root.children[:1])


def test_a_command_is_no_child(run: Run) -> None:
    """It does not count, and a handler behind it is there in time."""
    recording = run(_program(TRUE, main="os.wait()"), schedule=parent_first)
    assert_that(_judged(recording)).forks(1).handles_in_time(SIGCHLD)
    assert processes.child_count(recording, 1)
    assert handlers.late(recording, SIGCHLD)


def test_a_child_that_is_missing_is_told_beside_a_command(run: Run) -> None:
    """The finding says who does not count."""
    recording = run(_program(TRUE, main="os.wait()"), schedule=parent_first)
    (finding,) = processes.child_count(_judged(recording), 2)
    command = recording.root.children[0]
    assert f"it forked 1: the child {command.pid} " in finding.message


def test_the_library_s_helper_is_not_forked_before_the_handler(run: Run) -> None:
    """Nobody asked for it, so no handler can be late for it."""
    command = "from multiprocessing import resource_tracker as r; r.ensure_running()"
    recording = run(_program(command, main="os.wait()"), schedule=parent_first)
    assert handlers.late(recording, SIGCHLD) == []


def test_a_wait_for_a_command_is_no_handler_s(run: Run) -> None:
    """By its pid, or asking again and again whether it has ended."""
    for wait in ("command.wait()", "while command.poll() is None: time.sleep(0.1)"):
        command = "command = subprocess.Popen(['sleep', '5'])"
        main = f"signal.pause(); os.waitpid(pid, 0); {wait}"
        if wait.startswith("while"):
            main = f"signal.pause(); os.waitpid(pid, 0)\n    {wait}"
        recording = run(_program(command, main=main), schedule=parent_first)
        assert handlers.blocks(_judged(recording)) == []
        assert handlers.idle(_judged(recording)) == []


def test_a_command_s_signal_does_not_excuse_who_waits(run: Run) -> None:
    """The handler was called for the command: of the child it knows nothing."""
    recording = run(
        _program("", main="os.wait()").replace(
            "pid = os.fork()", TRUE + "; pid = os.fork()"
        ),
        schedule=parent_first,
    )
    (finding,) = handlers.idle(_judged(recording))
    assert f"waited for the child {recording.root.children[1].pid}" in finding.message
    assert handlers.blocks(_judged(recording)) == []


def test_a_handler_that_waits_for_any_child_waits_for_a_command_too(run: Run) -> None:
    """Whoever it is that still runs, the handler blocks."""
    command = "command = subprocess.Popen(['sleep', '5'])"
    handler = "os.wait(); os.wait()"
    recording = run(
        _program(command, handler=handler, main="signal.pause()"),
        schedule=parent_first,
    )
    (finding,) = handlers.blocks(_judged(recording))
    assert finding.id == "handler-blocks"


def test_a_command_s_end_is_its_own_business(run: Run) -> None:
    """Killed, left as a zombie, or asleep beyond all limits."""
    killed = "subprocess.run(['sh', '-c', 'kill -9 $$'])"
    recording = run(_program(killed, main="os.wait()"), schedule=child_first)
    assert_that(_judged(recording)).ends_well()
    with pytest.raises(CheckFailed, match="SIGKILL"):
        assert_that(recording).ends_well()
    left = "command = subprocess.Popen(['true'])"
    main = "os.waitpid(pid, 0); time.sleep(5); os._exit(0)"
    recording = run(_program(left, main=main), schedule=parent_first)
    assert processes.zombies(_judged(recording)) == []
    (finding,) = processes.zombies_beside(_judged(recording))
    assert finding.id == "zombie-left"
    asleep = "command = subprocess.Popen(['sleep', '100'])"
    main = "os.waitpid(pid, 0); os._exit(0)"
    program = _program(asleep, main=main)
    recording = run(program, limits=Limits(virtual_seconds=60))
    assert limits.exceeded(_judged(recording)) == []
    children = recording.root.children
    (finding,) = limits.exceeded(judged(recording, beside=children[1:]))
    assert f"and the child {children[0].pid} did not" in finding.message


def test_a_child_s_command_is_forked_by_a_child(run: Run) -> None:
    """It is told for whoever asks, and does not change how many children there are."""
    program = _program("", main="os.wait()").replace("time.sleep(1)", TRUE)
    recording = run(program, schedule=parent_first)
    (child,) = recording.root.children
    beside = list(child.descendants())
    assert_that(recording, beside=beside).forks(1)
    (finding,) = processes.forks_of(recording, [child])
    assert finding.id == "extra-children"


def test_a_run_is_the_same_however_it_is_judged(run: Run) -> None:
    """Whom it has is what was recorded; who is beside adds up, and nobody is none."""
    recording = run(_program(TRUE, main="os.wait()"), schedule=parent_first)
    command, child = recording.root.children
    assert judged(recording, beside=()) is recording
    one = judged(recording, beside=[command])
    assert one.root is recording.root
    assert one.events is recording.events
    assert children_of(one) == [child]
    assert children_of(judged(one, beside=[child])) == []
    assert children_of(recording) == [command, child]
