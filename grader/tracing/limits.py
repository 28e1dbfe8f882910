"""What a program may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use, over all its processes.

    `real_seconds` bounds the whole run; `processes` counts those alive at once, and
    there may be `THREADS` times as many threads. `memory_mib` is what all of them hold
    at once, see `memory`; `descriptors` is what each process has open at once.
    `files` is how many files, folders and links are made that were not there, and
    `file_bytes` what is written to files, in the whole run, whether or not they are
    removed again. A process that computes for `busy_seconds` of the processor's time
    without one call that matters counts as busy waiting.
    """

    processes: int = 64
    output_bytes: int = 1 << 20
    cpu_seconds: float = 10.0
    memory_mib: int = 96
    descriptors: int = 256
    files: int = 2000
    file_bytes: int = 16 << 20
    virtual_seconds: float = 24 * 3600.0
    real_seconds: float = 60.0
    events: int = 200_000
    busy_seconds: float = 2.0


# How many threads, and dead processes that nobody has collected, there may be for
# each process that may live.
THREADS = 4
