"""The processes that a command of ``grade`` consists of, by what each of them does.

They are looked for from the command's own process down, and killed by their pidfd,
pidfd_open(2), so that nobody else on the machine can be hit.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# Seconds between two looks.
_PAUSE = 0.001


def children(pid: int) -> list[int]:
    """The processes that one has made, or adopted; zombies too."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def descendants(pid: int) -> Iterator[int]:
    """All that come from one."""
    for child in children(pid):
        yield child
        yield from descendants(child)


def kill_one(role: str, command: int, until: float) -> bool:
    """Kill a process that has a role in a command, as soon as there is one.

    Whether there was one before the command ended, or ``time.monotonic`` was `until`.
    """
    while time.monotonic() < until and not _has_ended(command):
        for pid in _in_role(role, command):
            if _killed(pid, role, command):
                return True
        time.sleep(_PAUSE)
    return False


def _killed(pid: int, role: str, command: int) -> bool:
    """Kill it, if it is still what it was once it cannot be taken for another."""
    try:
        target = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if pid not in _in_role(role, command):
            return False
        signal.pidfd_send_signal(target, signal.SIGKILL)
    except ProcessLookupError:
        return False
    finally:
        os.close(target)
    return True


def _has_ended(pid: int) -> bool:
    """Whether a child of ours is a zombie."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _in_role(role: str, command: int) -> list[int]:
    """The living processes of a command that have a role in it."""
    if role == "supervisor":
        return [command]
    below = list(descendants(command))
    zygotes = [pid for pid in below if _is_zygote(pid)]
    if role == "zygote":
        return zygotes
    if role == "tracer":
        traced = [pid for zygote in zygotes for pid in descendants(zygote)]
        tracers = {_tracer(pid) for pid in traced}
        return [pid for pid in below if pid in tracers]
    workers = [pid for pid in below if _leads_its_group(pid)]
    if role == "worker":
        return workers
    if role == "check process":
        runners = [runner for worker in workers for runner in children(worker)]
        return [check for runner in runners for check in children(runner)]
    if role == "grader":
        return [pid for worker in workers if (pid := _parent(worker)) != command]
    raise ValueError(role)


def _is_zygote(pid: int) -> bool:
    with suppress(OSError):
        return b"grader.tracing.zygote" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _leads_its_group(pid: int) -> bool:
    """Whether a group is its own, and its session somebody else's: as a worker does."""
    with suppress(OSError):
        return os.getpgid(pid) == pid != os.getsid(pid)
    return False


def _tracer(pid: int) -> int:
    return _from_status(pid, "TracerPid")


def _parent(pid: int) -> int:
    return _from_status(pid, "PPid")


def _from_status(pid: int, name: str) -> int:
    """A number in proc_pid_status(5); 0 where there is no such process."""
    with suppress(OSError):
        text = Path(f"/proc/{pid}/status").read_text()
        if found := re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE):
            return int(found[1])
    return 0
