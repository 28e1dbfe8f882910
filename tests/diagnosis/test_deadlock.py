"""A deadlock is proven: who waits for whom, through what, and where that came from."""

from __future__ import annotations

import re

import pytest

from grader.diagnosis.causes import general
from grader.diagnosis.deadlock import circle, graph, graph_json
from grader.diagnosis.waiting import deadlock
from grader.tracing.recording import Recording
from tests.conftest import Run


def _told(recording: Recording) -> str:
    """The proof, with processes called by their numbers: P0 is the first."""
    (finding,) = [f for f in general(recording) if f.id == "deadlock"]
    text = finding.message
    for number, process in enumerate(recording.processes):
        part = rf"the (?:parent|program|child|grandchild) {process.pid}\b"
        text = re.sub(part, f"P{number}", text)
    return text.removeprefix("every process waits, and nothing can wake any of them: ")


KNOWN = {
    "its own write end": (
        """
        import os
        r, w = os.pipe()
        if os.fork() == 0:
            os.close(r)
            os._exit(0)
        os.read(r, 1)
        """,
        (
            "P0 waits at line 7 for end of file on the pipe (descriptor 3), and "
            "itself still holds the pipe's write end open (descriptor 4, made at line"
            " 3): close it after the fork at line 4"
        ),
    ),
    "inherited": (
        """
        import os
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.read(r, 1)
            os._exit(0)
        os.close(w)
        os.waitpid(pid, 0)
        """,
        (
            "P0 waits at line 9 for P1 to end; P1 waits at line 6 for end of file on "
            "the pipe (descriptor 3), and itself still holds the pipe's write end "
            "open (descriptor 4, made at line 3, inherited by the fork at line 4): "
            "close it after the fork at line 4"
        ),
    ),
    "used before": (
        """
        import os
        r, w = os.pipe()
        os.write(w, b"x")
        while os.read(r, 1):
            pass
        """,
        (
            "P0 waits at line 5 for end of file on the pipe (descriptor 3), and "
            "itself still holds the pipe's write end open (descriptor 4, made at line"
            " 3): close it after its last use at line 4"
        ),
    ),
    "a copy": (
        """
        import os
        r, w = os.pipe()
        copy = os.dup(w)
        os.close(w)
        os.read(r, 1)
        """,
        (
            "P0 waits at line 6 for end of file on the pipe (descriptor 3), and "
            "itself still holds the pipe's write end open (descriptor 5, made at line"
            " 3, copied from descriptor 4 at line 4): close it after it was made at "
            "line 4"
        ),
    ),
    "each reads first": (
        """
        import os
        r1, w1 = os.pipe()
        r2, w2 = os.pipe()
        if os.fork() == 0:
            os.close(w1); os.close(r2)
            os.read(r1, 1)
            os._exit(0)
        os.close(r1); os.close(w2)
        os.read(r2, 1)
        """,
        (
            "P0 waits at line 10 for data or end of file on the pipe (descriptor 5), "
            "whose write end is still open in P1 (descriptor 6, made at line 4, "
            "inherited by the fork at line 5): who is not to write there has to close"
            " it, P1 after the fork at line 5; P1 waits at line 7 for data or end of "
            "file on the pipe (descriptor 3), whose write end is still open in P0 "
            "(descriptor 4, made at line 3): who is not to write there has to close "
            "it, P0 after the fork at line 5; so P0 waits for P1, which waits for P0"
        ),
    ),
    "a wait before the read": (
        """
        import os
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(r)
            for _ in range(200):
                os.write(w, bytes(4096))
            os._exit(0)
        os.close(w)
        os.waitpid(pid, 0)
        """,
        (
            "P0 waits at line 11 for P1 to end; P1 waits at line 8 for room in the "
            "pipe (descriptor 4), which is full, and which only P0 could empty; so P0"
            " waits for P1, which waits for P0"
        ),
    ),
    "one write too large": (
        """
        import os
        r, w = os.pipe()
        os.write(w, bytes(100_000))
        """,
        (
            "P0 waits at line 4 for room in the pipe (descriptor 4), which is full, "
            "and whose read end is open in nobody but itself (descriptor 3, made at "
            "line 3)"
        ),
    ),
    "a file locked twice": (
        """
        import fcntl
        first, second = open("lock", "w"), open("lock", "w")
        fcntl.flock(first, fcntl.LOCK_EX)
        fcntl.flock(second, fcntl.LOCK_EX)
        """,
        (
            "P0 waits at line 5 for a lock on a file (descriptor 4), which is open in"
            " itself (descriptor 3) too"
        ),
    ),
}


@pytest.mark.parametrize("what", KNOWN)
def test_what_is_told(run: Run, what: str) -> None:
    """Each kind, with the lines."""
    text, expected = KNOWN[what]
    assert _told(run(text, lines=True)) == expected


def test_the_line_of_the_finding(run: Run) -> None:
    """That at which the first one waits, for whoever shows findings beside lines."""
    (told,) = deadlock(run(KNOWN["inherited"][0], lines=True))
    assert f"waits at line {told.line} for" in told.message
    (untold,) = deadlock(run(KNOWN["inherited"][0]))
    assert untold.line is None


def test_without_lines(run: Run) -> None:
    """The same, as far as it is known."""
    assert _told(run(KNOWN["inherited"][0])) == (
        "P0 waits for P1 to end; P1 waits for end of file on the pipe (descriptor 3), "
        "and itself still holds the pipe's write end open (descriptor 4, inherited by "
        "the fork): close it after the fork"
    )


def test_a_circle_of_three(run: Run) -> None:
    """Each waits for the next one's byte; the graph has it as data too."""
    text = """
        import os
        pipes = [os.pipe() for _ in range(3)]
        def member(n):
            for k, (r, w) in enumerate(pipes):
                if k != n:
                    os.close(r)
                if k != (n + 1) % 3:
                    os.close(w)
            os.read(pipes[n][0], 1)  # line 10
            os.write(pipes[(n + 1) % 3][1], b"x")
        for n in (1, 2):
            if os.fork() == 0:
                member(n)
                os._exit(0)
        member(0)
    """
    recording = run(text, lines=True)
    first, second, third = (process.pid for process in recording.processes)
    assert circle(graph(recording)) == [first, third, second]
    assert "so P0 waits for P2, which waits for P1, which waits for P0" in _told(
        recording
    )
    told = graph_json(recording)
    assert [entry["line"] for entry in told] == [10, 10, 10]
    assert told[0]["for"] == [
        {
            "pid": third,
            "descriptor": 4,
            "made_at": 3,
            "came_by": "Forked",
            "came_at": 13,
            "used_at": None,
            "close": "after the fork at line 13",
        }
    ]


def test_what_was_sent_through_a_socket_has_no_history(run: Run) -> None:
    """What the recording does not tell is not made up."""
    text = """
        import os, socket
        ours, theirs = socket.socketpair()
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(w)
            fd = socket.recv_fds(theirs, 1, 1)[1][0]
            os.read(r, 1)
            os._exit(0)
        socket.send_fds(ours, [b"x"], [w])
        os.close(w)
        os.waitpid(pid, 0)
    """
    told = _told(run(text, lines=True))
    assert "itself still holds the pipe's write end open (descriptor" in told
    assert "close it" not in told


RIGHT = {
    "end of file": """
        import os
        r, w = os.pipe()
        if os.fork() == 0:
            os.close(r); os.write(w, b"x"); os._exit(0)
        os.close(w)
        while os.read(r, 1): pass
        os.wait()
    """,
    "more than a pipe holds": """
        import os
        r, w = os.pipe()
        if os.fork() == 0:
            os.close(r); os.write(w, bytes(300_000)); os._exit(0)
        os.close(w)
        while os.read(r, 4096): pass
        os.wait()
    """,
    "back and forth": """
        import os
        r1, w1 = os.pipe(); r2, w2 = os.pipe()
        if os.fork() == 0:
            os.write(w2, os.read(r1, 1)); os._exit(0)
        os.write(w1, b"x"); os.read(r2, 1); os.wait()
    """,
    "a lock that is let go": """
        import fcntl, os
        file = open("lock", "w")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fork() == 0:
            fcntl.flock(open("lock", "w"), fcntl.LOCK_EX); os._exit(0)
        fcntl.flock(file, fcntl.LOCK_UN)
        os.wait()
    """,
    "threads and a queue": """
        import queue, threading
        q = queue.Queue()
        t = threading.Thread(target=lambda: q.put(1))
        t.start(); q.get(); t.join()
    """,
    "a pool": """
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(2) as pool:
            pool.map(abs, range(4))
            pool.close(); pool.join()
    """,
}


@pytest.mark.parametrize("what", RIGHT)
def test_right_programs_are_not_blamed(run: Run, what: str) -> None:
    """They come to their end, and there is no graph."""
    recording = run(RIGHT[what], lines=True)
    assert not recording.stuck
    assert graph(recording) == ()
    assert not [f for f in general(recording) if f.id == "deadlock"]


def test_who_waits_for_the_world_is_not_dead_locked(run: Run) -> None:
    """A signal may come, and then the child is collected."""
    recording = run(
        """
        import os, signal
        r, w = os.pipe()
        if os.fork() == 0:
            signal.pause()
            os._exit(0)
        os.wait()
        """
    )
    assert [f.id for f in general(recording)] == ["never-ends"]


def test_a_child_that_is_stuck_while_its_parent_waits_for_a_signal(run: Run) -> None:
    """It is no deadlock of all; why the child goes nowhere is told all the same."""
    text = """
        import os, signal
        r, w = os.pipe()
        if os.fork() == 0:
            os.read(r, 1)
            os._exit(0)
        os.close(w)
        signal.pause()
    """
    (finding,) = general(run(text, lines=True))
    assert finding.id == "never-ends"
    assert "waits at line 5 for end of file on the pipe" in finding.message
    assert "inherited by the fork at line 4): close it after the" in finding.message


def test_which_of_several_descriptors_is_waited_for(run: Run) -> None:
    """Each is told, and what select(2) waits to write is no end of file."""
    writes = run(
        """
        import os, select
        r, w = os.pipe()
        os.set_blocking(w, False)
        try:
            while True:
                os.write(w, bytes(4096))
        except BlockingIOError:
            select.select([], [w], [])
        """
    )
    assert "for room in the pipe (descriptor 4)" in general(writes)[0].message
    several = run(
        """
        import os, select, socket
        a, b = socket.socketpair()
        r, w = os.pipe()
        select.select([a, r], [], [])
        """
    )
    told = general(several)[0].message
    assert "in select for any of the descriptors 3, 5" in told


def test_threads_that_wait_for_each_other(run: Run) -> None:
    """Each has its own line: who joins one that waits for a lock, say."""
    recording = run(
        """
        import threading
        lock = threading.Lock()
        def work():
            with lock:
                pass
        thread = threading.Thread(target=work)
        with lock:
            thread.start()
            thread.join()
        """,
        lines=True,
    )
    assert _told(recording) == (
        "P0 waits at line 10 for a lock or a thread, and so does another thread at "
        "line 5"
    )
