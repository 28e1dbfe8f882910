"""What the kernel says of a thread or a process: proc(5)."""

from __future__ import annotations

import os
import time

_PAGE = os.sysconf("SC_PAGESIZE")


def state_of(tid: int) -> str:
    """The state letter of a thread, proc(5); "" where it is gone."""
    try:
        with open(f"/proc/{tid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2][:1].decode()
    except OSError:
        return ""


def resident(pid: int) -> int:
    """The resident set size of a process in bytes, proc(5); 0 where it is gone."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def proportional(pid: int) -> int:
    """Its share of the memory it has resident, in bytes, proc_pid_smaps(5)."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            lines = file.readlines()
    except OSError:
        return 0
    shares = (line.split()[1] for line in lines if line.startswith("Pss:"))
    return int(next(shares, "0")) << 10


def cpu_time(pid: int) -> int:
    """The processor time a process has used, in nanoseconds; 0 where it is gone."""
    try:
        return time.clock_gettime_ns(~pid << 3 | 2)  # clock_getcpuclockid(3)
    except OSError:
        return 0


def thread_status(pid: int, tid: int) -> dict[str, str]:
    """The fields of a thread's status file, proc(5); empty where it is gone."""
    try:
        with open(f"/proc/{pid}/task/{tid}/status", encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return {}
    fields = (line.partition(":") for line in text.splitlines())
    return {key: value.strip() for key, _, value in fields}
