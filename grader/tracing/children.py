"""Making and ending child processes, fork(2) and wait(2); it imports little."""

from __future__ import annotations

import os
import select
import signal
import warnings


def fork() -> int:
    """Fork this process; the child's pid, and 0 in the child.

    The child goes on in this thread alone: it is for children that need no lock that
    another thread may hold, such as that of a progress bar.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def end_child(pid: int, patience: float = 5.0) -> None:
    """Wait until a child has ended; after `patience` seconds it is killed, kill(2).

    Raises ``ChildProcessError`` or ``ProcessLookupError`` where it is no child of ours.
    """
    ended = os.pidfd_open(pid)
    try:
        if not select.select([ended], [], [], patience)[0]:
            os.kill(pid, signal.SIGKILL)
    finally:
        os.close(ended)
    os.waitpid(pid, 0)
