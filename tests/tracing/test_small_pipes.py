"""A pipe may hold less than a page, and nobody can tell by what comes out of it.

Nor by asking poll(2) and its like for room in it.
"""

from __future__ import annotations

import pytest

from grader.tracing.recording import End, Read, Side, Wrote
from grader.tracing.schedule import SCHEDULES, child_first
from tests.conftest import Run, Start

SIZE = 512


def test_a_writer_waits_when_little_is_in_it(start: Start) -> None:
    """And goes on once somebody has read."""
    text = """
        import os, signal
        r, w = os.pipe()
        if os.fork() == 0:
            os.close(r)
            for n in range(300):
                os.write(w, b"%d\\n" % n)
            os._exit(0)
        os.close(w)
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.pause()
        data = b""
        while part := os.read(r, 100):
            data += part
        assert data == b"".join(b"%d\\n" % n for n in range(300))
        os.wait()
        """
    with start(text, pipe_size=SIZE) as program:
        rest = program.until_rest()
        child = rest.processes[1]
        assert child.waiting is not None
        assert child.waiting.ends == (End(1, Side.WRITE),)
        program.send(10)
        recording = program.finish()
    assert recording.root.exit_code == 0, recording.errors
    (writer,) = recording.root.children
    first_read = recording.root.of(Read)[0]
    before = sum(e.count for e in writer.of(Wrote) if e.index < first_read.index)
    assert SIZE // 2 - 8 < before <= SIZE


@pytest.mark.parametrize("large", [600, 4096, 9000])
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_write_that_is_larger(run: Run, large: int, name: str) -> None:
    """It waits in its midst, and comes out whole."""
    recording = run(
        f"""
        import os
        r, w = os.pipe()
        if os.fork() == 0:
            os.close(r)
            with os.fdopen(w, "wb") as file:
                file.write(b"x" * {large} + b"!")
            os._exit(0)
        os.close(w)
        with os.fdopen(r, "rb") as file:
            assert file.read() == b"x" * {large} + b"!"
        os.wait()
        """,
        pipe_size=SIZE,
        schedule=SCHEDULES[name],
    )
    assert recording.root.exit_code == 0, recording.errors
    assert recording.stuck is None


def test_a_writer_that_does_not_wait(run: Run) -> None:
    """It learns that there is no room, EAGAIN in write(2)."""
    recording = run(
        f"""
        import os
        r, w = os.pipe()
        os.set_blocking(w, False)
        written = 0
        try:
            while True:
                written += os.write(w, b"12345678")
        except BlockingIOError:
            pass
        assert written == {SIZE}, written
        assert os.read(r, 10000) == b"12345678" * {SIZE // 8}
        os.close(w)
        assert os.read(r, 10000) == b""
        """,
        pipe_size=SIZE,
    )
    assert recording.root.exit_code == 0, recording.errors


LOOKS = {
    "select": "select.select([r], [], [], 0)[0]",
    "poll": "polled(0)",
    "epoll": "epolled.poll(0)",
    "a read": "reads()",
}


@pytest.mark.parametrize("how", LOOKS)
def test_who_looks_finds_nothing_there(run: Run, how: str) -> None:
    """As long as nobody has written."""
    recording = run(
        f"""
        import os, select
        r, w = os.pipe()
        os.set_blocking(r, False)
        poll = select.poll()
        poll.register(r, select.POLLIN)
        polled = poll.poll
        epolled = select.epoll()
        epolled.register(r, select.EPOLLIN)
        def reads():
            try:
                return os.read(r, 1)
            except BlockingIOError:
                return b""
        assert not {LOOKS[how]}
        os.write(w, b"!")
        assert {LOOKS[how]}
        """,
        pipe_size=SIZE,
    )
    assert recording.root.exit_code == 0, recording.errors


def test_what_is_moved_within_the_kernel(run: Run) -> None:
    """splice(2) and tee(2) find only what the program has written."""
    recording = run(
        """
        import os
        r, w = os.pipe()
        r2, w2 = os.pipe()
        os.write(w, b"moved")
        assert os.splice(r, w2, 100) == 5
        assert os.read(r2, 100) == b"moved"
        """,
        pipe_size=SIZE,
        schedule=child_first,
    )
    assert recording.root.exit_code == 0, recording.errors


ASKS = {
    "select": "select.select([], [w], [])[1]",
    "poll": "polled.poll()",
    "epoll": "epolled.poll()",
}


@pytest.mark.parametrize("how", ASKS)
def test_who_asks_for_room_finds_it(run: Run, how: str) -> None:
    """In an empty pipe, also where nobody reads before something was written."""
    recording = run(
        f"""
        import os, select, signal
        r, w = os.pipe()
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        if os.fork() == 0:
            os.close(r)
            polled, epolled = select.poll(), select.epoll()
            polled.register(w, select.POLLOUT)
            epolled.register(w, select.EPOLLOUT)
            assert {ASKS[how]}
            os.write(w, b"!")
            os.kill(os.getppid(), signal.SIGUSR1)
            os._exit(0)
        os.close(w)
        signal.sigwait([signal.SIGUSR1])
        assert os.read(r, 10) == b"!"
        os.wait()
        """,
        pipe_size=SIZE,
    )
    assert recording.stuck is None
    assert recording.root.exit_code == 0, recording.errors


@pytest.mark.parametrize("end", ["r", "w"])
def test_how_much_lies_in_it(run: Run, end: str) -> None:
    """What the program has written, FIONREAD in ioctl_tty(2)."""
    recording = run(
        f"""
        import fcntl, os, termios
        r, w = os.pipe()
        for data in (b"", b"seven..", b"ten......."):
            os.write(w, data)
            held = fcntl.ioctl({end}, termios.FIONREAD, bytes(4))
            print(int.from_bytes(held, "little"))
        """,
        pipe_size=SIZE,
    )
    assert recording.output.split() == [b"0", b"7", b"17"], recording.errors
