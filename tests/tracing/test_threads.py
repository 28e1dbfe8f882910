"""Threads of a process, and how a process with threads comes to its end."""

from __future__ import annotations

import pytest

from grader.tracing.limits import Limits
from grader.tracing.recording import (
    Executed,
    Slept,
    ThreadStarted,
    WaitBegan,
    Waited,
)
from grader.tracing.schedule import SCHEDULES, Schedule, parent_first
from tests.conftest import Run, Start


def test_threads(run: Run) -> None:
    """Threads that sleep and meet at a queue, in virtual time."""
    recording = run(
        """
        import queue, threading, time
        box = queue.Queue()
        def work(n):
            time.sleep(n / 10)
            box.put(n)
        threads = [threading.Thread(target=work, args=(n,)) for n in (3, 1, 2)]
        for thread in threads:
            thread.start()
        print([box.get() for _ in threads])
        for thread in threads:
            thread.join()
        """
    )
    assert recording.output == b"[1, 2, 3]\n"
    assert len(recording.of(ThreadStarted)) == 3
    assert len(recording.processes) == 1


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=lambda s: s.name)
def test_a_process_ends_while_its_threads_live(run: Run, schedule: Schedule) -> None:
    """exit_group(2) takes the other threads along, wherever they are."""
    recording = run(
        """
        import os, threading, time
        ready = threading.Barrier(4)
        def work(wait):
            ready.wait()
            wait()
        r, w = os.pipe()
        for wait in (
            lambda: time.sleep(1e6),
            lambda: os.read(r, 1),
            lambda: [None for _ in iter(int, 1)],
        ):
            threading.Thread(target=work, args=(wait,), daemon=True).start()
        ready.wait()
        os._exit(5)
        """,
        schedule=schedule,
    )
    assert recording.stuck is None
    assert recording.root.exit_code == 5


def test_a_leader_that_ends_before_its_threads(run: Run) -> None:
    """The process lives on until its last thread ends, pthread_exit(3)."""
    recording = run(
        """
        import ctypes, os, threading, time
        def work():
            time.sleep(0.5)
            os._exit(3)
        threading.Thread(target=work).start()
        ctypes.CDLL(None).pthread_exit(None)
        """
    )
    assert recording.root.exit_code == 3
    assert recording.duration >= 0.5


def test_a_thread_asleep_in_the_kernel_outlives_another(run: Run) -> None:
    """A call that the tracer does not know, msgrcv(2), blocks only its own thread."""
    recording = run(
        """
        import ctypes, threading
        libc = ctypes.CDLL(None)
        queue = libc.msgget(0, 0o1600)
        buffer = ctypes.create_string_buffer(64)
        def receive():
            print("removed" if libc.msgrcv(queue, buffer, 50, 0, 0) == -1 else "came")
        receiver = threading.Thread(target=receive)
        receiver.start()
        other = threading.Thread(target=int)
        other.start()
        other.join()
        libc.msgctl(queue, 0, None)
        receiver.join()
        """
    )
    assert recording.ended
    assert recording.output == b"removed\n"


def test_exec_by_a_thread_that_is_not_the_leader(run: Run) -> None:
    """It takes over the process and its id; the other threads are gone, execve(2)."""
    recording = run(
        """
        import os, threading, time
        def work():
            os.execv("/bin/sh", ["sh", "-c", "echo $$; exit 6"])
        threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()
        threading.Thread(target=work).start()
        time.sleep(1e6)
        """
    )
    assert recording.output == f"{recording.root.pid}\n".encode()
    assert recording.root.exit_code == 6
    assert [event.argv[0] for event in recording.of(Executed)] == ["sh"]


def test_a_thread_forks(run: Run) -> None:
    """The child has that thread alone, and is the process's child."""
    recording = run(
        """
        import os, threading
        def work():
            pid = os.fork()
            if pid == 0:
                os._exit(2)
            print(os.waitpid(pid, 0)[1] >> 8)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        """
    )
    (child,) = recording.root.children
    assert recording.output == b"2\n"
    assert child.reaped_by == recording.root.pid


def test_threads_that_wait_for_each_other(start: Start) -> None:
    """Two locks taken in two orders: rest at once, in one process."""
    with start(
        """
        import threading
        first, second = threading.Lock(), threading.Lock()
        both = threading.Barrier(2)
        def work(one, other):
            with one:
                both.wait()
                with other:
                    print("never")
        threading.Thread(target=work, args=(first, second)).start()
        work(second, first)
        """,
        schedule=parent_first,
    ) as program:
        rest = program.until_rest()
        assert rest is not None
        (snapshot,) = rest.processes
        recording = program.finish()
    assert snapshot.state == "waiting"
    assert snapshot.waiting is not None and snapshot.waiting.call == "futex"
    assert recording.stuck is not None
    assert recording.output == b""


def test_a_wait_for_a_lock_is_over_with_its_call(run: Run) -> None:
    """A sleep after it is a wait of its own, whatever the lock was by then."""
    recording = run(
        """
        import ctypes, time
        libc = ctypes.CDLL(None)
        @ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
        def sleep(_):
            time.sleep(0.2)
        thread = ctypes.c_ulong()
        libc.pthread_create(ctypes.byref(thread), None, sleep, None)
        libc.pthread_join(thread, None)
        time.sleep(0.5)
        print("goes on")
        """
    )
    assert recording.stuck is None
    assert recording.output == b"goes on\n"
    assert recording.duration > 0.5


WAITING_THREADS = """
    import os, threading, time
    def wait():
        os.waitpid(child, 0)
        time.sleep(1)
    child = os.fork()
    if child == 0:
        time.sleep(1)
        os._exit(0)
    thread = threading.Thread(target=wait)
    thread.start()
    try:
        os.waitpid(0, os.WNOHANG)
    finally:
        thread.join()
"""


def test_a_wait_and_a_sleep_are_of_a_thread(run: Run) -> None:
    """Which one it was is told, and the first one has the process's number."""
    root = run(WAITING_THREADS).root
    (thread,) = root.of(ThreadStarted)
    waits = {e.waiting.call: e.tid for e in root.of(WaitBegan)}
    assert waits == {
        "wait4": thread.tid,
        "clock_nanosleep": thread.tid,
        "futex": root.pid,
    }
    assert {(e.no_hang, e.tid) for e in root.of(Waited)} == {
        (True, root.pid),
        (False, thread.tid),
    }
    assert [e.tid for e in root.of(Slept)] == [thread.tid]


# Two threads of one process wait for the same data. The first asks again and again
# whether it is there, and the other is the one that would take it.
ASKS_WHILE_ANOTHER_READS = """
import os, select, threading
r, w = os.pipe()
if os.fork() == 0:
    os.write(w, b"x")
    os._exit(0)
os.close(w)
taken, questions = False, 0
poll, never, epoll = select.poll(), select.poll(), select.epoll()
poll.register(r, select.POLLIN)
epoll.register(r, select.EPOLLIN)
def takes():
    global taken
    os.read(r, 1)
    taken = True
taker = threading.Thread(target=takes)
taker.start()
while not taken:
    {ask}
    questions += 1
taker.join()
os.wait()
print(questions)
"""


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=lambda s: s.name)
@pytest.mark.parametrize(
    "ask",
    [
        "select.select([r], [], [])",
        "epoll.poll()",
        "poll.poll(10); never.poll(0)",
    ],
)
def test_who_is_told_again_that_data_is_there(
    run: Run, ask: str, schedule: Schedule
) -> None:
    """Others get their turn to take it, before thousands of questions were asked."""
    recording = run(
        ASKS_WHILE_ANOTHER_READS.format(ask=ask),
        schedule=schedule,
        limits=Limits(cpu_seconds=3),
    )
    assert recording.exceeded is None
    assert int(recording.output) < 1000
