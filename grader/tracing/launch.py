"""Starting the zygote, and asking it for processes."""

from __future__ import annotations

import contextlib
import marshal
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from grader.tracing import ptrace, syscalls
from grader.tracing.children import end_child, fork
from grader.tracing.confinement import common_rules, forklab_closed
from grader.tracing.errors import SEE_DOCTOR, TracingError, TracingRefused
from grader.tracing.lines import Interpreter
from grader.tracing.looking import hide_vdso
from grader.tracing.zygote import PLACES, SWEEP, Job

# Isolated and without site packages: what a submission finds in memory is the
# standard library, whatever is installed beside forklab.
_BOOT = """\
import sys
control, root = int(sys.argv[1]), sys.argv[2]
parts = [*map(bytes.fromhex, sys.argv[3:11])]
imports = sys.argv[11:]
sys.path.insert(0, root)
from grader.tracing.zygote import serve
sys.path.remove(root)
serve(control, parts[:4], parts[4:7], parts[7], imports)()
"""

# The whole environment of a submission. PYTHONUNBUFFERED, for one, would hide the
# mistakes that exercise 1 is about.
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "TERM": "xterm",
    "HOME": "/nonexistent",
    # The order of a set of strings is not a matter of luck.
    "PYTHONHASHSEED": "0",
}

_KILLED = "the zygote was killed as it started"


class Zygote:
    """A warm interpreter, ready to be forked.

    A context manager; closing it ends the process. It has no vDSO, vdso(7): every
    look at a clock is a system call that the tracer can answer, or see `timepage`. What
    its programs execute has one, see `looking`.
    """

    def __init__(self, imports: Sequence[str] = ()) -> None:
        """Start the interpreter, for programs that begin with these `imports`.

        Raises `TracingRefused` where this machine does not permit ptrace(2), and
        `TracingError` where the interpreter is killed meanwhile.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        try:
            with theirs:
                self.pid = _start(theirs.fileno(), imports)
        except BaseException:
            ours.close()
            raise
        self._core: int | None = None
        self._interpreter: Interpreter | None = None

    @classmethod
    def shared(cls, pid: int, descriptor: int) -> Zygote:
        """A zygote that another process started; one at a time may ask it."""
        zygote = cls.__new__(cls)
        zygote.pid = pid
        zygote._socket = socket.socket(fileno=descriptor)
        zygote._core = None
        zygote._interpreter = None
        return zygote

    @property
    def descriptor(self) -> int:
        """What it is asked through: to be passed on, for `shared`."""
        return self._socket.fileno()

    def settle(self, cores: set[int]) -> int:
        """Bind the zygote, and so its programs, to one of `cores`; which one.

        The same one each time, as far as that is among them: what a program needs is
        in that core's caches.
        """
        if self._core not in cores:
            with open("/proc/thread-self/stat", "rb") as file:
                self._core = int(file.read().rpartition(b") ")[2].split()[36])
            with contextlib.suppress(OSError):
                os.sched_setaffinity(self.pid, {self._core})
        return self._core

    def spawn(self, job: Job, descriptors: list[int]) -> int:
        """Fork a process for `job`; its pid.

        `descriptors` are its standard streams, a pipe, and the page of its clock:
        the process starts when it reads a byte in the pipe.
        """
        try:
            answer = self._ask(job, descriptors)
        except (OSError, ValueError, EOFError) as error:
            raise TracingError(f"the zygote has ended: {error}") from error
        if isinstance(answer, str):
            raise TracingError(f"no process could be made: {answer}")
        return int(answer)

    def _ask(self, job: Job | tuple[str], descriptors: Sequence[int] = ()) -> Any:
        """Ask the zygote, and wait for its answer to that and to nothing earlier."""
        number = int.from_bytes(os.urandom(4))
        question = marshal.dumps((number, job))
        socket.send_fds(self._socket, [question], list(descriptors))
        while True:
            to, answer = marshal.loads(self._socket.recv(1 << 16))
            if to == number:
                return answer

    def busy_for(self) -> float:
        """How long the program that was forked from it has been there, in seconds.

        It is 0.0 where there is none, between two runs.
        """
        began: list[int] = []
        with contextlib.suppress(OSError):
            listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
            for pid in listed.split():
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
                began.append(int(fields.split()[19]))
        if not began:
            return 0.0
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        return max(0.0, now - min(began) / os.sysconf("SC_CLK_TCK"))

    def sweep(self) -> int:
        """End and reap whatever is left of earlier programs; how many there were."""
        try:
            return int(self._ask(SWEEP))
        except (OSError, ValueError, EOFError) as error:
            raise TracingError(f"the zygote has ended: {error}") from error

    def interpreter(self) -> Interpreter:
        """Where in its programs' memory their lines are read from."""
        if self._interpreter is None:
            try:
                self._interpreter = Interpreter(*self._ask(PLACES))
            except (OSError, ValueError, EOFError) as error:
                raise TracingError(f"the zygote has ended: {error}") from error
        return self._interpreter

    def close(self) -> None:
        """End the zygote, and with it every process forked from it."""
        self._socket.close()
        with contextlib.suppress(ChildProcessError, ProcessLookupError):
            end_child(self.pid)

    def __enter__(self) -> Zygote:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def check_interpreter() -> None:
    """Raises `TracingRefused` where whoever grades may run Python and not read it.

    The kernel hides the memory of such a process, execve(2), also from its tracer.
    """
    if not os.access(sys.executable, os.R_OK):
        raise TracingRefused(
            f"the user who grades cannot read {sys.executable}, and a program that is "
            "run by what cannot be read cannot be observed; permit it, there and in "
            "the folders above, with `chmod a+rX`, or use forklab with a Python that "
            "everybody may read"
        )


def _start(control: int, imports: Sequence[str]) -> int:
    check_interpreter()
    root = str(Path(__file__).parents[2])
    # Not -I, which would ignore the environment, and PYTHONHASHSEED with it.
    argv = [sys.executable, "-P", "-s", "-S", "-c", _BOOT, str(control), root]
    # In the order in which `zygote` counts them.
    filters = (
        syscalls.filter_program(fine=fine, keeps=keeps)
        for keeps in (False, True)
        for fine in (False, True)
    )
    rules = marshal.dumps((common_rules(), forklab_closed()))
    clock = syscalls.CLOCK_FUNCTION, syscalls.JUMP, syscalls.NOTE_CALLERS
    parts = *filters, *clock, rules
    argv += [*(part.hex() for part in parts), *imports]
    os.set_inheritable(control, True)
    maker = os.getpid()
    pid = fork()  # the child only calls ptrace and exec
    if pid == 0:
        _exec_traced(argv, control, maker)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        raise TracingError(_KILLED)
    if not os.WIFSTOPPED(status):
        raise TracingRefused(
            "this machine does not permit ptrace(2), so nothing can be observed"
            + SEE_DOCTOR
        )
    try:
        hide_vdso(pid)
        ptrace.detach(pid)
    except (ProcessLookupError, FileNotFoundError) as error:
        os.waitpid(pid, 0)
        raise TracingError(_KILLED) from error
    return pid


def _exec_traced(argv: list[str], control: int, maker: int) -> None:
    try:
        # Whoever adopted it would be its tracer, and would not know.
        ptrace.end_with_parent()
        if os.getppid() != maker:
            os._exit(126)
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.closerange(3, control)
        os.closerange(control + 1, 1 << 16)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        ptrace.trace_me()
        os.execve(argv[0], argv, _ENVIRONMENT)
    finally:
        os._exit(126)
