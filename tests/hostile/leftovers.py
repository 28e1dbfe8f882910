"""What a program may leave behind: processes, files, shared memory, queues."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tests.hostile.attacks import MARK

# What programs here make in the kernel has keys that begin like this one.
KEY = 0x666F726B  # "fork"
_KINDS = {"shm": ("shmid", "shmctl"), "msg": ("msqid", "msgctl"), "sem": ("semid", "")}
_REMOVE = 0

_libc = ctypes.CDLL(None, use_errno=True)


def descendants(pid: int) -> Iterator[int]:
    """All processes that come from one, zombies too."""
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from descendants(int(child))


def reap_dead(besides: Sequence[int]) -> None:
    """Collect who has died and become ours: without us, init(1) would have."""
    for pid in descendants(os.getpid()):
        if pid not in besides:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def told(pid: int) -> str:
    """What a process is, for whoever has to find out why it is still there."""
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text().splitlines()[:7]
        command = Path(f"/proc/{pid}/cmdline").read_bytes()[:200]
        return f"{status} {command!r}"
    return f"{pid}, gone meanwhile"


def end(pids: Sequence[int]) -> None:
    """End what was left behind, so that the next test has nothing to do with it."""
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def marked(folders: Sequence[Path]) -> list[Path]:
    """What lies in these folders under a name that programs here give."""
    return [
        path
        for folder in folders
        for path in folder.glob("*")
        if path.name.startswith(MARK)
    ]


def kernel_objects() -> list[str]:
    """What is left of System V's and POSIX's, sysvipc(7), mq_overview(7)."""
    found = []
    for kind, (identity, _) in _KINDS.items():
        head, *lines = Path(f"/proc/sysvipc/{kind}").read_text().splitlines()
        columns = head.split()
        for line in lines:
            row = dict(zip(columns, line.split(), strict=True))
            if int(row["key"]) & 0xFFFFFFFF == KEY:
                found.append(f"{kind} {row[identity]}")
    if _libc.mq_open(f"/{MARK}queue".encode(), os.O_RDONLY) != -1:
        found.append(f"queue /{MARK}queue")
    return found


def remove(objects: Sequence[str]) -> None:
    """Remove what `kernel_objects` has found."""
    for one in objects:
        kind, name = one.split()
        if kind == "queue":
            _libc.mq_unlink(name.encode())
        elif kind == "sem":
            _libc.semctl(int(name), 0, _REMOVE)
        else:
            _libc[_KINDS[kind][1]](int(name), _REMOVE, None)
