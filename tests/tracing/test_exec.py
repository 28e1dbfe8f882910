"""New programs: exec, vfork, posix_spawn, subprocess, multiprocessing."""

from __future__ import annotations

import pytest

from grader.tracing.recording import Executed
from grader.tracing.schedule import SCHEDULES, Schedule
from tests.conftest import Run


def test_exec(run: Run) -> None:
    """A process that becomes another program keeps its pid."""
    recording = run("import os; os.execvp('sh', ['sh', '-c', 'echo $$; exit 5'])")
    assert recording.output == f"{recording.root.pid}\n".encode()
    assert recording.root.exit_code == 5
    assert len(recording.of(Executed)) == 1


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=lambda s: s.name)
def test_what_stays_open_on_exec(run: Run, schedule: Schedule) -> None:
    """Those descriptors that are inheritable, however they came to be."""
    recording = run(
        """
        import os
        r, w = os.pipe()
        os.set_inheritable(r, True)
        assert (r, w) == (3, 4)
        os.dup2(w, 9)
        os.pipe2(0)
        os.dup2(w, 10, inheritable=False)
        os.execv("/bin/true", ["true"])
        """,
        schedule=schedule,
    )
    (executed,) = recording.of(Executed)
    assert executed.kept == (0, 1, 2, 3, 5, 6, 9)


def test_exec_that_fails(run: Run) -> None:
    """The program goes on, and no new one is recorded."""
    recording = run(
        """
        import os
        try:
            os.execv("/no/such/program", ["program"])
        except FileNotFoundError:
            print("goes on")
        """
    )
    assert recording.output == b"goes on\n"
    assert recording.of(Executed) == []


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=lambda s: s.name)
@pytest.mark.parametrize(
    "spawn",
    [
        "pid = os.posix_spawn('/bin/sh', ['sh', '-c', 'exit 5'], os.environ)",
        "it = subprocess.Popen(['sh', '-c', 'exit 5']); pid = it.pid",
        "it = subprocess.Popen('exit 5', shell=1, preexec_fn=int); pid = it.pid",
        "pid = os.spawnlp(os.P_NOWAIT, 'sh', 'sh', '-c', 'exit 5')",
    ],
    ids=["posix_spawn", "subprocess", "preexec_fn", "spawnlp"],
)
def test_a_child_that_is_another_program(
    run: Run, spawn: str, schedule: Schedule
) -> None:
    """However it was made: by fork(2), by vfork(2), whoever runs first."""
    recording = run(
        f"""
        import os, subprocess
        {spawn}
        print(os.waitpid(pid, 0)[1] >> 8)
        """,
        schedule=schedule,
    )
    (child,) = recording.root.children
    assert recording.output == b"5\n"
    assert child.argv[:2] == ("sh", "-c") or child.argv[0] == "/bin/sh"
    assert (child.exit_code, child.reaped_by) == (5, recording.root.pid)


def test_a_shell_pipeline(run: Run) -> None:
    """The shell's own children are recorded as its children."""
    recording = run(
        """
        import subprocess
        pipeline = "seq 1 1000 | grep 7 | wc -l"
        print(subprocess.run(pipeline, shell=True, capture_output=True).stdout)
        """
    )
    (shell,) = recording.root.children
    assert recording.output == b"b'271\\n'\n"
    assert [child.argv[0] for child in shell.children] == ["seq", "grep", "wc"]
    assert all(child.reaped_by == shell.pid for child in shell.children)


def test_a_subprocess_that_exceeds_its_time(run: Run) -> None:
    """Subprocess's time limits are of virtual time, and so is the child's sleep."""
    recording = run(
        """
        import subprocess
        try:
            subprocess.run(["sleep", "1000"], timeout=10)
        except subprocess.TimeoutExpired:
            print("too long")
        """
    )
    (child,) = recording.root.children
    assert recording.output == b"too long\n"
    assert child.killed_by == 9
    assert 10 <= recording.duration < 11


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(run: Run, method: str) -> None:
    """A pool of workers, with its threads and semaphores, runs to its end."""
    recording = run(
        f"""
        import multiprocessing
        def square(n):
            return n * n
        if __name__ == "__main__":
            with multiprocessing.get_context({method!r}).Pool(2) as pool:
                print(pool.map(square, range(5)))
        """
    )
    assert recording.output == b"[0, 1, 4, 9, 16]\n"
    assert recording.ended


def test_the_clock_stays_virtual_in_a_new_program(run: Run) -> None:
    """Its vDSO, vdso(7), tells it no real time either."""
    recording = run(
        """
        import subprocess, sys, time
        began = time.time()
        show = "import time; time.sleep(50); print(time.time())"
        later = subprocess.run(
            [sys.executable, "-c", show], stdout=subprocess.PIPE, check=True
        )
        print(50 <= float(later.stdout) - began < 51)
        print(50 <= time.time() - began < 51)
        """
    )
    assert recording.output == b"True\nTrue\n"
