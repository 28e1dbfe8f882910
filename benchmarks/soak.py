"""Do for long what the tests and the table of measurements do for a moment.

``verdicts``: system calls are made at random, and the same files graded again and again
on a busy machine. Nothing is lost, and a verdict is always the same. With as many as
are usual it takes an hour or two on two cores.

``kills``: the grader's own processes are killed at random moments. No verdict is wrong,
and nothing is left. Each 200 times take ten minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.essence import Essence, essence
from benchmarks.faults import kill_again_and_again
from benchmarks.timing import SOLUTIONS
from grader.authoring.load import load
from grader.catalog import find_exercises
from grader.cores import cores_for
from grader.course.grading import Began, Done, grade_all, tasks_of
from grader.course.handed_in import Attempt
from grader.course.results import Results
from grader.tracing.launch import Zygote
from grader.tracing.recording import Limit
from tests.hostile.test_fuzz import CALLS, PROGRAMS, calls_at_random

_BUSY = 4
_AT_ONCE = 12


class _Rounds:
    """Notes each verdict as it comes, and tells how far it is."""

    def __init__(self, results: Results, files: Sequence[Path], times: int) -> None:
        self.found: dict[str, Counter[Essence]] = defaultdict(Counter)
        self._results = results
        self._files = len(files)
        self._times = times
        self._done = 0

    def __call__(self, event: Began | Done) -> None:
        if isinstance(event, Began):
            return
        attempt = event.task.attempt
        result = self._results.find(attempt.student, attempt.exercise)
        seen = essence(result.verdict) if result else ("grader-error", ())
        self.found[attempt.file][seen] += 1
        self._done += 1
        if self._done % self._files == 0:
            steady = sum(len(seen) == 1 for seen in self.found.values())
            print(
                f"round {self._done // self._files} of {self._times}: "
                f"{steady} of {len(self.found)} files always the same",
                flush=True,
            )


def _soak(files: Sequence[Path], times: int) -> dict[str, Counter[Essence]]:
    # File by file in each round, so that the same file is graded at different times.
    attempts = [
        Attempt(
            f"round {number}, {file.stem}",
            file.relative_to(SOLUTIONS).parts[0],
            str(file.relative_to(SOLUTIONS)),
            file.read_bytes(),
        )
        for number in range(times)
        for file in files
    ]
    with tempfile.TemporaryDirectory() as folder, load(_BUSY):
        results = Results(Path(folder))
        tasks = tasks_of(attempts, find_exercises(), results)
        rounds = _Rounds(results, files, times)
        grade_all(tasks, results, cores=cores_for(_AT_ONCE), progress=rounds)
        return rounds.found


def _report(what: str, found: dict[str, Counter[Essence]], began: float) -> int:
    total = sum(sum(seen.values()) for seen in found.values())
    unsteady = {file: seen for file, seen in found.items() if len(seen) > 1}
    seconds = time.monotonic() - began
    print(
        f"{what}: {len(found)} files, {total} gradings in {seconds:.0f} s "
        f"beside {_BUSY} busy processes; {len(unsteady)} files with changing verdicts"
    )
    for file, seen in unsteady.items():
        print(f"  {file}")
        for one, count in seen.most_common():
            print(f"    {count} x {one}")
    return len(unsteady)


def _calls_at_random(count: int) -> int:
    """Make system calls at random; how many programs the tracer did not see end."""
    began = time.monotonic()
    bad = 0
    programs = -(-count // CALLS)
    with Zygote() as zygote:
        # Others than in the tests.
        for seed in range(PROGRAMS, PROGRAMS + programs):
            try:
                exceeded = calls_at_random(zygote, seed).exceeded
            except Exception as error:
                print(f"  seed {seed}: {type(error).__name__}: {error}")
            else:
                # What is printed at random may be much, and nothing is to take long.
                if exceeded in (None, Limit.OUTPUT):
                    continue
                print(f"  seed {seed}: {exceeded}")
            bad += 1
    seconds = time.monotonic() - began
    print(f"{programs * CALLS} calls at random in {seconds:.0f} s; {bad} programs lost")
    return bad


def main() -> int:
    """Print what was found; 1 where a verdict was not always the same, or not full."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whats = parser.add_subparsers(dest="what", metavar="verdicts|kills")
    verdicts = whats.add_parser("verdicts")
    add = partial(verdicts.add_argument, type=int)
    add("--calls", default=500_000, metavar="N", help="made at random (%(default)s)")
    often = "times that each reference is graded (%(default)s)"
    add("--right", default=200, metavar="N", help=often)
    often = "times that each wrong answer is graded (%(default)s)"
    add("--wrong", default=20, metavar="N", help=often)
    kills = whats.add_parser("kills")
    add = partial(kills.add_argument, type=int)
    add("--times", default=200, metavar="N", help="for each process (%(default)s)")
    add("--seed", default=2026, metavar="N", help="of the moments (%(default)s)")
    options = parser.parse_args()
    if options.what is None:
        parser.print_help()
        return 0
    if options.what == "kills":
        return min(kill_again_and_again(options.times, options.seed), 1)
    bad = _calls_at_random(options.calls)

    if options.right:
        began = time.monotonic()
        references = sorted(SOLUTIONS.glob("exercise*/exercise*.py"))
        right = _soak(references, options.right)
        bad += _report("references", right, began)
        for file, seen in right.items():
            for one, count in seen.items():
                if one[0] != "full":
                    print(f"  {file} did not get full marks {count} times")
                    bad += 1

    if options.wrong:
        began = time.monotonic()
        wrong = _soak(sorted(SOLUTIONS.glob("*/wrong/*.py")), options.wrong)
        bad += _report("wrong answers", wrong, began)
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())
