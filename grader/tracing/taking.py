"""What single calls take of memory, of files and of what may be written to them.

The calls of `syscalls.TAKING` stop to be counted before they are made, and go on as if
nothing had been: that they were made is no event, and no moment for others to go on.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Collection
from typing import Final, NamedTuple

from grader.tracing import syscalls
from grader.tracing.calls.files import path_of
from grader.tracing.descriptors import Objects
from grader.tracing.limits import Limits
from grader.tracing.memory import Memory
from grader.tracing.procfs import heap_end
from grader.tracing.recording import Excess, Limit
from grader.tracing.tracee import Thread

_NAMES: Final = {number: name for name, number in syscalls.TAKING.items()}
CALLS: Final = frozenset(_NAMES)

_PUNCH_HOLE = 2  # fallocate(2)
_IOV_MAX = 1024
_AF_UNIX = 1
_LONGEST_ADDRESS = 110  # struct sockaddr_un

# Where a call has the name of what it makes, and the folder that it is in, if it is
# given one. What memfd_create(2) makes is in none.
_FOLDER_AND_NAME: Final[dict[str, tuple[int | None, int]]] = {
    "open": (None, 0),
    "openat": (0, 1),
    "creat": (None, 0),
    "mkdir": (None, 0),
    "mkdirat": (0, 1),
    "mknod": (None, 0),
    "mknodat": (0, 1),
    "link": (None, 1),
    "linkat": (2, 3),
    "symlink": (None, 1),
    "symlinkat": (1, 2),
}


class _Asked(NamedTuple):
    """What a call asks for: bytes of memory, new files, bytes in files."""

    memory: int = 0
    files: int = 0
    file_bytes: int = 0


class Taken:
    """What a run has taken so far, and whether a call may take what it asks for."""

    def __init__(self, limits: Limits, objects: Objects) -> None:
        self.memory = Memory(limits.memory_mib << 20, objects)
        self._limits = limits
        self._files = self._file_bytes = 0
        self._heaps: dict[int, int] = {}  # where they end, by pid

    def excess(
        self,
        thread: Thread,
        number: int,
        arguments: tuple[int, ...],
        pids: Collection[int],
    ) -> Excess | None:
        """The limit that a call would exceed that is about to be made, if one."""
        name = _NAMES[number]
        if name == "brk":
            asked = _Asked(memory=self._heap_grows(thread.pid, arguments[0]))
        else:
            asked = _asked(thread, name, arguments)
        if asked.memory > 0 and not self.memory.has_room(pids, asked.memory):
            return self.excess_memory()
        self._files += asked.files
        if self._files > self._limits.files:
            return Excess(Limit.FILES, self._files, self._limits.files)
        return self.excess_in_files(asked.file_bytes)

    def _heap_grows(self, pid: int, end: int) -> int:
        """By how much the heap of a process grows that is to end there, brk(2)."""
        if not end:  # a program that just began asks where it ends
            self._heaps.pop(pid, None)
            return 0
        former = self._heaps.get(pid) or heap_end(pid) or end
        self._heaps[pid] = end
        return end - former

    def excess_memory(self) -> Excess:
        """What was found to be too much memory."""
        most = self._limits.memory_mib << 20
        return Excess(Limit.MEMORY, self.memory.used, most)

    def excess_in_files(self, size: int) -> Excess | None:
        """Whether files hold too much when `size` bytes more are written to them."""
        self._file_bytes += size
        if self._file_bytes <= self._limits.file_bytes:
            return None
        return Excess(Limit.FILE_BYTES, self._file_bytes, self._limits.file_bytes)


def _asked(thread: Thread, name: str, arguments: tuple[int, ...]) -> _Asked:
    owner = thread.owner
    match name:
        case "mmap":
            size, flags, fd = arguments[1], arguments[3], arguments[4] & 0xFFFFFFFF
            if not flags & syscalls.MAP_SHARED or flags & syscalls.MAP_ANONYMOUS:
                return _Asked(memory=size)
            # What is changed there later is in the file, and no call tells of it.
            return _Asked(file_bytes=size if owner.files.is_writable(fd) else 0)
        case "mprotect":
            return _Asked(memory=arguments[1])
        case "mremap":
            return _Asked(memory=arguments[2] - arguments[1])
        case "pwrite64":
            return _Asked(file_bytes=arguments[2])
        case "pwritev":
            data = owner.read(arguments[1], min(arguments[2], _IOV_MAX) * 16)
            parts = struct.iter_unpack("=QQ", data[: len(data) // 16 * 16])
            return _Asked(file_bytes=sum(length for _, length in parts))
        case "fallocate":
            gives_back = arguments[1] & _PUNCH_HOLE
            return _Asked(file_bytes=0 if gives_back else arguments[3])
        case "copy_file_range":
            # Programs ask for more than there is, to get all of it.
            there = owner.files.size(arguments[0])
            return _Asked(file_bytes=min(arguments[4], there))
        case "memfd_create":
            return _Asked(files=1)
        case "bind":
            return _Asked(files=int(_makes_socket(thread, arguments)))
    return _Asked(files=int(_makes_file(thread, name, arguments)))


def _makes_file(thread: Thread, name: str, arguments: tuple[int, ...]) -> bool:
    """Whether a call makes something that was not there."""
    flags = {"open": arguments[1], "openat": arguments[2]}.get(name, os.O_CREAT)
    if flags & os.O_TMPFILE == os.O_TMPFILE:
        return True
    if not flags & os.O_CREAT:
        return False
    folder, at = _FOLDER_AND_NAME[name]
    path = path_of(thread, arguments[at], None if folder is None else arguments[folder])
    return path is not None and not os.path.lexists(path)


def _makes_socket(thread: Thread, arguments: tuple[int, ...]) -> bool:
    """Whether bind(2) makes a file that was not there: that of a socket, unix(7)."""
    size = min(arguments[2] & 0xFFFFFFFF, _LONGEST_ADDRESS)
    address = thread.owner.read(arguments[1], size)
    name = address[2:].partition(b"\0")[0]
    if int.from_bytes(address[:2], sys.byteorder) != _AF_UNIX or not name:
        return False
    return not os.path.lexists(os.path.join(b"/proc/%d/cwd" % thread.pid, name))
