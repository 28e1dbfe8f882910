"""Rubbish: calls made at random, and what decoders make of bytes that mean nothing."""

from __future__ import annotations

import json
import os
import signal
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.course import results
from grader.exploring.choices import decode, encode
from grader.tracing import looking, seeded, syscalls, take_turns
from grader.tracing.caches import Caches
from grader.tracing.calls import TABLE
from grader.tracing.clock import from_timespec, from_timeval
from grader.tracing.descriptors import Files, Objects
from grader.tracing.launch import Zygote
from grader.tracing.lines import Interpreter
from grader.tracing.program import run
from grader.tracing.recording import Process, Recording, Started
from grader.tracing.serving import Serving
from grader.tracing.tracee import Call, Thread, Traced
from grader.tracing.tracer import Tracer
from grader.verdict import Verdict
from tests.hostile.course import LIMITS
from tests.report.verdicts import PARTIAL
from tests.tracing.test_looking import a_vdso

RANDOM_CALLS = Path(__file__).parent / "programs" / "random_calls.py"
# Calls that are made at random here; `benchmarks.soak` makes more.
PROGRAMS, CALLS = 20, 500
ENOUGH = replace(
    LIMITS,
    processes=40,
    output_bytes=1 << 50,
    cpu_seconds=20,
    memory_mib=200,
    real_seconds=20,
    events=100_000,
)


def calls_at_random(zygote: Zygote, seed: int) -> Recording:
    """A run of a program that makes as many as `CALLS`."""
    return run(
        [str(RANDOM_CALLS), str(seed), str(CALLS)],
        zygote=zygote,
        limits=ENOUGH,
        schedule=seeded(seed) if seed % 2 else take_turns,
        stdout="pipe" if seed % 3 else "terminal",
    )


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_calls_at_random(zygote: Zygote, seed: int) -> None:
    """All are made, whatever they are, and the tracer sees their program end.

    They are ten thousand together, the same ones each time.
    """
    recording = calls_at_random(zygote, seed)
    assert recording.exceeded is None
    assert f"{CALLS} calls" in recording.output.decode(errors="replace")
    assert recording.ended


class _Rubbish(Traced):
    """A process in whose memory nothing means anything."""

    memory = b""

    def read(self, address: int, size: int) -> bytes:
        return self.memory[:size]

    def write(self, address: int, data: bytes) -> bool:
        return bool(address & 1)


def _no_interpreter() -> Interpreter:
    raise AssertionError("nothing of an interpreter is asked for")


class _Deaf(Serving):
    """Has what handlers decide, and does not do it."""

    def answer(self, thread: Thread, result: int) -> None:
        """Change no registers."""

    def change(self, thread: Thread, call: Call, arguments: dict[int, int]) -> None:
        """Change no registers."""

    def replace(
        self, thread: Thread, call: Call, number: int, arguments: dict[int, int]
    ) -> None:
        """Change no registers."""


@pytest.fixture(scope="module")
def waiting() -> Iterator[int]:
    """A process that waits, with nothing open but a file and a pipe's ends."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(r, 1)
        os.dup2(w, 2)
        os.closerange(3, 1 << 10)
        while True:
            signal.pause()
    os.close(r)
    os.close(w)
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


_ARGUMENT = st.one_of(
    st.integers(0, 3),
    st.integers(0, 2**64 - 1),
    st.sampled_from([2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1]),
)


@settings(
    max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    name=st.sampled_from(sorted(set(TABLE) - {"clock_gettime"})),
    arguments=st.tuples(*[_ARGUMENT] * 6),
    memory=st.binary(max_size=80),
)
def test_arguments_that_mean_nothing(
    waiting: int, name: str, arguments: tuple[int, ...], memory: bytes
) -> None:
    """What a call means is decided without a fault, whatever it is given."""
    if name in ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"):
        arguments = (waiting, *arguments[1:])
    tracer = Tracer(take_turns, ENOUGH, {}, lambda: None, Caches(_no_interpreter))
    serving = tracer.serving
    serving.__class__ = _Deaf
    objects = Objects({})
    objects.add_pipe(os.readlink(f"/proc/{waiting}/fd/1"))
    serving.objects = objects
    started = Started(index=0, time=0.0, pid=waiting, argv=())
    record = Process(pid=waiting, parent=None, began=started, argv=())
    owner = _Rubbish(waiting, 0, 0, record, Files(waiting, objects))
    owner.memory = memory
    thread = Thread(waiting, owner)
    owner.threads[waiting] = thread
    try:
        TABLE[name].enter(serving, thread, Call(0, name, arguments, 8))
    finally:
        tracer.clock.close()


@given(st.binary(max_size=40))
def test_times_that_are_none(data: bytes) -> None:
    """They are no times, or lie in the future."""
    for read in (from_timespec, from_timeval):
        moment = read(data)
        assert moment is None or moment >= 0


@given(st.binary(min_size=8, max_size=400))
def test_a_stack_that_is_none(stack: bytes) -> None:
    """Where its auxiliary vector names the vDSO is a place in it, or nowhere."""
    found = syscalls.vdso_entry(stack)
    assert found is None or 0 < found <= len(stack) - 16
    if found is not None:
        assert struct.unpack_from("=Q", stack, found) == (33,)


_VDSO = a_vdso({"__vdso_clock_gettime": 900, "__vdso_time": 40, "__vdso_getcpu": 40})


@given(st.lists(st.tuples(st.integers(0, len(_VDSO) - 1), st.integers(0, 255))))
def test_a_vdso_that_is_none(changes: list[tuple[int, int]]) -> None:
    """It is left alone, or what is changed of it lies within it."""
    image = bytearray(_VDSO)
    for place, value in changes:
        image[place] = value
    patch = looking._patch_of(bytes(image))
    assert patch is None or 0 <= patch.start <= patch.start + len(patch.data) <= len(
        image
    )


@given(st.one_of(st.text(), st.text("x0123ab+-").map(lambda text: f"x{text}")))
def test_codes_that_are_none(code: str) -> None:
    """A schedule's code is one, or is said to be none."""
    try:
        choices = decode(code)
    except ValueError:
        return
    assert decode(encode(choices)) == choices


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_verdicts_that_are_none(data: st.DataObject) -> None:
    """A verdict of another shape is none, and that is what is said."""
    document: Any = json.loads(json.dumps(PARTIAL.as_json()))
    place = document
    while True:
        keys: list[Any] = (
            list(place) if isinstance(place, dict) else [*range(len(place))]
        )
        key = data.draw(st.sampled_from(keys))
        if (
            isinstance(place[key], (dict, list))
            and place[key]
            and data.draw(st.booleans())
        ):
            place = place[key]
            continue
        place[key] = data.draw(_JSON)
        break
    try:
        verdict = Verdict.from_json(document)
    except ValueError:
        return
    json.dumps(verdict.as_json())


@given(data=st.one_of(st.binary(), _JSON.map(lambda data: json.dumps(data).encode())))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_results_that_are_none(tmp_path: Path, data: bytes) -> None:
    """A file of results that another wrote is not trusted."""
    file = tmp_path / "result.json"
    for content in (data, b"[" * 20_000):
        file.write_bytes(content)
        assert results._read(file) is None
