"""What a program may use: each limit ends a run, and says that it did."""

from __future__ import annotations

import pytest

from grader.tracing.limits import Limits
from grader.tracing.recording import Limit
from tests.conftest import Run, Start

TOO_MUCH = {
    Limit.PROCESSES: (
        "import os\nfor _ in range(20): os.fork() or __import__('time').sleep(9)",
        Limits(processes=10),
    ),
    Limit.OUTPUT: ("while True: print('x' * 99)", Limits(output_bytes=5000)),
    Limit.PROCESSOR: (
        "n = 0\nwhile True: n += 1",
        Limits(cpu_seconds=0.3, busy_seconds=100),
    ),
    Limit.MEMORY: ("x = bytearray(b'1' * (200 << 20))", Limits(memory_mib=100)),
    Limit.VIRTUAL_TIME: ("import time; time.sleep(7200)", Limits(virtual_seconds=3600)),
    Limit.EVENTS: (
        "import os\nr, w = os.pipe()\nwhile os.write(w, b'x'): os.read(r, 1)",
        Limits(events=1000),
    ),
}


@pytest.mark.parametrize("limit", TOO_MUCH)
def test_too_much(run: Run, limit: Limit) -> None:
    """The run is over, the recording names the limit, and nothing is left."""
    program, limits = TOO_MUCH[limit]
    recording = run(program, limits=limits)
    assert recording.exceeded is limit
    assert not recording.ended


def test_real_time(run: Run) -> None:
    """The last of all limits: a run that is over before it begins to be slow."""
    program = "n = 0\nwhile True: n += 1"
    recording = run(program, limits=Limits(real_seconds=0.05, busy_seconds=100))
    assert recording.exceeded is Limit.REAL_TIME


def test_writes_of_nothing_are_no_progress(start: Start) -> None:
    """A loop of them is busy, and ends as such."""
    with start("import os\nwhile True: os.write(1, b'')") as program:
        rest = program.until_rest()
        recording = program.stop()
    assert [snapshot.pid for snapshot in rest.busy] == [recording.root.pid]


def test_shared_memory_counts_once(run: Run) -> None:
    """Ten children of a parent that holds 60 MB do not hold 600 MB, fork(2)."""
    recording = run(
        """
        import os, time
        data = bytearray(b"1" * (60 << 20))
        for _ in range(10):
            if os.fork() == 0:
                time.sleep(1)
                os._exit(data[5] - 49)
        print([os.wait()[1] for _ in range(10)])
        """,
        limits=Limits(memory_mib=200),
    )
    assert recording.exceeded is None
    assert recording.output == f"{[0] * 10}\n".encode()


def test_many_sleeps_are_no_limit(run: Run) -> None:
    """Who polls with short sleeps comes to its end."""
    recording = run(
        """
        import time
        for _ in range(300):
            time.sleep(0.1)
        for _ in range(2000):
            time.sleep(0.001)
        print("the end")
        """
    )
    assert recording.ended
    assert recording.output == b"the end\n"
