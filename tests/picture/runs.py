"""Recordings written down by hand: the same pids, times and bytes every time."""

from __future__ import annotations

from typing import Any

from grader.tracing.recording import (
    Closed,
    End,
    Ended,
    Event,
    EventType,
    Forked,
    HandlerSet,
    PipeMade,
    Process,
    Read,
    Recording,
    Rest,
    Side,
    SignalDelivered,
    SignalSent,
    Snapshot,
    Started,
    Stream,
    WaitBegan,
    Waited,
    Waiting,
    Wrote,
)

SIGCHLD = 17


class Run:
    """A recording that grows by what its processes do."""

    def __init__(self, *argv: str, pid: int = 4101) -> None:
        self.time = 0.0
        self.events: list[Event] = []
        self.processes: dict[int, Process] = {}
        began = Started(index=0, time=0.0, pid=pid, argv=argv or ("./program.py",))
        self.root = pid
        self.processes[pid] = Process(pid, None, began, began.argv)
        self._keep(began)

    def _keep(self, event: EventType) -> EventType:
        self.events.append(event)
        if event.pid in self.processes:
            self.processes[event.pid].events.append(event)
        return event

    def add(self, kind: type[EventType], pid: int, **what: Any) -> EventType:
        """An event of any kind."""
        return self._keep(kind(index=len(self.events), time=self.time, pid=pid, **what))

    def fork(self, pid: int | None = None, child: int | None = None) -> int:
        """A process forks; the child's pid is the next one, or `child`."""
        parent = self.processes[pid or self.root]
        child = child or max(self.processes) + 1
        event = self.add(Forked, parent.pid, child=child)
        made = Process(child, parent, event, parent.argv)
        parent.forked.append(made)
        self.processes[child] = made
        return child

    def end(self, pid: int, code: int = 0, *, merged: bool = False) -> None:
        """A process ends with an exit code, and its parent gets SIGCHLD."""
        process = self.processes[pid]
        process.ended = self.add(Ended, pid, exit_code=code, signal=None)
        if process.parent is not None and process.parent.ended is None:
            self.send(pid, process.parent.pid, SIGCHLD, merged=merged)

    def collect(self, pid: int, child: int) -> None:
        """A process collects a child that has ended."""
        ended = self.processes[child].ended
        assert ended is not None
        self.processes[child].collected = self.add(
            Waited,
            pid,
            tid=pid,
            target=child,
            no_hang=False,
            child=child,
            exit_code=ended.exit_code,
            signal=None,
            error=0,
        )

    def waits(self, pid: int, call: str, **what: Any) -> None:
        """A process begins to wait, and others go on."""
        self.add(WaitBegan, pid, tid=pid, waiting=Waiting(call, **what))

    def send(self, pid: int, target: int, signal: int, *, merged: bool = False) -> None:
        """A signal is sent."""
        self.add(SignalSent, pid, signal=signal, target=target, merged=merged)

    def handle(self, pid: int, signal: int) -> None:
        """A signal reaches its handler."""
        self.add(
            SignalDelivered, pid, signal=signal, action="handler", interrupted=None
        )

    def write(self, pid: int, data: bytes, pipe: int | None = None) -> None:
        """A process writes into a pipe, or to the terminal."""
        target = Stream.TERMINAL if pipe is None else End(pipe, Side.WRITE)
        fd = 1 if pipe is None else 4
        self.add(Wrote, pid, fd=fd, target=target, data=data, count=len(data), error=0)

    def read(self, pid: int, data: bytes, pipe: int = 1) -> None:
        """A process reads from a pipe."""
        source = End(pipe, Side.READ)
        self.add(Read, pid, fd=3, source=source, data=data, count=len(data), error=0)

    def done(self, stuck: list[Snapshot] | None = None) -> Recording:
        """The recording; `stuck` is where it rests for ever."""
        rest = Rest(self.time, len(self.events), tuple(stuck)) if stuck else None
        return Recording(
            "take_turns",
            "they take turns, call by call",
            self.processes[self.root],
            list(self.processes.values()),
            self.events,
            stuck=rest,
            duration=self.time,
        )


def two() -> Recording:
    """A parent that reads from its child, and itself holds the write end."""
    run = Run("./exercise2.py")
    parent = run.root
    run.add(PipeMade, parent, pipe=1, read_fd=3, write_fd=4)
    child = run.fork()
    run.add(Closed, child, fd=3, end=End(1, Side.READ), error=0)
    reads: dict[str, Any] = {"fds": (3,), "ends": (End(1, Side.READ),)}
    run.waits(parent, "read", **reads)
    for number in (b"1\n", b"2\n"):
        run.write(child, number, 1)
        run.read(parent, number)
        run.waits(child, "clock_nanosleep", deadline=run.time + 0.5)
        run.write(parent, b"received : " + number)
        run.waits(parent, "read", **reads)
        run.time += 0.5
    run.add(Closed, child, fd=4, end=End(1, Side.WRITE), error=0)
    run.end(child)
    held = {3: End(1, Side.READ), 4: End(1, Side.WRITE)}
    return run.done(
        [
            Snapshot(parent, "waiting", (Waiting("read", **reads),), dict(held)),
            Snapshot(child, "zombie", (), {}),
        ]
    )


def six() -> Recording:
    """Five children end while SIGCHLD is blocked: it merges, one is collected."""
    run = Run("./exercise4.py", "5")
    parent = run.root
    run.add(HandlerSet, parent, signal=SIGCHLD, disposition="handler")
    children = [run.fork() for _ in range(5)]
    for number, child in enumerate(children):
        run.write(child, f"this is child, pid = {child}\n".encode())
        run.end(child, number, merged=number > 0)
    run.handle(parent, SIGCHLD)
    run.collect(parent, children[0])
    run.write(parent, b"Child Finish\n")
    run.waits(parent, "pause")
    return run.done(
        [
            Snapshot(parent, "waiting", (Waiting("pause"),), {}),
            *[Snapshot(child, "zombie", (), {}) for child in children[1:]],
        ]
    )


def twenty() -> Recording:
    """Nineteen children that live side by side, and sleep, and are collected."""
    run = Run("./many.py", pid=2_000_001)
    children = []
    for number in range(19):
        children.append(run.fork())
        run.waits(children[-1], "clock_nanosleep", deadline=1.0 + number % 3)
    run.waits(run.root, "wait4", target=-1)
    for second in range(3):
        run.time += 1
        for number, child in enumerate(children):
            if number % 3 == second:
                run.end(child, number)
                run.collect(run.root, child)
    run.end(run.root)
    return run.done()


def at_lines(run: Recording, lines: dict[int, int]) -> Recording:
    """The same run, with the line of the program in each event of these indices."""
    for index, line in lines.items():
        object.__setattr__(run.events[index], "line", line)  # in all that hold it
    return run
