"""What the kernel says of a thread or a process: proc(5)."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from typing import NamedTuple

_PAGE = os.sysconf("SC_PAGESIZE")


def contents(path: str) -> bytes:
    """All that is in a file of /proc. Raises ``OSError`` where it is gone.

    As a tracer reads many such files at each step, without a file object around it.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(file, 1 << 14):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(file)


def state_of(tid: int) -> str:
    """The state letter of a thread, proc(5); "" where it is gone."""
    try:
        return contents(f"/proc/{tid}/stat").rpartition(b") ")[2][:1].decode()
    except OSError:
        return ""


def touched(pid: int) -> tuple[int, int]:
    """How much memory a process has touched, in bytes; nothing where it is gone.

    The pages that were faulted in, again and again where they were given back, and
    those that are resident, proc_pid_stat(5).
    """
    try:
        fields = contents(f"/proc/{pid}/stat").rpartition(b") ")[2].split()
        return int(fields[7]) * _PAGE, int(fields[21]) * _PAGE
    except (OSError, IndexError):
        return 0, 0


def proportional(pid: int) -> int:
    """Its share of the memory it has resident, in bytes, proc_pid_smaps(5)."""
    try:
        lines = contents(f"/proc/{pid}/smaps_rollup").splitlines()
    except OSError:
        return 0
    shares = (line.split()[1] for line in lines if line.startswith(b"Pss:"))
    return int(next(shares, b"0")) << 10


def heap_end(pid: int) -> int:
    """Where the heap of a process ends, proc_pid_maps(5); 0 where it has none."""
    try:
        areas = contents(f"/proc/{pid}/maps").split(b"\n")
    except OSError:
        return 0
    for area in areas:
        words = area.split(maxsplit=5)
        if words[5:] == [b"[heap]"]:
            return int(words[0].partition(b"-")[2], 16)
    return 0


def mapped(pid: int) -> list[tuple[int, int, str]]:
    """Which files are mapped into a process's memory, and where: proc_pid_maps(5)."""
    found = []
    for area in contents(f"/proc/{pid}/maps").split(b"\n"):
        words = os.fsdecode(area).split(maxsplit=5)
        if len(words) == 6 and words[5].startswith("/"):
            begin, _, end = words[0].partition("-")
            found.append((int(begin, 16), int(end, 16), words[5]))
    return found


def channels_of(pid: int) -> dict[str, int]:
    """The pipes and sockets of a process, as /proc names them, with a descriptor."""
    found = {}
    with suppress(OSError):
        folder = f"/proc/{pid}/fd"
        for fd in os.listdir(folder):
            with suppress(OSError):
                found[os.readlink(f"{folder}/{fd}")] = int(fd)
    return {n: fd for n, fd in found.items() if n.startswith(("pipe:", "socket:"))}


def cpu_time(pid: int) -> int:
    """The processor time a process has used, in nanoseconds; 0 where it is gone."""
    try:
        return time.clock_gettime_ns(~pid << 3 | 2)  # clock_getcpuclockid(3)
    except OSError:
        return 0


def is_thread(tid: int, pid: int) -> bool:
    """Whether `tid` is a thread of process `pid`, proc(5)."""
    return os.path.exists(f"/proc/{pid}/task/{tid}")


class Signals(NamedTuple):
    """Sets of signals of a thread, signal(7); bit n-1 stands for signal n.

    `pending` are those sent to the thread, `shared` those sent to its process.
    """

    pending: int = 0
    shared: int = 0
    blocked: int = 0
    ignored: int = 0
    caught: int = 0


NO_SIGNALS = Signals()

_SIGNALS = re.compile(
    rb"SigPnd:\t(\w+)\nShdPnd:\t(\w+)\nSigBlk:\t(\w+)\nSigIgn:\t(\w+)\nSigCgt:\t(\w+)"
)


def signals_of(pid: int, tid: int) -> Signals:
    """The signals of a thread, proc_pid_status(5); none where it is gone."""
    status = b""
    with suppress(OSError):
        status = contents(f"/proc/{pid}/task/{tid}/status")
    found = _SIGNALS.search(status)
    return Signals(*(int(mask, 16) for mask in found.groups())) if found else NO_SIGNALS
