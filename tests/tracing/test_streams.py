"""Standard streams: what is typed, what is printed, terminal or pipe."""

from __future__ import annotations

import signal

import pytest

from grader.tracing.limits import Limits
from grader.tracing.recording import Limit, Stopped, Stream, Wrote
from tests.conftest import Run, Start

COUNT = """
    import sys
    print(sum(len(line) for line in sys.stdin))
    """


@pytest.mark.parametrize("stdout", ["terminal", "pipe"])
@pytest.mark.parametrize("size", [0, 100, 50_000])
def test_input_of_any_length(run: Run, stdout: str, size: int) -> None:
    """What does not fit into standard input at once follows as it is read."""
    typed = b"123456789\n" * (size // 10)
    end = b"\x04" if stdout == "terminal" else b""
    recording = run(COUNT, stdout=stdout, stdin=typed + end)
    assert recording.ended
    assert recording.output == b"%d\n" % size


def test_a_conversation(start: Start) -> None:
    """The program rests at each prompt until something is typed."""
    with start(
        """
        while (line := input("? ")) != "end":
            print(line.upper())
        """
    ) as program:
        for line in (b"one\n", b"two\n", b"end\n"):
            assert program.reads_input()
            program.type(line)
        recording = program.finish()
    assert recording.output == b"ONE\nTWO\n"
    assert recording.ended


def test_the_end_of_a_terminal_s_input(start: Start) -> None:
    """Ctrl-D ends a program that reads to the end of file."""
    with start(COUNT) as program:
        assert program.reads_input()
        program.close_input()
        assert program.finish().output == b"0\n"


@pytest.mark.parametrize("stdout", ["terminal", "pipe"])
def test_long_lines_are_kept_whole(run: Run, stdout: str) -> None:
    """A single write of 200 000 bytes is one event, and none of it is lost."""
    recording = run(
        """
        import os, sys
        sys.stdout.write("x" * 200_000 + "\\nlast\\n")
        """,
        stdout=stdout,
    )
    assert recording.ended
    assert recording.output == b"x" * 200_000 + b"\nlast\n"


@pytest.mark.parametrize(
    "write",
    ["os.writev(1, [b'a' * 500, b'b' * 500])", "os.pwritev(1, [b'a' * 1000], -1)"],
)
def test_output_by_vectors_is_output(run: Run, write: str) -> None:
    """And is counted in bytes."""
    text = f"""
        import os
        for _ in range(10):
            {write}
        """
    assert len(run(text).output) == 10_000
    assert run(text, limits=Limits(output_bytes=9500)).exceeded is Limit.OUTPUT


def test_a_terminal_and_a_pipe_look_different_to_the_program(run: Run) -> None:
    """isatty(3) tells, and standard error is a stream of its own in a pipe."""
    text = """
        import sys
        print(sys.stdout.isatty(), file=sys.stderr)
        """
    assert run(text).of(Wrote)[0].target is Stream.TERMINAL
    assert run(text).errors == b"True\n"
    assert run(text, stdout="pipe").of(Wrote)[0].target is Stream.ERROR
    assert run(text, stdout="pipe").errors == b"False\n"


def test_a_program_that_was_stopped_has_not_ended(start: Start) -> None:
    """`Program.stop` is not an end of the program's own."""
    with start("import time; time.sleep(1)") as program:
        recording = program.stop()
    assert recording.stopped
    assert not recording.ended


@pytest.mark.parametrize("stdout", ["terminal", "pipe"])
def test_writes_that_fail(run: Run, stdout: str) -> None:
    """What cannot be printed is refused as the kernel refuses it: write(2)."""
    recording = run(
        """
        import ctypes, errno, os
        libc = ctypes.CDLL(None, use_errno=True)
        reading = os.open("/proc/self/fd/1", os.O_RDONLY | os.O_NONBLOCK)
        said = []
        for fd, address, size in ((1, 8, 10), (reading, id(0), 1), (1, id(0), 0)):
            result = libc.write(fd, ctypes.c_void_p(address), ctypes.c_size_t(size))
            said.append(errno.errorcode[ctypes.get_errno()] if result < 0 else result)
        os.write(1, repr(said).encode())
        """,
        stdout=stdout,
    )
    assert recording.output == b"['EFAULT', 'EBADF', 0]"
    assert recording.ended


def test_a_background_process_that_must_not_print(run: Run) -> None:
    """A terminal with TOSTOP stops it, tty_ioctl(4)."""
    recording = run(
        """
        import os, signal, termios
        mode = termios.tcgetattr(1)
        mode[3] |= termios.TOSTOP
        termios.tcsetattr(1, termios.TCSANOW, mode)
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            os.write(1, b"from behind\\n")
            os._exit(0)
        os.setpgid(pid, pid)
        os.waitpid(pid, os.WUNTRACED)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        """
    )
    (stopped,) = (e for e in recording.events if isinstance(e, Stopped))
    assert stopped.signal == signal.SIGTTOU
    assert recording.output == b""


def test_what_a_program_types_for_itself(run: Run) -> None:
    """Its own standard input is a pipe like others: what it writes there it reads."""
    recording = run(
        """
        import os
        end = os.open("/proc/self/fd/0", os.O_WRONLY)
        os.write(end, b"own")
        os.close(end)
        print(os.read(0, 10))
        """,
        stdout="pipe",
    )
    assert recording.output == b"b'own'\n"


def test_a_terminal_that_is_for_others(run: Run) -> None:
    """A program that puts itself in the background is stopped, and sweeping goes on."""
    for _ in range(2):
        recording = run(
            """
            import os, signal, termios
            mode = termios.tcgetattr(0)
            mode[3] |= termios.TOSTOP
            termios.tcsetattr(0, termios.TCSANOW, mode)
            child = os.fork()
            if child == 0:
                signal.pause()
            os.setpgid(child, child)
            os.tcsetpgrp(0, child)
            os.write(1, b"from behind\\n")
            """
        )
        (stopped,) = (e for e in recording.events if isinstance(e, Stopped))
        assert stopped.signal == signal.SIGTTOU


WAITS = {
    "pause": "signal.pause()",
    "pipe": "os.read(r, 1)",
    "wait": "os.wait()",
    "input": "os.read(0, 100)",
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_an_interrupt_that_is_typed(start: Start, wait: str) -> None:
    """Ctrl+C is a signal, whatever the program waits for, termios(3)."""
    with start(
        f"""
        import os, signal
        r, w = os.pipe()
        if os.fork() == 0:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            os.read(r, 1)
            os._exit(0)
        signal.signal(signal.SIGINT, lambda *_: os.write(1, b"interrupted\\n"))
        while True:
            {wait}
        """
    ) as program:
        program.until_rest()
        for _ in range(3):
            program.type(b"\x03")
            program.until_rest()
        recording = program.stop()
    assert recording.root.output.count(b"interrupted") == 3
