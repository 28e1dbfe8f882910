"""What the checks of one submission share: recordings, and where it spins.

The same program with the same arguments under the same schedule does the same, so it
is run once. Recordings go from one check to the other through a file in memory,
memfd_create(2), that all their processes have open: so each has a copy of its own,
whatever it does to it. Entries are appended to it whole: a length, a digest of what was
run, a seal, the recording.

A submission that runs as root can open that file by its name below /proc. So nothing
of it is unpickled whose seal, a MAC with a secret of the processes that share it, is
not right; what somebody changed is run again. The secret is never in a process that
submissions are forked from. It is no help against a submission that reads or writes
the memory of its tracer, as root may where nothing confines it.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from secrets import compare_digest

from grader.tracing.spinning import Spun

_LENGTH = 8
_DIGEST = 16
_SEAL = 32
_HEAD = _LENGTH + _DIGEST + _SEAL

# Even a recording of many events is passed on in a tenth of the time that another run
# takes, so only memory sets a limit: that of all recordings together, in bytes.
_MOST_BYTES = 32 << 20


class Shelf:
    """Recordings by what was run. Several processes may use it at once."""

    def __init__(self) -> None:
        self._file = os.memfd_create("recordings", os.MFD_CLOEXEC)
        fcntl.fcntl(self._file, fcntl.F_SETFL, os.O_APPEND)
        self._secret = os.urandom(32)
        self._seen = 0  # so many of its bytes were looked through
        self._places: defaultdict[bytes, list[tuple[int, int]]] = defaultdict(list)

    @contextmanager
    def making(self, what: object) -> Iterator[float]:
        """While one process makes that run, others wait for it, fcntl(2).

        How long this one has waited, in seconds.
        """
        place = int.from_bytes(_digest(what)[:7], "little")
        began = time.monotonic()
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, place)
        try:
            yield time.monotonic() - began
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)

    def find(self, what: object) -> object:
        """What is known of that run, None for nothing; ``repr`` tells runs apart."""
        data = self._find(what)
        if data is None:
            return None
        known: object = pickle.loads(data)
        return known

    def put(self, what: object, known: object) -> None:
        """Keep what is known of that run, unless there is no more room."""
        try:
            data = pickle.dumps(known, pickle.HIGHEST_PROTOCOL)
        except RecursionError:
            return  # generations of processes that are as deep as nobody's stack
        if os.fstat(self._file).st_size + len(data) <= _MOST_BYTES:
            self._put(what, data)

    def spun(self, start: object) -> Spun:
        """Where the program spins that was started so, in any of its runs."""
        return _Spun(self, start)

    def _find(self, what: object) -> bytes | None:
        digest = _digest(what)
        self._look_through()
        for place, length in self._places.get(digest, ()):
            found = os.pread(self._file, _SEAL + length, place)
            seal, data = found[:_SEAL], found[_SEAL:]
            if compare_digest(seal, self._seal(digest, data)):
                return data
        return None

    def _look_through(self) -> None:
        """Note where the entries are that have come since this was last done."""
        end = os.fstat(self._file).st_size
        while self._seen + _HEAD <= end:
            head = os.pread(self._file, _HEAD, self._seen)
            length = int.from_bytes(head[:_LENGTH], "little")
            next_one = self._seen + _HEAD + length
            if next_one > end:
                break  # somebody is still writing it
            place = next_one - length - _SEAL
            self._places[head[_LENGTH:-_SEAL]].append((place, length))
            self._seen = next_one

    def _put(self, what: object, data: bytes) -> None:
        digest = _digest(what)
        head = len(data).to_bytes(_LENGTH, "little") + digest
        os.write(self._file, head + self._seal(digest, data) + data)

    def close(self) -> None:
        os.close(self._file)

    def _seal(self, digest: bytes, data: bytes) -> bytes:
        # Not one of OpenSSL's: to look that up takes longer than to make the seal.
        return blake2b(
            data, key=self._secret, person=digest, digest_size=_SEAL
        ).digest()


@dataclass(frozen=True, slots=True)
class _Spun:
    """Moments as entries of a shelf, with nothing in them."""

    shelf: Shelf
    start: object

    def knows(self, moment: bytes) -> bool:
        return self.shelf._find(("spun", self.start, moment)) is not None

    def note(self, moment: bytes) -> None:
        self.shelf._put(("spun", self.start, moment), b"")

    def got_nowhere_until(self, moment: bytes) -> int | None:
        found = self.shelf._find(("nowhere", self.start, moment))
        return None if found is None else int.from_bytes(found, "little")

    def note_nowhere(self, moment: bytes, until: int) -> None:
        data = until.to_bytes(8, "little")
        self.shelf._put(("nowhere", self.start, moment), data)

    def has_looped(self, number: int) -> bool:
        return self.shelf._find(("looped", number)) is not None

    def note_loop(self, number: int) -> None:
        self.shelf._put(("looped", number), b"")


def _digest(what: object) -> bytes:
    return blake2b(repr(what).encode(), digest_size=_DIGEST).digest()
