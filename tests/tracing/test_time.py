"""Time is virtual: it jumps, all clocks agree, and signals still interrupt sleeps."""

from __future__ import annotations

import signal

import pytest

from grader.tracing.limits import Limits
from grader.tracing.recording import Limit
from tests.conftest import Run, Start


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


def test_looks_that_stop_nobody_agree_with_calls(run: Run) -> None:
    """Time goes on by the same step, however the program looks at it."""
    recording = run(
        """
        import ctypes, time
        libc = ctypes.CDLL(None)
        def call():
            answer = (ctypes.c_long * 2)()
            assert libc.syscall(228, time.CLOCK_MONOTONIC, answer) == 0
            return answer[0] * 10**9 + answer[1]
        said = []
        for _ in range(50):
            said += time.monotonic_ns(), call(), time.monotonic_ns()
        print(sorted(said) == said, len(set(said)) == len(said))
        print(said[-1] - said[0] < 10**6)
        """
    )
    assert recording.output == b"True True\nTrue\n"


def test_time_goes_ever_faster_for_one_that_only_looks(run: Run) -> None:
    """By a little more at each look, whether or not that stops the program."""
    recording = run(
        """
        import time
        said = [time.monotonic_ns() for _ in range(4000)]
        steps = [after - before for before, after in zip(said, said[1:])]
        print(min(steps), max(steps) // 10**6)
        # What it does not look at, its turns, takes a microsecond of its own.
        pairs = list(zip(steps, steps[1:]))
        print([pair for pair in pairs if pair[1] > pair[0] * 1.1 + 1000])
        print([pair for pair in pairs if pair[0] > pair[1] * 1.1 + 1000])
        """
    )
    assert recording.output == b"1000 100\n[]\n[]\n"


def test_a_clock_that_is_not_there(run: Run) -> None:
    """The function that reads virtual time leaves errors to the kernel."""
    recording = run(
        """
        import time
        for clock in (10, 999):
            try:
                time.clock_gettime(clock)
            except OSError as error:
                print(error.errno)
        print(time.process_time() >= 0)
        """
    )
    assert recording.output == b"22\n22\nTrue\n"


TURNS_THE_CLOCK = """
import ctypes, os, time
for line in open("/proc/self/maps"):
    if "virtual-time" in line:
        page = int(line.split("-")[0], 16)
words = (ctypes.c_int64 * 2).from_address(page)
before = time.monotonic()
for turned in (10**18, -10**18):
    words[0], words[1] = turned, 1 << 40
    os.write(1, b"x")
    os.kill(os.getpid(), 0)
print(time.monotonic() - before < 0.001)
time.sleep(2)
print(2 <= time.monotonic() - before < 2.001)
"""


def test_a_program_cannot_turn_the_clock(run: Run) -> None:
    """What it writes into the page of its clock is not how time passes."""
    recording = run(TURNS_THE_CLOCK)
    assert recording.output == b"xxTrue\nTrue\n"
    assert 2 <= recording.duration < 2.001


def test_signals_come_at_looks_at_the_clock_too(start: Start) -> None:
    """A look is a call that a signal can be sent at."""
    with start(
        """
        import signal, time
        signals = []
        signal.signal(signal.SIGUSR1, lambda *_: signals.append(looks))
        looks = 0
        signal.pause()
        for looks in range(1, 4):
            time.monotonic()
        print(signals)
        """
    ) as program:
        program.until_rest()
        program.send(signal.SIGUSR1)
        program.interrupt_calls(signal.SIGUSR1, 2)
        recording = program.finish()
    assert recording.output == b"[0, 1, 2]\n"


def test_a_signal_comes_at_a_later_call(start: Start) -> None:
    """So many calls pass before the one that it interrupts."""
    with start(
        """
        import os, signal
        def hear(number, frame):
            os.write(1, b"<")
            os.write(1, b"-")
            os.write(1, b">")
        signal.signal(signal.SIGUSR1, hear)
        signal.pause()
        """
    ) as program:
        program.until_rest()
        program.send(signal.SIGUSR1)
        program.interrupt_calls(signal.SIGUSR1, 1, after=2)
        recording = program.finish()
    assert recording.output == b"<-<->>"


def test_time_passes_beyond_its_limit(start: Start) -> None:
    """As far as it is asked for, and no further."""
    with start(
        """
        import signal, time
        signal.alarm(9000)
        time.sleep(5000)
        signal.pause()
        """,
        limits=Limits(virtual_seconds=3600),
    ) as program:
        program.until_rest()
        for seconds, waits_in in ((1000, "nanosleep"), (6000, "pause")):
            (process,) = program.live_on(seconds).processes
            assert process.waiting is not None
            assert waits_in in process.waiting.call
        assert not program.live_on(86_400).processes
        recording = program.finish()
    assert recording.root.killed_by == signal.SIGALRM
    assert round(recording.duration) == 9000


@pytest.mark.parametrize(
    ("naps", "ends"),
    [
        ("for _ in range(3600): time.sleep(1)", 3600),
        ("for _ in range(3): time.sleep(3000)", 9000),
        ("while time.monotonic() < start + 7200: time.sleep(1)", 7200),
        ("for _ in range(5000): time.sleep(20)", None),
        ("while True: time.sleep(1)", None),
    ],
)
def test_who_lives_on(start: Start, naps: str, ends: int | None) -> None:
    """It is seen to end by itself, if it does within that time."""
    program = f"import time\nstart = time.monotonic()\n{naps}\n"
    with start(program, limits=Limits(virtual_seconds=3600)) as started:
        assert started.until_rest().processes
        rest = started.live_on(86_400)
        recording = started.finish(may_sleep_on=True)
    assert recording.exceeded is None
    if ends is None:
        assert [p.state for p in rest.processes] == ["waiting"]
    else:
        assert not rest.processes
        assert round(recording.duration) == ends


def test_who_is_left_sleeping_after_a_signal(start: Start) -> None:
    """It has hit the limit of time, unless it may sleep on: then it is at rest."""
    for may_sleep_on in (False, True):
        with start(
            """
            import subprocess
            while True:
                subprocess.run(["/bin/sleep", "1000"])
            """,
            limits=Limits(virtual_seconds=3600),
        ) as program:
            program.until_rest()
            program.send(signal.SIGTERM)
            recording = program.finish(may_sleep_on=may_sleep_on)
        assert recording.root.killed_by == signal.SIGTERM
        (left,) = recording.stuck.processes if recording.stuck else ()
        assert left.waiting is not None
        assert round(left.waiting.deadline or 0) == 4000
        hit = recording.excess and recording.excess.limit
        assert hit is (None if may_sleep_on else Limit.VIRTUAL_TIME)


def test_computing_between_looks_is_no_busy_waiting(run: Run) -> None:
    """Each look is a call, also one that stops nobody: a new slice begins with it."""
    recording = run(
        """
        import time
        for _ in range(60):
            sum(range(200_000))
            time.monotonic()
        print("done")
        """,
        limits=Limits(busy_seconds=0.1),
    )
    assert recording.output == b"done\n"
    assert recording.stuck is None


def test_a_loop_that_computes_until_it_is_time(run: Run) -> None:
    """Its looks are rare, and still time comes to it."""
    recording = run(
        """
        import time
        end = time.monotonic() + 60
        while time.monotonic() < end:
            sum(range(1000))
        """
    )
    assert recording.ended
    assert 60 <= recording.duration < 62


def test_a_program_cannot_take_the_page_away(run: Run) -> None:
    """Nor make the tracer's own page vanish with it: memfd_create(2)."""
    recording = run(
        """
        import os
        for line in open("/proc/self/maps"):
            if "virtual-time" in line:
                area = "-".join(x.lstrip("0") for x in line.split()[0].split("-"))
        try:
            page = os.open("/proc/self/map_files/" + area, os.O_RDWR)
            os.ftruncate(page, 0)
        except PermissionError:
            print("refused")
        """
    )
    assert recording.output == b"refused\n"
    assert recording.ended
