"""Recordings that the checks of one submission share.

The same program with the same arguments under the same schedule does the same, so it
is run once. Each check has a process of its own, and recordings go from one to the
other through a file in memory, memfd_create(2), that all of them have open. Entries
are appended to it whole: a length, a digest of what was run, a seal, the recording.

A submission that runs as root can open that file by its name below /proc. So nothing
of it is unpickled whose seal, a MAC with a secret of the processes that share it, is
not right; what somebody changed is run again. The secret is never in a process that
submissions are forked from. It is no help against a submission that reads or writes
the memory of its tracer, as root may where nothing confines it.
"""

from __future__ import annotations

import fcntl
import hmac
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

_LENGTH = 8
_DIGEST = 16
_SEAL = 32
_HEAD = _LENGTH + _DIGEST + _SEAL

# A long recording takes longer to pass on than another run of its program.
_MOST_EVENTS = 1000


class Shelf:
    """Recordings by what was run. Several processes may use it at once."""

    def __init__(self) -> None:
        self._file = os.memfd_create("recordings", os.MFD_CLOEXEC)
        fcntl.fcntl(self._file, fcntl.F_SETFL, os.O_APPEND)
        self._secret = os.urandom(32)

    @contextmanager
    def making(self, what: object) -> Iterator[None]:
        """While one process makes that run, others wait for it, fcntl(2)."""
        place = int.from_bytes(_digest(what)[:7], "little")
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, place)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)

    def find(self, what: object) -> object:
        """What is known of that run, None for nothing; ``repr`` tells runs apart."""
        digest = _digest(what)
        place, end = 0, os.fstat(self._file).st_size
        while place + _HEAD < end:
            head = os.pread(self._file, _HEAD, place)
            place += len(head)
            length = int.from_bytes(head[:_LENGTH], "little")
            if place + length > end:
                return None  # somebody is still writing it
            if head[_LENGTH:][:_DIGEST] == digest:
                data = os.pread(self._file, length, place)
                if hmac.compare_digest(head[-_SEAL:], self._seal(digest, data)):
                    known: object = pickle.loads(data)
                    return known
            place += length
        return None

    def put(self, what: object, known: object, events: int) -> None:
        """Keep what is known of that run, unless it has too many events for that."""
        if events > _MOST_EVENTS:
            return
        try:
            data = pickle.dumps(known, pickle.HIGHEST_PROTOCOL)
        except RecursionError:
            return  # generations of processes that are as deep as nobody's stack
        digest = _digest(what)
        head = len(data).to_bytes(_LENGTH, "little") + digest
        os.write(self._file, head + self._seal(digest, data) + data)

    def close(self) -> None:
        os.close(self._file)

    def _seal(self, digest: bytes, data: bytes) -> bytes:
        return hmac.digest(self._secret, digest + data, "sha256")


def _digest(what: object) -> bytes:
    return blake2b(repr(what).encode(), digest_size=_DIGEST).digest()
