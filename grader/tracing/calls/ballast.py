"""A pipe with little room in it, until somebody looks what it holds.

The kernel's smallest pipe holds a page, pipe(7), and to fill that a number a line takes
a thousand writes, each of them a stop. So the tracer lays bytes of its own into a pipe
that is to be smaller, and takes them out again before anybody reads or polls: they are
the first in it. So they do before anybody asks how many bytes lie there, FIONREAD in
ioctl_tty(2). What a full pipe does to its writers is the kernel's doing.
"""

from __future__ import annotations

import fcntl
import os

from grader.tracing.calls.handler import Tracing
from grader.tracing.descriptors import Files, Pipe
from grader.tracing.recording import End
from grader.tracing.tracee import Stir


def shrink(pipe: Pipe, files: Files, fds: tuple[int, int], size: int) -> None:
    """Leave `size` bytes of room in a new pipe, whose ends are `fds` of a process.

    Raises ``OSError`` where the process is gone.
    """
    end = files.open(fds[1], os.O_WRONLY)
    try:
        pipe.capacity = fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, size)
        if size < pipe.capacity:
            pipe.ballast = os.write(end, bytes(pipe.capacity - size))
    finally:
        os.close(end)


def unload(tracing: Tracing, files: Files, fd: int, pipe: Pipe) -> None:
    """Give a pipe all its room: somebody looks into it through `fd`."""
    end = files.open(fd, os.O_RDONLY)
    try:
        while pipe.ballast:
            pipe.ballast -= len(os.read(end, pipe.ballast))
    finally:
        os.close(end)
    tracing.stir(Stir.DATA, pipe.number)


def unload_all(tracing: Tracing, files: Files) -> None:
    """Give all pipes that a process has open all their room.

    Also those that it can only write to: poll(2) calls a pipe writable that has a whole
    page free.
    """
    laden = {p.number: p for p in tracing.objects.by_number.values() if p.ballast}
    if not laden:
        return
    for fd, target in files.list().items():
        if isinstance(target, End):
            pipe = laden.pop(target.pipe, None)
            if pipe is not None:
                unload(tracing, files, fd, pipe)
