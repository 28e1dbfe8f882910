"""Time is virtual: it jumps, all clocks agree, and signals still interrupt sleeps."""

from __future__ import annotations

from tests.conftest import Run


def test_sleeps_take_no_time_and_all_clocks_agree(run: Run) -> None:
    """Every clock says that an hour has passed."""
    recording = run(
        """
        import time
        clocks = time.time, time.monotonic, time.perf_counter
        before = [clock() for clock in clocks]
        time.sleep(3600)
        print(*(round(clock() - start) for clock, start in zip(clocks, before)))
        """
    )
    assert recording.output == b"3600 3600 3600\n"


def test_waits_with_a_time_limit(run: Run) -> None:
    """select, poll, epoll and sigtimedwait come back when their time is over."""
    recording = run(
        """
        import os, select, signal, time
        start = time.monotonic()
        def passed():
            print(round(time.monotonic() - start, 1))
        r, w = os.pipe()
        select.select([r], [], [], 1.5); passed()
        poll = select.poll(); poll.register(r, select.POLLIN); poll.poll(500); passed()
        epoll = select.epoll(); epoll.register(r); epoll.poll(1); passed()
        signal.sigtimedwait([signal.SIGUSR1], 2); passed()
        """
    )
    assert recording.output == b"1.5\n2.0\n3.0\n5.0\n"


def test_alarms(run: Run) -> None:
    """Interval timers ring in virtual time."""
    recording = run(
        """
        import os, signal, time
        signal.signal(signal.SIGALRM, lambda *_: os.write(1, b"ring\\n"))
        start = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 1, 2)
        for _ in range(3):
            signal.pause()
        print(round(time.monotonic() - start, 1))
        """
    )
    assert recording.output == b"ring\nring\nring\n5.0\n"


def test_a_signal_interrupts_a_sleep(run: Run) -> None:
    """The sleep goes on for what is left of it once the handler has run, PEP 475."""
    recording = run(
        """
        import os, signal, time
        signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"signal\\n"))
        parent = os.getpid()
        if os.fork() == 0:
            time.sleep(1)
            os.kill(parent, signal.SIGUSR1)
            os._exit(0)
        start = time.monotonic()
        time.sleep(5)
        print(round(time.monotonic() - start, 1))
        os.wait()
        """
    )
    assert recording.output == b"signal\n5.0\n"


def test_a_loop_that_looks_at_the_clock(run: Run) -> None:
    """Time passes for a program that spins until it has."""
    recording = run(
        """
        import time
        end = time.monotonic() + 3
        while time.monotonic() < end:
            pass
        """
    )
    assert recording.ended
    assert 3 <= recording.duration < 4


def test_moments_that_lie_close_together_all_come(run: Run) -> None:
    """A sleep may end while others take their steps, and not by a jump."""
    recording = run(
        """
        import os, select, time
        children = []
        for i in range(8):
            pid = os.fork()
            if pid == 0:
                select.select([], [], [], 0.5)
                time.sleep(0.5)
                os._exit(0)
            children.append(pid)
        time.sleep(0.5)
        for pid in children:
            os.waitpid(pid, 0)
        """
    )
    assert recording.ended
    assert 1.0 <= recording.duration < 1.1
