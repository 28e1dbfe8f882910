"""The files of a run that processes can meet in."""

from __future__ import annotations

import os
from collections import Counter, defaultdict

from grader.picture.words import plain
from grader.tracing.recording import FileNamed, Read, Recording, Wrote

# Devices, and what the kernel tells of itself: no process finds another there.
_KERNELS = ("/dev/", "/proc/", "/sys/")


def shared_files(run: Recording) -> dict[str, str]:
    """What the files are called that one process changes and another one touches.

    By their paths. Files that are only read let nobody know of anybody.
    """
    touched: defaultdict[str, set[int]] = defaultdict(set)
    changed = set()
    for event in run.events:
        if isinstance(event, FileNamed):
            path, changes = event.path, event.changes
        elif isinstance(event, Read) and type(event.source) is str:
            path, changes = event.source, False
        elif isinstance(event, Wrote) and type(event.target) is str:
            path, changes = event.target, not event.error
        else:
            continue
        if path.startswith("/") and not path.startswith(_KERNELS):
            touched[path].add(event.pid)
            if changes:
                changed.add(path)
    shared = [
        path for path, pids in touched.items() if path in changed and len(pids) > 1
    ]
    short = Counter(map(os.path.basename, shared))
    return {
        path: plain(
            path if short[os.path.basename(path)] > 1 else os.path.basename(path)
        )
        for path in shared
    }
