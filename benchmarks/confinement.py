"""What it costs to confine a recorded run, in pairs of runs with and without."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from benchmarks.rows import Row
from grader.tracing import program as traced
from grader.tracing import ptrace
from grader.tracing.launch import Zygote
from grader.tracing.program import run

FORK = """\
import os
pid = os.fork()
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
"""
_ROUNDS = 40
_RUNS = 10


def confinement() -> Iterator[Row]:
    """The shortest of programs: for a longer one it costs the same."""
    with tempfile.TemporaryDirectory() as folder, Zygote() as zygote:
        program = Path(folder, "fork.py")
        program.write_text(FORK)

        def taken(kept_by: str) -> tuple[float, float]:
            landlock = ptrace.landlock_version() if kept_by == "Landlock" else 0
            used, began = _processor(zygote.pid), time.perf_counter()
            with (
                patch.object(ptrace, "landlock_version", return_value=landlock),
                patch.object(
                    traced, "tracer_keeps_files", return_value=kept_by == "the tracer"
                ),
            ):
                for _ in range(_RUNS):
                    run([str(program)], zygote=zygote, directory=folder)
            return _processor(zygote.pid) - used, time.perf_counter() - began

        for keeper in ("Landlock", "the tracer"):
            if keeper == "Landlock" and not ptrace.landlock_version():
                continue  # this kernel has none, and nothing to measure
            pairs = []
            for turn in range(_ROUNDS):
                order = ("nobody", keeper) if turn % 2 else (keeper, "nobody")
                results = {kept_by: taken(kept_by) for kept_by in order}
                pairs.append((results[keeper], results["nobody"]))
            yield from _rows(keeper, pairs)


def _rows(
    keeper: str, pairs: list[tuple[tuple[float, float], tuple[float, float]]]
) -> Iterator[Row]:
    cpu = sum(one[0] for one, _ in pairs) / sum(other[0] for _, other in pairs)
    wall = statistics.median(one[1] / other[1] for one, other in pairs)
    each = statistics.median(other[1] for _, other in pairs) / _RUNS * 1000
    what = f"a recorded run kept to its files by {keeper} / by nobody,"
    yield Row(f"{what} processor time", cpu, 1.15, says=f"of {each:.1f} ms")
    yield Row(f"{what} real time", wall, 1.15)


def _processor(zygote: int) -> float:
    """The processor time of this process, and of a zygote and its programs."""
    fields = Path(f"/proc/{zygote}/stat").read_text().rpartition(") ")[2].split()
    ticks = sum(int(field) for field in fields[11:15])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")
