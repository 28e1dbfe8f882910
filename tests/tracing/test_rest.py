"""Rest and deadlock are seen at once, and what every process waits for is told."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from grader.tracing.clock import NANO
from grader.tracing.launch import Zygote
from grader.tracing.limits import Limits
from grader.tracing.procfs import cpu_time
from grader.tracing.program import trace
from grader.tracing.recording import End, Limit, Read, Recording, Side, SignalSent
from grader.tracing.schedule import (
    SCHEDULES,
    hold_parent_after,
    hold_parent_until_children_end,
)
from tests.conftest import Run, Start


def test_a_reader_that_keeps_the_write_end(run: Run) -> None:
    """The run is stuck; the rest names the reader and the holder."""
    recording = run(
        """
        import os
        r, w = os.pipe()
        if os.fork() == 0:
            os.close(r)
            os.write(w, b"1")
            os._exit(0)
        while os.read(r, 10):
            pass
        """
    )
    stuck = recording.stuck
    assert stuck is not None
    root = stuck.of(recording.root.pid)
    assert root is not None and root.waiting is not None
    assert root.waiting.ends == (End(1, Side.READ),)
    assert stuck.holders(End(1, Side.WRITE)) == ((recording.root.pid, 4),)


def test_a_writer_that_finds_the_pipe_full(run: Run) -> None:
    """Waiting for a child before reading what it writes: a deadlock."""
    recording = run(
        """
        import os
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(w, b"x" * 10_000)
            os._exit(0)
        os.waitpid(pid, 0)
        """,
        pipe_size=4096,
    )
    assert recording.stuck is not None
    calls = {p.waiting.call for p in recording.stuck.processes if p.waiting}
    assert calls == {"wait4", "write"}


def test_a_program_that_waits_for_a_signal(start: Start) -> None:
    """It rests; a signal sent from outside wakes it; then it rests again."""
    with start(
        """
        import os, signal
        signal.signal(signal.SIGINT, lambda *_: os.write(1, b"Ctrl + C\\n"))
        while True:
            signal.pause()
        """
    ) as program:
        rest = program.until_rest()
        assert [p.state for p in rest.processes] == ["waiting"]
        for _ in range(3):
            program.send(signal.SIGINT)
            program.until_rest()
        program.send(signal.SIGTERM)
        recording = program.finish()
    assert recording.output == b"Ctrl + C\n" * 3
    assert recording.root.killed_by == signal.SIGTERM


def test_a_busy_wait(start: Start) -> None:
    """A loop without a call is at rest too, but busily; signals still reach it."""
    with start(
        """
        import os, signal
        signal.signal(signal.SIGINT, lambda *_: os.write(1, b"Ctrl + C\\n"))
        while True:
            pass
        """
    ) as program:
        assert [p.state for p in program.until_rest().processes] == ["busy"]
        program.send(signal.SIGINT)
        program.until_rest()
        program.send(signal.SIGTERM)
        recording = program.finish()
    assert recording.output == b"Ctrl + C\n"
    assert recording.ended


@pytest.mark.parametrize(
    "loop",
    [
        "for _ in range(30_000): pass\n    time.sleep(1e-4)",
        "n += 1\n    time.sleep(1e-6)",
        "time.sleep(1e-9)",
        "select.select([], [], [], 1e-6)",
        "never.wait(1e-6)",
    ],
)
def test_sleeps_that_make_no_difference(start: Start, loop: str) -> None:
    """Who computes for longer than it sleeps in between keeps the processor busy."""
    program = f"""
import os, select, signal, threading, time
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"."))
never, n = threading.Event(), 0
while True:
    {loop}
"""
    with start(program, limits=Limits(busy_seconds=0.1, cpu_seconds=60)) as started:
        for _ in range(3):
            assert [p.state for p in started.until_rest().processes] == ["busy"]
            started.send(signal.SIGUSR1)
        recording = started.stop()
    assert recording.excess is None
    assert recording.output == b".."


def test_sleeps_that_are_longer_than_what_is_computed(start: Start) -> None:
    """However often, and however much that is in all."""
    program = "import time\nn = 0\nwhile True:\n    n += 1\n    time.sleep(0.05)\n"
    with start(program, limits=Limits(busy_seconds=0.02)) as started:
        assert [p.state for p in started.until_rest().processes] == ["waiting"]
        started.stop()


def test_who_sleeps_between_calls_that_come_to_nothing(start: Start) -> None:
    """However many they are, it is not busy."""
    program = """
        import select, signal, time
        signal.signal(signal.SIGINT, lambda *_: None)
        never, n = select.poll(), 0
        while True:
            n += 1
            never.poll(0)
            time.sleep(0.01)
        """
    with start(program) as started:
        for _ in range(3):
            assert [p.state for p in started.until_rest().processes] == ["waiting"]
            started.send(signal.SIGINT)
        started.stop()


@pytest.mark.parametrize(
    "ask",
    [
        "select.select([r], [w], [])",
        "poll.poll(10); n += 1",
        "epoll.poll(); never.poll(0)",
    ],
)
def test_who_leaves_what_is_ready(start: Start, ask: str) -> None:
    """One that is told so again, and reads nothing of it, keeps the processor busy."""
    program = f"""
import os, select, signal
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"."))
r, w = os.pipe()
os.write(w, b"x")
poll, never, epoll, n = select.poll(), select.poll(), select.epoll(), 0
poll.register(r)
epoll.register(r)
while True:
    {ask}
"""
    with start(program, limits=Limits(cpu_seconds=10)) as started:
        for _ in range(2):
            assert [p.state for p in started.until_rest().processes] == ["busy"]
            started.send(signal.SIGUSR1)
        recording = started.stop()
    assert recording.excess is None
    assert recording.output == b"."


@pytest.mark.parametrize(
    "use",
    [
        "os.read(r, 1); os.write(w, b'x')",
        "os.lseek(file, 0, 0); os.read(file, 1)",
        "os.write(file, b'x')",
        "os.close(os.open(__file__, 0))",
    ],
)
def test_who_uses_what_is_ready(run: Run, use: str) -> None:
    """However often it asks before it does, and whatever it is."""
    recording = run(
        f"""
        import os, select, signal, time
        if os.fork() == 0:
            time.sleep(1)
            os.kill(os.getppid(), signal.SIGKILL)
            os._exit(0)
        r, w = os.pipe()
        os.write(w, b"x")
        file = os.open("file", os.O_RDWR | os.O_CREAT)
        for _ in range(3000):
            select.select([r, file], [], [])
            {use}
        print("done", flush=True)
        os._exit(0)
        """,
        limits=Limits(events=100_000),
    )
    assert recording.output == b"done\n"


class _Seen:
    """The moments at which a program was seen spinning, and what was asked of it."""

    def __init__(self) -> None:
        self.moments: set[bytes] = set()
        self.answers: list[bool] = []
        self.nowhere: dict[bytes, int] = {}
        self.found: list[int | None] = []
        self.looped: set[int] = set()

    def knows(self, moment: bytes) -> bool:
        self.answers.append(moment in self.moments)
        return self.answers[-1]

    def note(self, moment: bytes) -> None:
        self.moments.add(moment)

    def got_nowhere_until(self, moment: bytes) -> int | None:
        self.found.append(self.nowhere.get(moment))
        return self.found[-1]

    def note_nowhere(self, moment: bytes, until: int) -> None:
        self.nowhere[moment] = until

    def has_looped(self, number: int) -> bool:
        return number in self.looped

    def note_loop(self, number: int) -> None:
        self.looped.add(number)


def test_what_was_seen_spinning_is_known_at_once(start: Start) -> None:
    """In a run to which the same happened before it; in no other."""
    program = """
        import os, signal, sys
        signal.signal(signal.SIGINT, lambda *_: os.write(1, b"Ctrl + C"))
        if sys.argv[1:]:
            os.write(1, b"something else")
        n = 0
        while True:
            n += 1
        """
    seen = _Seen()

    def rests(busy_seconds: float, *arguments: str) -> Recording:
        limits = Limits(busy_seconds=busy_seconds, cpu_seconds=100)
        with start(program, *arguments, limits=limits, spun=seen) as started:
            for _ in range(2):
                assert [p.state for p in started.until_rest().processes] == ["busy"]
                started.send(signal.SIGINT)
            return started.stop()

    first = rests(0.2)
    assert seen.answers == [False]
    # So much time no run has: it would end at its limit.
    again = rests(50)
    assert seen.answers == [False, True]
    assert [e.time for e in again.events] == [e.time for e in first.events]
    rests(0.2, "otherwise")
    assert seen.answers == [False, True, False]


def test_who_was_in_a_loop_is_looked_at_early(start: Start) -> None:
    """What that run shows is the same, and who is in none this time is not harmed."""
    program = """
        import os, signal, sys
        signal.signal(signal.SIGINT, lambda *_: os.write(1, b"Ctrl + C"))
        print(sum(range(1_000_000)))
        while not sys.argv[1:]:
            pass
        """
    seen = _Seen()

    def rests() -> Recording:
        with start(program, spun=seen) as started:
            for _ in range(3):
                assert [p.state for p in started.until_rest().processes] == ["busy"]
                started.send(signal.SIGINT)
            return started.stop()

    first, again = rests(), rests()
    assert seen.looped == {0}
    assert [e.time for e in again.events] == [e.time for e in first.events]
    assert again.root.output == first.root.output
    with start(program, "once", spun=seen) as started:
        assert started.finish().ended


SPINS_BESIDE_CHILDREN = """
import os, signal, sys
ended = n = 0
def collect(*_):
    global ended
    ended += os.waitpid(-1, os.WNOHANG)[0] > 0
signal.signal(signal.SIGCHLD, collect)
for _ in range(4):
    if os.fork() == 0:
        os._exit(0)
while ended < int(sys.argv[1]):
    n += 1
print(sum(range(6_000_000)))
"""


def test_who_spins_again_where_it_spun_needs_less_patience(start: Start) -> None:
    """The processor's time counts as if it had not; and elsewhere it needs all."""
    schedule, limits = SCHEDULES["parent_first"], Limits(busy_seconds=1)
    with start(SPINS_BESIDE_CHILDREN, "5", schedule=schedule, limits=limits) as program:
        rest = program.until_rest()
        used = cpu_time(program.pid) / NANO
        program.stop()
    assert [process.state for process in rest.processes] == ["busy"]
    assert 2 < used < 3
    with start(SPINS_BESIDE_CHILDREN, "4", schedule=schedule, limits=limits) as program:
        recording = program.finish()
    assert recording.ended
    assert recording.root.output.split() == [b"17999997000000"]
    limits = Limits(busy_seconds=1, cpu_seconds=3.5)
    with start(SPINS_BESIDE_CHILDREN, "5", schedule=schedule, limits=limits) as program:
        assert program.finish().exceeded is Limit.PROCESSOR


def test_what_spins_after_a_pid_was_printed_is_known(start: Start) -> None:
    """It is another one in each run."""
    program = """
        import os
        os.write(1, b"this is process %d of 100000\\n" % os.getpid())
        n = 0
        while True:
            n += 1
        """
    seen = _Seen()
    for _ in range(2):
        limits = Limits(busy_seconds=0.2)
        with start(program, limits=limits, spun=seen) as started:
            started.until_rest()
            started.stop()
    assert seen.answers == [False, True]


def test_what_spins_in_one_folder_spins_in_another(
    tmp_path: Path, zygote: Zygote
) -> None:
    """Each run of a check has a folder of its own."""
    seen = _Seen()
    for name in ("one", "other"):
        program = tmp_path / name / "program.py"
        program.parent.mkdir()
        program.write_text("n = 0\nwhile True:\n    n += 1\n")
        limits = Limits(busy_seconds=0.2)
        with trace([str(program)], limits=limits, zygote=zygote, spun=seen) as started:
            started.until_rest()
            started.stop()
    assert seen.answers == [False, True]


@pytest.mark.parametrize(
    "start_of_all",
    [
        "signal.pause()",
        "done.append(os.read(0, 1) == b'2')",
    ],
    ids=["signals", "bytes"],
)
def test_what_spins_after_one_thing_need_not_after_another(
    start: Start, start_of_all: str
) -> None:
    """Nothing is known of a run to which something else happened."""
    program = f"""
        import os, signal
        done = []
        signal.signal(signal.SIGUSR1, lambda *_: done.append(False))
        signal.signal(signal.SIGTERM, lambda *_: done.append(True))
        {start_of_all}
        n = 0
        while not done[0] or n < 1_000_000:
            n += 1
        """
    seen = _Seen()
    limits = Limits(busy_seconds=0.2, cpu_seconds=100)
    for number, typed in ((signal.SIGUSR1, b"1\n"), (signal.SIGTERM, b"2\n")):
        with start(program, limits=limits, spun=seen) as started:
            started.until_rest()
            if "pause" in start_of_all:
                started.send(number)
            else:
                started.type(typed)
            started.until_rest()
            started.stop()
    assert True not in seen.answers
    assert len(seen.answers) > 1


def test_what_is_known_of_spinning_counts_as_time_of_the_processor(
    start: Start,
) -> None:
    """Its limit is hit in every run, or in none."""
    program = """
        n = 0
        while True:
            n += 1
        """
    seen = _Seen()
    for _ in range(2):
        with start(
            program, limits=Limits(busy_seconds=0.3, cpu_seconds=0.2), spun=seen
        ) as started:
            recording = started.finish()
            assert recording.exceeded is Limit.PROCESSOR
        seen.knows = lambda moment: True  # type: ignore[method-assign]  # as if seen


def test_a_loop_of_short_sleeps_is_rest(start: Start) -> None:
    """A program that only wakes up to sleep again waits, and is not busy."""
    with start(
        """
        import time
        while True:
            time.sleep(0.5)
        """
    ) as program:
        assert [p.state for p in program.until_rest().processes] == ["waiting"]


def test_children_that_end_together_send_one_signal(start: Start) -> None:
    """Signals that find their like pending merge, and the recording says so."""
    with start(
        """
        import os, signal
        signal.signal(signal.SIGCHLD, lambda *_: os.wait())
        for _ in range(5):
            if os.fork() == 0:
                os._exit(0)
        while True:
            signal.pause()
        """,
        schedule=hold_parent_until_children_end,
    ) as program:
        rest = program.until_rest()
        recording = program.stop()
    sent = [e for e in recording.of(SignalSent) if e.signal == signal.SIGCHLD]
    assert [event.merged for event in sent] == [False, True, True, True, True]
    assert sum(p.state == "zombie" for p in rest.processes) == 4


def test_a_parent_that_asks_again_and_again_is_held_too(run: Run) -> None:
    """Though it has an answer now and then, until its child has ended."""
    recording = run(
        """
        import os, time
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        if os.fork() == 0:
            for _ in range(20):
                os.write(write_end, b"x")
                time.sleep(0)
            os._exit(0)
        os.close(write_end)
        while True:
            try:
                if not os.read(read_end, 100):
                    break
            except BlockingIOError:
                pass
        """,
        schedule=hold_parent_until_children_end,
    )
    (child,) = recording.root.children
    assert child.ended is not None
    got = [event for event in recording.root.of(Read) if event.count]
    assert [event.count for event in got] == [20]
    assert got[0].index > child.ended.index


@pytest.mark.parametrize("waits", [0, 1, 3])
def test_a_parent_is_held_after_so_many_waits(run: Run, waits: int) -> None:
    """Those before are over as soon as there is something; what is none is no wait."""
    recording = run(
        """
        import os
        read_end, write_end = os.pipe()
        if os.fork() == 0:
            os.close(read_end)  # the parent looks whether it was the last
            for _ in range(9):
                os.write(write_end, b"x")
            os._exit(0)
        os.close(write_end)
        while os.read(read_end, 100):
            pass
        """,
        schedule=hold_parent_after(waits),
    )
    counts = [event.count for event in recording.root.of(Read)]
    assert counts == [*([1] * waits), 9 - waits, 0]


def test_a_write_larger_than_the_pipe_wakes_its_reader(run: Run) -> None:
    """It fills the pipe and waits half done: the reader has something to read."""
    recording = run(
        """
        import os
        read_end, write_end = os.pipe()
        if os.fork() == 0:
            os.close(read_end)
            os._exit(os.write(write_end, b"x" * 200_000) != 200_000)
        os.close(write_end)
        total = 0
        while data := os.read(read_end, 30_000):
            total += len(data)
        os.wait()
        print(total)
        """,
        pipe_size=4096,
    )
    assert recording.ended
    assert recording.root.output.split() == [b"200000"]
    assert recording.root.children[0].exit_code == 0


@pytest.mark.parametrize(
    "loop",
    [
        "for _ in range(8000): time.sleep(0)",
        "for _ in range(30_000): os.sched_yield()",
        "for _ in range(3000): never.poll(0)",
        "until = time.monotonic() + 3000\nwhile time.monotonic() < until: pass",
    ],
)
def test_many_calls_that_come_to_nothing_are_no_rest(run: Run, loop: str) -> None:
    """A program may give the processor away, or look at the time, often, and go on."""
    start = "import os, select, time\nnever = select.poll()\n"
    recording = run(f"{start}{loop}\nprint(1)")
    assert recording.ended
    assert recording.root.output.split() == [b"1"]


@pytest.mark.parametrize(
    "call", ["os.sched_yield()", "time.sleep(0)", "time.monotonic()"]
)
def test_what_came_to_nothing_before_is_known(start: Start, call: str) -> None:
    """The time is the same then, and who does something after all is not harmed."""
    program = f"""
        import os, signal, sys, time
        signal.signal(signal.SIGINT, lambda *_: os.write(1, b"Ctrl + C"))
        n = 0
        while not sys.argv[1:] or n < 10_000:
            n += 1
            {call}
        """
    seen = _Seen()

    def rests() -> Recording:
        with start(program, spun=seen) as started:
            for _ in range(2):
                assert [p.state for p in started.until_rest().processes] == ["busy"]
                started.send(signal.SIGINT)
            return started.stop()

    first, again = rests(), rests()
    assert seen.found == [None, *seen.nowhere.values()]
    assert [e.time for e in again.events] == [e.time for e in first.events]
    with start(program, "once") as started:
        assert started.finish().ended


@pytest.mark.parametrize(
    ("then", "says"),
    [
        ("print(1)", b"1"),
        ("print(sum(range(3_000_000)))", b"4499998500000"),
        ("flag[1] = 1 + sum(range(3_000_000)) % 2", b""),
    ],
)
def test_who_is_shown_something_in_memory_goes_on(
    run: Run, then: str, says: bytes
) -> None:
    """Who counts until another writes there may do so for long, and work then."""
    recording = run(
        f"""
        import mmap, os, time
        flag, n = mmap.mmap(-1, 4096), 0
        if os.fork() == 0:
            while not flag[0]:
                n += 1
            {then}
            raise SystemExit
        time.sleep(5)
        flag[0] = 1
        time.sleep(60)
        print(flag[1])
        os.wait()
        """,
        limits=Limits(busy_seconds=0.1),
    )
    assert recording.ended
    assert recording.root.children[0].output.strip() == says
    assert recording.root.output.strip() == (b"1" if "flag" in then else b"0")


@pytest.mark.parametrize("schedule", ["take_turns", "child_first", "parent_first"])
def test_who_spins_with_a_lock_leaves_it_to_others(run: Run, schedule: str) -> None:
    """It lets the lock go, and takes it again at once: others come first there."""
    recording = run(
        """
        import multiprocessing, os, time
        flag = multiprocessing.Value("i", 0)
        if os.fork() == 0:
            n = 0
            while not flag.value:
                with flag.get_lock():
                    for _ in range(1000):
                        n += 1
            raise SystemExit
        time.sleep(5)
        flag.value = 1
        os.wait()
        """,
        schedule=SCHEDULES[schedule],
        limits=Limits(busy_seconds=0.2, cpu_seconds=2),
    )
    assert recording.ended
    assert recording.excess is None


@pytest.mark.parametrize("written", ["", "flag[1] = n % 256"])
def test_who_is_shown_nothing_is_at_rest(run: Run, written: str) -> None:
    """What it writes itself, and others that spin as it does, makes no difference."""
    recording = run(
        f"""
        import mmap, os, time
        flag, n = mmap.mmap(-1, 4096), 0
        for _ in range(2):
            if os.fork() == 0:
                while not flag[0]:
                    n += 1
                    {written}
        for _ in range(5):
            time.sleep(1)
        os.wait()
        """,
        limits=Limits(busy_seconds=0.1, cpu_seconds=2),
    )
    assert recording.stuck is not None
    states = [process.state for process in recording.stuck.processes]
    assert states == ["waiting", "busy", "busy"]


@pytest.mark.parametrize(
    "loop",
    [
        "while True: pass",
        "flag = False\nwhile not flag: pass",
        """import os
if os.fork() == 0: signal.pause()
while os.waitpid(-1, os.WNOHANG) == (0, 0): pass""",
        """import os
r, w = os.pipe()
os.close(w)
while True:
    if os.read(r, 9) != b'': break""",
        "data = b'x'\nwhile True:\n    if data == b'': break",
        "import time\nwhile True: time.sleep(0)",
        """import os
pid = os.fork()
if pid == 0: signal.pause()
while not os.kill(pid, 0): pass""",
        # Each read takes a lock, for which the interpreter looks at the clock.
        """import os
r, w = os.pipe()
os.close(w)
file = os.fdopen(r)
while True:
    if file.readline() != '': break""",
    ],
)
def test_a_loop_that_comes_back_is_busy_for_ever(start: Start, loop: str) -> None:
    """It is proven long before the limits are reached."""
    with start("import signal\n" + loop) as program:
        rest = program.until_rest()
        recording = program.stop()
    assert rest.of(recording.root.pid) in rest.busy
    assert recording.exceeded is None
    assert len(recording.events) < 300


def test_who_asks_in_vain_until_it_is_time_is_not(run: Run) -> None:
    """All is as it was but the time, and it looks at that."""
    recording = run(
        """
        import os, threading, time
        r, w = os.pipe()
        os.close(w)
        file, lock = os.fdopen(r), threading.Lock()
        end = time.monotonic() + 0.0012
        while time.monotonic() < end:
            file.readline()
        print("read")
        end = time.monotonic() + 0.0012
        while not lock.acquire(timeout=0.0) or time.monotonic() < end:
            lock.release()
            os.read(r, 1)
        print("taken")
        """
    )
    assert recording.root.output.split() == [b"read", b"taken"]


# What goes on though nothing of it is in the program's memory, for 600 rounds.
MOVES = {
    "a place in a file": "while os.read(fd, 1): ask()",
    "unbuffered": "while file.read(1): ask()",
    "what others open": "while more(): ask()",
    "a folder": """for _ in range(600): os.mkdir("a"); os.chdir("a")
os.chdir("../" * 600)
try:
    while True: os.chdir("a"); ask()
except FileNotFoundError: pass""",
    "signals": """waiting = signal.SIGRTMIN + 6
signal.pthread_sigmask(signal.SIG_BLOCK, [waiting])
for _ in range(600): os.kill(os.getpid(), waiting)
while signal.sigtimedwait([waiting], 0): ask()""",
}


@pytest.mark.parametrize("asks", ["os.waitpid(pid, os.WNOHANG)", "os.kill(pid, 0)"])
@pytest.mark.parametrize("what", MOVES)
def test_who_asks_and_goes_on_otherwise_is_in_no_loop(
    run: Run, what: str, asks: str
) -> None:
    """What goes on is only known to the kernel."""
    setting = f"""\
import os, resource, signal
pid = os.fork()
if pid == 0: signal.pause()
def ask(): {asks}
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (600, 1 << 20))
def more():
    try:
        with open("log", "ab", buffering=0) as log: return log.write(b"x")
    except OSError: return 0
with open("equal", "wb") as made: made.write(b"x" * 600)
file = open("equal", "rb", buffering=0)
fd = file.fileno()
"""
    last = "\nprint('done', flush=True)\nos.kill(pid, signal.SIGKILL)"
    recording = run(setting + MOVES[what] + last)
    assert recording.stuck is None
    assert recording.root.output == b"done\n"


def test_who_asks_whether_somebody_is_there_may_do_so_often(run: Run) -> None:
    """It computes in between."""
    recording = run(
        """
        import os
        if os.fork() == 0:
            total = 0
            for n in range(3000):
                os.kill(os.getppid(), 0)
                total += n
            print(total, flush=True)
            os._exit(0)
        os.wait()
        """
    )
    assert recording.stuck is None
    assert recording.root.children[0].output == b"4498500\n"


TIMED = {
    "its own": "signal.setitimer(signal.ITIMER_VIRTUAL, 0.1)",
    "with the kernel's": "signal.setitimer(signal.ITIMER_PROF, 0.1)",
    "a limit": "resource.setrlimit(resource.RLIMIT_CPU, (1, 2))",
    "its parent's": """if pid := os.fork():
    resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1))
    print("ended by", os.WTERMSIG(os.wait()[1]), flush=True)
    sys.exit()""",
}


@pytest.mark.parametrize("what", TIMED)
def test_who_waits_for_the_time_of_the_processor_is_in_no_loop(
    run: Run, what: str
) -> None:
    """A signal tells that it has used so much, or ends it."""
    recording = run(
        f"""\
import os, resource, signal, sys
used = False
def note(*_):
    global used
    used = True
for number in signal.SIGVTALRM, signal.SIGPROF, signal.SIGXCPU:
    signal.signal(number, note)
{TIMED[what]}
while not used: pass
print("used", flush=True)
"""
    )
    assert recording.stuck is None
    assert recording.root.output in (b"used\n", b"ended by 9\n")


# Machine code that reads the processor's own clock, rdtsc, until it has gone on by its
# argument; its registers are the same in each round.
UNTIL_TICKS = (
    "0f3148c1e2204809d04c8d0438"
    "0f3148c1e2204809d04c39c0730f31c031d2b990010000ffc975fcebe3c3"
)


def test_who_reads_the_processors_clock_is_in_no_loop(run: Run) -> None:
    """No call is made, and nothing kept of what was read."""
    recording = run(
        f"""
        import ctypes, mmap
        code = mmap.mmap(-1, 4096, prot=7)
        code.write(bytes.fromhex("{UNTIL_TICKS}"))
        kind = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long)
        kind(ctypes.addressof(ctypes.c_char.from_buffer(code)))(1_000_000_000)
        print("read", flush=True)
        """
    )
    assert recording.stuck is None
    assert recording.root.output == b"read\n"


def test_who_works_on_after_a_signal_needs_all_patience_once_more(run: Run) -> None:
    """It tells once that it works, and comes to its end."""
    recording = run(
        """
        import signal
        left = -1
        def tell(*_):
            global left
            print("works", flush=True)
            left = 3_000_000
        signal.signal(signal.SIGALRM, tell)
        signal.alarm(1)
        while left: left -= 1
        print("done", flush=True)
        """,
        limits=Limits(busy_seconds=1),
    )
    assert recording.stuck is None
    assert recording.root.output == b"works\ndone\n"


def test_who_went_on_by_itself_needs_all_patience_again(run: Run) -> None:
    """Where it used it up: a function is called for more than one thing."""
    recording = run(
        """
        import mmap, os, time
        memory = mmap.mmap(-1, 2)
        r, w = os.pipe()
        if os.fork() == 0:
            def work(place, n):
                while not memory[place] and n: n -= 1
            work(0, -1)
            os.write(w, b"1")
            work(1, 3_000_000)
            os.write(w, b"2")
            os._exit(0)
        time.sleep(1)
        memory[0] = 1
        print("set", flush=True)
        print(os.read(r, 1), os.read(r, 1), os.wait()[1], flush=True)
        """,
        limits=Limits(busy_seconds=1),
    )
    assert recording.stuck is None
    assert recording.root.output == b"set\nb'1' b'2' 0\n"


def test_a_long_computation_is_no_rest(run: Run) -> None:
    """It makes no call for long, and it comes to its end."""
    recording = run("n = 0\nfor i in range(3_000_000): n += i\nprint(n)")
    assert recording.ended
    assert recording.root.output.split() == [b"4499998500000"]


def test_a_signal_between_a_probe_and_its_answer(run: Run) -> None:
    """A reader whose child ends while it waits is still known to wait for the pipe."""
    for schedule in SCHEDULES.values():
        recording = run(
            """
            import os, time
            r, w = os.pipe()
            if os.fork() == 0:
                os.close(r)
                for n in range(3):
                    os.write(w, b"%d\\n" % n)
                    time.sleep(0)
                os._exit(0)
            with os.fdopen(r) as lines:
                for line in lines:
                    print("received", int(line), flush=True)
            """,
            schedule=schedule,
        )
        assert recording.stuck is not None
        (root, _) = recording.stuck.processes
        assert root.waiting is not None
        assert root.waiting.ends == (End(1, Side.READ),), schedule.name
