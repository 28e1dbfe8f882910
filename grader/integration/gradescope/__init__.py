"""``grade gradescope build``: an autograder that Gradescope can run.

The archive holds forklab as it is here, the versions of the packages that it uses here,
and a course with just the exercises that are to be graded, without solutions.
"""

from __future__ import annotations

import importlib.metadata
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader import __file__ as init_file
from grader.catalog import Exercise
from grader.course.parcel import packed
from grader.errors import GraderError

_HERE = Path(__file__).parent
_PACKAGE = Path(init_file).parent

# What Gradescope asks for by these names, and runs.
_SCRIPTS = ("setup.sh", "run_autograder")

_NOT_SHIPPED = {"__pycache__", "exercises"}  # the exercises lie in their course
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a zip archive can say
_REGULAR, _EXECUTABLE = 0o100644, 0o100755


def archive(exercises: Sequence[Exercise]) -> bytes:
    """The archive; the same bytes for the same content.

    Raises `GraderError` where forklab, or a package that it needs, is not installed in
    the usual way, so that nobody knows its version.
    """
    files = {
        **{name: (_HERE / name).read_bytes() for name in _SCRIPTS},
        "requirements.txt": "".join(f"{line}\n" for line in pins()).encode(),
        **{f"grader/{path}": data for path, data in _package()},
        **{f"course/{path}": data for path, data in packed(exercises).items()},
    }
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as file:
        for name in sorted(files):
            about = zipfile.ZipInfo(name, _EARLIEST)
            about.create_system = 3  # Unix, wherever this is
            about.external_attr = (_EXECUTABLE if name in _SCRIPTS else _REGULAR) << 16
            about.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(about, files[name])
    return output.getvalue()


def _package() -> Iterator[tuple[str, bytes]]:
    for path in sorted(_PACKAGE.rglob("*")):
        inside = path.relative_to(_PACKAGE)
        if path.is_file() and not _NOT_SHIPPED & set(inside.parts):
            yield str(inside), path.read_bytes()


def pins() -> list[str]:
    """The packages that forklab uses, in the versions that are installed here."""
    from packaging.requirements import Requirement

    found: dict[str, str] = {}
    waiting = [Requirement("forklab")]
    while waiting:
        wanted = waiting.pop()
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        if name in found:
            continue
        try:
            distribution = importlib.metadata.distribution(wanted.name)
        except importlib.metadata.PackageNotFoundError as error:
            raise GraderError(
                f"{wanted.name} is not installed here, so its version is not known: "
                "install forklab with pip, and build again"
            ) from error
        found[name] = f"{name}=={distribution.version}"
        for text in distribution.requires or ():
            needed = Requirement(text)
            extras = [{"extra": extra} for extra in ("", *wanted.extras)]
            if needed.marker is None or any(map(needed.marker.evaluate, extras)):
                waiting.append(needed)
    del found["forklab"]
    return sorted(found.values())
