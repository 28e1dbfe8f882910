"""Pipes: who holds which end, by whatever way it came, and what went through."""

from __future__ import annotations

import ctypes
import errno

import pytest

from grader.tracing import ptrace
from grader.tracing.limits import Limits
from grader.tracing.recording import End, Limit, PipeMade, Read, Side, Wrote
from grader.tracing.schedule import parent_first
from tests.conftest import Run


def test_each_pipe_is_itself_in_every_process(run: Run) -> None:
    """Two pipes, copied by fork(2), dup2(2) and exec, keep their numbers."""
    recording = run(
        """
        import os
        first, second = os.pipe(), os.pipe()
        if os.fork() == 0:
            os.dup2(first[1], 1)
            os.execvp("echo", ["echo", "through the first"])
        if os.fork() == 0:
            os.write(os.dup(second[1]), b"through the second")
            os._exit(0)
        os.read(second[0], 100), os.read(first[0], 100)
        os.wait(), os.wait()
        """
    )
    one, two = (made.pipe for made in recording.of(PipeMade))
    through = {
        event.target.pipe: event.data
        for child in recording.root.children
        for event in child.of(Wrote)
        if isinstance(event.target, End)
    }
    assert through == {one: b"through the first\n", two: b"through the second"}
    read = {e.source.pipe for e in recording.of(Read) if isinstance(e.source, End)}
    assert read == {one, two}


# Each moves "across" from one pipe into another, into one that is read at the end.
MOVERS = {
    "writev": "os.writev(w, [b'acr', b'oss'])",
    "splice": "os.write(w0, b'across'); os.splice(r0, w, 6)",
    "sendfile": "os.sendfile(w, file.fileno(), 0, 6)",
    "vmsplice": "libc.vmsplice(w, vector, 1, 0)",
    "tee": "os.write(w0, b'across'); libc.tee(r0, w, 6, 0)",
}


@pytest.mark.parametrize("move", MOVERS.values(), ids=MOVERS)
def test_bytes_that_travel_without_write_are_seen(run: Run, move: str) -> None:
    """No way around write(2) hides what goes into a pipe."""
    recording = run(
        f"""
        import ctypes, os, tempfile
        libc = ctypes.CDLL(None)
        (r0, w0), (r, w) = os.pipe(), os.pipe()
        file = tempfile.TemporaryFile()
        file.write(b"across")
        file.flush()
        text = ctypes.create_string_buffer(b"across")
        vector = (ctypes.c_size_t * 2)(ctypes.addressof(text), 6)
        {move}
        print(os.read(r, 100))
        """
    )
    last = End(recording.of(PipeMade)[-1].pipe, Side.WRITE)
    went = [event.data for event in recording.of(Wrote) if event.target == last]
    assert went == [b"across"]
    assert recording.output == b"b'across'\n"


@pytest.mark.parametrize(
    ("read", "asked"),
    [
        ("os.read(r, 100)", 100),
        ("os.fdopen(r, 'rb', 0).read(7)", 7),
        ("os.readv(r, [bytearray(3), bytearray(5)])", 8),
        ("os.splice(r, w2, 50)", 50),
    ],
)
def test_for_how_much_was_asked(run: Run, read: str, asked: int) -> None:
    """Not only how much came."""
    recording = run(f"""
import os
r, w = os.pipe()
r2, w2 = os.pipe()
os.write(w, b"ab")
{read}
""")
    (event,) = recording.root.of(Read)
    assert (event.count, event.asked) == (2, asked)


def test_what_is_moved_to_the_terminal_is_output(run: Run) -> None:
    """And counts against the limit, as what is written does."""
    text = """
        import os, sys
        with open("long", "wb+") as file:
            file.write(b"12345678" * 4096)
            file.flush()
            file.seek(0)
            for _ in range(8):
                os.sendfile(1, file.fileno(), 0, 1 << 15)
        """
    assert run(text).output == b"12345678" * 4096 * 8
    recording = run(text, limits=Limits(output_bytes=1 << 16))
    assert recording.exceeded is Limit.OUTPUT
    assert len(recording.output) < 1 << 17


def test_descriptors_sent_over_a_socket(run: Run) -> None:
    """A write end that came by SCM_RIGHTS, unix(7), is that pipe's write end."""
    recording = run(
        """
        import os, socket
        here, there = socket.socketpair()
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(w)
            _, (fd,), _, _ = socket.recv_fds(there, 10, 1)
            os.write(fd, b"by a way of its own")
            os._exit(0)
        socket.send_fds(here, [b"x"], [w])
        os.close(w)
        print(os.read(r, 100))
        os.waitpid(pid, 0)
        """
    )
    (child,) = recording.root.children
    (made,) = recording.root.pipes
    assert recording.output == b"b'by a way of its own'\n"
    assert [e.target for e in child.of(Wrote)] == [End(made.pipe, Side.WRITE)]


def test_a_named_pipe_waits_for_its_other_end(run: Run) -> None:
    """Open blocks until somebody opens the other side, fifo(7)."""
    recording = run(
        """
        import os, time
        os.mkfifo("way")
        if os.fork() == 0:
            time.sleep(3)
            with open("way", "w") as way:
                way.write("hello")
            os._exit(0)
        print(open("way").read(), round(time.monotonic() * 0 + 3))
        os.wait()
        """
    )
    assert recording.ended
    assert recording.output == b"hello 3\n"
    assert 3 <= recording.duration < 4


@pytest.mark.parametrize("blocks", [True, False], ids=["blocking", "nonblocking"])
def test_a_full_pipe(run: Run, blocks: bool) -> None:
    """A write of more than fits waits for its reader, or takes a part, pipe(7)."""
    recording = run(
        f"""
        import os
        r, w = os.pipe()
        os.set_blocking(w, {blocks})
        if os.fork() == 0:
            os.close(r)
            print(os.write(w, bytes(1 << 18)))
            os._exit(0)
        os.close(w)
        if not {blocks}:
            os.wait()
        print(sum(len(part) for part in iter(lambda: os.read(r, 5000), b"")))
        """
    )
    size = (1 << 18) if blocks else (1 << 16)
    assert sorted(recording.output.split()) == [b"%d" % size] * 2
    assert recording.ended


def test_a_pipe_without_a_reader(run: Run) -> None:
    """SIGPIPE kills a writer that does not ignore it; EPIPE tells one that does."""
    recording = run(
        """
        import os, signal
        r, w = os.pipe()
        if os.fork() == 0:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.close(r)
            os.write(w, b"x" * 10)
            os.write(w, b"y" * 10)
            os._exit(0)
        os.close(w)
        os.close(r)
        print(os.WTERMSIG(os.wait()[1]))
        """,
        schedule=parent_first,
    )
    assert recording.output == b"13\n"
    assert recording.root.children[0].killed_by == 13


def test_each_write_is_a_packet_where_that_was_asked_for(run: Run) -> None:
    """O_DIRECT, pipe(2): a read takes one packet, whatever else lies there."""
    recording = run(
        """
        import fcntl, os
        later = os.pipe()
        for end in later:
            fcntl.fcntl(end, fcntl.F_SETFL, os.O_DIRECT)
        for reading, writing in (os.pipe2(os.O_DIRECT), later):
            os.write(writing, b"one")
            os.write(writing, b"two")
            os.read(reading, 100), os.read(reading, 100)
        """
    )
    read = [event.data for event in recording.of(Read) if isinstance(event.source, End)]
    assert read == [b"one", b"two"] * 2


def test_what_cannot_be_read_or_written_there_is_the_programs_own_mistake(
    run: Run,
) -> None:
    """A buffer that is nowhere is refused, and nothing is lost of what lies there."""
    recording = run(
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        reading, writing = os.pipe()
        os.write(writing, b"kept")
        libc.read(reading, ctypes.c_void_p(8), 4)
        libc.write(writing, ctypes.c_void_p(8), 4)
        os.read(reading, 100)
        """
    )
    events = [
        (type(event).__name__, event.data, errno.errorcode.get(event.error))
        for event in recording.root.events
        if isinstance(event, Read | Wrote)
        and isinstance(event.source if isinstance(event, Read) else event.target, End)
    ]
    assert events == [
        ("Wrote", b"kept", None),
        ("Read", b"", "EFAULT"),
        ("Wrote", b"", "EFAULT"),
        ("Read", b"kept", None),
    ]


def test_what_is_read_into_memory_that_may_not_be_written_is_kept(run: Run) -> None:
    """The kernel refuses it, EFAULT, and the pipe holds all that it held."""
    recording = run(
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 4]
        private, shared, read_only = 0x22, 0x21, 1
        reading, writing = os.pipe()
        os.write(writing, b"kept")
        for flags in (private, shared):
            page = libc.mmap(None, 4096, read_only, flags, -1, 0)
            libc.read(reading, ctypes.c_void_p(page), 4)
            assert ctypes.string_at(page, 4) == bytes(4)
        os.read(reading, 100)
        """
    )
    read = [
        (event.data, errno.errorcode.get(event.error))
        for event in recording.root.of(Read)
        if isinstance(event.source, End)
    ]
    assert recording.root.exit_code == 0
    assert read == [(b"", "EFAULT"), (b"", "EFAULT"), (b"kept", None)]


def test_the_wrong_end_is_refused(run: Run) -> None:
    """Who writes where a pipe is read, or reads where it is written, gets EBADF."""
    recording = run(
        """
        import ctypes, os
        libc = ctypes.CDLL(None)
        reading, writing = os.pipe()
        os.write(writing, b"kept")
        libc.write(reading, b"lost", 4)
        libc.read(writing, ctypes.create_string_buffer(4), 4)
        os.read(reading, 100)
        """
    )
    events = [
        (event.data, errno.errorcode.get(event.error))
        for event in recording.root.events
        if isinstance(event, Read | Wrote)
        and isinstance(event.source if isinstance(event, Read) else event.target, End)
    ]
    assert events == [
        (b"kept", None),
        (b"", "EBADF"),
        (b"", "EBADF"),
        (b"kept", None),
    ]


def test_nothing_is_waited_for_where_nothing_is_moved(run: Run) -> None:
    """No bytes can be read and written at once, read(2), write(2)."""
    recording = run(
        """
        import os
        r, w = os.pipe()
        print(os.read(r, 0))
        os.set_blocking(w, False)
        try:
            while True:
                os.write(w, bytes(4096))
        except BlockingIOError:
            os.set_blocking(w, True)
        print(os.write(w, b""))
        """
    )
    assert recording.stuck is None
    assert recording.output == b"b''\n0\n"


def test_memory_where_only_ptrace_is_allowed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter around all may refuse process_vm_writev(2)."""

    def refused(*arguments: object) -> int:
        ctypes.set_errno(errno.EPERM)
        return -1

    monkeypatch.setattr(ptrace._libc, "process_vm_writev", refused)
    recording = run(
        """
        import os, select
        r, w = os.pipe()
        if os.fork() == 0:
            os.write(w, b"x")
            os._exit(0)
        print(select.select([r], [], [], 2)[0] == [r], os.read(r, 1))
        os.wait()
        """
    )
    assert recording.output == b"True b'x'\n"


def test_what_never_comes_is_not_moved(run: Run) -> None:
    """To move from standard input to standard output is to wait for the first."""
    recording = run(
        """
        import os
        r, w = os.pipe()
        os.write(2, b"waits")
        os.splice(0, 1, 10)
        """,
        stdout="pipe",
        limits=Limits(real_seconds=5),
    )
    assert recording.exceeded is None
    assert recording.stuck is not None
    assert recording.errors == b"waits"
