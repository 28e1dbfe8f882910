"""The command ``grade``, which is also ``python -m grader``.

A worker that will be needed is forked before anything else is loaded: it loads what the
checks need while this process loads what it needs itself. So little is imported here.
"""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from grader.worker import Worker


def command() -> NoReturn:
    """Do what `cli.main` does, in a process that ends with it.

    Ctrl+C ends it with one line at any moment, also while it loads its modules.
    """
    process = os.getpid()
    try:
        status = _done()
    except KeyboardInterrupt:
        if os.getpid() != process:  # a worker that had not yet begun to be one
            os._exit(130)
        status = _interrupted()
    # To take apart all that was loaded would take longer than to print a verdict.
    os._exit(status)


def _done() -> int:
    """Do it; the exit status. Raises `KeyboardInterrupt`."""
    gc.disable()  # a command makes little garbage, and ends soon
    _open_closed_streams()
    if "_ARGCOMPLETE" in os.environ and "COMP_LINE" in os.environ:
        from grader.completing import answer

        answer()
    from grader import ending

    worker: Worker | None = None
    try:
        ending.listen()
        worker = _worker(sys.argv[1:])
        from grader.cli import main

        ending.check()  # what came while modules were loaded may have been dropped
        status = main(worker=worker)
    except SystemExit as ended:  # help was shown, or words were wrong
        status = int(ended.code or 0)
    except ending.Ended as ended:
        status = 128 + ended.number
    finally:
        if worker is not None:
            worker.end()
    from contextlib import suppress

    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    return status


def _interrupted() -> int:
    """Say what `cli.main` says where it is interrupted; the exit status."""
    from contextlib import suppress

    with suppress(OSError):
        os.write(2, b"grade: interrupted; nothing was left running\n")
    return 130


def _worker(arguments: list[str]) -> Worker | None:
    if not arguments or not arguments[0].startswith("exercise"):
        return None
    from grader.worker import Worker

    return Worker()


def _open_closed_streams() -> None:
    """A standard stream that is closed would be the next file that is opened."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # to the end


if __name__ == "__main__":
    command()
