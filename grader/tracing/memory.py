"""How much memory the processes of a run hold together.

Theory of operation. What is held is what the kernel says: the proportional set sizes
of all processes, proc_pid_smaps(5), in which a page that several share counts once,
and what lies in their pipes and sockets. To read that takes a third of a millisecond
for each process, so it is read only where it may be too much.

Programs take memory by calls: allocators ask for a piece, brk(2) or mmap(2), and fill
it. Those calls stop, and what does not fit is not given. So whatever grows is ended
exactly at the limit, however fast the machine is.

What is filled without a call between is seen only by looking: pages that were shared
with a parent since fork(2), or pieces that were given one after the other and filled
later. That takes time, so the next look comes before what is left can be filled;
where others use the processor as well, it comes a little later. How much was touched
since the last measure is at most the pages that were faulted in, or by how much more
is resident, which a line of /proc tells.
"""

from __future__ import annotations

import fcntl
import socket
import sys
import termios
import time
from collections.abc import Collection

from grader.tracing import ptrace
from grader.tracing.descriptors import Objects, Pipe
from grader.tracing.procfs import channels_of, proportional, touched

# As fast as a processor fills pages, in bytes a second; and how soon the tracer looks
# again at the soonest, in seconds, because a look costs something as well.
_FASTEST = 8 << 30
_SOONEST = 0.002

# What a message in a socket takes beside its bytes, sk_buff.
_MESSAGE = 1024

# So often a look measures anyway: what ended processes have left behind in memory that
# others share is in no process's faults.
_MEASURED_EACH = 16


class Memory:
    """The memory of one run, and whether it is more than the run may hold.

    `used` is what was held at the last look, in bytes, or would have been if what
    was asked for had been given. `due` is when to look next, on the clock of
    ``time.monotonic``.
    """

    def __init__(self, most: int, objects: Objects) -> None:
        self.used = 0
        self.due = time.monotonic() + most / _FASTEST
        self._most = most
        self._objects = objects
        self._resident = self._lying_in_sockets = 0
        self._touched: dict[int, tuple[int, int]] = {}
        self._looks = 0
        # What was given since the last look, and the last piece, which may not yet
        # be filled.
        self._given = self._last = 0
        self._sent = 0  # into sockets, since the last measure
        self._has_sent = False

    def sends(self, count: int) -> None:
        """So many bytes were sent into a socket, in one call."""
        self._sent += 2 * count + _MESSAGE
        self._has_sent = True

    def is_too_much(self, pids: Collection[int]) -> bool:
        """Whether the processes hold more than they may."""
        self._looks += 1
        held = self._at_most(pids)
        if held > self._most or self._looks % _MEASURED_EACH == 0:
            held = self._measure(pids)
        self.used, self._given = held, self._last
        left = (self._most - held) / _FASTEST
        self.due = time.monotonic() + max(left, _SOONEST)
        return held > self._most

    def has_room(self, pids: Collection[int], size: int) -> bool:
        """Whether one of the processes may be given `size` bytes more."""
        if self.used + self._given + size <= self._most:
            self._given += size
            self._last = size
            return True
        held = self._at_most(pids)
        if held + size > self._most:
            held = self._measure(pids)
        if held + size > self._most:
            self.used = held + size
            return False
        self.used, self._given, self._last = held, size, size
        return True

    def _at_most(self, pids: Collection[int]) -> int:
        """What is held at most, from what was touched since the last measure."""
        pipes = sum(map(_size, self._objects.pipes.values()))
        held = self._resident + self._lying_in_sockets + self._sent + pipes
        for pid in pids:
            faults, resident = touched(pid)
            faults_then, resident_then = self._touched.get(pid, (0, 0))
            held += max(faults - faults_then, resident - resident_then, 0)
        return held

    def _measure(self, pids: Collection[int]) -> int:
        # In this order: what is touched between the two then counts twice.
        self._touched = {pid: touched(pid) for pid in pids}
        self._resident = sum(map(proportional, pids))
        filled = {name: _size(pipe) for name, pipe in self._objects.pipes.items()}
        self._lying_in_sockets = self._sent = lying_in_pipes = 0
        if self._has_sent or any(filled.values()):
            there: dict[str, tuple[int, int]] = {}
            for pid in pids:
                there |= {name: (pid, fd) for name, fd in channels_of(pid).items()}
            lying_in_pipes = sum(filled.get(name, 0) for name in there)
            self._lying_in_sockets = sum(
                _queued(*at) for name, at in there.items() if name.startswith("socket:")
            )
        return self._resident + self._lying_in_sockets + lying_in_pipes


def _queued(pid: int, fd: int) -> int:
    """How much memory what was sent through a socket takes, unix(7); 0 if gone."""
    try:
        with socket.socket(fileno=ptrace.borrow_descriptor(pid, fd)) as ours:
            sent = fcntl.ioctl(ours, termios.TIOCOUTQ, bytes(4))
    except OSError:
        return 0
    return int.from_bytes(sent, sys.byteorder)


def _size(pipe: Pipe) -> int:
    """How much memory a pipe takes at most: its pages are filled unevenly, pipe(7)."""
    if pipe.packets or not pipe.sure:
        return pipe.capacity
    return min(2 * pipe.held, pipe.capacity)
