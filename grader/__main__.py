"""The command ``grade``, which is also ``python -m grader``.

A worker that will be needed is forked before anything else is loaded: it loads what the
checks need while this process loads what it needs itself. So little is imported here.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from grader.worker import Worker


def command() -> NoReturn:
    """Do what `cli.main` does, in a process that ends with it."""
    gc.disable()  # a command makes little garbage, and ends soon
    _open_closed_streams()
    if "_ARGCOMPLETE" in os.environ and "COMP_LINE" in os.environ:
        from grader.completing import answer

        answer()
    worker = _worker(sys.argv[1:])
    try:
        from grader.cli import main

        status = main(worker=worker)
    except SystemExit as ended:  # help was shown, or words were wrong
        status = int(ended.code or 0)
    finally:
        if worker is not None:
            worker.end()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    # To take apart all that was loaded would take longer than to print a verdict.
    os._exit(status)


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
