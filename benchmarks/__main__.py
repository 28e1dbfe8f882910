"""Measure what the tracer costs and print it as a table."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from grader.tracing.launch import Zygote
from grader.tracing.program import run

FORK = """\
import os
pid = os.fork()
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
"""

PIPE = """\
import os, sys, time
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    with os.fdopen(w, "w") as w:
        for i in range(1, 11):
            w.write("%d\\n" % i)
            w.flush()
            time.sleep(0.5)
    sys.exit(0)
os.close(w)
with os.fdopen(r) as r:
    for line in r:
        print("received :", line.strip())
print("close.")
os.waitpid(pid, 0)
"""


def median(action: Callable[[], object], runs: int = 21) -> float:
    """The median time of an action, in seconds, after two that do not count."""
    taken = []
    for count in range(runs + 2):
        start = time.perf_counter()
        action()
        if count >= 2:
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, Zygote() as zygote:
        fork, pipe = Path(folder, "fork.py"), Path(folder, "pipe.py")
        fork.write_text(FORK)
        pipe.write_text(PIPE)
        python = median(
            lambda: subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)
        )
        forked = median(lambda: run([str(fork)], zygote=zygote, directory=folder))
        piped = median(lambda: run([str(pipe)], zygote=zygote, directory=folder))
    print(f"{'what':<58}{'measured':>10}{'bar':>8}")
    print(f"{'a recorded fork and wait / starting python':<58}", end="")
    print(f"{forked / python:>10.2f}{'0.5':>8}")
    print(f"{'the recorded pipe program / its own 5 s':<58}", end="")
    print(f"{f'1/{5 / piped:.0f}':>10}{'1/200':>8}")
    print(
        f"\nstarting python {python * 1000:.1f} ms, fork and wait {forked * 1000:.1f} "
        f"ms, pipe {piped * 1000:.1f} ms"
    )


if __name__ == "__main__":
    main()
