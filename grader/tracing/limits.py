"""What a program may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use, over all its processes.

    `real_seconds` bounds the whole run; `processes` counts those alive at once;
    `memory_mib` is what is resident. A process that computes for `busy_seconds`
    of the processor's time without one call that matters counts as busy waiting.
    """

    processes: int = 64
    output_bytes: int = 1 << 20
    cpu_seconds: float = 10.0
    memory_mib: int = 512
    virtual_seconds: float = 24 * 3600.0
    real_seconds: float = 60.0
    events: int = 200_000
    busy_seconds: float = 2.0
