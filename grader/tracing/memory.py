"""How much memory the processes of a run hold together.

Theory of operation. What is held is what the kernel says: the proportional set sizes
of all processes, proc_pid_smaps(5), in which a page that several share counts once,
and what lies in their pipes. To read that takes a third of a millisecond for each
process, so it is read only where it may be too much.

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

import time
from collections.abc import Collection

from grader.tracing.descriptors import Objects, Pipe
from grader.tracing.procfs import pipes_of, proportional, touched

# As fast as a processor fills pages, in bytes a second; and how soon the tracer looks
# again at the soonest, in seconds, because a look costs something as well.
_FASTEST = 8 << 30
_SOONEST = 0.002

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
        self.due = 0.0
        self._most = most
        self._objects = objects
        self._resident = 0
        self._touched: dict[int, tuple[int, int]] = {}
        self._looks = 0
        # What was given since the last look, and the last piece, which may not yet
        # be filled.
        self._given = self._last = 0

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
        held = self._resident + sum(map(_size, self._objects.pipes.values()))
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
        if not any(filled.values()):
            return self._resident
        there = set[str]().union(*map(pipes_of, pids))
        return self._resident + sum(filled[name] for name in there if name in filled)


def _size(pipe: Pipe) -> int:
    """How much memory a pipe takes at most: its pages are filled unevenly, pipe(7)."""
    if pipe.packets or not pipe.sure:
        return pipe.capacity
    return min(2 * pipe.held, pipe.capacity)
