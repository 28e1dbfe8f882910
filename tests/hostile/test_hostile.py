"""Hostile programs, graded one after the other as those of a class are.

Each is graded by the same zygote as the one before it, and after each of them the
reference gets full marks. With FORKLAB_WITHOUT_LANDLOCK in the environment the grader
finds none, as on a kernel that is older than it.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

from grader.catalog import Exercise
from grader.course.bench import Bench
from grader.course.handed_in import Attempt
from grader.exploring.orders import Orders
from grader.tracing import ptrace
from grader.verdict import Verdict
from tests.hostile import leftovers
from tests.hostile.attacks import MARK, Attack, attacks
from tests.hostile.bystander import Bystander
from tests.hostile.course import LIMITS, ROOT, SECRET, make_course, told

REFERENCE = (ROOT / "solutions" / "exercise1" / "exercise1.py").read_bytes()

# How much longer than its limit a run may hold a check, in seconds of real time.
MORE = 1.0

# How much is searched is no matter here.
_FEW = Orders(runs=2)

# After so many seconds of real time a grading is ended, and the test has failed.
_PATIENCE = 40.0


@contextmanager
def _no_longer_than(seconds: float) -> Iterator[None]:
    """Raises ``TimeoutError`` after so many seconds of real time."""

    def end(*_: object) -> NoReturn:
        raise TimeoutError(f"it was not over after {seconds:.0f} seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Range:
    """Where programs are shot at the grader: a course, a bench, and a look around."""

    def __init__(self, folder: Path, bystander: Bystander) -> None:
        self.course, self._class = folder / "course", folder / "class"
        self.home, self.temporary = folder / "home", folder / "temporary"
        for place in (self._class / "ada", self.home, self.temporary):
            place.mkdir(parents=True)
        (self._class / "ada" / "exercise1.py").write_text(f"# {SECRET}\n")
        (self.home / "secret").write_text(SECRET)
        (self.home / "secret.sh").write_text(f"#!/bin/sh\necho {SECRET}\n")
        (self.home / "says.sh").write_text(f"#!/bin/echo {SECRET}\n")
        for script in ("secret.sh", "says.sh"):
            (self.home / script).chmod(0o755)
        self.exercise: Exercise = make_course(self.course)
        self._bench = Bench(None)
        self.bystander = bystander
        self._others = {*leftovers.descendants(os.getpid())}  # of other tests

    def shoot(self, attack: Attack) -> Verdict:
        """Grade a program."""
        places = {
            "COURSE": self.course,
            "CLASS": self._class,
            "HOME": self.home,
            "MARK": MARK,
            "BYSTANDER": self.bystander.pid,
        }
        return self.grade(attack.aimed(places))

    def grade(self, source: bytes) -> Verdict:
        attempt = Attempt("ada", "exercise1", "exercise1.py", source)
        try:
            with _no_longer_than(_PATIENCE):
                return self._bench.grade(attempt, self.exercise, _FEW)
        except TimeoutError:
            self.start_again()
            raise

    def grades_right(self) -> bool:
        """Whether the reference gets all that a program can earn here."""
        verdict = self.grade(REFERENCE)
        right = verdict.score == verdict.max_score - 1 and verdict.trouble == ""
        if not right:
            self.start_again()
        return right

    def start_again(self) -> None:
        """What is broken is not to spoil the tests that follow."""
        self.close()
        self._bench = Bench(None)

    def close(self) -> None:
        """End the bench, whatever it is doing."""
        self._bench.__exit__()

    def files(self) -> dict[str, bytes]:
        """All files of the grader's, and what is in them."""
        return {
            str(file): file.read_bytes()
            for place in (self.course, self._class, self.home)
            for file in place.rglob("*")
            if file.is_file()
        }

    def left(self, before: dict[str, bytes]) -> list[object]:
        """What is there that was not there `before`; it is taken away."""
        found: list[object] = []
        shared = [Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path.cwd()]
        paths = [*leftovers.marked(shared), *self.temporary.iterdir()]
        objects = leftovers.kernel_objects()
        leftovers.remove(objects)
        for path in paths:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        found += [*paths, *objects]
        after = self.files()
        changed = [
            f for f in before.keys() | after.keys() if before.get(f) != after.get(f)
        ]
        for file in changed:
            if file in before:
                Path(file).write_bytes(before[file])
            else:
                Path(file).unlink()
        found += changed
        # The bench's zygotes and worker have no children between two gradings.
        bench = [zygote.pid for zygote in self._bench._zygotes.values()]
        bench += [worker.pid for worker in self._bench._workers.values()]
        leftovers.reap_dead(bench)
        escaped = {*leftovers.descendants(os.getpid())} - {*bench, *self._others}
        found += [leftovers.told(pid) for pid in escaped]
        leftovers.end([*escaped])
        return found


AnyRange = TypeVar("AnyRange", bound=Range)


@contextmanager
def opened(
    folder: Path, of: type[AnyRange], *, landlock: bool = True
) -> Iterator[AnyRange]:
    """One for all programs, in an empty folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder / "temporary"))
        patch.setenv("FORKLAB_SECRET", SECRET)
        patch.setenv("HOME", str(folder / "home"))
        if not landlock:
            patch.setattr(ptrace, "landlock_version", lambda: 0)
        ptrace.adopt_orphans()  # whatever escapes becomes a child of this process
        with Bystander(SECRET) as bystander:
            found = of(folder, bystander)
            try:
                assert found.grades_right()
                yield found
            finally:
                found.close()


@pytest.fixture(scope="module")
def hostile_range(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    """One with Landlock, or without it."""
    landlock = not os.environ.get("FORKLAB_WITHOUT_LANDLOCK")
    with opened(tmp_path_factory.mktemp("range"), Range, landlock=landlock) as found:
        yield found


def check(place: Range, attack: Attack) -> Verdict:
    """It earns, reaches and leaves nothing, and the next one is graded right."""
    before = place.files()
    verdict = place.shoot(attack)
    left = place.left(before)
    still_right = place.grades_right()

    assert place.bystander.is_unharmed()
    assert left == []
    assert still_right
    assert attack.may_trouble or verdict.trouble == ""
    if verdict.trouble:
        return verdict
    run = told(verdict)
    assert "LOOT" not in run.output, run.output
    assert SECRET not in run.output
    passed = {c.id for c in verdict.checks if c.earned}
    assert passed <= attack.earned
    ids = {finding.id for finding in verdict.all_findings}
    if attack.expected:
        assert ids & attack.expected, run
    return verdict


@pytest.mark.parametrize("attack", attacks(), ids=str)
def test_attack(hostile_range: Range, attack: Attack) -> None:
    """It does no harm, and holds no check for longer than that may last."""
    began = time.monotonic()
    verdict = check(hostile_range, attack)
    took = time.monotonic() - began

    if not verdict.trouble:
        run = told(verdict)
        assert run.seconds < LIMITS.real_seconds + MORE, run
    assert took < len(verdict.checks) * (LIMITS.real_seconds + MORE)


def test_what_does_nothing_earns_nothing(hostile_range: Range) -> None:
    """So no attack can earn a point but by doing what a check asks for."""
    for source in (b"pass\n", b"import os\nos._exit(0)\n"):
        assert hostile_range.grade(source).score == 0


def test_all_say_what_they_attack() -> None:
    """There are sixty at least."""
    assert len({attack.promise for attack in attacks()}) >= 60
