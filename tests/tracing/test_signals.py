"""Signals: job control, groups, dispositions, and calls that they interrupt."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from grader.tracing.program import run as run_alone
from grader.tracing.recording import (
    Continued,
    Read,
    SignalDelivered,
    SignalSent,
    Stopped,
)
from grader.tracing.schedule import parent_first
from tests.conftest import Run, Start


def test_stop_and_continue(run: Run) -> None:
    """Job control: the parent sees its child stop, go on and end."""
    recording = run(
        """
        import os, signal
        pid = os.fork()
        if pid == 0:
            os.kill(os.getpid(), signal.SIGSTOP)
            os._exit(4)
        print(os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]))
        os.kill(pid, signal.SIGCONT)
        print(os.WIFCONTINUED(os.waitpid(pid, os.WCONTINUED)[1]))
        print(os.waitpid(pid, 0)[1] >> 8)
        """,
        schedule=parent_first,
    )
    assert recording.output == b"True\nTrue\n4\n"
    assert len(recording.of(Stopped)) == len(recording.of(Continued)) == 1


def test_a_stopped_program_is_at_rest_and_goes_on(start: Start) -> None:
    """A program that stops itself waits for SIGCONT, which may come from outside."""
    with start(
        """
        import os, signal
        signal.raise_signal(signal.SIGSTOP)
        print("goes on")
        """
    ) as program:
        rest = program.until_rest()
        assert rest is not None
        assert [snapshot.state for snapshot in rest.processes] == ["stopped"]
        program.send(signal.SIGCONT)
        recording = program.finish()
    assert recording.output == b"goes on\n"
    assert recording.root.exit_code == 0


def test_a_process_group_is_signalled_and_waited_for(run: Run) -> None:
    """killpg(3) reaches the members; waitpid(2) of the group collects them."""
    recording = run(
        """
        import os, signal
        leader = 0
        for _ in range(3):
            pid = os.fork()
            if pid == 0:
                signal.pause()
            os.setpgid(pid, leader)
            leader = leader or pid
        apart = os.fork()
        if apart == 0:
            os._exit(1)
        os.killpg(leader, signal.SIGTERM)
        print([os.WTERMSIG(os.waitpid(-leader, 0)[1]) for _ in range(3)])
        try:
            os.waitpid(-leader, 0)
        except ChildProcessError:
            print("none is left in the group")
        print(os.waitpid(apart, 0)[1] >> 8)
        """
    )
    assert recording.output == b"[15, 15, 15]\nnone is left in the group\n1\n"
    assert [child.killed_by for child in recording.root.children] == [15] * 3 + [None]
    assert all(c.reaped_by == recording.root.pid for c in recording.root.children)


def test_a_daemon_in_a_session_of_its_own(run: Run) -> None:
    """setsid(2) and a second fork do not hide it: an orphan, followed to its end."""
    recording = run(
        """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(100)
                print("the daemon ends")
            os._exit(0)
        os.wait()
        """
    )
    (middle,) = recording.root.children
    (daemon,) = middle.children
    assert middle.reaped_by == recording.root.pid
    assert daemon.orphaned is not None
    assert daemon.reaped_by is None
    assert daemon.output == b"the daemon ends\n"
    assert recording.duration >= 100


def test_a_program_starts_with_default_dispositions(
    run: Run,
) -> None:
    """Whatever the grader ignores or blocks, signal(7); Python ignores SIGPIPE."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        recording = run(
            """
            import os, signal
            changed = [
                number.name for number in signal.valid_signals()
                if isinstance(number, signal.Signals)
                and signal.getsignal(number) is signal.SIG_IGN
            ]
            print(changed, signal.pthread_sigmask(signal.SIG_BLOCK, []))
            """
        )
    finally:
        signal.signal(signal.SIGCHLD, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    assert recording.output == b"['SIGPIPE', 'SIGXFSZ'] set()\n"


def test_a_call_that_a_handler_interrupts_is_made_again(run: Run) -> None:
    """No EINTR shows where the kernel restarts, SA_RESTART in signal(7), or Python."""
    recording = run(
        """
        import os, signal, time
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.siginterrupt(signal.SIGUSR1, False)
        r, w = os.pipe()
        parent = os.getpid()
        if os.fork() == 0:
            for _ in range(3):
                time.sleep(1)
                os.kill(parent, signal.SIGUSR1)
            time.sleep(1)
            os.write(w, b"x")
            os._exit(0)
        print(os.read(r, 1))
        os.wait()
        """
    )
    handled = [e for e in recording.of(SignalDelivered) if e.signal == signal.SIGUSR1]
    assert len(handled) == 3
    assert all(e.interrupted == "read" for e in handled)
    assert {read.error for read in recording.root.of(Read)} == {0}
    assert recording.output == b"b'x'\n"
    assert len(recording.of(SignalSent)) >= 4


def test_sleep_goes_on_after_a_handler(run: Run) -> None:
    """A sleep that a signal interrupts lasts as long as it was to last, PEP 475."""
    recording = run(
        """
        import signal, time
        signal.signal(signal.SIGALRM, lambda *_: print(time.monotonic() - began < 2))
        began = time.monotonic()
        signal.alarm(1)
        time.sleep(5)
        print(round(time.monotonic() - began, 3))
        """
    )
    assert recording.output == b"True\n5.0\n"


def test_a_merged_signal(run: Run) -> None:
    """Of three that are sent while the signal is blocked, two are merged, signal(7)."""
    recording = run(
        """
        import os, signal
        got = []
        signal.signal(signal.SIGUSR1, lambda *_: got.append(1))
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGUSR1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
        print(len(got))
        """
    )
    assert recording.output == b"1\n"
    assert [event.merged for event in recording.of(SignalSent)] == [False, True, True]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may join groups")
def test_a_process_in_many_groups(tmp_path: Path) -> None:
    """Its signals stand behind its groups in /proc, however many those are."""
    program = tmp_path / "program.py"
    program.write_text(
        "import os, signal\n"
        "signal.signal(signal.SIGUSR1, lambda *_: print('handled'))\n"
        "os.kill(os.getpid(), signal.SIGUSR1)\n"
    )
    groups = os.getgroups()
    try:
        os.setgroups(range(10_000, 13_000))
        recording = run_alone([str(program)])
    finally:
        os.setgroups(groups)
    (delivered,) = recording.of(SignalDelivered)
    assert delivered.action == "handler"


CALLS_TO_WAIT_IN = {
    "sleep": "time.sleep(10)",
    "pause": "signal.pause()",
    "read": "os.read(r, 1)",
    "poll": "select.select([r], [], [], 10)",
    "wait": "os.wait()",
}


@pytest.mark.parametrize("call", CALLS_TO_WAIT_IN.values(), ids=CALLS_TO_WAIT_IN)
def test_a_signal_that_comes_just_before_a_wait(run: Run, call: str) -> None:
    """It is pending when the call is made, and interrupts it at once, signal(7)."""
    recording = run(
        f"""
        import os, select, signal, time
        r, w = os.pipe()
        signal.signal(signal.SIGUSR1, lambda number, frame: os._exit(3))
        pid = os.fork()
        if pid == 0:
            if os.fork() == 0:
                time.sleep(20)
                os._exit(0)
            os.write(1, b"about to wait\\n")
            {call}
            os._exit(0)
        os.write(1, b"1\\n")
        os.write(1, b"2\\n")
        os.kill(pid, signal.SIGUSR1)
        print(os.waitpid(pid, 0)[1] >> 8, round(time.monotonic() - began))
        """.replace("r, w =", "began = time.monotonic(); r, w =")
    )
    assert recording.output.endswith(b"3 0\n")


_STOPS = """
import os, signal
pid = os.fork()
if pid == 0:
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(0)
os.waitpid(pid, os.WUNTRACED)
os.kill(pid, signal.SIGCONT)
os.waitpid(pid, 0)
"""


@pytest.mark.parametrize("who", ["itself", "a child", "another program"])
@pytest.mark.parametrize("flags", [0, 1], ids=["told", "SA_NOCLDSTOP"])
def test_a_child_that_stops(run: Run, flags: int, who: str) -> None:
    """Its parent gets SIGCHLD, unless it does not want that for stops, sigaction(2)."""
    recording = run(
        f"""
        import ctypes, os, signal, struct, sys
        libc = ctypes.CDLL(None)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        action = ctypes.create_string_buffer(152)
        libc.sigaction(signal.SIGCHLD, None, action)
        at = 8 + 128  # after the handler and the mask
        (known,) = struct.unpack_from("=i", action, at)
        struct.pack_into("=i", action, at, known | {flags})
        libc.sigaction(signal.SIGCHLD, action, None)
        if {who!r} == "another program":
            os.execv(sys.executable, [sys.executable, "-c", {_STOPS!r}])
        if {who!r} == "a child" and (pid := os.fork()):
            os.waitpid(pid, 0)
            os._exit(0)
        exec({_STOPS!r})
        """
    )
    assert recording.root.exit_code == 0, recording.errors
    stopped = recording.processes[-1]
    told = [e for e in stopped.of(SignalSent) if e.signal == signal.SIGCHLD]
    wants_none = flags == 1 and who != "another program"
    assert len(told) == (1 if wants_none else 2)
