"""A program that only sleeps on is at rest; one that will do something is not."""

from __future__ import annotations

import signal

import pytest

from grader.exploring.choices import Pilot, decode
from grader.tracing.recording import Wrote
from grader.tracing.schedule import (
    SCHEDULES,
    hold_children,
    hold_children_then_parent,
)
from tests.conftest import Run, Start


@pytest.mark.parametrize(
    "loop",
    [
        "while True: time.sleep(1)",
        "while True: time.sleep(0.01)",
        "while True: select.select([], [], [], 0.5)",
        "while True:\n    try: time.sleep(1000)\n    except OSError: print()",
        """import os
r, w = os.pipe()
os.close(w)
file = os.fdopen(r)
while not file.readline(): time.sleep(1)""",
        "import os\nwhile not os.kill(os.getpid(), 0): time.sleep(1)",
        # The interpreter counts comparisons of a kind that it has no faster way for.
        "data = b'x'\nwhile True:\n    if data != b'': time.sleep(1)",
        "def rests(data): return data == b''\nwhile not rests(b'x'): time.sleep(1)",
    ],
)
def test_who_sleeps_on_for_ever_is_at_rest(start: Start, loop: str) -> None:
    """It is in the state that it was in before, and nobody else does anything."""
    text = f"import select, time, signal\nsignal.signal(10, lambda *_: 0)\n{loop}\n"
    with start(text) as program:
        for _ in range(2):
            rest = program.until_rest()
            assert [process.state for process in rest.processes] == ["waiting"]
            program.send(signal.SIGUSR1)
        recording = program.finish()
    assert len(recording.events) < 300


def test_who_sleeps_on_beside_a_thread_that_waits(start: Start) -> None:
    """The thread waits for what nobody does; so the whole program is at rest."""
    text = """
import queue, threading, time
told = queue.SimpleQueue()
threading.Thread(target=told.get, daemon=True).start()
while True: time.sleep(1)
"""
    with start(text) as program:
        rest = program.until_rest()
        recording = program.stop()
    assert [process.state for process in rest.processes] == ["waiting"]
    assert len(recording.events) < 100


@pytest.mark.parametrize(
    "waits",
    [
        "told.get(timeout=500)",
        "select.select([], [], [], 500)",
        "all(time.sleep(5) or 1 for _ in range(100))",
    ],
)
def test_who_sleeps_on_beside_a_thread_that_will_do_something(
    run: Run, waits: str
) -> None:
    """It waits for time, and has more to do then."""
    text = f"""
import os, queue, select, threading, time
told = queue.SimpleQueue()
def other():
    try:
        {waits}
    except queue.Empty:
        pass
    os.write(1, b"it came")
    os._exit(0)
threading.Thread(target=other).start()
while True: time.sleep(1)
"""
    assert run(text, stdout="pipe").root.output == b"it came"


COUNTS = """
import itertools, time
for _ in range(150): time.sleep(1)
print("counted", flush=True)
n = 0
while n < 150:
    time.sleep(1)
    n += 1
print("added", flush=True)
any(map(time.sleep, itertools.repeat(1, 150)))
print("repeated", flush=True)
sum(time.sleep(1) or 1 for _ in range(150))
print("summed", flush=True)
end = time.time() + 150
while time.time() < end: time.sleep(1)
print("looked", flush=True)
room = bytearray(8)
while room[0] < 150:
    time.sleep(1)
    room[0] += room != b""
print("changed", flush=True)
"""


def test_who_counts_its_sleeps_is_not(run: Run) -> None:
    """Nor who looks at the time."""
    recording = run(COUNTS, stdout="pipe")
    printed = recording.root.output.decode().split()
    assert printed == ["counted", "added", "repeated", "summed", "looked", "changed"]


@pytest.mark.parametrize("name", ["a\rb", "\x85 [heap]", "\u2028\n-"])
def test_who_maps_a_file_of_any_name(run: Run, name: str) -> None:
    """It is in the kernel's list of what is where in memory."""
    recording = run(
        f"""
        import mmap, os, time
        with open({name!r}, "wb+") as file:
            file.truncate(4096)
            mapped = mmap.mmap(file.fileno(), 4096)
        while True:
            time.sleep(1)
        """
    )
    assert recording.stuck is not None
    assert recording.duration < 60


@pytest.mark.parametrize(
    "memory",
    [
        "mmap.mmap(-1, 8)",  # that it shares with its child
        "mmap.mmap(-1, 8, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)",
        "mmap.mmap(file, 8)",
        "mmap.mmap(file, 8, mmap.MAP_PRIVATE)",
        "bytearray(8)",
    ],
)
@pytest.mark.parametrize(
    ("call", "children"),
    [("time.sleep(1)", 0), ("time.sleep(1)", 1), ("os.waitpid(-1, os.WNOHANG)", 1)],
)
def test_who_counts_in_memory_that_another_has_too_is_not(
    run: Run, memory: str, call: str, children: int
) -> None:
    """Whether the page is copied when it is written to, or not."""
    recording = run(
        f"""
        import mmap, os, signal, time
        with open("equal", "wb") as made:
            made.write(bytes(8))
        file = os.open("equal", os.O_RDWR)
        memory = {memory}
        pid = None
        for _ in range({children}):
            pid = os.fork()
            if pid == 0:
                assert memory[1] == 0
                signal.pause()
        time.sleep(1)
        while memory[0] < 250:
            {call}
            memory[0] += 1
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        print("counted")
        """
    )
    assert recording.stuck is None
    assert recording.root.output == b"counted\n"


# What goes on though nothing of it is in the program's memory.
MOVES = {
    "a place in a file": "while os.read(fd, 1): time.sleep(1)",
    "equal parts of a file": "while os.read(fd, 10): time.sleep(0.1)",
    "unbuffered": "while file.read(1): time.sleep(1)",
    "vectors": "while os.readv(fd, [room]): time.sleep(1)",
    "seeking": "while os.lseek(fd, 1, os.SEEK_CUR) < 150: time.sleep(1)",
    "writing": "while os.write(fd, b'x') and os.lseek(fd, 0, 1) < 150: time.sleep(1)",
    "an hour": "while time.strftime('%H') == hour: time.sleep(60)",
}


@pytest.mark.parametrize("what", MOVES)
def test_what_the_kernel_knows_goes_on(run: Run, what: str) -> None:
    """Where it is in a file, and what time it is."""
    recording = run(
        f"""
        import os, time
        with open("equal", "wb") as made:
            made.write(b"x" * 150)
        file = open("equal", "r+b", buffering=0)
        fd, room, hour = file.fileno(), bytearray(1), time.strftime("%H")
        {MOVES[what]}
        print("done", flush=True)
        """
    )
    assert recording.stuck is None
    assert recording.root.output == b"done\n"


POLLS = {
    "a file": (
        "import os",
        "os.path.exists('there')",
        "os.mkdir('there')",
    ),
    "memory": (
        "import mmap, os; shared = mmap.mmap(-1, 4096)",
        "shared[0]",
        "shared[:1] = b'!'",
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("what", POLLS)
def test_who_looks_for_what_another_makes(run: Run, what: str, name: str) -> None:
    """However late that comes, and though the other lives on and sleeps as well."""
    setting, found, made = POLLS[what]
    recording = run(
        f"""
        import os, signal, time
        {setting}
        pid = os.fork()
        if pid == 0:
            time.sleep(100)
            {made}
            while True:
                time.sleep(50)
        while not {found}:
            time.sleep(0.5)
        print("found", flush=True)
        os.kill(pid, signal.SIGKILL)
        os.wait()
        """,
        schedule=SCHEDULES[name],
    )
    assert recording.root.output == b"found\n"
    assert recording.stuck is None


def test_who_sleeps_on_until_an_alarm(run: Run) -> None:
    """The time of an alarm comes, however long its process sleeps on."""
    recording = run(
        """
        import os, signal, sys, time
        def handler(*_):
            print("alarm", flush=True)
            sys.exit(0)
        signal.signal(signal.SIGALRM, handler)
        signal.alarm(500)
        while True:
            time.sleep(1)
        """
    )
    assert recording.root.exit_code == 0
    assert recording.root.output == b"alarm\n"


def test_a_parent_that_sleeps_on_beside_its_child(run: Run) -> None:
    """The child's sleep ends, its end is told, and the parent goes on."""
    recording = run(
        """
        import os, signal, time
        ended = []
        signal.signal(signal.SIGCHLD, lambda *_: ended.append(1))
        if os.fork() == 0:
            time.sleep(700)
            os._exit(0)
        while not ended:
            time.sleep(1)
        os.wait()
        print("collected", flush=True)
        """,
        schedule=hold_children,
    )
    assert recording.root.output == b"collected\n"


def test_children_end_together_however_long_their_parent_slept(run: Run) -> None:
    """Held while it sleeps between its forks, they have all ended before it goes on."""
    recording = run(
        """
        import os, signal, time
        signal.signal(signal.SIGCHLD, lambda *_: os.write(1, b"handled "))
        for seconds in range(3):
            if os.fork() == 0:
                time.sleep(seconds)
                os._exit(0)
            time.sleep(10)
        os.write(1, b"waits ")
        signal.pause()
        for _ in range(3):
            os.wait()
        """,
        schedule=hold_children_then_parent,
    )
    assert recording.root.output == b"waits handled "
    waits = recording.root.of(Wrote)[0].index
    ends = [child.ended.index for child in recording.root.children if child.ended]
    (handled,) = recording.root.signals
    assert [waits < end < handled.index for end in ends] == [True] * 3
    assert 32 <= recording.duration < 33


TELLS = """
import os, signal, time
pid = os.fork()
if pid == 0:
    os._exit(0)
while os.waitpid(pid, os.WNOHANG)[0] == 0:
    os.write(2, b".")
    time.sleep(0.5)
"""

TICKS = """
import os, signal
if os.fork() == 0:
    while True:
        signal.pause()
signal.signal(signal.SIGALRM, lambda *_: os.write(2, b"tick"))
signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
for _ in range(20):
    signal.pause()
signal.setitimer(signal.ITIMER_REAL, 0)
os.kill(0, signal.SIGTERM)
"""

CHILD_TELLS = """
import os, signal, time
pid = os.fork()
while pid == 0:
    os.write(2, b".")
    time.sleep(0.5)
time.sleep(5)
os.kill(pid, signal.SIGKILL)
os.wait()
"""


@pytest.mark.parametrize(
    "text", [TELLS, TICKS, CHILD_TELLS], ids=["polls", "ticks", "child"]
)
@pytest.mark.parametrize("name", [*SCHEDULES, "x1+", "x2+", "x3+"])
def test_who_tells_that_it_waits_holds_nobody(run: Run, text: str, name: str) -> None:
    """A schedule that holds somebody does not do so for ever."""
    schedule = SCHEDULES.get(name) or Pilot(decode(name)).schedule
    recording = run(text, schedule=schedule)
    assert recording.stuck is None
    assert recording.exceeded is None
    assert all(process.ended for process in recording.processes)
