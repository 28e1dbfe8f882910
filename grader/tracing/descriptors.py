"""What the descriptors of a process are open on, and which calls on them can block."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

from grader.tracing.procfs import contents
from grader.tracing.recording import End, Side, Stream, Target


@dataclass(slots=True)
class Pipe:
    """A pipe of the run: its number, and the bytes now in it.

    `held` counts nothing any more once a write was half done: see `sure`. `packets`:
    each write may be a packet of its own, O_DIRECT in pipe(2). `ballast` is what the
    tracer has put there, see `calls.ballast`.
    """

    number: int
    held: int = 0
    sure: bool = True
    capacity: int = 65536
    packets: bool = False
    ballast: int = 0

    @property
    def room(self) -> int:
        """How many bytes the program can put there, while it is empty."""
        return self.capacity - self.ballast


@dataclass(slots=True)
class Objects:
    """The pipes and streams of a run, by what /proc calls them."""

    streams: dict[str, Stream]
    pipes: dict[str, Pipe] = field(default_factory=dict)
    by_number: dict[int, Pipe] = field(default_factory=dict)

    def add_pipe(self, name: str) -> Pipe:
        """Remember a pipe that was just made; `name` is like ``pipe:[4711]``."""
        pipe = Pipe(len(self.by_number) + 1)
        self.pipes[name] = self.by_number[pipe.number] = pipe
        return pipe


@dataclass(frozen=True, slots=True)
class Opened:
    """What one descriptor is open on, and whether using it can block.

    `prints`: whether what is written there comes out of the program; `standard`:
    whether it is one of the program's own standard streams.
    """

    target: Target
    may_block: bool
    prints: bool = False
    standard: bool = False


class Files:
    """A process's descriptor table, learned as it is used.

    What is remembered is right because every call that closes or replaces a
    descriptor is traced; that one is closed is never remembered.
    """

    def __init__(self, pid: int, objects: Objects) -> None:
        self._pid = pid
        self._objects = objects
        self._known: dict[int, Opened] = {}

    def copy(self, pid: int) -> Files:
        """The table of a new child: the same descriptors, fork(2)."""
        files = Files(pid, self._objects)
        files._known = dict(self._known)
        return files

    def at(self, fd: int) -> Opened | None:
        """What `fd` is open on, None where it is closed."""
        opened = self._known.get(fd)
        if opened is None:
            opened = self._look(fd)
            if opened is not None:
                self._known[fd] = opened
        return opened

    def forget(self, fd: int | None = None) -> None:
        """A call changed `fd`, or (None) any of them."""
        if fd is None:
            self._known.clear()
        else:
            self._known.pop(fd, None)

    def list(self) -> dict[int, Target]:
        """Every open descriptor, as the kernel lists them now."""
        try:
            names = os.listdir(f"/proc/{self._pid}/fd")
        except OSError:
            return {}
        found = ((int(name), self.at(int(name))) for name in names)
        return {fd: opened.target for fd, opened in sorted(found) if opened}

    def has_pidfd(self) -> bool:
        """Whether it has a descriptor that tells when a process ends, pidfd_open(2)."""
        return any("pidfd" in str(target) for target in self.list().values())

    def is_nonblocking(self, fd: int) -> bool:
        """Whether O_NONBLOCK is set on what `fd` is open on."""
        return bool(int(self.info(fd).get("flags", "0"), 8) & os.O_NONBLOCK)

    def position(self, fd: int) -> int:
        """The offset in bytes at which a file is read or written next, lseek(2)."""
        return int(self.info(fd).get("pos", "0"))

    def is_writable(self, fd: int) -> bool:
        """Whether what `fd` is open on can be changed through it, open(2)."""
        flags = int(self.info(fd).get("flags", "0"), 8)
        return flags & os.O_ACCMODE != os.O_RDONLY

    def size(self, fd: int) -> int:
        """The size in bytes of what `fd` is open on; 0 where it is closed."""
        try:
            return os.stat(self.path(fd)).st_size
        except OSError:
            return 0

    def path(self, fd: int) -> str:
        """A path through which the tracer can open what `fd` is open on."""
        return f"/proc/{self._pid}/fd/{fd}"

    def open(self, fd: int, access: int) -> int:
        """A descriptor of ours on the same, with which the tracer never waits.

        `access` is ``O_RDONLY`` or ``O_WRONLY``, open(2). Raises ``OSError`` where `fd`
        is closed, or the process gone.
        """
        return os.open(self.path(fd), access | os.O_NONBLOCK | os.O_CLOEXEC)

    def states(self) -> tuple[tuple[str, bytes], ...]:
        """What the kernel says of each open descriptor: where it is in a file, say."""
        folder = f"/proc/{self._pid}/fdinfo"
        try:
            return tuple(
                (fd, contents(f"{folder}/{fd}")) for fd in sorted(os.listdir(folder))
            )
        except OSError:
            return ()

    def info(self, fd: int) -> dict[str, str]:
        """The fields of /proc/PID/fdinfo/FD, proc(5); empty where it is closed."""
        try:
            info = contents(f"/proc/{self._pid}/fdinfo/{fd}")
        except OSError:
            return {}
        fields = (line.partition(":") for line in info.decode().splitlines())
        return {name: value.strip() for name, _, value in fields}

    def _look(self, fd: int) -> Opened | None:
        path = self.path(fd)
        try:
            name = os.readlink(path)
            if name in self._objects.pipes:
                readable = os.lstat(path).st_mode & stat.S_IRUSR
                side = Side.READ if readable else Side.WRITE
                return Opened(End(self._objects.pipes[name].number, side), True)
            if name in self._objects.streams:
                stream = self._objects.streams[name]
                writable = bool(os.lstat(path).st_mode & stat.S_IWUSR)
                prints = writable and stream is not Stream.INPUT
                return Opened(stream, True, prints, standard=True)
            mode = os.stat(path).st_mode
        except OSError:
            return None
        at_once = stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISBLK(mode)
        return Opened(name, not at_once and name != os.devnull)
