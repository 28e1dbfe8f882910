"""Programs that are executed look at virtual time too, and few looks stop them."""

from __future__ import annotations

import os
import signal
import struct
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.tracing import looking, tracer
from grader.tracing.recording import Refused, SignalDelivered, Stopped
from grader.tracing.schedule import SCHEDULES, Schedule
from grader.tracing.tracee import Thread
from tests.conftest import Run, Start
from tests.tracing.test_exactness import story
from tests.tracing.test_time import TURNS_THE_CLOCK

# Becomes another interpreter.
EXECUTES = """\
import os, sys
os.execv(sys.executable, [sys.executable, "-S", "other.py"])
"""

# The vDSO as programs find it that ask nobody, getauxval(3): `look` looks with it.
BY_ITSELF = """\
import ctypes, struct
libc = ctypes.CDLL(None)
libc.getauxval.restype = ctypes.c_ulong
start = libc.getauxval(ctypes.c_ulong(33))
header = struct.unpack("=16sHHIQQQIHHHHHH", ctypes.string_at(start, 64))
sections = [
    struct.unpack("=IIQQQQIIQQ", ctypes.string_at(start + header[6] + 64 * n, 64))
    for n in range(header[12])
]
(symbols,) = (section for section in sections if section[1] == 11)
functions = {}
for at in range(symbols[4], symbols[4] + symbols[5], 24):
    name, _, _, _, value, _ = struct.unpack("=IBBHQQ", ctypes.string_at(start + at, 24))
    functions[ctypes.string_at(start + sections[symbols[6]][4] + name)] = start + value
kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
clock_gettime = kind(functions[b"__vdso_clock_gettime"])
def look():
    answer = (ctypes.c_long * 2)()
    assert clock_gettime(1, answer) == 0
    return answer[0] * 10**9 + answer[1]
"""

# Looks by all functions of libc that tell the time of day, in nanoseconds.
OF_LIBC = """\
import ctypes, time
libc = ctypes.CDLL(None)
libc.time.restype = ctypes.c_long
def of_day():
    answer = (ctypes.c_long * 2)()
    assert libc.gettimeofday(answer, None) == 0
    return answer[0] * 10**9 + answer[1] * 1000
def seconds():
    answer = ctypes.c_long()
    said = libc.time(ctypes.byref(answer))
    assert said == answer.value <= libc.time(None) <= said + 1
    return said * 10**9
"""


@pytest.fixture
def begin(start: Start, tmp_path: Path) -> Start:
    """Start a program that executes another, given as text, which then looks."""

    def begin(text: str, **options: Any) -> Any:
        (tmp_path / "other.py").write_text(textwrap.dedent(text))
        return start(EXECUTES, **options)

    return begin


@pytest.fixture
def execute(begin: Start) -> Run:
    """The same, run to its end."""

    def execute(text: str, **options: Any) -> Any:
        with begin(text, **options) as program:
            return program.finish()

    return execute


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Whose looks were calls that stopped, one by one."""
    stopped: list[int] = []
    looked = tracer.Tracer._looked

    def noted(self: tracer.Tracer, thread: Thread) -> int | None:
        stopped.append(thread.pid)
        return looked(self, thread)

    monkeypatch.setattr(tracer.Tracer, "_looked", noted)
    return stopped


def _refuse(name: str, answer: object) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(looking, name, lambda *_: answer)


# Where one step of several is not possible on a machine.
REFUSED = {
    "not understood": _refuse("_patch_at", None),
    "no writing": _refuse("_is_written", False),
    "no sending": _refuse("_is_sent", False),
    "no receiving": _refuse("_received", -1),
    "no page": _refuse("_map", -12),
}


@pytest.fixture(params=[None, *REFUSED])
def maybe_refused(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is tested holds also where looks can only be answered one by one."""
    if request.param:
        REFUSED[request.param](monkeypatch)


@pytest.mark.usefixtures("maybe_refused")
def test_all_clocks_agree(execute: Run) -> None:
    """Also those that libc has for the time of day; and the processor's is real."""
    recording = execute(
        OF_LIBC
        + """
clocks = time.time_ns, time.monotonic_ns, time.perf_counter_ns, of_day, seconds
for _ in range(30):
    a, b, c, d = of_day(), time.time_ns(), of_day(), time.time_ns()
    assert a < b < c + 1000 and c < d < a + 100_000
    assert seconds() // 10**9 == time.time_ns() // 10**9
zone = (ctypes.c_int * 2)(7, 7)
assert libc.gettimeofday(None, zone) == 0 and [*zone] == [0, 0]
before = [clock() for clock in clocks]
time.sleep(3600)
print(*(round((clock() - start) / 10**9) for clock, start in zip(clocks, before)))
print(0 < time.process_time() < 60, 0 < time.thread_time() < 60)
"""
    )
    assert recording.output == b"3600 3600 3600 3600 3600\nTrue True\n"


@pytest.mark.usefixtures("maybe_refused")
def test_time_is_the_same_for_all(run: Run) -> None:
    """Whoever looks later sees a later time, which program it is in."""
    recording = run(
        """
        import subprocess, sys, time
        show = '''
        import os, sys, threading, time
        said = []
        def look():
            for _ in range(100):
                said.append(time.monotonic_ns())
        def fork():
            if os.fork():
                os.wait()
            else:
                look()
                print(*said, flush=True)
                os._exit(0)
        look()
        for _ in range(2):
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
        fork()
        look()
        print(*said)
        '''
        before = time.monotonic_ns()
        for _ in range(3):
            shown = subprocess.run([sys.executable, "-c", show], stdout=-1, check=True)
            child, parent = shown.stdout.splitlines()
            after = time.monotonic_ns()
            child, parent = [*map(int, child.split())], [*map(int, parent.split())]
            for said in ([before, *child, after], [before, *parent, after]):
                assert all(a < b for a, b in zip(said, said[1:]))
            assert child[-1] < parent[-100] < child[-1] + 10**6
            before = after
        print(time.monotonic() - before / 10**9 < 1)
        """
    )
    assert recording.output == b"True\n"
    assert recording.duration < 0.1


def test_few_looks_stop_it(execute: Run, stops: list[int]) -> None:
    """A program that goes on looking is given the page that others look at."""
    recording = execute(
        OF_LIBC + "for _ in range(400): time.monotonic(), of_day(), seconds()\n"
    )
    assert recording.ended
    assert len(stops) < 400 * 5 / 50  # and not each of them


def test_each_program_is_given_the_page(run: Run, stops: list[int]) -> None:
    """Whoever executed it, and in whatever order: fork, exec, exec."""
    recording = run(
        """
        import os, sys
        again = (
            "import os, sys, time\\n"
            "for _ in range(500): time.monotonic()\\n"
            "left = int(sys.argv[1]) - 1\\n"
            "if left:\\n"
            "    if left == 2 and os.fork(): os.wait(); sys.exit()\\n"
            "    script = sys.orig_argv[3]\\n"
            "    words = [sys.executable, '-S', '-c', script, str(left)]\\n"
            "    os.execv(words[0], words)\\n"
        )
        os.execv(sys.executable, [sys.executable, "-S", "-c", again, "3"])
        """
    )
    assert recording.ended
    assert len(recording.processes) == 2
    assert len(stops) < 4 * 500 / 10


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=lambda s: s.name)
def test_the_page_changes_nothing_else(
    execute: Run, monkeypatch: pytest.MonkeyPatch, schedule: Schedule
) -> None:
    """The run is the same, event by event, whether looks stop the program or not."""
    text = """
        import os, threading, time, warnings
        warnings.simplefilter("ignore")  # of fork beside threads: it would tell the pid
        said = [time.monotonic_ns()]
        def look():
            for _ in range(50):
                said.append(time.monotonic_ns())
        began = time.monotonic_ns()
        thread = threading.Thread(target=look)
        thread.start()
        look()
        thread.join()
        if os.fork() == 0:
            look()
            os.write(1, b"%d" % (said[-1] - began))
            os._exit(0)
        time.sleep(0.5)
        look()
        os.wait()
        r, w = os.pipe()
        print(said[-1] - began, r, w, sorted(os.listdir("/proc/self/fd")))
        """
    with monkeypatch.context() as patch:
        REFUSED["not understood"](patch)
        expected = execute(text, schedule=schedule)
    assert expected.ended and not expected.of(Refused)
    for _ in range(2):
        assert story(execute(text, schedule=schedule)) == story(expected)


def test_who_finds_the_functions_by_itself(execute: Run, stops: list[int]) -> None:
    """Programs without libc look for them in memory; the time is virtual there too."""
    recording = execute(
        BY_ITSELF
        + """
import time
for _ in range(600):
    before, said, after = time.monotonic_ns(), look(), time.monotonic_ns()
    assert before < said < after < before + 10**6
time.sleep(100)
print((look() - said) // 10**9)
"""
    )
    assert recording.output == b"100\n"
    assert len(stops) < 1800 / 20


@pytest.mark.parametrize("room", range(3))
def test_no_room_for_a_descriptor(
    execute: Run, stops: list[int], monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """A program that has opened all that it may goes on without the page."""
    monkeypatch.setattr(tracer, "GIVEN_AT", 1000)
    recording = execute(
        f"""
        import os, resource, time
        resource.setrlimit(resource.RLIMIT_NOFILE, (3 + {room}, 3 + {room}))
        for _ in range(900):
            before, said = time.monotonic_ns(), time.monotonic_ns()
        opened = [os.dup(0) for _ in range({room})]
        os.write(1, b"%d" % (said - before))
        print("", opened)
        """
    )
    expected = [*range(3, 3 + room)]
    assert recording.output == f"1000 {expected}\n".encode()
    assert len(stops) > 1500


@pytest.mark.usefixtures("maybe_refused")
def test_a_loop_that_looks_until_it_is_time(execute: Run) -> None:
    """Time passes for it, and the others run meanwhile."""
    recording = execute(
        """
        import os, time
        if os.fork() == 0:
            time.sleep(1)
            os.write(1, b"slept ")
            os._exit(0)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            pass
        os.write(1, b"looked")
        """
    )
    assert recording.output == b"slept looked"
    assert recording.ended
    assert 3 <= recording.duration < 4


def test_a_program_cannot_turn_the_clock(execute: Run) -> None:
    """What it writes into the page of its clock is not how time passes."""
    recording = execute(TURNS_THE_CLOCK)
    assert recording.output == b"xxTrue\nTrue\n"
    assert 2 <= recording.duration < 2.001


def _meanwhile(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Have a signal come while a program is given the page."""
    sent = looking._is_sent

    def signalled(thread: Thread, *rest: Any) -> bool:
        os.kill(thread.pid, number)
        return sent(thread, *rest)

    monkeypatch.setattr(looking, "_is_sent", signalled)


def test_killed_meanwhile(execute: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has ended, as any other that was killed."""
    _meanwhile(monkeypatch, signal.SIGKILL)
    recording = execute("import time\nwhile True: time.monotonic()\n")
    assert recording.root.killed_by == signal.SIGKILL
    assert recording.stuck is None


def test_stopped_meanwhile(begin: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops, once, as soon as it is itself again."""
    _meanwhile(monkeypatch, signal.SIGSTOP)
    with begin("import time\nfor _ in range(99): time.monotonic()\n") as program:
        (process,) = program.until_rest().processes
        assert process.state == "stopped"
        program.send(signal.SIGCONT)
        recording = program.finish()
    assert recording.ended
    assert len(recording.of(Stopped)) == 1
    assert recording.root.exit_code == 0


def test_signalled_meanwhile(execute: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal waits, and does then what it does."""
    monkeypatch.setattr(tracer, "GIVEN_AT", 1000)
    _meanwhile(monkeypatch, signal.SIGUSR1)
    recording = execute(
        """
        import signal, time
        heard = []
        signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number))
        for _ in range(1500):
            time.monotonic()
        print(heard, signal.pthread_sigmask(signal.SIG_BLOCK, []))
        """
    )
    assert recording.output == b"[10] set()\n"
    assert len(recording.of(SignalDelivered)) == 1


@pytest.mark.parametrize("change", ["mprotect(start, 4096, 1)", "munmap(start, 4096)"])
def test_the_functions_are_gone(
    execute: Run, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """A program may do without them; what it calls itself is answered."""
    monkeypatch.setattr(tracer, "GIVEN_AT", 1000)
    recording = execute(
        BY_ITSELF
        + f"""
import os, signal
libc.{change.replace("start", "ctypes.c_void_p(start)")}
answer = (ctypes.c_long * 2)()
for _ in range(1500):
    before = answer[1]
    libc.syscall(228, 1, answer)
os.write(1, b"%d" % (answer[1] - before))
os._exit(0)
"""
    )
    assert int(recording.output) % 10**9 == 1000
    assert not recording.of(SignalDelivered)
    assert recording.root.exit_code == 0


def a_vdso(sizes: dict[str, int], unused: bytes = b"") -> bytes:
    """A vDSO with functions of these sizes, vdso(7), and what lies behind it."""
    names, symbols, text = b"\0", bytes(24), b""
    for name, size in sizes.items():
        at = 0x400 + len(text)
        symbols += struct.pack("=IBBHQQ", len(names), 0x12, 0, 1, at, size)
        names += name.encode() + b"\0"
        text += b"\xcc" * size + bytes(-size % 16)
    sections = bytes(64)
    for kind, at, size, link in (
        (11, 0x40, len(symbols), 2),
        (3, 0x200, len(names), 0),
    ):
        sections += struct.pack("=IIQQQQIIQQ", 0, kind, 2, at, at, size, link, 0, 8, 0)
    table = 0x400 + len(text)
    header = struct.pack(
        "=16sHHIQQQIHHHHHH",
        *(b"\x7fELF\x02\x01\x01", 3, 62, 1, 0, 0, table, 0, 64, 56, 0, 64, 3, 0),
    )
    image = (header.ljust(0x40) + symbols).ljust(0x200, b"\0") + names
    image = image.ljust(0x400, b"\0") + text + sections + unused
    return image + bytes(-len(image) % 4096)


LARGE = {"__vdso_clock_gettime": 900, "clock_gettime": 900, "__vdso_getcpu": 40}


def _changed(image: bytes) -> tuple[bytes, int]:
    patch = looking._patch_of(image)
    assert patch is not None
    end = patch.start + len(patch.data)
    return image[: patch.start] + patch.data + image[end:], patch.code


def test_the_code_lies_in_a_function_that_is_large_enough() -> None:
    """All names of one function lead there, and its neighbours stay what they are."""
    image = a_vdso(
        {"__vdso_time": 40, "__vdso_clock_gettime": 900, "__vdso_getcpu": 40}
    )
    changed, code = _changed(image)
    assert 0x430 < code < 0x430 + 900 - len(looking._CODE)
    assert code % 8 == 0
    assert changed[code:].startswith(looking._CODE)
    for name, at in (("time", 0x400), ("clock_gettime", 0x430)):
        jump, distance = struct.unpack_from("=Bi", changed, at)
        assert (jump, at + 5 + distance) == (0xE9, code + looking._PLACES[name])
    assert changed[0x405:0x430] == image[0x405:0x430]
    assert changed[0x430 + 900 :] == image[0x430 + 900 :]


def test_the_code_lies_behind_functions_that_are_small() -> None:
    """A function may be no more than a jump of its own."""
    image = a_vdso({"__vdso_clock_gettime": 5, "__vdso_gettimeofday": 5})
    changed, code = _changed(image)
    end = looking._end(image)
    assert end <= code < end + 16
    assert changed[:0x400] == image[:0x400]
    assert changed[0x405:0x410] == image[0x405:0x410]
    assert changed[0x415:code] == image[0x415:code]


@pytest.mark.parametrize(
    "image",
    [
        b"",
        bytes(8192),
        a_vdso({}),
        a_vdso({"__vdso_getcpu": 40}),
        a_vdso({"__vdso_clock_gettime": 900, "__vdso_clock_of_tomorrow": 40}),
        a_vdso({"__vdso_clock_gettime": 4}),
        a_vdso({"__vdso_clock_gettime": 5}, unused=b"something"),
        a_vdso({"__vdso_clock_gettime": 900})[:0x420],
        a_vdso({"__vdso_clock_gettime": 900}).replace(b"\x02\x01", b"\x01\x01", 1),
    ],
    ids=[
        "nothing",
        "zeros",
        "no functions",
        "no clock",
        "unknown clock",
        "too small",
        "no room",
        "cut off",
        "of 32 bits",
    ],
)
def test_what_is_not_understood_is_left_alone(image: bytes) -> None:
    """It is hidden then."""
    assert looking._patch_of(image) is None
