"""Random process trees: what is recorded is what was generated."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.tracing.launch import Zygote
from grader.tracing.program import run
from grader.tracing.recording import (
    End,
    PipeMade,
    Process,
    Read,
    SignalSent,
    Wrote,
)
from grader.tracing.schedule import SCHEDULES, Schedule, pairs, seeded

# Does what its argument says: each process forks its children, with a pipe from each
# that sends something; reads what they send; kills those that pause, once they have
# sent something; waits for those that it is to wait for; and ends.
PROGRAM = """
import json, os, signal, sys

def live(node, out=None):
    started = []
    for child in node["children"]:
        if child["sends"]:
            r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            if child["sends"]:
                os.close(r)
            live(child, w if child["sends"] else None)
        if child["sends"]:
            os.close(w)
            while os.read(r, 100):
                pass
            os.close(r)
        if child["waited"] == "at once" and not child["signal"]:
            os.waitpid(pid, 0)
        started.append((pid, child))
    for pid, child in started:
        if child["signal"]:
            os.kill(pid, child["signal"])
        if child["waited"] == "later" or child["waited"] and child["signal"]:
            os.waitpid(pid, 0)
    if node["sends"]:
        os.write(out, b"x" * node["sends"])
        os.close(out)
    while node["signal"]:
        signal.pause()
    os._exit(node["code"])

live(json.loads(sys.argv[1]))
"""

MOST = 30


@dataclass
class Node:
    """A process as it is to be."""

    code: int
    signal: int = 0
    waited: str = ""
    sends: int = 0
    children: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Who is killed says first that it has come to its end.
        self.sends = max(self.sends, bool(self.signal))

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "children": [c.as_json() for c in self.children]}

    @property
    def size(self) -> int:
        return 1 + sum(child.size for child in self.children)


def _nodes(children: st.SearchStrategy[list[Node]]) -> st.SearchStrategy[Node]:
    return st.builds(
        Node,
        code=st.integers(0, 255),
        signal=st.sampled_from([0, 0, 0, signal.SIGTERM, signal.SIGKILL]),
        waited=st.sampled_from(["", "at once", "later", "later"]),
        sends=st.sampled_from([0, 0, 1, 250]),
        children=children,
    )


_leaves = _nodes(st.just([]))
_inner = st.recursive(
    _leaves, lambda inner: _nodes(st.lists(inner, max_size=5)), max_leaves=MOST
)
TREES = st.builds(
    Node, code=st.integers(0, 255), children=st.lists(_inner, max_size=6)
).filter(lambda tree: tree.size <= MOST)

ANY_SCHEDULE = st.one_of(
    st.sampled_from([*SCHEDULES.values(), *map(pairs, range(4))]),
    st.integers(0, 1 << 16).map(seeded),
)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
    ],
)
@given(tree=TREES, schedule=ANY_SCHEDULE)
def test_a_tree_is_recorded_as_it_was(
    tmp_path: Path, zygote: Zygote, tree: Node, schedule: Schedule
) -> None:
    """Who forked whom, how each ended, who waited, what went through which pipe."""
    file = tmp_path / "tree.py"
    file.write_text(PROGRAM)
    recording = run(
        [str(file), json.dumps(tree.as_json())],
        schedule=schedule,
        zygote=zygote,
        directory=tmp_path,
    )
    assert recording.ended
    assert len(recording.processes) == tree.size
    _same(recording.root, tree)
    sent = {
        (event.pid, event.target, event.signal)
        for event in recording.of(SignalSent)
        if event.signal != signal.SIGCHLD
    }
    assert sent == {
        (process.parent.pid, process.pid, process.killed_by)
        for process in recording.processes
        if process.killed_by and process.parent
    }


def _same(process: Process, node: Node) -> None:
    assert len(process.children) == len(node.children)
    if node.signal:
        assert (process.exit_code, process.killed_by) == (None, node.signal)
    else:
        assert (process.exit_code, process.killed_by) == (node.code, None)
    assert process.output == process.errors == b""
    made = process.of(PipeMade)
    assert len(made) == sum(1 for child in node.children if child.sends)
    pipes = iter(made)
    for child, wanted in zip(process.children, node.children, strict=True):
        assert child.parent is process
        assert child.reaped_by == (process.pid if wanted.waited else None)
        if wanted.sends:
            _carried(next(pipes), process, child, wanted.sends)
        _same(child, wanted)


def _carried(made: PipeMade, reader: Process, writer: Process, count: int) -> None:
    """The pipe took `count` bytes from `writer`, and gave them all to `reader`."""
    reads = [
        event
        for event in reader.of(Read)
        if isinstance(event.source, End) and event.source.pipe == made.pipe
    ]
    writes = [
        event
        for event in writer.of(Wrote)
        if isinstance(event.target, End) and event.target.pipe == made.pipe
    ]
    assert b"".join(event.data for event in writes) == b"x" * count
    assert b"".join(event.data for event in reads) == b"x" * count
    assert reads[-1].count == 0
