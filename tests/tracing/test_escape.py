"""No program gets away from its tracer, and none outlives it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader.tracing.children import end_child
from grader.tracing.launch import Zygote
from grader.tracing.program import trace
from grader.tracing.recording import Refused
from tests.conftest import Run


def test_whatever_the_tracer_dies_of_its_tracees_die_too(tmp_path: Path) -> None:
    """PTRACE_O_EXITKILL of ptrace(2), also for a daemon in a session of its own."""
    program = tmp_path / "daemon.py"
    program.write_text(
        "import os, signal\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        open('pid', 'w').write(str(os.getpid()))\n"
        "        while True: signal.pause()\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    tracer = os.fork()
    if tracer == 0:
        with (
            Zygote() as zygote,
            trace([str(program)], zygote=zygote, directory=tmp_path) as running,
        ):
            running.until_rest()
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(tracer, 0)[1]) == -signal.SIGKILL
    daemon = int((tmp_path / "pid").read_text())
    give_up = time.monotonic() + 30
    while _lives(daemon) and time.monotonic() < give_up:
        os.sched_yield()
    assert not _lives(daemon)


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2][:1] not in (b"Z", b"X")
    except OSError:
        return False


@pytest.mark.parametrize(
    "call",
    [
        "libc.ptrace(0, 0, 0, 0)",
        "libc.unshare(0x10000000)",
        "libc.prctl(4, 0, 0, 0, 0)",
        "libc.prctl(22, 1, 0, 0, 0)",
        "libc.syscall(425, 8, 0)",
        "libc.syscall(56, 0x10000011, 0, 0, 0, 0)",
        "libc.shmget(0, 4096, 0o1600)",
        "libc.semget(0, 1, 0o1600)",
        "libc.msgget(0, 0o1600)",
        "libc.syscall(240, b'queue', 0o102, 0o600, 0)",
    ],
    ids=[
        *("ptrace", "unshare", "dumpable", "seccomp", "io_uring", "clone"),
        *("shmget", "semget", "msgget", "mq_open"),
    ],
)
def test_what_would_escape_is_refused(run: Run, call: str) -> None:
    """As where it is not permitted, or is not there; and the program goes on.

    What would stay when the program is gone is refused, too.
    """
    recording = run(
        f"""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        print({call}, ctypes.get_errno())
        """
    )
    assert recording.output in (
        b"-1 %d\n" % errno.EPERM,
        b"-1 %d\n" % errno.ENOSYS,
    )
    assert len(recording.of(Refused)) == 1


@pytest.mark.parametrize(
    "code",
    [b"\xb8\x14\0\0\0\xcd\x80\xc3", b"\xb8\x27\0\0\x40\x0f\x05\xc3"],
    ids=["int 0x80", "x32"],
)
def test_another_table_of_calls_kills(run: Run, code: bytes) -> None:
    """The numbers of another architecture would mean other calls, seccomp(2)."""
    recording = run(
        f"""
        import ctypes, mmap
        page = mmap.mmap(-1, 4096, prot=7)
        page.write({code!r})
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        ctypes.CFUNCTYPE(ctypes.c_int)(address)()
        """
    )
    assert recording.root.killed_by == signal.SIGSYS


def test_a_pidfd_and_a_wait_that_does_not_wait(run: Run) -> None:
    """A child that is awaited by poll(2) is collected with WNOHANG afterwards."""
    recording = run(
        """
        import os, select, time
        pid = os.fork()
        if pid == 0:
            time.sleep(3)
            os._exit(6)
        fd = os.pidfd_open(pid)
        print(os.waitpid(pid, os.WNOHANG))
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        print(len(poll.poll()))
        print(os.waitpid(pid, os.WNOHANG)[1] >> 8)
        """
    )
    (child,) = recording.root.children
    assert recording.output == b"(0, 0)\n1\n6\n"
    assert child.reaped_by == recording.root.pid
    assert 3 <= recording.duration < 4


def test_a_program_cannot_write_into_the_zygote(tmp_path: Path) -> None:
    """Whatever is planted there would run untraced."""
    program = tmp_path / "planter.py"
    program.write_text(
        "import os\n"
        "try:\n"
        "    print(os.open(f'/proc/{os.getppid()}/mem', os.O_RDWR))\n"
        "except PermissionError:\n"
        "    print('refused')\n"
    )
    grade = [sys.executable, "-m", "grader", "trace", str(program)]
    said = subprocess.run(grade, capture_output=True, text=True, check=False)
    assert 'prints "refused\\n"' in said.stdout, said.stderr


def test_a_child_that_does_not_end_is_ended() -> None:
    """The zygote's maker waits for it, but not for ever."""
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    end_child(child.pid, patience=0.0)
    with pytest.raises(ChildProcessError):
        os.waitpid(child.pid, 0)
    child.returncode = -signal.SIGKILL
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    end_child(ended.pid)
    ended.returncode = 0
