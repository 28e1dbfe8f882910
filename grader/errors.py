"""What can go wrong with the grader itself, or with how it was called.

    GraderError         the grader could not do its work: exit status 3
      CatalogError      an exercise's folder breaks a rule
    UsageError          it was called in a way that it cannot serve: exit status 2

What is wrong with a submission is never an error: it is a finding.
"""

from __future__ import annotations

import errno

_CURES = {
    errno.EACCES: "change its permissions, or name another place",
    errno.EPERM: "change its permissions, or name another place",
    errno.EROFS: "name a place that can be written",
    errno.ENOSPC: "make room there, or name another place",
    errno.EDQUOT: "make room there, or name another place",
    errno.EFBIG: "raise the limit on the size of files, `ulimit -f`",
    errno.EEXIST: "name another place",
    errno.EISDIR: "name a file in it",
    errno.ENOTDIR: "name a place whose folders are folders",
    errno.ENOENT: "see whether it was moved or removed",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "see where the links lead",
}

# Nobody's choice of a folder is to blame for these.
_FAILURES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class GraderError(Exception):
    """The grader could not do its work."""


class CatalogError(GraderError):
    """An exercise's folder breaks a rule; the message names file and cure."""


class UsageError(Exception):
    """The grader was called in a way that it cannot serve."""


def with_cure(error: OSError) -> str:
    """What the system says of an error, and what to do about it."""
    said = error.strerror or str(error)
    cure = _CURES.get(error.errno or 0)
    return f"{said}; {cure}" if cure else said


def unwritable(error: OSError, folder: object) -> UsageError | GraderError:
    """What there is to say where a folder, or a file in it, could not be written."""
    what = f"{error.filename or folder} cannot be written: "
    if error.errno in _FAILURES:
        return GraderError(what + with_cure(error))
    return UsageError(f"{what}{error.strerror}; name another folder")
