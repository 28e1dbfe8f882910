"""A deadlock, proven: who waits for whom, and through what.

At a rest every process waits. Each edge of this graph says who alone could end a wait:
the process that is waited for, whoever holds the other end of a pipe, whoever has the
locked file open. Where everybody who could is waiting too, nobody ever goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

from grader.diagnosis.finding import name, spoken
from grader.diagnosis.history import (
    Held,
    Holdings,
    at_line,
    described,
    place_to_close,
)
from grader.tracing.recording import (
    End,
    Recording,
    Rest,
    Side,
    Snapshot,
    WaitBegan,
    Waiting,
)

_WAITS = ("wait4", "waitid")
_LOCKS = ("flock", "fcntl")


@dataclass(frozen=True, slots=True)
class Edge:
    """`pid` waits for `other`: for its end, or for what it does with `fd`.

    `held` says how the other came to that descriptor, where that is known.
    """

    pid: int
    other: int
    fd: int | None = None
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """One process that waits, since `began`, and who could end that.

    `threads` are the lines at which other threads of it wait for locks.
    """

    pid: int
    waiting: Waiting
    began: WaitBegan | None
    edges: tuple[Edge, ...]
    threads: tuple[int | None, ...] = ()

    @property
    def end(self) -> End | None:
        """The pipe's end that it waits at, if it does."""
        return next((e for e in self.waiting.ends if isinstance(e, End)), None)

    @property
    def fd(self) -> int:
        """The descriptor that it waits at, the pipe's where there is one."""
        at = dict(zip(self.waiting.ends, self.waiting.fds, strict=False))
        return at[self.end] if self.end is not None else self.waiting.fds[0]

    @property
    def line(self) -> int | None:
        """Where in the program it waits."""
        return self.began.line if self.began else self.waiting.line

    @property
    def others(self) -> list[int]:
        """Who could end it, but for itself: it cannot while it waits."""
        return sorted({edge.other for edge in self.edges} - {self.pid})


def graph(run: Recording) -> tuple[Wait, ...]:
    """The waits of a run that was ended at rest, one for each process that waits."""
    rest = run.stuck
    if rest is None:
        return ()
    held = Holdings(run).before(rest.after)
    return tuple(
        _wait(run, rest, held, process)
        for process in rest.processes
        if process.state == "waiting" and process.waiting is not None
    )


def _wait(
    run: Recording,
    rest: Rest,
    held: Holdings,
    process: Snapshot,
) -> Wait:
    pid, waiting = process.pid, process.waiting
    assert waiting is not None
    record = run.process(pid)
    began = {id(e.waiting): e for e in record.of(WaitBegan)} if record else {}
    threads = tuple(
        began[id(other)].line
        for other in process.waits
        if other is not waiting and other.call == "futex" and id(other) in began
    )
    edges: list[Edge] = []
    for end in waiting.ends:
        if isinstance(end, End):
            other = Side.WRITE if end.side is Side.READ else Side.READ
            for holder, fd in rest.holders(End(end.pipe, other)):
                known = held.of(holder).get(fd)
                same = known if known and known.end == End(end.pipe, other) else None
                edges.append(Edge(pid, holder, fd, same))
        elif waiting.call in _LOCKS:
            edges += [
                Edge(pid, one.pid, fd)
                for one in rest.processes
                for fd, target in sorted(one.descriptors.items())
                if target == end and (one.pid, fd) != (pid, waiting.fds[0])
            ]
    if waiting.call in _WAITS and record is not None:
        alive = {p.pid for p in rest.processes if p.state != "zombie"}
        one = waiting.target is not None and waiting.target > 0
        edges += [
            Edge(pid, child.pid)
            for child in record.forked
            if child.pid in alive and (not one or child.pid == waiting.target)
        ]
    return Wait(pid, waiting, began.get(id(waiting)), tuple(edges), threads)


def circle(waits: tuple[Wait, ...]) -> list[int]:
    """Processes of which each waits for the next, and the last for the first."""
    by_pid = {wait.pid: wait for wait in waits}
    for first in by_pid:
        path = [first]
        while True:
            others = by_pid[path[-1]].others
            # Of several who could wake it, no one alone is to blame.
            if len(others) != 1 or others[0] not in by_pid:
                break
            if others[0] in path:
                return path[path.index(others[0]) :]
            path.append(others[0])
    return []


def proof(run: Recording) -> str:
    """Why nothing can ever go on, in words."""
    waits = graph(run)
    text = "; ".join(sentence(run, wait) for wait in waits[:4])
    around = circle(waits)
    if len(around) > 1:
        first = name(run, around[0])
        rest = ", which waits for ".join(name(run, pid) for pid in around[1:])
        text += f"; so {first} waits for {rest}, which waits for {first}"
    return text


def sentence(run: Recording, wait: Wait) -> str:
    """What one process waits for, and who keeps it waiting."""
    who, waiting = name(run, wait.pid), wait.waiting
    begins = f"{who} waits{at_line(wait.line)}"
    if len(set(waiting.ends)) > 1:
        fds = ", ".join(map(str, waiting.fds))
        return f"{begins} in {spoken(waiting.call)} for any of the descriptors {fds}"
    if wait.end is not None:
        tell = _reader if wait.end.side is Side.READ else _writer
        return tell(run, wait, begins)
    if waiting.call in _WAITS:
        one = waiting.target is not None and waiting.target > 0
        return f"{begins} for {name(run, waiting.target) if one else 'a child'} to end"
    if waiting.call in _LOCKS and wait.edges:
        have = _listed(run, wait)
        return (
            f"{begins} for a lock on a file (descriptor {wait.fd}), which is "
            f"open in {have} too"
        )
    if waiting.call == "futex":
        threads = "".join(
            f", and so does another thread{at_line(line)}" for line in wait.threads
        )
        return f"{begins} for a lock or a thread{threads}"
    return f"{begins} in {spoken(waiting.call)}"


def _reader(run: Recording, wait: Wait, begins: str) -> str:
    own = [edge for edge in wait.edges if edge.other == wait.pid]
    if own and not wait.others:
        kept = " and ".join(described(e.fd or 0, e.held) for e in own)
        cures = {place_to_close(edge.held) for edge in own if edge.held}
        cure = f": close it {cures.pop()}" if len(cures) == 1 else ""
        return (
            f"{begins} for end of file on the pipe (descriptor {wait.fd}), and itself "
            f"still holds the pipe's write end open ({kept}){cure}"
        )
    text = (
        f"{begins} for data or end of file on the pipe (descriptor {wait.fd}), whose "
        f"write end is still open in {_listed(run, wait) or 'nobody'}"
    )
    return text + _unused(run, wait)


def _writer(run: Recording, wait: Wait, begins: str) -> str:
    text = f"{begins} for room in the pipe (descriptor {wait.fd}), which is full"
    if not wait.others:
        own = next((edge for edge in wait.edges), None)
        kept = f" ({described(own.fd or 0, own.held)})" if own else ""
        return f"{text}, and whose read end is open in nobody but itself{kept}"
    readers = " and ".join(name(run, pid) for pid in wait.others)
    return f"{text}, and which only {readers} could empty"


def _listed(run: Recording, wait: Wait) -> str:
    return ", and in ".join(
        f"{'itself' if e.other == wait.pid else name(run, e.other)} "
        f"({described(e.fd or 0, e.held)})"
        for e in wait.edges[:4]
    )


def _unused(run: Recording, wait: Wait) -> str:
    """What those can do who never wrote there; whether they meant to is theirs."""
    idle = [e.held for e in wait.edges if e.held and e.held.used is None]
    if not idle:
        return ""
    places = ", ".join(
        f"{name(run, held.pid)} {place_to_close(held)}" for held in idle[:3]
    )
    return f": who is not to write there has to close it, {places}"


def graph_json(run: Recording) -> list[dict[str, object]]:
    """The graph as docs/recording.md describes it."""
    return [
        {
            "pid": wait.pid,
            "call": wait.waiting.call,
            "line": wait.line,
            "pipe": wait.end.pipe if wait.end else None,
            "for": [_edge_json(edge) for edge in wait.edges],
        }
        for wait in graph(run)
    ]


def _edge_json(edge: Edge) -> dict[str, object]:
    held = edge.held
    told: dict[str, object] = {"pid": edge.other, "descriptor": edge.fd}
    if held is not None:
        told |= {
            "made_at": held.made.line,
            "came_by": type(held.came).__name__,
            "came_at": held.came.line,
            "used_at": held.used.line if held.used else None,
            "close": place_to_close(held),
        }
    return told
