"""A process of the user who grades, at which hostile programs may aim.

It has a session of its own, a secret in its environment, and a pipe and a socket, in
which nothing may arrive.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType

# It hides as the processes do that grade.
_SLEEPS = """\
import sys
from grader.tracing.ptrace import hide_memory
hide_memory()
print(flush=True)
sys.stdin.read()
"""


class Bystander:
    """A context manager; `pid` is the process."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._start()

    def _start(self) -> None:
        self._read_end, write_end = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SLEEPS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[write_end],
            env={"FORKLAB_SECRET": self._secret, "PATH": os.environ["PATH"]},
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
        os.close(write_end)
        assert self._process.stdout
        self._process.stdout.read(1)  # it has hidden by now
        self.pid = self._process.pid

    def is_unharmed(self) -> bool:
        """Whether it lives, sleeps, and nobody has written where it could.

        If not, there is another one afterwards.
        """
        assert self._process.stdout
        ours = (self._read_end, self._process.stdout.fileno())
        arrived, _, _ = select.select(ours, (), (), 0)
        with open(f"/proc/{self.pid}/stat", "rb") as file:
            state = file.read().rpartition(b") ")[2][:1]
        if not arrived and state == b"S":
            return True
        self.close()
        self._start()
        return False

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream
            stream.close()
        os.close(self._read_end)

    def __enter__(self) -> Bystander:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
