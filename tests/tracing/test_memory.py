"""The limit of memory: of the whole tree, whichever way a program takes it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from grader.tracing.limits import Limits
from grader.tracing.recording import Limit
from tests.conftest import Run, Start

MIB = 1 << 20
MOST = 48  # MiB
LIMITS = Limits(memory_mib=MOST, file_bytes=8 * MIB, descriptors=128)

HOGS = {
    "one object": "x = bytearray(b'1') * (1 << 30)",
    "one object, untouched": "x = bytearray(1 << 30)",
    "a growing list": "x = []\nwhile True: x.append(None)",
    "a growing bytearray": "x = bytearray()\nwhile True: x += b'1' * 5000",
    "many small objects": "x = []\nwhile True: x = [x]",
    "objects of a middle size": "x = []\nwhile True: x.append(b'1' * 200_000)",
    "the top of the heap": """
        import ctypes
        libc = ctypes.CDLL(None)
        libc.sbrk.argtypes = [ctypes.c_long]
        libc.sbrk.restype = ctypes.c_void_p
        while True:
            ctypes.memset(libc.sbrk(1 << 20), 1, 1 << 20)
    """,
    "eight children at once": """
        import os
        for _ in range(8):
            if os.fork() == 0:
                break
        x = []
        while True:
            x.append(b"1" * 5000)
            if len(x) % 100 == 0:
                os.sched_yield()
    """,
    "shared anonymous": """
        import mmap
        x = []
        while True:
            x.append(mmap.mmap(-1, 1 << 20))
            x[-1][:] = b"1" * (1 << 20)
    """,
    "shared anonymous, at once": "import mmap\nx = mmap.mmap(-1, 1 << 30)",
    "made writable later": """
        import ctypes
        libc = ctypes.CDLL(None)
        libc.mmap.restype = ctypes.c_void_p
        size = 1 << 30
        at = libc.mmap(None, ctypes.c_size_t(size), 0, 0x22, -1, 0)
        libc.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(size), 3)
        ctypes.memset(at, 1, size)
    """,
    "in a thread": """
        import threading
        x = []
        def fill():
            while True:
                x.append(b"1" * 50_000)
        threading.Thread(target=fill).start()
    """,
    "sockets": """
        import os, socket
        for _ in range(8):
            if os.fork() == 0:
                break
        pairs = []
        for _ in range(50):
            pairs.append(socket.socketpair())
            for end in pairs[-1]:
                end.setblocking(False)
                try:
                    while True:
                        end.send(b"1" * 20_000)
                except OSError:
                    pass
        os.read(os.pipe()[0], 1)
    """,
    "pipes": """
        import os
        ends = []
        for _ in range(8):
            if os.fork() == 0:
                break
        for _ in range(60):
            ends.append(os.pipe())
            try:
                import fcntl
                fcntl.fcntl(ends[-1][1], fcntl.F_SETPIPE_SZ, 1 << 20)
            except OSError:
                pass
            os.set_blocking(ends[-1][1], False)
            try:
                while True:
                    os.write(ends[-1][1], b"1" * 60000)
            except OSError:
                pass
        os.read(os.pipe()[0], 1)
    """,
}

# What is filled without a call between: it takes a look to see that.
UNSEEN = {
    "what was shared since fork": """
        import os
        x = [bytearray(b"1") * 100_000 for _ in range(200)]
        for _ in range(8):
            if os.fork() == 0:
                break
        while True:
            for part in x:
                for i in range(0, len(part), 4096):
                    part[i] += 1 if part[i] < 99 else -9
            os.sched_yield()
    """,
    "given and filled later": """
        import mmap
        pieces = [mmap.mmap(-1, 30 << 20, flags=0x22) for _ in range(20)]
        for piece in pieces:
            for i in range(0, len(piece), 4096):
                piece[i] = 1
    """,
}


def _held(pids: list[int]) -> int:
    """What processes hold together, as the kernel counts it, proc_pid_smaps(5)."""
    held = 0
    for pid in pids:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        found = re.search(r"^Pss: +(\d+)", text, re.MULTILINE)
        assert found
        held += int(found[1]) << 10
    return held


@pytest.mark.parametrize("hog", [*HOGS, *UNSEEN])
def test_the_limit_holds(start: Start, hog: str) -> None:
    """It is never more than the limit and its slack, it is told, nothing is left."""
    slack = 2 * MIB if hog in HOGS else 200 * MIB  # on a machine that does much else
    with start(HOGS.get(hog) or UNSEEN[hog], limits=LIMITS) as program:
        program.until_rest()
        children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text()
        pids = [program.pid, *map(int, children.split())]
        held = _held(pids)
        recording = program.finish()
    assert recording.exceeded is Limit.MEMORY
    assert held <= MOST * MIB + slack
    assert recording.excess
    assert recording.excess.used > recording.excess.allowed == MOST * MIB
    assert not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]


RIGHT = {
    "imports": "import asyncio, concurrent.futures, multiprocessing, threading",
    "twenty threads": """
        import threading
        barrier = threading.Barrier(20)
        threads = [threading.Thread(target=barrier.wait) for _ in range(20)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    """,
    "twenty children": """
        import asyncio, concurrent.futures, multiprocessing, os
        r, w = os.pipe()
        for _ in range(20):
            if os.fork() == 0:
                os.read(r, 1)
                os._exit(0)
        os.write(w, bytes(20))
        for _ in range(20): os.wait()
    """,
    "what was given back": """
        for _ in range(100):
            x = b"1" * (20 << 20)
    """,
    "a sort of a large list": "sorted(range(500_000), key=lambda n: -n)",
    "pipes that are gone": """
        import os
        for _ in range(1000):
            r, w = os.pipe()
            os.write(w, b"1" * 60000)
            os.close(r)
            os.close(w)
    """,
}


@pytest.mark.parametrize("program", RIGHT)
def test_who_uses_little_is_not_blamed(run: Run, program: str) -> None:
    """What is reserved, shared, or given back again is not held."""
    recording = run(RIGHT[program], limits=LIMITS)
    assert recording.exceeded is None
    assert recording.errors == b""


def test_counting_is_no_event(run: Run) -> None:
    """A program that asks for large pieces has the recording of one that does not."""
    text = "import os\nfor n in range(50): {}; os.write(1, b'x')\n"
    large, small = (
        [(type(event), event.time) for event in run(text.format(what)).events[1:]]
        for what in ("bytearray(8 << 20)", "bytearray(8)")
    )
    assert large == small
